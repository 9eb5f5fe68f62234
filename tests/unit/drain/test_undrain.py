# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way back from a drain, and the command that is run where nothing else would start a server."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import sys
import tempfile
import time
import types
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._drain import start_command as _launch
from ansible_collections.fleetops.odoo.plugins.module_utils._drain import undrain as _undrain
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.notes import Note, NoteBook, key_in, key_of, new_note
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.order import DrainResult
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.start_command import (
    launch,
    rehearse,
    why_not_launch,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.undrain import UndrainOrder, undrain_all
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import ServerRecords
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.results import Outcome
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import refused, supervisor
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.code import Problem
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.container import Container
from ansible_collections.fleetops.odoo.plugins.module_utils._server.health import HealthCheck
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.container import HeldContainer
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.find import Supervisor, SupervisorKind
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.hold import Hold, check_container
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import OperationFailed, Refused

from ..build import FakeClock
from ..scene import GONE, PREFORK_19, Scene
from .stage import VersionedHost

RUNNING = PREFORK_19[-1]
HELD_BY = Supervisor(SupervisorKind.SYSTEMD, "odoo.service")
HELD = Hold(SupervisorKind.SYSTEMD, "odoo.service", "always", "/nonexistent/zz.conf")


class Stage:
    """The holds, the commands, the health and the machine of a drained server.

    Asked to start it, the supervisor does after a moment.
    """

    def __init__(self, moments: list[str], tmp_path: pathlib.Path) -> None:
        self.scene = Scene("19-prefork", moments, tmp_path / "proc")
        self.store = ServerRecords(str(tmp_path / "state"))
        self.store.open()
        self.clock = FakeClock(lambda _seconds: self.scene.go_on() if self.started else None)
        self.did: list[str] = []
        self.started = False
        #: with which the recorded command has ended
        self.status: int | None = None
        #: why its supervisor does not start it
        self.down: Problem | None = None
        #: until when it is not healthy, by the clock
        self.sick_until = 0.0
        #: why its command would fail
        self.no_way_back: Problem | None = None
        #: why the units that were stopped with it are not started
        self.bound_fails: list[Exception] = []
        #: why nothing is started
        self.fails: list[Exception] = []
        self.host = VersionedHost(self.scene, self.clock, self.store, holds=self, commands=self, health=self)

    def start(self, hold: Hold) -> None:
        for failure in self.fails:
            raise failure
        self.did.append(f"start {hold.unit}")
        self.started = True

    def start_bound(self, hold: Hold) -> list[str]:
        for failure in self.bound_fails:
            raise failure
        self.did.append(" ".join(["bound", *hold.bound]))
        return list(hold.bound[:1])

    def take_away(self, hold: Hold, *, made: bool) -> bool:
        self.did.append(f"let go {made}")
        return hold.drop_in is not None

    check_container = staticmethod(check_container)
    drop_in_of = staticmethod(lambda unit: f"/nonexistent/{unit}.d")

    def why_down(self, _hold: Hold) -> Problem | None:
        return self.down

    def why_not_launch(self, _note: Note) -> Problem | None:
        return None

    def rehearse(self, _note: Note) -> Problem | None:
        return self.no_way_back

    def launch(self, _note: Note, *, keep: bool = False) -> types.SimpleNamespace:
        self.did.append("run for its output" if keep else "run")
        self.started = True
        return types.SimpleNamespace(status=self.status, said=lambda: "no module named odoo", tells_more=not keep)

    def check_health(self, *_arguments: object) -> str | None:
        return "http://127.0.0.1:8069/web/health does not answer" if self.clock.now < self.sick_until else None

    def note(self, **fields: t.Any) -> Note:
        """A note of the server of the first moment that is not empty, drained a while ago."""
        seen = self.host.look()
        note = new_note(seen, seen.instances[0], HELD, 1.0, HELD_BY)
        note = dataclasses.replace(note, made=True, sent=1.0, drained=2.0, **fields)
        NoteBook(self.store).write(note)
        return note

    def undrain(self, *, check_mode: bool = False, **wishes: t.Any) -> DrainResult:
        order = UndrainOrder(**{"health": HealthCheck(), "min_healthy_time": 3, "timeout": 60, **wishes})
        seen = self.host.look()
        notes = NoteBook(self.store).all()
        identities = [one.identity for one in seen.instances]
        (result,) = undrain_all(self.host, seen, identities, notes, order, check_mode=check_mode)
        return result

    def fail(self, *, check_mode: bool = False, **wishes: t.Any) -> DrainResult:
        """Undrain what is refused or fails; return the one result."""
        with pytest.raises(OperationFailed) as failed:
            self.undrain(check_mode=check_mode, **wishes)
        (result,) = failed.value.results
        assert failed.value.code == result.code
        return t.cast("DrainResult", result)

    @property
    def notes(self) -> list[Note]:
        return NoteBook(self.store).all()


Staged = t.Callable[..., Stage]


@pytest.fixture
def stage(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Staged:
    def make(*moments: str) -> Stage:
        made = Stage(list(moments) or [RUNNING, GONE, GONE, "running"], tmp_path)
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        return made

    return make


def test_it_is_let_go_started_and_waited_for(stage: Staged) -> None:
    on = stage()
    note = on.note()
    on.scene.go_to(GONE)
    result = on.undrain()
    assert on.did == ["let go True", f"start {note.held.unit}"]
    assert (result.did, result.changed, result.signals) == ("started", True, [])
    assert result.reason.startswith("the server was drained at ")
    assert (on.notes, on.clock.now >= 1003) == ([], True)
    assert result.successor not in (None, note.identity)
    assert (result.after or {})["state"] == "running"
    # Once more: it runs, and there is no note.
    again = on.undrain()
    assert (again.did, again.changed, len(on.did)) == ("nothing", False, 2)
    assert again.reason == "the server runs and was not drained"


def test_units_that_systemd_has_stopped_with_the_server_are_started_after_it(stage: Staged) -> None:
    on = stage()
    on.note(hold=dataclasses.asdict(dataclasses.replace(HELD, bound=("proxy.service", "cache.service"))))
    on.scene.go_to(GONE)
    result = on.undrain()
    assert on.did == ["let go True", "start odoo.service", "bound proxy.service cache.service"]
    assert result.steps[-1]["what"] == "proxy.service was started, which systemd had stopped with the server"


def test_a_bound_unit_that_cannot_be_started_fails_and_the_note_stays(stage: Staged) -> None:
    on = stage()
    on.note(hold=dataclasses.asdict(dataclasses.replace(HELD, bound=("proxy.service",))))
    on.scene.go_to(GONE)
    on.bound_fails = [Refused(supervisor.COMMAND_FAILED(command="systemctl", said="no"))]
    failed = on.fail()
    assert (failed.did, failed.code, len(on.notes)) == ("started", "supervisor.command_failed", 1)


def test_check_mode(stage: Staged) -> None:
    on = stage()
    on.note()
    on.scene.go_to(GONE)
    result = on.undrain(check_mode=True)
    assert (result.did, result.changed, on.did, len(on.notes)) == ("started", True, [], 1)
    assert [step["what"] for step in result.steps] == ["the module would ask systemd to start odoo.service"]


def test_a_server_that_another_program_has_started_is_released(stage: Staged) -> None:
    on = stage()
    on.note(identity="1:1", pid=1, start=1)
    result = on.undrain()
    assert (result.did, on.did, on.notes, result.changed) == ("nothing", ["let go True"], [], True)
    assert "runs again" in result.reason


@pytest.mark.parametrize(
    "by",
    [
        Supervisor(SupervisorKind.NONE),
        # Its environment names a supervisord, and cron starts servers of any user.
        Supervisor(SupervisorKind.SUPERVISORD, "odoo:odoo"),
        Supervisor(SupervisorKind.SYSTEMD, "cron.service"),
    ],
)
def test_what_another_user_runs_with_its_arguments_is_another_server(
    stage: Staged, monkeypatch: pytest.MonkeyPatch, by: Supervisor
) -> None:
    on = stage()
    monkeypatch.setattr(on.host, "supervisor_of", lambda _process: by)
    fields = {"hold": dataclasses.asdict(Hold(SupervisorKind.NONE)), "kind": by.kind, "unit": by.unit}
    note = on.note(**fields, identity="1:1", pid=1, uid=4711, user="4711", key="of-4711")
    assert key_in(on.host.look(), on.host.look().instances[0]) != note.key
    with pytest.raises(OperationFailed) as failed:
        undrain_all(on.host, on.host.look(), [], [note], UndrainOrder(None, 0, 5), check_mode=False)
    assert (failed.value.code, on.did) == ("supervisor.nothing_starts_it", [])
    assert [one.key for one in on.notes] == [note.key]


def test_one_that_is_still_draining_is_waited_for(stage: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    on = stage()
    note = on.note()
    NoteBook(on.store).write(dataclasses.replace(note, drained=None))
    on.scene.go_to(GONE)
    alive = iter([True, True, False])
    monkeypatch.setattr(on.scene, "lives", lambda _pid, _start: next(alive, False))
    assert on.undrain().did == "started"
    assert on.clock.slept


def test_one_that_does_not_become_healthy_keeps_its_note(stage: Staged) -> None:
    on = stage()
    on.note()
    on.scene.go_to(GONE)
    on.sick_until = 2000
    result = on.fail()
    assert (result.did, result.changed, len(on.notes)) == ("started", True, 1)
    assert (result.code, "60 s" in result.reason) == ("timeout.healthy", True)


def test_one_that_is_not_healthy_for_long_enough_keeps_its_note(stage: Staged) -> None:
    on = stage()
    on.note()
    on.scene.go_to(GONE)
    on.sick_until = 1058
    assert on.fail(min_healthy_time=30).code == "timeout.healthy_time"
    assert len(on.notes) == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(8, "Exec format error"), "failed.os_error"),
        (Refused(refused.COMMAND_NOT_RUN(user="odoo")), "refused.command_not_run"),
    ],
)
def test_what_cannot_be_run_was_not_waited_for(stage: Staged, error: Exception, code: str) -> None:
    on = stage()
    on.note()
    on.scene.go_to(GONE)
    on.fails = [error]
    result = on.fail()
    # The hold was let go.
    assert (result.did, result.changed, result.code) == ("nothing", True, code)
    assert on.clock.now < 1002


def test_a_port_that_another_process_has_is_found_before_anything_is_released(
    stage: Staged, tmp_path: pathlib.Path
) -> None:
    on = stage()
    conf = tmp_path / "odoo.conf"
    conf.touch()
    on.note(places=[["http_port", "0.0.0.0", 8069]], config_file=str(conf))
    on.scene.go_on()
    ours = tmp_path / "proc" / str(os.getpid()) / "net"
    ours.mkdir(parents=True)
    row = "   0: 0100007F:1F85 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 105 1 0 100 0 0"
    (ours / "tcp").write_text(f"  sl  local_address\n{row}\n")
    # The odoo.conf has changed since, and may name another port.
    assert on.undrain(check_mode=True).did == Outcome.STARTED
    note = on.notes[0]
    note.begun = conf.stat().st_ctime + 1
    NoteBook(on.store).write(note)
    for check_mode in (True, False):
        result = on.fail(check_mode=check_mode)
        assert (result.did, result.code) == (Outcome.REFUSED, "refused.port_taken")
    assert (on.did, len(on.notes)) == ([], 1)


def test_one_that_systemd_cannot_start(stage: Staged) -> None:
    on = stage(RUNNING, GONE)
    on.note()
    on.scene.go_to(GONE)
    on.down = supervisor.UNIT_DOWN(unit="odoo.service", state="failed")
    result = on.fail()
    assert (result.did, result.code) == ("started", "supervisor.unit_down")


@pytest.mark.parametrize(
    ("hold", "code"),
    [
        (Hold(SupervisorKind.NONE), "supervisor.nothing_starts_it"),
        (Hold(SupervisorKind.CONTAINER, "0123456789ab"), "supervisor.container_not_started"),
        (Hold(SupervisorKind.SYSTEMD, "odoo.service", external=True), "refused.external_hold"),
    ],
)
def test_what_cannot_be_started_is_refused(stage: Staged, hold: Hold, code: str) -> None:
    on = stage()
    on.note(hold=dataclasses.asdict(hold), kind=hold.kind)
    on.scene.go_to(GONE)
    for check_mode in (True, False):
        result = on.fail(check_mode=check_mode)
        assert (result.did, result.code) == ("refused", code)
    assert (on.did, len(on.notes)) == ([], 1)


@pytest.mark.parametrize("made_anew", [False, True])
def test_a_container_is_started_by_its_runtime_also_when_it_was_made_anew(
    stage: Staged, monkeypatch: pytest.MonkeyPatch, *, made_anew: bool
) -> None:
    on = stage()
    held = HeldContainer("docker", "ab" * 32, "shop-odoo-1")
    by = Supervisor(SupervisorKind.CONTAINER, "cd" * 32 if made_anew else held.id)
    on.note(
        hold=dataclasses.asdict(Hold(SupervisorKind.CONTAINER, held.id, "no", container=held)),
        kind=SupervisorKind.CONTAINER,
        unit=held.id,
        key=key_of(Supervisor(SupervisorKind.CONTAINER, held.id), "/etc/odoo/odoo.conf", 8069, 101),
    )
    on.scene.go_to(GONE)
    monkeypatch.setattr(HeldContainer, "check_startable", lambda _self: None)
    monkeypatch.setattr(HeldContainer, "id_now", lambda _self: by.unit)
    monkeypatch.setattr(on.host, "supervisor_of", lambda _process: by)
    check = on.undrain(check_mode=True)
    assert [step["what"] for step in check.steps] == ["the module would ask docker to start shop-odoo-1"]
    result = on.undrain()
    assert (result.did, on.did[-1], on.notes) == ("started", f"start {held.id}", [])
    assert "docker was asked to start shop-odoo-1" in [step["what"] for step in result.steps]


def test_a_cgroup_with_the_name_of_a_container_is_not_the_container(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = stage()
    held = HeldContainer("docker", "ab" * 32, "shop-odoo-1")
    by = Supervisor(SupervisorKind.CONTAINER, held.id)
    hold = dataclasses.asdict(Hold(SupervisorKind.CONTAINER, held.id, "no", container=held))
    note = on.note(hold=hold, kind=by.kind, unit=held.id, key="of-4711", uid=4711, identity="1:1", pid=1)
    monkeypatch.setattr(HeldContainer, "check_startable", lambda _self: None)
    monkeypatch.setattr(HeldContainer, "id_now", lambda self: self.id)
    monkeypatch.setattr(on.host, "supervisor_of", lambda _process: by)
    for found, did in ((Container("unknown", None, 1), "started"), (Container("docker", held.id, 1), "nothing")):
        monkeypatch.setattr(_undrain, "provable_container", lambda _process, found=found: found)
        (result,) = undrain_all(on.host, on.host.look(), [], [note], UndrainOrder(None, 0, 5), check_mode=True)
        assert result.did == did


@pytest.mark.parametrize("uid", [None, 4711])
def test_a_recorded_command_is_run_somewhere_else_and_not_twice(stage: Staged, uid: int | None) -> None:
    # cron had started it, from within a unit of its own; what we start stands where we do.
    on = stage()
    key = key_of(Supervisor(SupervisorKind.SYSTEMD, "cron.service"), "/etc/odoo/odoo.conf", 8069, 101)
    note = on.note(hold=dataclasses.asdict(Hold(SupervisorKind.NONE)), kind="systemd", unit="cron.service", key=key)
    NoteBook(on.store).write(dataclasses.replace(note, uid=note.uid if uid is None else uid))
    on.scene.go_to(GONE)

    if uid is None:
        result = on.undrain(start_recorded=True)
        assert (result.did, on.did[1:], on.notes) == ("started", ["run"], [])
    else:
        # What another user runs there is another server.
        assert on.fail(start_recorded=True, timeout=20).code == "timeout.started"


def test_a_recorded_command_that_ends_is_named(stage: Staged) -> None:
    on = stage(RUNNING, GONE)
    on.note(hold=dataclasses.asdict(Hold(SupervisorKind.NONE)), kind="none", unit=None)
    on.scene.go_to(GONE)
    on.status = 3
    result = on.fail(start_recorded=True)
    assert (result.did, result.changed, result.code) == ("nothing", False, "failed.command_ended")
    assert "ended with code 3 (no module named odoo)" in result.reason
    assert on.did[1:] == ["run", "run for its output"]


def test_a_recorded_command_that_would_fail_is_not_run(stage: Staged) -> None:
    on = stage(RUNNING, GONE)
    on.note(hold=dataclasses.asdict(Hold(SupervisorKind.NONE)), kind="none", unit=None)
    on.scene.go_to(GONE)
    on.no_way_back = refused.COMMAND_FAILS(user="me", said="no module named odoo")
    result = on.fail(start_recorded=True)
    assert (result.did, result.code, on.did) == ("refused", "refused.command_fails", [])


def test_a_transient_unit_is_not_asked_for_what_it_has_forgotten(stage: Staged) -> None:
    on = stage(RUNNING, GONE)
    hold = Hold(SupervisorKind.SYSTEMD, "run-1.service", "always", "/nonexistent/zz.conf", transient=True)
    on.note(hold=dataclasses.asdict(hold), kind="systemd", unit="run-1.service")
    on.scene.go_to(GONE)
    assert on.fail().code == "supervisor.transient"
    on.fail(start_recorded=True, timeout=20)
    assert on.did == ["let go True", "run"]


def test_another_call_is_waited_for(stage: Staged) -> None:
    on = stage()
    note = on.note()
    on.scene.go_to(GONE)
    lock = NoteBook(on.store).try_lock(note.key)
    assert lock is not None
    assert on.fail(timeout=5, min_healthy_time=1).code == "timeout.locked"
    os.close(lock)


def test_a_key_is_what_stays_the_same() -> None:
    by, none = Supervisor(SupervisorKind.SYSTEMD, "odoo.service"), Supervisor(SupervisorKind.NONE)
    key = key_of(by, "/etc/odoo.conf", 8069, 101)
    assert key == key_of(by, "/etc/odoo.conf", 8069, 101)
    assert key != key_of(by, "/etc/odoo.conf", 8070, 101)
    assert key != key_of(by, "/etc/odoo.conf", 8069, 102)
    assert key_of(none, "/a\udcff", 1, 101) != key_of(none, None, 1, 101)


#: Ours may lie where another user may not go.
INTERPRETER = "/usr/bin/python3" if os.geteuid() == 0 else sys.executable


def recorded(folder: pathlib.Path, **fields: t.Any) -> Note:
    """A note of a server that says in a file who and where it is."""
    script = folder / "server"
    script.write_text("import os, sys\nopen(sys.argv[1], 'w').write('%s %s' % (os.getcwd(), sorted(os.environ)))\n")
    values: dict[str, t.Any] = {
        "key": "k",
        "boot": "",
        "identity": "1:1",
        "pid": 1,
        "start": 1,
        "user": "me",
        "uid": os.geteuid() or 1,
        "gid": os.getegid(),
        "groups": os.getgroups(),
        "kind": "none",
        "unit": None,
        "config_file": None,
        "databases": [],
        "http_port": 8069,
        "version": None,
        "mode": "prefork",
        "cmdline": [sys.executable, str(script), str(folder / "out")],
        "executable": sys.executable,
        "cwd": str(folder),
        "hold": {"kind": "none"},
        "begun": 1.0,
    }
    return Note(**{**values, **fields})


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, None),
        ({"cmdline": ["python3", "x"], "executable": sys.executable}, None),
        ({"cmdline": ["python3", "x"], "executable": None}, "refused.command_path_unknown"),
        ({"cmdline": [], "executable": "odoo"}, "refused.command_path_unknown"),
        ({"cmdline": ["/nonexistent/python3"]}, "refused.command_program_gone"),
        ({"cwd": "/nonexistent"}, "refused.command_directory_gone"),
        ({"cwd": None}, "refused.command_directory_gone"),
    ],
)
def test_when_a_recorded_command_is_run(tmp_path: pathlib.Path, fields: dict[str, t.Any], code: str | None) -> None:
    why = why_not_launch(recorded(tmp_path, **fields))
    assert (why and why.code) == code


def test_the_command_of_a_server_of_root_is_checked(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def check(*words: t.Any) -> None:
        asked.append(words)
        if len(asked) == 1:
            raise Refused(refused.COMMAND_NOT_ROOTS(path="/x"))

    note = recorded(tmp_path, uid=0)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(_launch, "check_root_command", check)
    assert why_not_launch(note) == refused.COMMAND_NOT_ROOTS(path="/x")
    assert why_not_launch(note) is None
    assert asked == [(sys.executable, note.cmdline[1:], str(tmp_path))] * 2


def test_another_user_cannot_start_it(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    note = recorded(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    assert why_not_launch(note) == refused.COMMAND_OTHER_USER(user="me")


def test_it_is_run_where_it_was_with_an_environment_of_its_own(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "x")
    process = launch(recorded(tmp_path, uid=os.geteuid())).program
    deadline = time.monotonic() + 10
    while not (tmp_path / "out").exists() or not (tmp_path / "out").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert process.wait(10) == 0
    said = (tmp_path / "out").read_text()
    assert said.startswith(f"{tmp_path} ")
    assert "SECRET" not in said
    assert "HOME" in said


def test_it_has_the_environment_the_limits_and_the_priority_of_before(tmp_path: pathlib.Path) -> None:
    code = "import os,resource as r,sys;print(os.environ.get('A'),r.getrlimit(r.RLIMIT_NOFILE),os.umask(0),os.nice(0))"
    settings = {"environment": {"A": "b"}, "limits": {"RLIMIT_NOFILE": [200, 300]}, "umask": 0o27, "nice": 5}
    fields = {"cmdline": [INTERPRETER, "-c", code], "logs_itself": True, "settings": settings}
    note = recorded(tmp_path, **fields, uid=os.geteuid() or 4321)
    tmp_path.chmod(0o755)
    started = launch(dataclasses.replace(note, cwd="/"), keep=True)
    assert started.program.wait(20) == 0, started.said()
    assert (started.status, started.said(), started.tells_more) == (0, "b (200, 300) 23 5", False)


def test_the_output_of_a_started_server_is_in_no_file_without_a_name(tmp_path: pathlib.Path) -> None:
    code = "import os,time;open('out','w').write(os.readlink('/proc/self/fd/1'))"
    note = recorded(tmp_path, cmdline=[INTERPRETER, "-c", code], logs_itself=True, uid=os.geteuid())
    started = launch(note)
    assert (started.program.wait(20), started.tells_more) == (0, True)
    assert (tmp_path / "out").read_text() == "/dev/null"


def test_a_bare_name_is_run_by_the_link_on_its_path(tmp_path: pathlib.Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python9").symlink_to("/usr/bin/env")
    settings = {"environment": {"PATH": f"/nowhere:{tmp_path}/bin"}}
    fields = {"cmdline": ["python9"], "executable": os.path.realpath("/usr/bin/env"), "uid": 4321}
    program = _launch._program
    assert program(recorded(tmp_path, settings=settings, **fields)) == f"{tmp_path}/bin/python9"
    assert program(recorded(tmp_path, settings={}, **fields)) == fields["executable"]


@pytest.mark.parametrize(("module", "code"), [("x = 1", None), ("raise ImportError('no lxml here')", "command_fails")])
def test_a_command_is_rehearsed_by_its_interpreter_with_its_environment(
    tmp_path: pathlib.Path, module: str, code: str | None
) -> None:
    package = tmp_path / "odoo/cli"
    package.mkdir(parents=True)
    for name in ("odoo/__init__.py", "odoo/cli/__init__.py"):
        (tmp_path / name).touch()
    (package / "server.py").write_text(module)
    note = recorded(tmp_path, uid=os.geteuid() or 4321)
    if os.geteuid() == 0:
        os.chown(tmp_path, 4321, -1)
        note = dataclasses.replace(note, cwd="/", cmdline=[INTERPRETER, str(tmp_path / "server")])
    with _readable(tmp_path):
        why = rehearse(note)
    assert (why.code if why else None) == (f"refused.{code}" if code else None), why
    assert code is None or "no lxml here" in str(why)
    assert not (tmp_path / "odoo/__pycache__").exists()


@contextlib.contextmanager
def _readable(path: pathlib.Path) -> t.Iterator[None]:
    """Let other users into a folder of pytest while the block runs."""
    above = [one for one in path.parents if os.geteuid() == 0 and one.stat().st_uid == 0 and not one.stat().st_mode & 1]
    modes = {one: one.stat().st_mode for one in above}
    for one, mode in modes.items():
        one.chmod(mode | 0o11)
    try:
        yield
    finally:
        for one, mode in modes.items():
            one.chmod(mode)


@pytest.mark.borrows
@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
@pytest.mark.parametrize(("owner", "code"), [(0, None), (4321, "refused.command_directory_gone")])
def test_a_directory_that_the_user_may_not_enter_is_entered_if_it_is_roots(owner: int, code: str | None) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = pathlib.Path(name)
        note = recorded(folder, uid=54321, gid=54321, groups=[], cmdline=["/bin/sh", "-c", "sleep 60"])
        folder.chmod(0o700)
        os.chown(folder, owner, 0)
        why = why_not_launch(note)
        assert (why and why.code) == code
        if why is None:
            process = launch(note).program
            assert os.readlink(f"/proc/{process.pid}/cwd") == name
            assert os.stat(f"/proc/{process.pid}").st_uid == 54321
            process.kill()
            process.wait()
