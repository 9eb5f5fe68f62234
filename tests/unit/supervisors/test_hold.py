# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeping supervisors from starting a drained server again."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import supervisor
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors import hold as _hold
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors import supervisord as _supervisord
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.find import Supervisor, SupervisorKind
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.hold import (
    Hold,
    bad_end,
    find_hold,
    put,
    rest,
    restored,
    start,
    take_away,
    why_down,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.rpc import Daemon
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.systemd import Unit
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused

from .. import build
from ..build import failing

NAME = "odoo.service"
PROC = Proc()
DAEMON = Daemon("unix:///run/s", 0, 0, (0, 4), "/etc/s.conf")


class Systemd:
    """A systemd with one unit, whose drop-ins are real files; ``stronger`` is a file that says otherwise.

    ``deaf``: it does nothing that a caller requests.
    """

    def __init__(self, folder: pathlib.Path, unit: Unit) -> None:
        self.folder, self.unit = folder, unit
        self.commands: list[str] = []
        self.stronger = self.deaf = False

    def show(self, names: t.Collection[str], _uid: int | None = None) -> dict[str, Unit]:
        held = not self.stronger and (self.folder / f"{NAME}.d" / _hold.DROP_IN).exists()
        shown = dataclasses.replace(self.unit, restart="no", restart_force=None) if held else self.unit
        return {NAME: shown} if NAME in names else {}

    def run(self, command: t.Sequence[str], _timeout: float) -> str:
        self.commands.append(" ".join(command[1:]))
        if self.deaf:
            raise Refused(supervisor.COMMAND_FAILED(command="daemon-reload", said="no"))
        return ""


@pytest.fixture
def systemd(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Systemd:
    made = Systemd(tmp_path / "system", Unit("always", "mixed", 100, active_state="active"))
    monkeypatch.setattr(_hold, "RUNTIME", str(made.folder))
    monkeypatch.setattr(_hold, "show_units", made.show)
    monkeypatch.setattr(_hold, "systemctl_words", lambda _uid=None: ("/bin/systemctl",))
    monkeypatch.setattr(_hold, "run", made.run)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return made


def server() -> Instance:
    return build.instance(build.prefork())


def find(how: str = "auto", kind: SupervisorKind = SupervisorKind.SYSTEMD, unit: str | None = NAME) -> Hold:
    return find_hold(PROC, server(), Supervisor(kind, unit), how)


def test_a_unit_that_restarts_is_held_and_let_go(systemd: Systemd) -> None:
    hold = find()
    assert (hold.kind, hold.unit, hold.policy, hold.warnings) == ("systemd", NAME, "always", ())
    assert not systemd.folder.exists()
    assert put(hold) is True
    path = pathlib.Path(t.cast("str", hold.drop_in))
    assert "[Service]\nRestart=no\nRestartForceExitStatus=\n" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o644
    assert systemd.commands == ["--no-ask-password daemon-reload"]
    # Again, as after a call that was cut off.
    assert put(find()) is False
    assert take_away(hold, made=True) is True
    assert not path.parent.exists()
    assert len(systemd.commands) == 3
    assert take_away(hold, made=True) is False


def test_a_directory_that_was_there_stays(systemd: Systemd) -> None:
    folder = systemd.folder / f"{NAME}.d"
    folder.mkdir(parents=True)
    assert put(find()) is False
    take_away(find(), made=False)
    assert folder.exists()
    assert put(find()) is False
    (folder / "mine.conf").write_text("")
    take_away(find(), made=True)
    assert [path.name for path in folder.iterdir()] == ["mine.conf"]


@pytest.mark.parametrize(("restart", "force"), [("always", None), ("on-failure", None), ("no", "0 SIGTERM")])
def test_what_needs_a_drop_in(systemd: Systemd, restart: str, force: str | None) -> None:
    systemd.unit = dataclasses.replace(systemd.unit, restart=restart, restart_force=force)
    assert find().drop_in


def test_a_unit_that_does_not_restart_needs_none(systemd: Systemd) -> None:
    systemd.unit = dataclasses.replace(systemd.unit, restart="no")
    hold = find()
    assert (hold.drop_in, put(hold), take_away(hold, made=True), systemd.commands) == (None, False, False, [])


def test_something_stronger_is_a_refusal_and_nothing_is_left(systemd: Systemd) -> None:
    systemd.stronger = True
    with failing("supervisor.hold_ineffective"):
        put(find())
    assert list(systemd.folder.iterdir()) == []


def test_what_systemd_does_not_read_is_not_left_behind(systemd: Systemd) -> None:
    systemd.deaf = True
    with failing("supervisor.command_failed"):
        put(find())
    assert list(systemd.folder.iterdir()) == []


def test_a_full_disk_leaves_nothing(systemd: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> t.NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(OSError, match="No space"):
        put(find())
    assert list(systemd.folder.iterdir()) == []


def test_what_systemd_does_not_read_can_be_taken_away_by_another_call(systemd: Systemd) -> None:
    hold = find()
    made = put(hold)
    systemd.deaf = True
    with failing("supervisor.command_failed"):
        take_away(hold, made=made)
    assert [path.name for path in (systemd.folder / f"{NAME}.d").iterdir()] == [_hold.DROP_IN]
    systemd.deaf = False
    assert take_away(hold, made=made) is True
    assert list(systemd.folder.iterdir()) == []


@pytest.mark.parametrize("kill_mode", ["control-group", "none", None])
def test_a_kill_mode_that_kills_workers_is_named_with_its_remedy(systemd: Systemd, kill_mode: str | None) -> None:
    systemd.unit = dataclasses.replace(systemd.unit, kill_mode=kill_mode)
    (warning,) = find().warnings
    assert warning.code == "supervisor.kill_mode"
    assert warning.values == {"unit": "odoo.service", "mode": kill_mode or "not known"}
    assert "KillMode=mixed" in warning.remedy
    assert "\n" not in str(warning)


@pytest.mark.parametrize("kill_mode", ["mixed", "process"])
def test_a_kill_mode_that_keeps_workers_gives_no_warning(systemd: Systemd, kill_mode: str) -> None:
    systemd.unit = dataclasses.replace(systemd.unit, kill_mode=kill_mode)
    assert find().warnings == ()


@pytest.mark.parametrize(
    ("result", "code"),
    [("success", None), ("exit-code", None), (None, None), *((r, "failed.bad_end") for r in ("watchdog", "oom-kill"))],
)
def test_the_result_of_a_unit_judges_its_end(systemd: Systemd, result: str | None, code: str | None) -> None:
    hold = find()
    systemd.unit = dataclasses.replace(systemd.unit, result=result)
    bad = bad_end(hold)
    assert (bad.code if bad else None) == code
    assert bad_end(find("external")) == bad
    assert bad_end(Hold(SupervisorKind.NONE)) is None


def test_who_may_not_is_refused(systemd: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with failing("supervisor.systemd_starts_again"):
        find()
    systemd.unit = dataclasses.replace(systemd.unit, restart="no")
    assert find().drop_in is None


def test_a_unit_of_another_program_is_not_held(systemd: Systemd) -> None:
    systemd.unit = dataclasses.replace(systemd.unit, main_pid=7)
    hold = find()
    assert (hold.kind, hold.drop_in) == ("none", None)
    assert [one.code for one in hold.warnings] == ["supervisor.other_unit"]


def test_a_unit_that_systemd_does_not_know(systemd: Systemd) -> None:
    del systemd
    with failing("supervisor.systemd_unknown"):
        find(unit="other.service")


def test_an_invalid_name_makes_no_path(systemd: Systemd) -> None:
    del systemd
    with failing("supervisor.bad_unit_name"):
        _hold.drop_in_of("../../etc/x.service")


def test_a_unit_of_a_user_is_held_below_the_runtime_folder_of_that_user(systemd: Systemd) -> None:
    systemd.unit = dataclasses.replace(systemd.unit, restart="always")
    hold = find_hold(PROC, server(), Supervisor(SupervisorKind.SYSTEMD_USER, NAME, 1000), "auto")
    assert hold.drop_in == f"/run/user/1000/systemd/user/{NAME}.d/{_hold.DROP_IN}"
    assert (hold.kind, hold.uid, hold.by_systemd, restored(dataclasses.asdict(hold)).uid) == (
        "systemd-user",
        1000,
        True,
        1000,
    )


def test_external_and_none_ask_no_supervisor(systemd: Systemd) -> None:
    assert find("external").external is True
    assert find(kind=SupervisorKind.NONE, unit=None) == Hold(SupervisorKind.NONE)
    assert systemd.commands == []
    assert rest(find("external")) == (None, None)


@pytest.mark.parametrize(
    ("states", "said"),
    [(["EXITED"], []), (["STARTING", "STOPPED"], ["stop"]), (["RUNNING", "STOPPING", "STOPPED"], ["stop"])],
)
def test_supervisord_is_told_afterwards(states: list[str], said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    hold = Hold(SupervisorKind.SUPERVISORD, "odoo:odoo", daemon=DAEMON)
    stopped: list[str] = []
    shown = iter(states)
    monkeypatch.setattr(_supervisord, "state_of", lambda _daemon, _name: next(shown))
    monkeypatch.setattr(_supervisord, "stop", lambda _daemon, _name: stopped.append("stop"))
    results = [rest(hold) for _state in states]
    assert stopped == said
    assert results[-1] == (None, None)
    assert all(lacking for lacking, _done in results[:-1])
    assert len([done for _lacking, done in results if done]) == len(said)


def test_systemd_is_at_rest_when_the_unit_is(systemd: Systemd) -> None:
    hold = find()
    for state, has_job, done in [
        ("active", False, False),
        ("deactivating", False, False),
        ("activating", False, False),
        ("inactive", True, False),
        ("inactive", False, True),
        ("failed", False, True),
    ]:
        systemd.unit = dataclasses.replace(systemd.unit, active_state=state, has_job=has_job)
        assert (rest(hold)[0] is None) == done, state
    # With RemainAfterExit.
    systemd.unit = dataclasses.replace(systemd.unit, active_state="active", main_pid=None, has_job=False)
    assert rest(hold) == (None, None)


def test_start(systemd: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    start(find())
    assert systemd.commands == ["--no-pager --no-ask-password --no-block start -- odoo.service"]
    started: list[object] = []
    monkeypatch.setattr(_supervisord, "start", lambda *arguments: started.append(arguments))
    start(Hold(SupervisorKind.SUPERVISORD, "odoo:odoo", daemon=DAEMON))
    assert started == [(DAEMON, "odoo:odoo")]


@pytest.mark.parametrize(
    ("state", "has_job", "code"),
    [("activating", True, None), ("active", False, None), ("inactive", True, None)]
    + [(state, False, "supervisor.unit_down") for state in ("failed", "inactive")],
)
def test_a_unit_of_which_no_server_comes(systemd: Systemd, state: str, has_job: bool, code: str | None) -> None:  # noqa: FBT001
    hold = find()
    systemd.unit = dataclasses.replace(systemd.unit, active_state=state, has_job=has_job)
    problem = why_down(hold)
    assert (problem and problem.code) == code


def test_a_supervisord_is_asked_why_no_server_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = supervisor.SUPERVISORD_SAYS(said="FATAL")
    monkeypatch.setattr(_supervisord, "why_down", lambda *arguments: problem if arguments == (DAEMON, "a:b") else None)
    assert why_down(Hold(SupervisorKind.SUPERVISORD, "a:b", daemon=DAEMON)) is problem


def test_it_survives_json(systemd: Systemd) -> None:
    systemd.unit = dataclasses.replace(systemd.unit, kill_mode="process")
    hold = dataclasses.replace(find(), daemon=DAEMON)
    assert restored(json.loads(json.dumps(dataclasses.asdict(hold)))) == hold
    assert restored({"kind": SupervisorKind.NONE, "from_the_future": 1}) == Hold(SupervisorKind.NONE)
    assert "daemon" not in hold.told()


def test_the_guide_shows_the_drop_in() -> None:
    guide = (pathlib.Path(__file__).parents[3] / "docs/drain.md").read_text(encoding="utf-8")
    shown = guide.partition("```ini\n")[2].partition("```")[0]
    assert "Restart=no" in shown
    assert _hold._CONTENT.endswith(shown)
    assert f"{_hold.RUNTIME}/UNIT.d/{_hold.DROP_IN}" in guide
