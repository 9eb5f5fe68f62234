# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Find the process of a session of PostgreSQL by its sockets, because no client can choose them like a name."""

from __future__ import annotations

import ipaddress
import socket
import struct
import typing as t

from .._processes.proc import Gone, Proc
from .._processes.process import Process, parse_established, plain_address
from .._system.namespaces import network_of

_SOCK_DIAG, _DIAG_BY_FAMILY, _REQUEST, _DUMP, _DONE, _ERROR = 4, 20, 1, 0x300, 3, 2
_SHOW_PEER, _PEER = 4, 2
_HEAD, _QUESTION, _UNIX, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=BBHIIIII"), struct.Struct("=BBBBIII"), 4
#: Bytes that one answer of the kernel may have.
_ANSWER = 1 << 17


class Session(t.NamedTuple):
    """The client's end of a session, as PostgreSQL sees it. ``address`` is None for a unix socket."""

    backend: int
    address: t.Optional[str]
    port: t.Optional[int]


def tied(
    proc: Proc,
    processes: t.Sequence[Process],
    sessions: t.Sequence[Session],
    own: t.Optional[Session],
    port: int,
) -> t.Dict[int, Process]:
    """Return which process of a server has which session, by the pid of its backend.

    :param own: our own session, which uses the same way as the server.
    :param port: of PostgreSQL in the settings of the server.
    """
    owners: t.Dict[int, Process] = {}
    for process in processes:
        try:
            owners.update((inode, process) for inode in proc.sockets(process.pid))
        except (Gone, PermissionError):
            continue
    if not owners or own is None:
        return {}
    if own.address is None:
        return _by_unix_sockets(proc, processes[0], owners, [one.backend for one in sessions if one.address is None])
    # The loopback of a PostgreSQL elsewhere is not ours.
    local = _is_loopback(own.address)
    ends: t.Dict[t.Tuple[str, int], Process] = {}
    for name in ("net/tcp", "net/tcp6"):
        try:
            text = proc.text(processes[0].pid, name)
        except (Gone, PermissionError):
            continue
        for inode, near, far in parse_established(text):
            if inode in owners and far[1] == port:
                ends[near] = owners[inode]
    found: t.Dict[int, Process] = {}
    for one in sessions:
        if one.address is None or one.port is None or (_is_loopback(one.address) and not local):
            continue
        end = (plain_address(one.address), one.port)
        if end in ends:
            found[one.backend] = ends[end]
    return found


def _by_unix_sockets(
    proc: Proc, master: Process, owners: t.Mapping[int, Process], backends: t.Sequence[int]
) -> t.Dict[int, Process]:
    # A backend of another PID namespace has another pid here; a process that is not a backend has no such socket.
    theirs: t.Dict[int, int] = {}
    for backend in backends:
        try:
            theirs.update((inode, backend) for inode in proc.sockets(backend))
        except (Gone, PermissionError):
            continue
    if not theirs:
        return {}
    try:
        with network_of(proc.root, master.pid):
            peers = list(unix_peers())
    except OSError:
        return {}
    return {
        theirs[peer]: owners[inode]
        for inode, peer in peers
        if inode in owners and peer in theirs and peer not in owners
    }


def unix_peers() -> t.Iterator[t.Tuple[int, int]]:
    """Both ends of every connected unix socket of this network namespace, by their inodes.

    :raises OSError: the kernel does not tell (it lacks unix_diag).
    """
    question = _QUESTION.pack(socket.AF_UNIX, 0, 0, 0xFFFFFFFF, 0, _SHOW_PEER, 0xFFFFFFFF, 0xFFFFFFFF)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _SOCK_DIAG) as kernel:
        kernel.settimeout(1.0)
        kernel.send(_HEAD.pack(_HEAD.size + len(question), _DIAG_BY_FAMILY, _REQUEST | _DUMP, 1, 0) + question)
        while True:
            found, done = parse_diag(kernel.recv(_ANSWER))
            yield from found
            if done:
                return


def parse_diag(data: bytes) -> t.Tuple[t.List[t.Tuple[int, int]], bool]:
    """Pairs of inodes in an answer of the kernel, and whether it was the last. Pure.

    :raises OSError: it is an error.
    """
    pairs: t.List[t.Tuple[int, int]] = []
    at = 0
    while at + _HEAD.size <= len(data):
        length, kind = _HEAD.unpack_from(data, at)[:2]
        if kind == _ERROR:
            raise OSError(-struct.unpack_from("=i", data, at + _HEAD.size)[0], "sock_diag")
        if kind == _DONE or length < _HEAD.size:
            return pairs, True
        inode = _UNIX.unpack_from(data, at + _HEAD.size)[4]
        attribute, end = at + _HEAD.size + _UNIX.size, min(at + length, len(data))
        while attribute + _ATTRIBUTE <= end:
            size, name = struct.unpack_from("=HH", data, attribute)
            if name == _PEER and size >= _ATTRIBUTE + 4:
                pairs.append((inode, struct.unpack_from("=I", data, attribute + _ATTRIBUTE)[0]))
            attribute += max((size + 3) & ~3, _ATTRIBUTE)
        at += (length + 3) & ~3
    return pairs, False


def _is_loopback(text: str) -> bool:
    try:
        return ipaddress.ip_address(plain_address(text)).is_loopback
    except ValueError:
        return False
