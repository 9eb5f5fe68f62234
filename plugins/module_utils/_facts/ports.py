# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Find out which process keeps a server from listening on its ports."""

from __future__ import annotations

import ipaddress
import typing as t

from .._processes.classify import Instance
from .._processes.options import Options
from .._processes.proc import Gone, Proc, TooLarge
from .._processes.process import parse_listening, plain_address
from .._system.namespaces import NETWORK, differs

#: Socket inode, address and port of this end.
Ends = t.Sequence[t.Tuple[int, str, int]]
#: Option, address and port.
Place = t.Tuple[str, str, int]


def places_of(proc: Proc, instance: Instance, options: Options) -> t.List[Place]:
    """Return where a server listens because of its options; none if systemd has opened the socket.

    None for a server in a network of its own either: when it has ended, the ports of that network cannot be seen.
    """
    if instance.activated or differs(proc.root, instance.master.pid, NETWORK):
        return []
    http = [("http_port", address, port) for address, port in instance.listening or () if port == options.http_port]
    gevent = [("gevent_port", address, port) for address, port in instance.evented if port == options.gevent_port]
    return [*http, *gevent]


def conflicts(address: str, port: int, ends: Ends, own: t.Container[int]) -> t.List[t.Tuple[int, str, int]]:
    """Return the sockets of others that keep a server from listening at a place. Pure.

    :param own: inodes of the server's own sockets.
    """
    return [end for end in ends if end[2] == port and end[0] not in own and _meet(address, end[1])]


def _meet(one: str, other: str) -> bool:
    """Return whether two addresses exclude each other for one port; the wildcard of IPv6 includes IPv4."""
    try:
        first, second = (ipaddress.ip_address(plain_address(text)) for text in (one, other))
    except ValueError:
        return True
    if first.version == second.version:
        return first == second or first.is_unspecified or second.is_unspecified
    six = first if first.version == 6 else second
    return six.is_unspecified


def listeners(proc: Proc, pid: int) -> Ends:
    """Return the listening sockets in the network of a process."""
    found: t.List[t.Tuple[int, str, int]] = []
    for name in ("net/tcp", "net/tcp6"):
        try:
            # A connection has the port of its server too, and keeps no other one from listening.
            heard = parse_listening(proc.text(pid, name))
            found += [(inode, address, port) for inode, (address, port) in heard.items()]
        except (Gone, OSError):
            continue
    return found


def holder_of(proc: Proc, inodes: t.Set[int]) -> str:
    """Name the process that has one of these sockets, as a noun phrase."""
    for pid in proc.pids():
        try:
            if inodes & proc.sockets(pid):
                return "pid %d (%s)" % (pid, proc.text(pid, "comm").strip())
        except (Gone, TooLarge, OSError):
            continue
    return "another process"
