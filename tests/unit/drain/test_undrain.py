# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way back from a drain, and the command that is run where nothing else would start a server."""

from __future__ import annotations

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
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.notes import Note, NoteBook, key_of, new_note
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.order import DrainFailed, DrainResult
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.root_command import NotRoots
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.start_command import launch, why_not_launch
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.undrain import UndrainOrder, undrain_all
from ansible_collections.fleetops.odoo.plugins.module_utils._facts import gather as _survey
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import ServerRecords
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import Look, look
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._server.watch import Watched, WatchFailed, WatchOrder
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.find import Supervisor
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.hold import Hold
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.systemd import Unit

from ..build import FakeClock
from ..scene import GONE, PREFORK_19, Scene

RUNNING = PREFORK_19[-1]
HELD = Hold("systemd", "odoo.service", "always", "/nonexistent/zz.conf")


class Stage:
    """A machine on which a server was drained. Asked to start it, the supervisor does after a moment."""

    def __init__(self, moments: list[str], tmp_path: pathlib.Path) -> None:
        self.scene = Scene("19-prefork", moments, tmp_path / "proc")
        self.store = ServerRecords(str(tmp_path / "state"))
        self.store.open()
        self.clock = FakeClock(lambda _seconds: self.scene.go_on() if self.started else None)
        self.did: list[str] = []
        self.started = False
        self.unit = Unit(active_state="activating", has_job=True)
        self.sick: str | None = None
        self.orders: list[WatchOrder] = []

    def start(self, hold: Hold) -> None:
        self.did.append(f"start {hold.unit}")
        self.started = True

    def take_away(self, hold: Hold, *, made: bool) -> bool:
        self.did.append(f"let go {made}")
        return hold.drop_in is not None

    def watch(self, _host: Host, seen: Look, identities: t.Sequence[str], order: WatchOrder) -> list[Watched]:
        self.orders.append(order)
        if self.sick:
            raise WatchFailed(self.sick, [])
        assert [one.identity for one in seen.instances] == list(identities)
        return [Watched(identities[0], 1, "19.0", "running", healthy=True, reason="it is complete and healthy")]

    def note(self, **fields: t.Any) -> Note:
        """A note of the server of the first moment that is not empty, drained a while ago."""
        seen = look(self.scene)
        note = new_note(seen, seen.instances[0], HELD, 1.0)
        note = dataclasses.replace(note, made=True, sent=1.0, drained=2.0, **fields)
        NoteBook(self.store).write(note)
        return note

    def undrain(self, *, check_mode: bool = False, **wishes: t.Any) -> DrainResult:
        order = UndrainOrder(**{"health": None, "min_healthy_time": 3, "timeout": 60, **wishes})
        seen = look(self.scene)
        notes = NoteBook(self.store).all()
        identities = [one.identity for one in seen.instances]
        (result,) = undrain_all(
            Host(self.scene, self.clock, self.store), seen, identities, notes, order, check_mode=check_mode
        )
        return result

    @property
    def notes(self) -> list[Note]:
        return NoteBook(self.store).all()


Staged = t.Callable[..., Stage]


@pytest.fixture
def stage(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Staged:
    def make(*moments: str) -> Stage:
        made = Stage(list(moments) or [RUNNING, GONE, GONE, "running"], tmp_path)
        monkeypatch.setattr(_undrain, "start", made.start)
        monkeypatch.setattr(_undrain, "take_away", made.take_away)
        monkeypatch.setattr(_undrain, "watch_all", made.watch)
        monkeypatch.setattr(_undrain, "show_units", lambda names: dict.fromkeys(names, made.unit))
        monkeypatch.setattr(_survey, "start_time", lambda process: 1_795_000_000 + process.start / 100)
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
    assert result.reason.startswith("it was drained at ")
    assert (on.notes, on.orders[0].duration) == ([], 3)
    assert result.successor not in (None, note.identity)
    assert (result.after or {})["state"] == "running"
    # Once more: it runs, and there is no note.
    again = on.undrain()
    assert (again.did, again.changed, len(on.did)) == ("nothing", False, 2)
    assert again.reason == "it runs, and was not drained"


def test_check_mode(stage: Staged) -> None:
    on = stage()
    on.note()
    on.scene.go_to(GONE)
    result = on.undrain(check_mode=True)
    assert (result.did, result.changed, on.did, len(on.notes)) == ("started", True, [], 1)
    assert [step["what"] for step in result.steps] == ["systemd would be asked to start it"]


def test_one_that_somebody_else_has_started(stage: Staged) -> None:
    on = stage()
    on.note(identity="1:1", pid=1, start=1)
    result = on.undrain()
    assert (result.did, on.did, on.notes, result.changed) == ("nothing", ["let go True"], [], True)
    assert "it runs again" in result.reason


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
    on.sick = "Odoo with pid 5 was not healthy"
    with pytest.raises(DrainFailed, match=r"was not back within 60 s: Odoo with pid 5 was not healthy") as failed:
        on.undrain()
    assert (failed.value.results[0].did, failed.value.results[0].changed, len(on.notes)) == ("started", True, 1)


def test_what_cannot_be_run_was_not_waited_for(stage: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    on = stage()
    on.note()
    on.scene.go_to(GONE)

    def start(_hold: Hold) -> t.NoReturn:
        raise OSError("its recorded command cannot be run as odoo")

    monkeypatch.setattr(_undrain, "start", start)
    with pytest.raises(DrainFailed, match="is not brought back: its recorded command cannot be run as odoo") as failed:
        on.undrain()
    # The hold was let go.
    assert (failed.value.results[0].did, failed.value.results[0].changed) == ("nothing", True)


def test_one_that_systemd_cannot_start(stage: Staged) -> None:
    on = stage(RUNNING, GONE)
    on.note()
    on.scene.go_to(GONE)
    on.unit = Unit(active_state="failed")
    with pytest.raises(DrainFailed, match="and says that it is failed") as failed:
        on.undrain()
    assert failed.value.results[0].did == "started"


@pytest.mark.parametrize(
    ("hold", "message"),
    [
        (Hold("none"), "nothing that is known started it, .*start_recorded"),
        (Hold("container", "0123456789ab"), "containers are not started here; start the container 0123456789ab"),
        (Hold("systemd", "odoo.service", external=True), "hold=external, so whoever kept it down starts it"),
    ],
)
def test_what_cannot_be_started_is_refused(stage: Staged, hold: Hold, message: str) -> None:
    on = stage()
    on.note(hold=dataclasses.asdict(hold), kind=hold.kind)
    on.scene.go_to(GONE)
    for check_mode in (True, False):
        with pytest.raises(DrainFailed, match=message) as failed:
            on.undrain(check_mode=check_mode)
        assert [one.did for one in failed.value.results] == ["refused"]
    assert (on.did, len(on.notes)) == ([], 1)


@pytest.mark.parametrize("uid", [None, 4711])
def test_a_recorded_command_is_run_somewhere_else_and_not_twice(
    stage: Staged, monkeypatch: pytest.MonkeyPatch, uid: int | None
) -> None:
    # cron had started it, from within a unit of its own; what we start stands where we do.
    on = stage()
    key = key_of(Supervisor("systemd", "cron.service"), "/etc/odoo/odoo.conf", 8069)
    note = on.note(hold=dataclasses.asdict(Hold("none")), kind="systemd", unit="cron.service", key=key)
    NoteBook(on.store).write(dataclasses.replace(note, uid=note.uid if uid is None else uid))
    on.scene.go_to(GONE)

    def run(_note: Note) -> types.SimpleNamespace:
        on.did.append("run")
        on.started = True
        return types.SimpleNamespace(poll=lambda: None)

    monkeypatch.setattr(_undrain, "launch", run)
    monkeypatch.setattr(_undrain, "why_not_launch", lambda _note: None)
    if uid is None:
        result = on.undrain(start_recorded=True)
        assert (result.did, on.did[1:], on.notes) == ("started", ["run"], [])
    else:
        # What another user runs there is another server.
        with pytest.raises(DrainFailed, match="still waiting for a new server to show itself"):
            on.undrain(start_recorded=True, timeout=20)


def test_another_call_is_waited_for(stage: Staged) -> None:
    on = stage()
    note = on.note()
    on.scene.go_to(GONE)
    lock = NoteBook(on.store).try_lock(note.key)
    assert lock is not None
    with pytest.raises(DrainFailed, match="another call that drains it, or brings it back"):
        on.undrain(timeout=5, min_healthy_time=1)
    os.close(lock)


def test_a_key_is_what_stays_the_same() -> None:
    key = key_of(Supervisor("systemd", "odoo.service"), "/etc/odoo.conf", 8069)
    assert key == key_of(Supervisor("systemd", "odoo.service"), "/etc/odoo.conf", 8069)
    assert key != key_of(Supervisor("systemd", "odoo.service"), "/etc/odoo.conf", 8070)
    assert key_of(Supervisor("none"), "/a\udcff", 1) != key_of(Supervisor("none"), None, 1)


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
    ("fields", "why"),
    [
        ({}, None),
        ({"cmdline": ["python3", "x"], "executable": sys.executable}, None),
        ({"cmdline": ["python3", "x"], "executable": None}, "its program is not known by its full path"),
        ({"cmdline": [], "executable": "odoo"}, "its program is not known by its full path"),
        ({"cmdline": ["/nonexistent/python3"]}, "its program /nonexistent/python3 is not there"),
        ({"cwd": "/nonexistent"}, "its working directory /nonexistent is not there"),
        ({"cwd": None}, "its working directory None is not there"),
    ],
)
def test_when_a_recorded_command_is_run(tmp_path: pathlib.Path, fields: dict[str, t.Any], why: str | None) -> None:
    assert why_not_launch(recorded(tmp_path, **fields)) == why


def test_the_command_of_a_server_of_root_is_checked(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def check(*words: t.Any) -> None:
        asked.append(words)
        if len(asked) == 1:
            raise NotRoots("/x is not root's alone")

    note = recorded(tmp_path, uid=0)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(_launch, "check_root_command", check)
    assert why_not_launch(note) == "it ran as root, and /x is not root's alone"
    assert why_not_launch(note) is None
    assert asked == [(sys.executable, note.cmdline[1:], str(tmp_path))] * 2


def test_another_user_cannot_start_it(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    note = recorded(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    assert why_not_launch(note) == "it ran as me, and only root and that user can start it"


def test_it_is_run_where_it_was_with_an_environment_of_its_own(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "x")
    process = launch(recorded(tmp_path, uid=os.geteuid()))
    deadline = time.monotonic() + 10
    while not (tmp_path / "out").exists() or not (tmp_path / "out").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert process.wait(10) == 0
    said = (tmp_path / "out").read_text()
    assert said.startswith(f"{tmp_path} ")
    assert "SECRET" not in said
    assert "HOME" in said


@pytest.mark.borrows
@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
@pytest.mark.parametrize(("owner", "why"), [(0, None), (4321, "its working directory {} is not there")])
def test_a_directory_that_the_user_may_not_enter_is_entered_if_it_is_roots(owner: int, why: str | None) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = pathlib.Path(name)
        note = recorded(folder, uid=54321, gid=54321, groups=[], cmdline=["/bin/sh", "-c", "sleep 60"])
        folder.chmod(0o700)
        os.chown(folder, owner, 0)
        assert why_not_launch(note) == (why and why.format(folder))
        if why is None:
            process = launch(note)
            assert os.readlink(f"/proc/{process.pid}/cwd") == name
            assert os.stat(f"/proc/{process.pid}").st_uid == 54321
            process.kill()
            process.wait()
