# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Tell how long the requests in progress have run, as the kernel shows it through ``ss``."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .._processes.process import plain_address
from .connections import Network, within
from .programs import first_of, run

_SS = ("/usr/bin/ss", "/usr/sbin/ss", "/bin/ss", "/sbin/ss")
_PATIENCE = 5.0
_PID, _LAST = re.compile(r"\bpid=(\d+)"), re.compile(r"\blast(snd|rcv):(\d+)")


@dataclass(frozen=True)
class Connection:
    """A connection of this host.

    :ivar near: address and port here, and ``far`` there.
    :ivar pids: processes that have it open, as far as the user may see them.
    :ivar sent: seconds since something was sent; ``received``: since something arrived.
    """

    near: t.Tuple[str, int]
    far: t.Tuple[str, int]
    pids: t.FrozenSet[int]
    sent: float
    received: float


def parse_connections(text: str) -> t.List[Connection]:
    """Parse ``ss -Htnip state established``: two lines a connection. What is not understood is left out. Pure."""
    found = []
    lines = text.splitlines()
    for line, more in zip(lines, lines[1:]):
        fields = line.split()
        if line[:1].isspace() or not more[:1].isspace() or len(fields) < 4:
            continue
        near, far = _end(fields[2]), _end(fields[3])
        if near and far:
            # ss does not print a time of less than a millisecond.
            last = {name: int(milliseconds) / 1000 for name, milliseconds in _LAST.findall(more)}
            pids = frozenset(map(int, _PID.findall(line)))
            found.append(Connection(near, far, pids, last.get("snd", 0.0), last.get("rcv", 0.0)))
    return found


def _end(text: str) -> t.Optional[t.Tuple[str, int]]:
    address, _colon, port = text.rpartition(":")
    return (plain_address(address.strip("[]")), int(port)) if port.isdigit() else None


def connections() -> t.List[Connection]:
    """Return the connections of this host; none where ``ss`` is missing or fails."""
    program = first_of(_SS)
    if program is None:
        return []
    code, text, _said = run((program, "-Htnip", "state", "established"), _PATIENCE)
    return [] if code else parse_connections(text)


def ages_here(every: t.Iterable[Connection], ports: t.Container[int], ignored: t.Sequence[Network]) -> t.List[float]:
    """Return for how long the requests to these ports have run, the oldest first. Pure.

    A request has arrived when its last byte has: that is when this end last received something. A connection that is
    kept open between two requests counts as one, as it does for those who wait for its end.
    """
    found = [one.received for one in every if one.near[1] in ports and not within(one.far[0], ignored)]
    return sorted(found, reverse=True)


def ages_there(
    every: t.Iterable[Connection], pids: t.Container[int], ends: t.Container[t.Tuple[str, int]]
) -> t.List[float]:
    """Return for how long the requests of these processes to these addresses have run, the oldest first. Pure."""
    return sorted((one.sent for one in every if one.far in ends and any(pid in pids for pid in one.pids)), reverse=True)
