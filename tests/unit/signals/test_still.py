# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep the threads of a real process still while its main thread handles a signal."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._signals import still as module
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.still import Moved, NotAllowed, calls_of, still
from ansible_collections.fleetops.odoo.plugins.module_utils._system.clock import Clock

#: A thread counts as soon as a byte has come; the handler of QUIT takes its time, and prints how far that counted.
PROGRAM = """
import os, select, signal, sys, threading, time
count = 0
def work():
    global count
    select.select([0], [], [])
    while True:
        count += 1
def tell(*_):
    before, end = count, time.monotonic() + 0.2
    while time.monotonic() < end:
        pass
    print("counted" if count > before else "still", flush=True)
signal.signal(signal.SIGQUIT, tell)
for _ in range(3):
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
threading.Thread(target=work, daemon=True).start()
print("ready", flush=True)
while True:
    time.sleep(600)
"""


@contextlib.contextmanager
def running(program: str = PROGRAM) -> t.Iterator[subprocess.Popen[str]]:
    """Run a program until the block ends; it has printed a line and its threads sleep."""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            time.sleep(0.3)
            yield child
        finally:
            child.kill()


def wake(child: subprocess.Popen[str]) -> None:
    """Send the byte with which the thread begins to count."""
    assert child.stdin is not None
    child.stdin.write("x")
    child.stdin.flush()


def said(child: subprocess.Popen[str]) -> str:
    """Return what the handler has printed."""
    assert child.stdout is not None
    return child.stdout.readline().strip()


def tracers(pid: int) -> set[str]:
    """Return the pids of the programs that trace a thread of a process; 0 stands for none."""
    texts = [one.read_text(encoding="ascii") for one in pathlib.Path(f"/proc/{pid}/task").glob("*/status")]
    return {line.split()[1] for text in texts for line in text.splitlines() if line.startswith("TracerPid:")}


def test_no_other_thread_runs_while_the_handler_does() -> None:
    proc = Proc()
    with running() as child:
        with still(proc, child.pid, calls_of(proc, child.pid), Clock()) as held:
            wake(child)
            os.kill(child.pid, signal.SIGQUIT)
            assert held.await_handler()
        assert said(child) == "still"
        # It goes on, and with it the danger is there.
        assert tracers(child.pid) == {"0"}
        time.sleep(0.5)
        os.kill(child.pid, signal.SIGQUIT)
        assert said(child) == "counted"


def test_a_thread_that_has_begun_to_run_is_found_and_goes_on() -> None:
    proc = Proc()
    with running() as child:
        calls = calls_of(proc, child.pid)
        wake(child)
        time.sleep(0.1)
        with pytest.raises(Moved), still(proc, child.pid, calls, Clock()):
            pass
        # A QUIT at once could meet the thread before the kernel is done with it, and would not wake the main one.
        assert tracers(child.pid) == {"0"}
        assert "R" in {state for state, _switches in proc.threads(child.pid).values()}


def test_a_thread_that_is_new_is_found() -> None:
    proc = Proc()
    with running() as child:
        calls = calls_of(proc, child.pid)
        calls.pop(max(calls))
        with pytest.raises(Moved), still(proc, child.pid, calls, Clock()):
            pass


def test_a_new_thread_that_runs_is_found() -> None:
    proc = Proc()
    with running() as child:
        calls = calls_of(proc, child.pid)
        # The last thread, as if it had begun after the look: it has no system call, neither before nor now.
        calls.pop(max(calls))
        wake(child)
        time.sleep(0.2)
        with pytest.raises(Moved), still(proc, child.pid, calls, Clock()):
            pass


def test_a_main_thread_that_sleeps_elsewhere_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCKED", 0.1)
    proc = Proc()
    program = PROGRAM.replace("time.monotonic() + 0.2\n    while", "time.monotonic() + 0.2; time.sleep(0.7)\n    while")
    with running(program) as child:
        calls = calls_of(proc, child.pid)
        calls[child.pid] = (0, (0,) * 6)
        with still(proc, child.pid, calls, Clock()) as held:
            begun = time.monotonic()
            os.kill(child.pid, signal.SIGQUIT)
            assert not held.await_handler()
            assert time.monotonic() - begun < 5


def test_a_handler_that_takes_too_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HANDLES", 0.05)
    proc = Proc()
    with running() as child:
        with still(proc, child.pid, calls_of(proc, child.pid), Clock()) as held:
            os.kill(child.pid, signal.SIGQUIT)
            assert not held.await_handler()
        assert said(child) == "still"


def test_a_process_with_one_thread_has_nothing_to_stop() -> None:
    proc = Proc()
    program = "import signal, time; signal.signal(signal.SIGQUIT, lambda *_: print('done', flush=True))"
    with running(program + "; print('ready', flush=True)\nwhile True: time.sleep(600)") as child:
        with still(proc, child.pid, calls_of(proc, child.pid), Clock()) as held:
            os.kill(child.pid, signal.SIGQUIT)
            assert held.await_handler()
        assert said(child) == "done"


def test_a_process_that_another_program_traces_cannot_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    proc = Proc()
    with running() as child:
        calls = calls_of(proc, child.pid)

        def refuse(_request: int, _thread: int, _data: int = 0) -> bool:
            raise NotAllowed

        monkeypatch.setattr(module, "_ptrace", refuse)
        with pytest.raises(NotAllowed), still(proc, child.pid, calls, Clock()):
            pass
