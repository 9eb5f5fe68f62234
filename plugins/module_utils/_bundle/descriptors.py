# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Count open files of processes by kind, and sockets by state and peer. Pure."""

from __future__ import annotations

import ipaddress
import typing as t
from collections import Counter

from .._processes.process import DELETED, socket_end

#: States of a TCP socket, as the kernel numbers them in /proc/net/tcp.
_STATES = {
    "01": "established",
    "02": "syn_sent",
    "03": "syn_recv",
    "04": "fin_wait1",
    "05": "fin_wait2",
    "06": "time_wait",
    "07": "close",
    "08": "close_wait",
    "09": "last_ack",
    "0A": "listen",
    "0B": "closing",
    "0C": "new_syn_recv",
}
#: Entries of a list. More entries would not help the reader.
_MOST = 100


def open_files(targets: t.Iterable[str]) -> t.Dict[str, t.Any]:
    """Return the number of open files of each kind, and their names.

    :param targets: what file descriptors point to, as /proc/PID/fd has it.
    """
    kinds: t.Counter[str] = Counter()
    paths: t.Counter[str] = Counter()
    for target in targets:
        kind = kind_of(target)
        kinds[kind] += 1
        if kind in ("file", "deleted", "device"):
            paths[target] += 1
    found: t.Dict[str, t.Any] = {"open": sum(kinds.values()), "kinds": dict(sorted(kinds.items()))}
    found["files"] = [{"path": path, "count": count} for path, count in paths.most_common(_MOST)]
    if len(paths) > _MOST:
        found["more_files"] = len(paths) - _MOST
    return found


def kind_of(target: str) -> str:
    """``file``, ``deleted`` (a file that is gone), ``device``, ``socket``, ``pipe``, ``memory`` or ``anonymous``."""
    if target.startswith(("/memfd:", "/dev/shm/")):  # noqa: S108
        return "memory"
    if target.startswith("/dev/"):
        return "device"
    if target.startswith("/"):
        return "deleted" if target.endswith(DELETED) else "file"
    kind = target.partition(":")[0]
    return kind if kind in ("socket", "pipe") else "anonymous"


def sockets(lines: t.Iterable[str], own: t.Collection[int], listening: t.Collection[int]) -> t.List[t.Dict[str, t.Any]]:
    """Count TCP sockets of a network namespace by owner, state, direction, port and kind of peer, the most first.

    :param lines: of /proc/PID/net/tcp and tcp6; heads are passed over.
    :param own: inodes of the sockets that the server has open.
    :param listening: ports with a listening socket; a connection to one of them comes in.
    """
    counted: t.Counter[t.Tuple[str, str, str, int, str]] = Counter()
    for line in lines:
        fields = line.split()
        if len(fields) < 10 or fields[3] not in _STATES:
            continue
        (_address, near), (peer, far) = socket_end(fields[1]), socket_end(fields[2])
        state = _STATES[fields[3]]
        inode = int(fields[9])
        # The kernel forgets the owner of a socket that no process has open any more.
        owner = "server" if inode in own else "other" if inode else "nobody"
        if state == "listen":
            key = (owner, state, "in", near, "none")
        else:
            incoming = near in listening
            key = (owner, state, "in" if incoming else "out", near if incoming else far, peer_kind(peer))
        counted[key] += 1
    names = ("owner", "state", "direction", "port", "peer")
    return [{**dict(zip(names, key)), "count": count} for key, count in counted.most_common(_MOST)]


def listening_ports(lines: t.Iterable[str]) -> t.Set[int]:
    """Ports in state LISTEN in the same files."""
    found = set()
    for line in lines:
        fields = line.split()
        if len(fields) > 9 and fields[3] == "0A":
            found.add(socket_end(fields[1])[1])
    return found


def peer_kind(address: str) -> str:
    """``loopback``, ``private`` or ``public``."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    found = getattr(found, "ipv4_mapped", None) or found
    return "loopback" if found.is_loopback else "private" if found.is_private else "public"
