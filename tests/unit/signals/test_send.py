# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The door for signals, with real processes behind it."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import errno
import os
import pathlib
import re
import signal
import subprocess
import sys
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Mode, Role, State
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import Process, parse_stat, parse_status
from ansible_collections.fleetops.odoo.plugins.module_utils._signals import send as _send
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rules import Target
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.send import SignalRefused, kill, send

from .. import build
from ..build import failing

#: Says "ready", then one line for each HUP that it gets. It ends with its stdin.
CATCHER = """
import os, signal, sys
signal.signal(signal.SIGHUP, lambda number, frame: os.write(1, b"HUP\\n"))
os.write(1, b"ready\\n")
sys.stdin.read()
"""
#: The same without a handler: a HUP would kill it.
DEAF = "\n".join(line for line in CATCHER.splitlines() if "SIGHUP" not in line)


class Child:
    """A real process and the record that a look would have made of it."""

    all: t.ClassVar[list[Child]] = []

    def __init__(self, code: str) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._stdout = t.cast("t.IO[bytes]", self.popen.stdout)
        assert self._stdout.readline() == b"ready\n"
        self.process = seen(self.popen.pid)
        self.all.append(self)

    def end(self) -> list[bytes]:
        """Let it end by itself; the lines that it wrote."""
        if not self._stdout.closed:
            t.cast("t.IO[bytes]", self.popen.stdin).close()
            self._lines = self._stdout.read().split()
            self.popen.wait()
            self._stdout.close()
        return self._lines


def seen(pid: int) -> Process:
    """Return the record of a process as a look makes it."""
    proc = Proc()
    stat, status = parse_stat(proc.text(pid, "stat")), parse_status(proc.text(pid, "status"))
    return dataclasses.replace(
        build.process(pid), start=stat.start, caught=status.caught, uid=status.uid, fingerprint=stat.fingerprint
    )


@pytest.fixture(autouse=True)
def no_child_stays() -> t.Iterator[None]:
    """End what a failed test has left."""
    yield
    for child in Child.all:
        child.end()
    Child.all.clear()


def target(process: Process, role: Role = Role.MASTER, state: State = State.RUNNING) -> Target:
    """The process as a target of a prefork instance."""
    return Target(process, role, Mode.PREFORK, state)


#: Not before Python 3.9.
PIDFD = hasattr(os, "pidfd_open")


@pytest.fixture(params=["pidfd", "no pidfd in Python", "no pidfd in the kernel", "pidfd behind seccomp"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every way of sending."""

    def absent(number: int) -> t.Callable[..., t.NoReturn]:
        def fail(_pid: int) -> t.NoReturn:
            raise OSError(number, os.strerror(number))

        return fail

    if request.param == "no pidfd in Python":
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    elif not PIDFD:
        pytest.skip("this Python has no pidfd")
    elif request.param == "no pidfd in the kernel":
        monkeypatch.setattr(os, "pidfd_open", absent(errno.ENOSYS))
    elif request.param == "pidfd behind seccomp":
        monkeypatch.setattr(os, "pidfd_open", absent(errno.EPERM))
    return t.cast("str", request.param)


@pytest.mark.usefixtures("way")
def test_what_catches_hup_gets_exactly_one() -> None:
    child = Child(CATCHER)
    assert send(Proc(), "HUP", target(child.process)) == []
    assert child.end() == [b"HUP"]
    assert child.popen.returncode == 0


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("force", [False, True])
def test_what_does_not_catch_hup_is_refused_and_lives(force: bool) -> None:  # noqa: FBT001
    child = Child(DEAF)
    lied = dataclasses.replace(child.process, caught=build.mask(["HUP"]))
    with pytest.raises(SignalRefused) as caught:
        send(Proc(), "HUP", target(lied), force=force)
    assert caught.value.rule == "interlock"
    assert child.end() == []
    assert child.popen.returncode == 0


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    ("role", "state", "rule"),
    [
        (Role.HTTP, State.RUNNING, "role"),
        (Role.MASTER, State.RELOADING, "state"),
        (Role.MASTER, State.DRAINING, "state"),
    ],
)
def test_role_and_state_refuse_and_force_lifts_them(role: Role, state: State, rule: str) -> None:
    child = Child(CATCHER)
    with pytest.raises(SignalRefused) as caught:
        send(Proc(), "HUP", target(child.process, role, state))
    assert caught.value.rule == rule
    assert [one.rule for one in send(Proc(), "HUP", target(child.process, role, state), force=True)] == [rule]
    assert child.end() == [b"HUP"]


@pytest.mark.usefixtures("way")
def test_a_process_that_has_ended_is_refused() -> None:
    child = Child(CATCHER)
    child.end()
    with pytest.raises(SignalRefused) as caught:
        send(Proc(), "HUP", target(child.process))
    assert caught.value.rule == "identity"


@pytest.mark.usefixtures("way")
def test_a_process_that_ends_behind_the_checks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    child = Child(CATCHER)
    monkeypatch.setattr(_send, "check", lambda *_arguments, **_keywords: child.end())
    with failing("refused.process_ended") as caught:
        send(Proc(), "HUP", target(child.process))
    assert caught.value.rule == "identity"


@pytest.mark.usefixtures("way")
def test_what_the_kernel_forbids_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    child = Child(CATCHER)

    def forbid(*_arguments: int) -> t.NoReturn:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "kill", forbid)
    monkeypatch.setattr(signal, "pidfd_send_signal", forbid, raising=False)
    with pytest.raises(SignalRefused) as caught:
        send(Proc(), "HUP", target(child.process))
    assert caught.value.rule == "privilege"
    assert child.end() == []


def test_a_stopped_process_is_left_alone() -> None:
    # The signal would wait, and take effect much later.
    child = Child(CATCHER)
    os.kill(child.popen.pid, signal.SIGSTOP)
    try:
        os.waitid(os.P_PID, child.popen.pid, os.WSTOPPED | os.WNOWAIT)
        with failing("refused.stopped") as caught:
            send(Proc(), "HUP", target(child.process), force=True)
    finally:
        os.kill(child.popen.pid, signal.SIGCONT)
    assert caught.value.rule == "state"
    assert child.end() == []


@pytest.mark.usefixtures("way")
def test_a_zombie_is_refused() -> None:
    child = Child(CATCHER)
    t.cast("t.IO[bytes]", child.popen.stdin).close()
    os.waitid(os.P_PID, child.popen.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(SignalRefused) as caught:
        send(Proc(), "HUP", target(child.process))
    assert caught.value.rule == "identity"
    child.end()


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("force", [False, True])
def test_another_start_time_is_another_process(force: bool) -> None:  # noqa: FBT001
    child = Child(CATCHER)
    earlier = dataclasses.replace(child.process, start=child.process.start - 1)
    with pytest.raises(SignalRefused) as caught:
        send(Proc(), "HUP", target(earlier), force=force)
    assert caught.value.rule == "identity"
    assert child.end() == []


#: Runs as pid 1 of a pid namespace of its own, so that it may choose its children's pids by ns_last_pid. A server and
#: then a stranger get the same pid; what the door does in between is what is tested.
REUSE = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
import ctypes
assert ctypes.CDLL(None, use_errno=True).mount(b"proc", b"/proc", b"proc", 0, None) == 0
from ansible_collections.fleetops.odoo.tests.unit.signals import test_send as this
from ansible_collections.fleetops.odoo.plugins.module_utils._signals import send as _send

def born(pid):
    with open("/proc/sys/kernel/ns_last_pid", "w") as file:
        file.write(str(pid - 1))
    child = this.Child(this.CATCHER)
    assert child.popen.pid == pid, child.popen.pid
    return child

def reuse():
    strangers.append(born(300))

server = born(300)
strangers = []
moment = sys.argv[2]
if sys.argv[3] == "kill" and this.PIDFD:
    del os.pidfd_open
if moment == "before the door":
    server.end()
elif moment == "after the pidfd":
    really = _send._open_pidfd
    def open_pidfd(process):
        handle = really(process)
        server.end()
        later()
        return handle
    _send._open_pidfd = open_pidfd
elif moment == "after the checks":
    checked = _send.check
    def check(*arguments, **keywords):
        answer = checked(*arguments, **keywords)
        server.end()
        later()
        return answer
    _send.check = check

def later():
    # Start times count in clock ticks: a stranger of the same tick could not be told from the server.
    while not strangers:
        with open("/proc/uptime") as file:
            if int(float(file.read().split()[0]) * 100) > server.process.start + 1:
                reuse()

if moment == "before the door":
    later()
try:
    _send.send(this.Proc(), "HUP", this.target(server.process))
except _send.SignalRefused as refused:
    print(refused.rule, strangers[0].process.pid == server.process.pid, strangers[0].end())
else:
    print("sent", strangers[0].end())
"""


def _reuse(moment: str, way: str) -> str:
    libc = ctypes.CDLL(None, use_errno=True)
    new_pids, new_mounts, private = 0x20000000, 0x00020000, 1 << 18 | 1 << 14

    def alone() -> None:
        if libc.unshare(new_pids | new_mounts) or libc.mount(None, b"/", None, private, None):
            raise OSError(ctypes.get_errno(), "unshare")

    # The first process after unshare is pid 1 of the namespace.
    starter = "import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', *sys.argv[1:]]).returncode)"
    collections = str(pathlib.Path(_send.__file__).parents[6])
    done = subprocess.run(
        [sys.executable, "-c", starter, REUSE, collections, moment, way],
        preexec_fn=alone,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a pid namespace")


@needs_root
@pytest.mark.parametrize("moment", ["before the door", "after the pidfd"])
@pytest.mark.parametrize("way", ["pidfd", "kill"])
def test_a_stranger_with_the_same_pid_gets_nothing(moment: str, way: str) -> None:
    assert _reuse(moment, way) == "identity True []"


@needs_root
@pytest.mark.skipif(not PIDFD, reason="this Python has no pidfd")
def test_the_pidfd_protects_even_after_the_checks() -> None:
    assert _reuse("after the checks", "pidfd") == "identity True []"


@needs_root
def test_the_reuse_is_real() -> None:
    # Without pidfd the moment after the checks cannot be protected. That the signal arrives here shows that the tests
    # above would see it if it came.
    assert _reuse("after the checks", "kill") == "sent [b'HUP']"


def test_a_stranger_of_another_user_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    child = Child(CATCHER)
    monkeypatch.setattr(os, "geteuid", lambda: child.process.uid + 1)
    with pytest.raises(SignalRefused) as caught:
        send(Proc(), "HUP", target(child.process))
    assert caught.value.rule == "privilege"
    assert child.end() == []


@pytest.mark.usefixtures("way")
def test_kill_ends_a_process_without_handlers_and_no_other() -> None:
    child = Child(DEAF)
    stranger = dataclasses.replace(child.process, start=child.process.start - 1)
    with failing("refused.pid_reused"):
        kill(Proc(), stranger)
    assert child.popen.poll() is None
    kill(Proc(), child.process)
    assert child.popen.wait(10) == -signal.SIGKILL
    with failing("refused.process_ended"):
        kill(Proc(), child.process)


def test_no_descriptor_is_left_behind() -> None:
    child = Child(CATCHER)
    before = len(os.listdir("/proc/self/fd"))
    for state in (State.RUNNING, State.RELOADING):
        with contextlib.suppress(SignalRefused):
            send(Proc(), "HUP", target(child.process, state=state))
    assert len(os.listdir("/proc/self/fd")) == before
    child.end()


def test_nothing_else_in_the_collection_signals_a_process() -> None:
    sources = pathlib.Path(_send.__file__).parents[2].rglob("*.py")
    calls = re.compile(
        r"os\.kill\(|killpg\(|\.send_signal\(|pidfd_send_signal|pthread_kill|\.terminate\(|\.kill\(|pkill"
    )
    guilty = {(source.name, found) for source in sources for found in calls.findall(source.read_text())}
    # A journalctl, a psql or another program that was started there is ended there, and no other process.
    # The drain kills what is left through the port of this door.
    guilty -= {("leaving.py", ".kill("), ("follow.py", ".terminate("), ("psql.py", ".kill("), ("programs.py", ".kill(")}
    assert {name for name, found in guilty} == {"send.py"}
