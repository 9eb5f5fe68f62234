# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which processes may get a QUIT: whether their threads have slept, if that matters."""

from __future__ import annotations

import dataclasses
import pathlib
import subprocess
import sys
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Mode, Role, State
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Gone, Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._signals import send as door
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rest import Watch
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rules import Rule, Target
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.send import NotAtRest, SignalRefused, send
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.still import Moved, NotAllowed, Still
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.waits import (
    Wait,
    is_accept_loop,
    waits_of,
)

from .. import build
from ..build import FakeClock
from .test_send import seen

MAP = "7f5c9a400000-7f5c9a42b000 r-xp 00000000 08:01 1311 "


class Threads(Proc):
    """One process whose threads are made up."""

    def __init__(self, folder: pathlib.Path, python: str = "311") -> None:
        super().__init__(str(folder))
        self.python = python
        self.found: dict[int, tuple[str, int]] = {40: ("S", 7), 41: ("S", 9)}
        self.workers = [41, 42]
        self.calls = {41: "7 0x10 0x1 0x1f4 0x0 0x0 0x0 0x7ffc 0x7fcd"}
        (folder / "40").mkdir()
        (folder / "40/mem").write_bytes(bytes(16) + (3).to_bytes(4, "little") + bytes(4))

    def threads(self, _pid: int) -> dict[int, tuple[str, int]]:
        """Return the threads of the moment."""
        return dict(self.found)

    def children(self, _pid: int) -> list[int]:
        """Return its workers."""
        return list(self.workers)

    def link(self, _pid: int, name: str) -> str:
        """Return its only open file."""
        assert name == "fd/3"
        return "socket:[4711]"

    def read(self, _pid: int, name: str) -> bytes:
        """Return what tells its Python, and what its threads wait for."""
        if name == "maps":
            return f"{MAP}/x.cpython-{self.python}-x86_64-linux-gnu.so\n".encode()
        if name == "net/tcp":
            row = "0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4711"
            return f"head\n{row}\n".encode()
        if name.endswith("/syscall"):
            return self.calls.get(int(name.split("/")[1]), "running").encode()
        if name.endswith("/comm"):
            return b"odoo\n"
        raise Gone(name)


@pytest.fixture
def threads(tmp_path: pathlib.Path) -> Threads:
    return Threads(tmp_path)


PROCESS = dataclasses.replace(build.process(40), caught=1 << 2)


def doubt(watch: Watch, role: Role = Role.HTTP, mode: Mode = Mode.PREFORK, state: State = State.RUNNING) -> str | None:
    found = watch.doubt(PROCESS, role, mode, state)
    return found.code if found else None


def test_a_process_is_at_rest_when_nothing_has_moved_for_a_second(threads: Threads) -> None:
    clock = FakeClock()
    watch = Watch(threads, clock)
    assert doubt(watch) == "refused.at_work"
    clock.sleep(0.9)
    assert doubt(watch) == "refused.at_work"
    clock.sleep(0.2)
    assert doubt(watch) is None
    assert watch.slept(PROCESS) == {40: pytest.approx(1.1), 41: pytest.approx(1.1)}


Change = t.Callable[[Threads], t.Any]


@pytest.mark.parametrize(
    ("role", "change"),
    [
        # A thread has run, runs, waits for a disk, is new, has ended; a master has another worker.
        (Role.HTTP, lambda on: on.found.update({40: ("S", 8)})),
        (Role.HTTP, lambda on: on.found.update({41: ("R", 9)})),
        (Role.HTTP, lambda on: on.found.update({41: ("D", 9)})),
        (Role.HTTP, lambda on: on.found.update({43: ("S", 1)})),
        (Role.HTTP, lambda on: on.found.pop(41)),
        (Role.MASTER, lambda on: on.workers.append(43)),
    ],
)
def test_what_moves_begins_the_second_anew(threads: Threads, role: Role, change: Change) -> None:
    clock = FakeClock()
    watch = Watch(threads, clock)
    doubt(watch, role)
    clock.sleep(0.9)
    change(threads)
    assert doubt(watch, role) == "refused.at_work"
    clock.sleep(0.9)
    assert doubt(watch, role) == "refused.at_work"


def test_a_thread_that_only_waits_for_connections_may_wake_now_and_then(threads: Threads) -> None:
    clock = FakeClock()
    watch = Watch(threads, clock)
    for wakes in range(4):
        threads.found[41] = ("S", 9 + wakes)
        last = doubt(watch, Role.MASTER, Mode.THREADED)
        clock.sleep(0.5)
    assert last is None


@pytest.mark.parametrize("call", ["7 0x10 0x1 0x1f4 0x0 0x0 0x0 0x7ffc 0x7fcd", "running", "202 0x1 0x2 0x3 0 0 0 0 0"])
def test_a_thread_that_wakes_for_something_else_is_at_work(threads: Threads, call: str) -> None:
    clock = FakeClock()
    watch = Watch(threads, clock)
    threads.calls[41] = call
    for wakes in range(4):
        # In the first case it serves requests between its waits.
        threads.found[41] = ("S", 9 + wakes * (20 if call.startswith("7 ") else 1))
        last = doubt(watch, Role.MASTER, Mode.THREADED)
        clock.sleep(0.5)
    assert last == "refused.at_work"


def test_a_master_that_does_not_run_is_not_asked(threads: Threads) -> None:
    clock = FakeClock()
    watch = Watch(threads, clock)
    doubt(watch, Role.MASTER)
    clock.sleep(2)
    assert doubt(watch, Role.MASTER, state=State.RELOADING) == "refused.master_at_work"
    assert doubt(watch, Role.MASTER) is None


def test_another_python_needs_no_rest_but_gets_one_quit_a_second(tmp_path: pathlib.Path) -> None:
    clock = FakeClock()
    watch = Watch(Threads(tmp_path, "312"), clock)
    assert doubt(watch) is None
    watch.sent(PROCESS)
    clock.sleep(0.5)
    assert doubt(watch) == "refused.asked_lately"
    clock.sleep(0.6)
    assert doubt(watch) is None


def test_the_calls_of_threads_are_told(threads: Threads) -> None:
    first, second = waits_of(threads, 40, "x86_64")
    assert first == Wait(40, "odoo", "R")
    assert second == Wait(41, "odoo", "S", "poll", frozenset(["socket:[4711]"]))
    assert is_accept_loop(second, frozenset(["socket:[4711]"]))
    assert not is_accept_loop(second, frozenset(["socket:[1]"]))
    assert waits_of(threads, 40, "riscv64")[1].call == "system call 7"


CATCHER = """
import _ctypes, os, signal, sys, threading
signal.signal(signal.SIGQUIT, lambda number, frame: os.write(1, b"QUIT\\n"))
os.write(1, b"ready\\n")
WORK
sys.stdin.read()
"""


@pytest.mark.parametrize("work", ["", "threading.Thread(target=exec, args=['while True: pass'], daemon=True).start()"])
def test_the_door_sends_a_quit_only_after_a_second_of_rest(work: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "ansible_collections.fleetops.odoo.plugins.module_utils._signals.rest.may_end_of_quit", lambda _version: True
    )
    child = subprocess.Popen(
        [sys.executable, "-c", CATCHER.replace("WORK", work)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        clock = FakeClock()
        watch = Watch(Proc(), clock)
        target = Target(seen(child.pid), Role.HTTP, Mode.PREFORK, State.RUNNING, watch)
        while not work and "read" not in {wait.call for wait in waits_of(Proc(), child.pid)}:
            time.sleep(0.01)
        for _look in range(3):
            with pytest.raises(NotAtRest) as kept:
                send(Proc(), "QUIT", target)
            assert (kept.value.rule, kept.value.code) == (Rule.REST, "refused.at_work")
        # Without a watch nothing has been seen of its rest.
        with pytest.raises(NotAtRest):
            send(Proc(), "QUIT", dataclasses.replace(target, watch=None))
        clock.sleep(1.5)
        if work:
            with pytest.raises(NotAtRest):
                send(Proc(), "QUIT", target)
            (lifted,) = send(Proc(), "QUIT", dataclasses.replace(target, accepts_risk=True))
            assert lifted.problem.code == "dump.risk_accepted"
        else:
            assert send(Proc(), "QUIT", target) == []
        assert child.stdout.readline() == b"QUIT\n"
        child.kill()


@pytest.mark.parametrize(("error", "sent"), [(Moved(), False), (NotAllowed(), True), (Gone("40"), False)])
def test_a_quit_is_sent_if_other_threads_stand_still_or_cannot_be_stopped(
    error: Exception,
    sent: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_still: t.Any) -> t.NoReturn:
        raise error

    delivered: list[int] = []
    monkeypatch.setattr(door, "_deliver", lambda _handle, process, _number: delivered.append(process.pid))
    monkeypatch.setattr(door, "check", lambda *_arguments, **_force: [])
    monkeypatch.setattr(door, "_open_pidfd", lambda _process: None)
    monkeypatch.setattr(Still, "stop", fail)
    watch = Watch(Proc(), FakeClock())
    monkeypatch.setattr(watch, "endangers", lambda _process: True)
    monkeypatch.setattr(watch, "doubt", lambda *_arguments: None)
    target = Target(PROCESS, Role.HTTP, Mode.PREFORK, State.RUNNING, watch)
    if sent:
        assert send(Proc(), "QUIT", target) == []
    else:
        with pytest.raises(NotAtRest if isinstance(error, Moved) else SignalRefused):
            send(Proc(), "QUIT", target)
    assert delivered == [40] * sent
