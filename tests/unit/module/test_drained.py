# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the drained servers of a host, as modules that look for servers tell them."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.brief import drained_servers, sentence
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.notes import Note, NoteBook, key_in, new_note
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import ServerRecords
from ansible_collections.fleetops.odoo.plugins.module_utils._module.drained import drained_here
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import Look, look
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.find import SupervisorKind
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.hold import Hold
from ansible_collections.fleetops.odoo.plugins.module_utils._system.clock import Clock
from ansible_collections.fleetops.odoo.plugins.modules import roll_look

from ..scene import PREFORK_19, Scene

#: 2026-11-30T10:20:00Z
THEN = 1796034000.0
TOLD = {"server": "odoo.service", "pid": 999999, "at": "2026-11-30T10:20:00Z", "by": "anna on ctl"}


class Failed(Exception):
    pass


class Module:
    """A module that raises its failure."""

    def __init__(self, match: dict[str, t.Any] | None = None, *, allow_none: bool = False) -> None:
        self.params = {"match": match or {}, "allow_none": allow_none}

    def fail_json(self, **result: t.Any) -> t.NoReturn:
        raise Failed(result["code"], result["msg"])


class Stage:
    """A host with a server, its note, and a look."""

    def __init__(self, tmp_path: pathlib.Path) -> None:
        scene = Scene("19-prefork", [PREFORK_19[0]], tmp_path / "proc")
        self.host = Host(scene, Clock(), ServerRecords(str(tmp_path / "state")))
        self.host.store.open()
        self.running = look(scene)
        self.nothing = dataclasses.replace(self.running, instances=())
        note = new_note(self.running, self.running.instances[0], Hold(SupervisorKind.SYSTEMD), THEN - 9)
        self.note = dataclasses.replace(
            note, unit="odoo.service", pid=999999, start=1, sent=5.0, drained=THEN, by="anna on ctl"
        )

    def here(self, seen: Look, match: dict[str, t.Any] | None = None, **more: t.Any) -> list[dict[str, t.Any]]:
        """Write the note, changed, and return what a module finds."""
        NoteBook(self.host.store).write(dataclasses.replace(self.note, **more))
        return drained_here(t.cast("t.Any", Module(match)), self.host, seen)


@pytest.fixture
def on(tmp_path: pathlib.Path) -> Stage:
    """Make a stage."""
    return Stage(tmp_path)


def test_a_drained_server_is_told_with_time_and_owner(on: Stage) -> None:
    assert on.here(on.nothing) == [TOLD]
    assert on.here(on.nothing, {"unit": "odoo.service"}) == [TOLD]
    assert on.here(on.nothing, {"unit": "other.service"}) == []
    assert sentence(TOLD) == "odoo.service (pid 999999) was drained at 2026-11-30T10:20:00Z by anna on ctl"
    assert sentence({**TOLD, "by": ""}) == "odoo.service (pid 999999) was drained at 2026-11-30T10:20:00Z"


def test_a_server_in_its_place_or_of_an_earlier_boot_is_not_drained(on: Stage) -> None:
    assert on.note.key == key_in(on.running, on.running.instances[0])
    assert on.here(on.running) == []
    assert on.here(on.nothing, boot="another") == []


def test_a_drain_whose_end_no_call_has_seen_counts_from_its_begin(on: Stage) -> None:
    assert on.here(on.nothing, drained=None)[0]["at"] == "2026-11-30T10:19:51Z"
    assert on.here(on.nothing, drained=None, sent=None) == []
    master = on.running.instances[0].master
    assert on.here(on.nothing, drained=None, pid=master.pid, start=master.start) == []


def test_the_lock_tells_of_drained_servers_without_a_look(on: Stage) -> None:
    store = on.host.store
    assert drained_servers(store) == []
    on.here(on.nothing)
    pathlib.Path(store.path, "drain-broken.json").write_text("{", encoding="utf-8")
    assert drained_servers(store) == [TOLD]
    for more in ({"boot": "another"}, {"drained": None}):
        on.here(on.nothing, **more)
        assert drained_servers(store) == []


def test_a_note_of_an_earlier_release_has_no_owner(on: Stage) -> None:
    found = dataclasses.asdict(on.note)
    del found["by"]
    assert Note(**found).by == ""


def test_the_preflight_of_a_roll_names_the_drain_where_no_server_is_left(
    on: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    on.here(on.nothing)
    monkeypatch.setattr(roll_look, "matching", lambda _module, _host: (on.nothing, []))
    monkeypatch.setattr(roll_look, "choose_masters", lambda _module, _host: (on.nothing, ["none"]))
    with pytest.raises(Failed) as failed:
        roll_look.choose(t.cast("t.Any", Module()), on.host)
    code, message = failed.value.args
    assert code == "roll.server_drained"
    assert sentence(TOLD) in message
    assert "--limit '!HOST'" in message
    assert "state=undrained" in message
    assert roll_look.choose(t.cast("t.Any", Module({"unit": "other.service"})), on.host)[1] == ["none"]
    assert roll_look.choose(t.cast("t.Any", Module(allow_none=True)), on.host)[1] == ["none"]
    monkeypatch.setattr(roll_look, "matching", lambda _module, _host: (on.running, ["1:1"]))
    assert roll_look.choose(t.cast("t.Any", Module()), on.host)[1] == ["1:1"]
