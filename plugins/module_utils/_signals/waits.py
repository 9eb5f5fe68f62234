# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Find out from the kernel, without a signal, what the threads of a process wait for."""

from __future__ import annotations

import os
import re
import struct
import typing as t
from dataclasses import dataclass

from .._processes.proc import Gone, Proc
from .._processes.process import parse_listening

#: System calls by machine and number. Of those that are not here only the number is told.
_X86_64 = """
0 read 1 write 7 poll 17 pread64 18 pwrite64 19 readv 20 writev 23 select 35 nanosleep 42 connect 43 accept 44 sendto
45 recvfrom 46 sendmsg 47 recvmsg 61 wait4 72 fcntl 73 flock 74 fsync 75 fdatasync 202 futex 230 clock_nanosleep
232 epoll_wait 247 waitid 257 openat 270 pselect6 271 ppoll 281 epoll_pwait 288 accept4 441 epoll_pwait2
"""
_AARCH64 = """
22 epoll_pwait 25 fcntl 32 flock 56 openat 63 read 64 write 65 readv 66 writev 67 pread64 68 pwrite64 72 pselect6
73 ppoll 82 fsync 83 fdatasync 95 waitid 98 futex 101 nanosleep 115 clock_nanosleep 202 accept 203 connect 206 sendto
207 recvfrom 211 sendmsg 212 recvmsg 242 accept4 260 wait4 441 epoll_pwait2
"""
_CALLS: t.Mapping[str, t.Mapping[int, str]] = {
    machine: dict(zip(map(int, words[::2]), words[1::2]))
    for machine, words in (("x86_64", _X86_64.split()), ("aarch64", _AARCH64.split()))
}
POLL, SELECT = frozenset(["poll", "ppoll"]), frozenset(["select", "pselect6"])
#: Calls whose first argument is a descriptor.
_ON_ONE = re.compile("p?(read|write)(64|v)?|(recv|send)(from|to|msg)|connect|accept4?|flock|fcntl|f(data)?sync")
_POLLED = struct.Struct("=ihh")
#: Descriptors of one poll or select that are read.
_MOST = 1024


@dataclass(frozen=True)
class Wait:
    """The wait of one thread. ``call`` is None if the thread runs, or if the kernel does not show it."""

    thread: int
    name: str
    #: its run state, such as S
    state: str
    call: t.Optional[str] = None
    #: what it waits for: links as /proc/PID/fd has them, such as ``socket:[4711]``; None where that is not known
    on: t.Optional[t.FrozenSet[str]] = None


def waits_of(proc: Proc, pid: int, machine: t.Optional[str] = None) -> t.List[Wait]:
    """Return what each thread of a process waits for; none where it has ended.

    :param machine: as uname names it; that of this machine unless given.
    """
    calls = _CALLS.get(machine or os.uname().machine, {})
    try:
        return [wait_of(proc, pid, thread, state, calls) for thread, (state, _n) in proc.threads(pid).items()]
    except (Gone, OSError):
        return []


def wait_of(proc: Proc, pid: int, thread: int, state: str, calls: t.Mapping[int, str]) -> Wait:
    """Return what one thread waits for."""
    try:
        name = proc.text(pid, "task/%d/comm" % thread).rstrip("\n")
    except (Gone, OSError):
        name = ""
    try:
        text = proc.text(pid, "task/%d/syscall" % thread)
    except (Gone, OSError):
        return Wait(thread, name, state)
    found = parse_syscall(text)
    if found is None:
        return Wait(thread, name, "R" if text.strip() == "running" else state)
    number, arguments = found
    call = calls.get(number)
    if call is None:
        return Wait(thread, name, state, "system call %d" % number)
    try:
        return Wait(thread, name, state, call, _on(proc, pid, call, arguments))
    except (Gone, OSError, struct.error):
        return Wait(thread, name, state, call)


def parse_syscall(text: str) -> t.Optional[t.Tuple[int, t.Tuple[int, ...]]]:
    """Return number and arguments in /proc/PID/syscall; None where the thread runs. Pure."""
    words = text.split()
    if len(words) < 7 or not words[0].isdigit():
        return None
    return int(words[0]), tuple(int(word, 16) for word in words[1:7])


def _on(proc: Proc, pid: int, call: str, arguments: t.Sequence[int]) -> t.Optional[t.FrozenSet[str]]:
    if _ON_ONE.fullmatch(call):
        numbers: t.Iterable[int] = [arguments[0]]
    elif call in POLL and arguments[1] <= _MOST:
        numbers = polled(_memory(proc, pid, arguments[0], arguments[1] * _POLLED.size))
    elif call in SELECT and arguments[0] <= _MOST:
        size = (arguments[0] + 63) // 64 * 8
        numbers = {one for at in arguments[1:3] if at for one in selected(_memory(proc, pid, at, size), arguments[0])}
    else:
        return None
    return frozenset(proc.link(pid, "fd/%d" % number) for number in numbers)


def _memory(proc: Proc, pid: int, at: int, size: int) -> bytes:
    """Read some bytes of a process, which goes on meanwhile: the list that it has given to the kernel."""
    descriptor = os.open("%s/%d/mem" % (proc.root, pid), os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(descriptor, size, at)
    finally:
        os.close(descriptor)


def polled(data: bytes) -> t.List[int]:
    """Return the descriptors in the list that poll gets. Pure."""
    return [number for number, _events, _revents in _POLLED.iter_unpack(data) if number >= 0]


def selected(data: bytes, most: int) -> t.List[int]:
    """Return the descriptors in the set that select gets: a bit for each. Pure."""
    bits = int.from_bytes(data, "little")
    return [number for number in range(most) if bits >> number & 1]


def listening_links(proc: Proc, pid: int) -> t.FrozenSet[str]:
    """Return the sockets in the network of a process that take connections, as /proc/PID/fd names them."""
    found: t.Set[str] = set()
    for name in ("net/tcp", "net/tcp6"):
        try:
            found.update("socket:[%d]" % inode for inode in parse_listening(proc.text(pid, name)))
        except (Gone, OSError):
            continue
    return frozenset(found)


def is_accept_loop(wait: Wait, listening: t.FrozenSet[str]) -> bool:
    """Return whether a thread does nothing but wait for a connection, and wakes now and then to look around. Pure."""
    return wait.state == "S" and wait.call in POLL and bool(wait.on) and (wait.on or frozenset()) <= listening
