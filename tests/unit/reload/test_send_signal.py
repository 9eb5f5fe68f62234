# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One signal to one role: what is asked, what is sent, and for what the call waits."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.notes import NoteBook, new_note
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import ServerRecords
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.results import StepsResult
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import rehearsal
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Role
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._reload.send_signal import SignalOrder, signal_all
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rules import Objection, Target
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.send import check, kill
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.find import SupervisorKind
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.hold import Hold
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import OperationFailed, Refused

from ..build import FakeClock, failing
from ..scene import PREFORK_14, PREFORK_19, Scene


class Stage:
    """A scene whose door records what would be sent. It is its own rehearsal."""

    def __init__(self, kind: str, moments: list[str], folder: pathlib.Path) -> None:
        self.scene = Scene(kind, moments, folder / "proc")
        self.clock = FakeClock(lambda _seconds: self.scene.go_on())
        self.store = ServerRecords(str(folder / "state"))
        self.sent: list[tuple[str, int]] = []
        self.on_rehearsal: t.Callable[[], object] = lambda: None
        self.spawns: list[tuple[str, str | None]] = []
        self.no_database: list[Refused] = []

    def rehearse(self, *_arguments: object) -> None:
        """A rehearsal of a HUP."""
        self.on_rehearsal()

    def rehearse_spawn(self, _proc: t.Any, _instance: t.Any, config_file: str, version: str | None) -> None:
        """Return whether its master could start a worker."""
        self.spawns.append((config_file, version))
        for refusal in self.no_database:
            raise refusal

    check = staticmethod(check)
    kill = staticmethod(kill)

    def send(self, proc: t.Any, name: str, target: Target, *, force: bool = False) -> list[Objection]:
        """The door without its last step."""
        lifted = check(proc, name, target, force=force)
        self.sent.append((name, target.process.pid))
        return lifted

    def signal(self, name: str, *roles: Role, wait: bool = False, **more: t.Any) -> list[StepsResult]:
        """Send a signal to the roles in the only instance."""
        seen = look(self.scene)
        chosen = roles or (Role.MASTER,)
        order = SignalOrder(name, chosen, wait, more.pop("timeout", 30.0), more.pop("force", False))
        host = Host(self.scene, self.clock, self.store, door=self, rehearsal=self)
        return signal_all(host, seen, [i.identity for i in seen.instances], order, **{"check_mode": False, **more})


Staged = t.Callable[[str, t.List[str]], Stage]


@pytest.fixture
def stage(tmp_path: pathlib.Path) -> Staged:
    """Make a stage."""
    return lambda kind, moments: Stage(kind, moments, tmp_path)


@pytest.mark.parametrize(
    ("name", "role", "pids"),
    [
        ("QUIT", "master", [513]),
        ("QUIT", "http", [516, 518]),
        ("INT", "cron", [521]),
        ("USR1", "http", [516, 518]),
        ("TTIN", "master", [513]),
        ("HUP", "master", [513]),
    ],
)
def test_every_process_of_the_role_gets_one(stage: Staged, name: str, role: Role, pids: list[int]) -> None:
    on = stage("19-prefork", PREFORK_19[-1:])
    children = {c.role: c.process.pid for c in look(on.scene).instances[0].children}
    results = on.signal(name, role)
    assert [one for one, _pid in on.sent] == [name] * len(pids)
    assert len({pid for _name, pid in on.sent}) == len(pids)
    assert role == Role.MASTER or children[role] in {pid for _name, pid in on.sent}
    assert {(r.did, tuple(r.signals)) for r in results} == {("signalled", (name,))}


@pytest.mark.parametrize(
    ("name", "role", "rule"), [("HUP", "http", "role"), ("USR1", "gevent", "role"), ("XCPU", "master", "role")]
)
def test_a_refusal_names_the_rule_and_nothing_is_sent(stage: Staged, name: str, role: Role, rule: str) -> None:
    on = stage("19-prefork", PREFORK_19[-1:])
    with failing(f"refused.{rule}", OperationFailed) as caught:
        on.signal(name, role)
    assert on.sent == []
    assert [(one.did, one.code) for one in caught.value.results[:1]] == [("refused", f"refused.{rule}")]
    assert {one.did for one in caught.value.results[1:]} <= {"not_reached"}


def test_of_those_that_were_not_waited_for_any_more_the_end_is_told_too(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[-1:])
    with failing("failed.no_effect", OperationFailed) as caught:
        on.signal("INT", Role.HTTP, wait=True, timeout=1.0)
    assert [(one.after or {}).get("alive") for one in caught.value.results] == [True, True]


@pytest.mark.parametrize("moment", PREFORK_19[1:5])
@pytest.mark.parametrize("name", ["HUP", "INT"])
def test_nothing_on_top_of_a_reload(stage: Staged, moment: str, name: str) -> None:
    on = stage("19-prefork", [moment])
    with pytest.raises(OperationFailed):
        on.signal(name)
    assert on.sent == []


def test_check_mode_sends_nothing(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[-1:])
    (result,) = on.signal("HUP", check_mode=True)
    assert (result.did, result.signals, on.sent) == ("signalled", ["HUP"], [])


def test_another_call_at_work_refuses(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[-1:])
    on.store.open()
    assert on.store.try_lock(look(on.scene).instances[0].master) is not None
    with failing("refused.locked"):
        on.signal("INT")
    assert on.sent == []


def test_a_hup_is_waited_for(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    (result,) = on.signal("HUP", wait=True)
    assert on.scene.moment == "hup-19-done"
    assert result.seconds > 0


def test_a_hup_without_effect_is_a_failure_in_time(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[:1])
    with failing("failed.no_effect"):
        on.signal("HUP", wait=True)
    assert on.clock.now == pytest.approx(1030, abs=1)


@pytest.mark.parametrize("meanwhile", PREFORK_19[2:5])
def test_a_reload_that_begins_during_the_rehearsal_gets_no_second_hup(stage: Staged, meanwhile: str) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.on_rehearsal = lambda: on.scene.go_to(meanwhile)
    with pytest.raises(OperationFailed):
        on.signal("HUP")
    assert on.sent == []


def test_a_drain_that_begins_during_the_rehearsal_gets_no_hup(stage: Staged) -> None:
    on = stage("14-prefork", PREFORK_14)
    on.on_rehearsal = on.scene.go_on
    with pytest.raises(OperationFailed):
        on.signal("HUP")
    assert on.sent == []


@pytest.mark.parametrize(
    ("name", "role", "asked"),
    [
        ("TTIN", "master", True),
        ("INT", "http", True),
        ("INT", "cron", True),
        ("XCPU", "cron", True),
        ("TTOU", "master", False),
        ("INT", "master", False),
        ("QUIT", "http", False),
    ],
)
def test_what_starts_a_worker_is_rehearsed_once_a_server(stage: Staged, name: str, role: Role, *, asked: bool) -> None:
    on = stage("19-prefork", PREFORK_19[-1:])
    results = on.signal(name, role)
    assert (len(on.sent), on.spawns) == (len(results), [("/etc/odoo/odoo.conf", None)] if asked else [])
    on.sent.clear()
    on.no_database = [Refused(rehearsal.SPAWN_WITHOUT_DATABASE(error="no such host"))]
    for check_mode in (True, False):
        if asked:
            with failing("rehearsal.spawn_without_database"):
                on.signal(name, role, check_mode=check_mode)
    assert on.sent == []
    on.signal(name, role, force=True)
    assert len(on.sent) == len(results)


def test_a_directory_for_locks_of_another_user_is_a_failure_without_traceback(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[-1:])
    pathlib.Path(on.store.path).mkdir(mode=0o777)
    pathlib.Path(on.store.path).chmod(0o777)
    with failing("refused.no_lock"):
        on.signal("INT")
    assert on.sent == []


def test_a_signal_for_two_roles_goes_to_both(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[-1:])
    results = on.signal("QUIT", Role.MASTER, Role.CRON)
    assert [one.pid for one in results] == [513, 540]


def test_a_server_without_http_that_drains_is_known_by_its_note(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[-1:])
    on.scene.end_http()
    seen = look(on.scene)
    note = dataclasses.replace(new_note(seen, seen.instances[0], Hold(SupervisorKind.NONE), 1.0), sent=5.0)
    on.store.open()
    NoteBook(on.store).write(note)
    for name in ("HUP", "INT"):
        with failing("refused.state"):
            on.signal(name)
    assert on.sent == []
    on.signal("QUIT")
    on.signal("INT", force=True)
    assert [name for name, _pid in on.sent] == ["QUIT", "INT"]
