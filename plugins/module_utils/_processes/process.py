# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The properties of one process in /proc; pure parsers of the texts under /proc.

No code here reads a file, so that captured trees and live ones use the same code.
"""

from __future__ import annotations

import ipaddress
import re
import signal
import sys
import typing as t
from dataclasses import dataclass, field

from .._system.word import Word

#: The signals that Odoo gives a meaning to. Order is the order in which results list them.
ODOO_SIGNALS: t.Tuple[str, ...] = ("HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "CHLD", "TTIN", "TTOU", "XCPU")


def signal_number(name: str) -> int:
    """Number of a signal named without its SIG prefix (``HUP`` -> 1)."""
    return int(getattr(signal, "SIG" + name))


def caught_names(mask: int) -> t.List[str]:
    """Return names of Odoo's signals in a ``SigCgt`` mask (bit n-1 is signal n)."""
    return [name for name in ODOO_SIGNALS if mask >> (signal_number(name) - 1) & 1]


#: Variables of the environment that tell where a process stands. Nothing else of an environment is kept.
MARKS = (
    "JOURNAL_STREAM",
    "LISTEN_FDS",
    "LISTEN_PID",
    "ODOO_READY_SIGHUP_PID",
    "ODOO_STAGE",
    "SUPERVISOR_ENABLED",
    "SUPERVISOR_GROUP_NAME",
    "SUPERVISOR_PROCESS_NAME",
    "SUPERVISOR_SERVER_URL",
)


#: What the kernel puts behind the path of a file that is gone.
DELETED = " (deleted)"

#: What a worker calls itself with setproctitle: its class and its pid.
_TITLE = re.compile(r"^odoo: ([^\W\d]\w*) (\d+)(?: |$)")


class AtSocket(Word):
    """The relation of a worker to the listening socket of its server, from the kernel."""

    #: it has a connection that was made to that port, and only an http worker accepts any
    ACCEPTED = "accepted"
    #: it waits for a connection: an http worker that is idle, or any other that sleeps as Odoo's class Worker does
    WAITS = "waits"
    #: it sleeps for something else, without a connection
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class Process:
    """One process at one moment. ``None`` means that the kernel did not let us see it.

    ``start`` is in clock ticks since boot (field 22 of stat); with ``pid`` it is the identity, which a HUP keeps.
    ``fingerprint`` is ``startstack`` (field 28 of stat): every exec draws a new one under ASLR and a fork keeps it, so
    it tells generations apart (seen on Odoo 14.0 to 19.0).
    """

    pid: int
    ppid: int
    start: int
    argv: t.Tuple[str, ...]
    run_state: str
    uid: int
    gid: int
    groups: t.Tuple[int, ...]
    nice: int
    threads: int
    caught: int
    fingerprint: t.Optional[int]
    executable: t.Optional[str] = None
    cwd: t.Optional[str] = None
    cgroup: str = ""
    #: inodes of the sockets that the process has open
    sockets: t.Optional[t.FrozenSet[int]] = None
    #: those variables of the environment at exec that tell where the process stands (MARKS), never any other
    marks: t.Mapping[str, str] = field(default_factory=dict)
    #: resident memory in pages, and CPU time used in clock ticks
    rss_pages: int = 0
    cpu_ticks: int = 0
    #: the pid in each PID namespace, from ours to its own
    namespace_pids: t.Tuple[int, ...] = ()
    #: what it may do beyond what its user may: the permitted set, a bit for each
    capabilities: int = 0
    #: pid of the process that leads its session; 0 where it is outside of our PID namespace
    session: int = 0
    #: signals that it ignores, as a mask like ``caught``
    ignored: int = 0
    #: class of a worker, as its log or its dump names it
    named: t.Optional[str] = None
    #: None where it was not looked for, or nothing was found out
    at_socket: t.Optional[AtSocket] = None

    @property
    def worker_class(self) -> t.Optional[str]:
        """Name of the class of a worker, out of its title, its log or its dump; None where none of them tells."""
        title = _TITLE.match(self.argv[0]) if self.argv else None
        return title.group(1) if title and int(title.group(2)) == self.shown_pid else self.named

    @property
    def handover_pid(self) -> t.Optional[int]:
        """Pid, in its own log, of the shepherd that handed over to this master, if a reload of Odoo 19 made it."""
        text = self.marks.get("ODOO_READY_SIGHUP_PID", "")
        return int(text) if text.isdigit() else None

    @property
    def working_directory(self) -> str:
        """Path of its working directory, or what that was before it was removed; the root where we may not see it."""
        return (self.cwd or "/").replace(DELETED, "")

    @property
    def shown_pid(self) -> int:
        """The pid that it has in its own log, which differs in a container."""
        return self.namespace_pids[-1] if self.namespace_pids else self.pid

    @property
    def identity(self) -> str:
        """``PID:STARTTICKS``, which names this process and no later one with the same pid."""
        return "%d:%d" % (self.pid, self.start)

    def catches(self, name: str) -> bool:
        """Return whether the process has a handler for this signal at this moment."""
        return bool(self.caught >> (signal_number(name) - 1) & 1)

    @property
    def catches_as_master(self) -> bool:
        """True if it catches the signals of a master of Odoo, prefork or threaded, which no worker does."""
        common = all(self.catches(name) for name in ("HUP", "INT", "QUIT", "USR1", "TERM", "CHLD"))
        return common and (self.catches("XCPU") or (self.catches("TTIN") and self.catches("TTOU")))

    def ignores(self, name: str) -> bool:
        """Return whether the process ignores this signal at this moment."""
        return bool(self.ignored >> (signal_number(name) - 1) & 1)


def on_odoo_sh(process: Process) -> bool:
    """Return whether a process runs on Odoo.sh, which sends signals itself; its environment shows it."""
    return process.marks.get("ODOO_STAGE") in ("production", "staging", "dev")


@dataclass(frozen=True)
class Stat:
    """The fields of /proc/PID/stat that we use."""

    run_state: str
    ppid: int
    nice: int
    threads: int
    start: int
    fingerprint: t.Optional[int]
    rss_pages: int
    cpu_ticks: int
    session: int = 0


@dataclass(frozen=True)
class Status:
    """The fields of /proc/PID/status that we use.

    ``uids`` and ``gids`` are the real, effective, saved and filesystem IDs, in this order.
    """

    uids: t.Tuple[int, ...]
    gids: t.Tuple[int, ...]
    groups: t.Tuple[int, ...]
    caught: int
    namespace_pids: t.Tuple[int, ...]
    capabilities: int = 0
    ignored: int = 0

    @property
    def uid(self) -> int:
        """Effective user ID."""
        return self.uids[1]

    @property
    def gid(self) -> int:
        """Effective group ID."""
        return self.gids[1]

    @property
    def has_one_user(self) -> bool:
        """Return whether all four user IDs are equal, and all four group IDs.

        They differ while a setuid or setgid program runs: the user that started it chose its arguments, and the rights
        are those of another user.
        """
        return len(set(self.uids)) == 1 and len(set(self.gids)) == 1


def parse_stat(text: str) -> Stat:
    """Parse /proc/PID/stat; the command in it may hold spaces, brackets and line breaks.

    :raises ValueError: when the text is not that of a stat file (a process that ended while it was read).
    """
    head, bracket, tail = text.rpartition(")")
    fields = tail.split()
    if not bracket or len(fields) < 26:
        raise ValueError("not a stat line: %r" % head[:40])
    startstack = int(fields[25])
    return Stat(
        run_state=fields[0],
        ppid=int(fields[1]),
        nice=int(fields[16]),
        threads=int(fields[17]),
        start=int(fields[19]),
        # The kernel shows 0 to those who may not look into the process.
        fingerprint=startstack or None,
        rss_pages=int(fields[21]),
        cpu_ticks=int(fields[11]) + int(fields[12]),
        session=int(fields[3]),
    )


def parse_status(text: str) -> Status:
    """Parse /proc/PID/status.

    :raises ValueError: when a needed line is missing (a process that ended while it was read).
    """
    found: t.Dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and key in ("Uid", "Gid", "Groups", "NSpid", "SigCgt", "SigIgn", "CapPrm"):
            found[key] = value
    try:
        return Status(
            uids=_four(found["Uid"]),
            gids=_four(found["Gid"]),
            groups=tuple(int(group) for group in found.get("Groups", "").split()),
            caught=int(found["SigCgt"].strip(), 16),
            namespace_pids=tuple(int(pid) for pid in found.get("NSpid", "").split()),
            capabilities=int(found.get("CapPrm", "0").strip(), 16),
            ignored=int(found.get("SigIgn", "0").strip(), 16),
        )
    except (KeyError, IndexError) as exc:
        raise ValueError("not a status file: %s is missing" % exc) from exc


def _four(text: str) -> t.Tuple[int, ...]:
    numbers = tuple(int(number) for number in text.split())
    if len(numbers) != 4:
        raise IndexError(text)
    return numbers


def parse_thread(text: str) -> t.Tuple[str, int]:
    """Run state of a thread and how often it has stopped running, out of /proc/PID/task/TID/status; "" without one."""
    found = dict.fromkeys(("State", "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"), "")
    for line in text.splitlines():
        key, _colon, value = line.partition(":")
        if key in found:
            found[key] = value.strip()
    state, *counts = found.values()
    return state[:1], sum(int(count) for count in counts if count.isdigit())


#: Numbers of the system calls by which Python waits in ``select``, by machine.
_SELECT = {"x86_64": (23, 270), "aarch64": (72,)}


def parse_select(text: str, machine: str) -> t.Optional[t.Tuple[int, int]]:
    """Number of descriptors and address of those to read from, out of /proc/PID/task/TID/syscall.

    None where the thread does not wait in ``select``.

    :param machine: as ``uname -m`` calls it.
    """
    words = text.split()
    if len(words) < 4 or not words[0].isdigit() or int(words[0]) not in _SELECT.get(machine, ()):
        return None
    return int(words[1], 16), int(words[2], 16)


#: The same of those by which it waits in ``select`` or in ``time.sleep``.
_IDLE = {"x86_64": (23, 35, 230, 270), "aarch64": (72, 101, 115)}


def waits_idly(text: str, machine: str) -> bool:
    """Return whether a thread waits in ``select`` or sleeps, from /proc/PID/task/TID/syscall."""
    words = text.split()
    return bool(words) and words[0].isdigit() and int(words[0]) in _IDLE.get(machine, ())


def parse_inodes(text: str, column: int) -> t.Set[int]:
    """Inodes of all sockets in a file of /proc/PID/net, which stand in this column."""
    rows = (line.split() for line in text.splitlines()[1:])
    return {int(row[column]) for row in rows if len(row) > column and row[column].isdigit()}


def parse_accepted(text: str, ports: t.Collection[int]) -> t.Set[int]:
    """Inodes of the sockets of /proc/PID/net/tcp or tcp6 that were made by a connection to one of these ports."""
    found = set()
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] != "0A" and socket_end(fields[1])[1] in ports:
            found.add(int(fields[9]))
    return found


def parse_cmdline(data: bytes) -> t.Tuple[str, ...]:
    """Split /proc/PID/cmdline; bytes that are not UTF-8 survive as surrogates, empty words at the end are dropped."""
    return tuple(part.decode("utf-8", "surrogateescape") for part in data.rstrip(b"\0").split(b"\0")) if data else ()


def parse_environ(data: bytes) -> t.Dict[str, str]:
    """Split /proc/PID/environ, which is the environment as it was at the last exec."""
    pairs = (part.partition(b"=") for part in data.split(b"\0") if b"=" in part)
    return {
        key.decode("utf-8", "surrogateescape"): value.decode("utf-8", "surrogateescape")
        for key, _equals, value in pairs
    }


def parse_cgroup(text: str) -> str:
    """Return the most useful path of /proc/PID/cgroup: the unified hierarchy, else systemd's own, else the longest."""
    paths: t.Dict[str, str] = {}
    for line in text.splitlines():
        number, _colon, rest = line.partition(":")
        controllers, _colon, path = rest.partition(":")
        paths["unified" if number == "0" else controllers] = path
    for key in ("unified", "name=systemd"):
        if len(paths.get(key, "/")) > 1:
            return paths[key]
    return max(paths.values(), key=len) if paths else ""


def parse_listening(text: str) -> t.Dict[int, t.Tuple[str, int]]:
    """Sockets in state LISTEN of /proc/PID/net/tcp or tcp6: inode -> (address, port)."""
    listening: t.Dict[int, t.Tuple[str, int]] = {}
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == "0A":
            address, _colon, port = fields[1].partition(":")
            listening[int(fields[9])] = (_address(address), int(port, 16))
    return listening


def parse_established(text: str) -> t.Iterator[t.Tuple[int, t.Tuple[str, int], t.Tuple[str, int]]]:
    """Connected sockets of /proc/PID/net/tcp or tcp6: inode, our end, the other end."""
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == "01":
            (near, port), (far, other) = (socket_end(field) for field in fields[1:3])
            yield int(fields[9]), (plain_address(near), port), (plain_address(far), other)


def plain_address(text: str) -> str:
    """Return an address in the common form: IPv4 if it is mapped into IPv6, no zone, no mask."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0].partition("/")[0])
    except ValueError:
        return text
    return str(getattr(address, "ipv4_mapped", None) or address)


def socket_end(text: str) -> t.Tuple[str, int]:
    """Address and port of one end of a socket, as /proc/net/tcp writes it (``0100007F:1F90``)."""
    address, _colon, port = text.partition(":")
    return _address(address), int(port, 16)


def _address(hexadecimal: str) -> str:
    # The kernel prints each 32 bit word in the machine's byte order.
    words = [int(hexadecimal[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(hexadecimal), 8)]
    return str(ipaddress.ip_address(b"".join(words)))
