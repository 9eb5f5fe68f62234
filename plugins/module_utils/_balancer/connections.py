# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Connections to the ports of the servers of a host, as its kernel shows them."""

from __future__ import annotations

import ipaddress
import os
import typing as t
from dataclasses import dataclass

from .._messages import timeout
from .._messages.code import Problem
from .._processes.proc import Gone, Proc
from .._processes.process import plain_address, socket_end
from .._system.clock import Clock, Pending, wait_until
from .._system.errors import TimedOut

Network = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

#: States of a socket in /proc/net/tcp. A connection that is being made is a request soon (SYN_RECV), and a client that
#: has closed its half may still wait for the answer (CLOSE_WAIT).
_OPEN = frozenset(["01", "03", "08"])
#: Addresses that a message names.
_NAMED = 5


@dataclass(frozen=True)
class View:
    """Ports of one network namespace.

    :ivar pid: a process in it.
    :ivar requests: ports whose connections are requests.
    :ivar websockets: ports whose connections are websockets, or long polling of Odoo before 16.
    """

    pid: int
    requests: t.FrozenSet[int]
    websockets: t.FrozenSet[int] = frozenset()


@dataclass(frozen=True)
class UnderWay:
    """The connections at one moment."""

    requests: int
    websockets: int
    #: the other ends of requests, each once
    peers: t.Tuple[str, ...] = ()


def peers_of(text: str, ports: t.Container[int], ignored: t.Sequence[Network]) -> t.List[str]:
    """Return the other end of each connection to these ports.

    :param text: of /proc/PID/net/tcp or tcp6.
    :param ignored: networks whose connections do not count.
    """
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] in _OPEN and socket_end(fields[1])[1] in ports:
            peer = plain_address(socket_end(fields[2])[0])
            if not within(peer, ignored):
                found.append(peer)
    return found


def within(address: str, networks: t.Sequence[Network]) -> bool:
    """Return whether an address is in one of these networks."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed.version == one.version and parsed in one for one in networks)


def collapsed(networks: t.Sequence[Network]) -> t.Tuple[Network, ...]:
    """Return networks without those that are within others, in one order."""
    fours = [one for one in networks if isinstance(one, ipaddress.IPv4Network)]
    sixes = [one for one in networks if isinstance(one, ipaddress.IPv6Network)]
    return (*ipaddress.collapse_addresses(fours), *ipaddress.collapse_addresses(sixes))


def count(proc: Proc, views: t.Sequence[View], ignored: t.Sequence[Network]) -> UnderWay:
    """Count the connections of all views. A process that has ended has none."""
    requests: t.List[str] = []
    websockets: t.List[str] = []
    for view in views:
        for name in ("net/tcp", "net/tcp6"):
            try:
                text = proc.text(view.pid, name)
            except (Gone, OSError):
                continue
            requests += peers_of(text, view.requests, ignored)
            websockets += peers_of(text, view.websockets, ignored)
    return UnderWay(len(requests), len(websockets), tuple(sorted(set(requests))))


def host_view(ports: t.Iterable[int]) -> View:
    """Return the view of ports of the host itself."""
    return View(os.getpid(), frozenset(ports))


@dataclass(frozen=True)
class Patience:
    """Time limits in seconds, and networks whose connections do not count."""

    timeout: float
    websocket_timeout: float
    ignored: t.Tuple[Network, ...] = ()


def wait_idle(proc: Proc, views: t.Sequence[View], patience: Patience, clock: Clock) -> UnderWay:
    """Wait until no request is under way, and for websockets as long as their own time limit says.

    :returns: what is left, which may be websockets.
    :raises TimedOut: a request is still under way.
    :raises StillWaiting: the clock says that the time for a report has come.
    """
    begun = clock.began()

    def attempt() -> t.Union[UnderWay, Pending]:
        passed = clock.monotonic() - begun
        now = count(proc, views, patience.ignored)
        if now.requests:
            problem = _problem(now.requests, {port for view in views for port in view.requests}, now.peers)
            if passed >= patience.timeout:
                raise TimedOut(problem)
            return Pending(problem)
        if now.websockets and passed < patience.websocket_timeout:
            return Pending(_problem(now.websockets, {port for view in views for port in view.websockets}, now.peers))
        return now

    return wait_until(attempt, clock, begun + max(patience.timeout, patience.websocket_timeout), may_report=True)


def noun(number: int) -> str:
    """Return the noun that follows a number of connections."""
    return "connection" if number == 1 else "connections"


def _problem(number: int, ports: t.AbstractSet[int], peers: t.Sequence[str]) -> Problem:
    named = [*peers[:_NAMED], *(["others"] if len(peers) > _NAMED else [])]
    return timeout.REQUESTS(
        count=number,
        connections=noun(number),
        ports=", ".join(map(str, sorted(ports))),
        peers=", ".join(named),
    )
