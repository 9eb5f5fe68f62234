# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Close and open ports of this host by nftables."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from .._messages import roll
from .._system.errors import Refused
from .._system.state_dir import StateDirectory
from . import nft
from .connections import Network
from .programs import first_of, run

_PROGRAMS = ("/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft")
_GUARD = "gate.guard"
#: Seconds that nft may take.
_PATIENCE = 15.0


@dataclass(frozen=True)
class GateOrder:
    """An order to close or open ports.

    :ivar ports: empty opens all that is closed.
    :ivar lease: seconds.
    """

    ports: t.Tuple[int, ...]
    lease: float
    allow: t.Tuple[Network, ...]
    owner: str
    published: bool = False


@dataclass(frozen=True)
class Turned:
    """The gate before and after a call."""

    before: nft.Gate
    after: nft.Gate

    @property
    def changed(self) -> bool:
        """Another port is closed, or another address let through. A longer lease does not count as a change."""
        return (self.before.ports, self.before.allow) != (self.after.ports, self.after.allow)


def gate_now() -> nft.Gate:
    """Return what is closed now.

    :raises Refused: nftables cannot be asked.
    """
    program = _program()
    if not _has_table(program):
        return nft.Gate()
    code, text, said = run((program, "-j", "list", "table", *nft.TABLE.split()), _PATIENCE)
    if code:
        raise Refused(roll.GATE_NFT_FAILED(deed="show the table of the gate", said=said))
    try:
        now = nft.parse(text)
    except ValueError as exc:
        raise Refused(roll.GATE_NFT_FAILED(deed="show the table of the gate", said=exc)) from exc
    # Addresses that are let through to nothing outlive the last closed port by less than a second.
    return now if now.closed else nft.Gate()


def close(order: GateOrder, *, check_mode: bool) -> Turned:
    """Close ports, or renew their lease.

    :raises Refused: nftables does not do it; nothing was changed.
    """

    def commands(_now: nft.Gate) -> str:
        return nft.closing(order.ports, order.lease, order.allow, order.owner, published=order.published)

    def expected(now: nft.Gate) -> nft.Gate:
        ours = [nft.Closed(port, order.lease, order.owner) for port in order.ports]
        others = [one for one in now.closed if one.port not in order.ports]
        return nft.Gate(tuple(sorted([*ours, *others], key=lambda one: one.port)), order.allow)

    return _turn(commands, expected, check_mode=check_mode)


def reopen(order: GateOrder, *, check_mode: bool) -> Turned:
    """Open ports, or all that is closed. What the leases have opened leaves an empty table, which goes too.

    :raises Refused: nftables does not do it; nothing was changed.
    """

    def commands(now: nft.Gate) -> str:
        return nft.opening(order.ports or now.ports, now)

    def expected(now: nft.Gate) -> nft.Gate:
        left = tuple(one for one in now.closed if order.ports and one.port not in order.ports)
        return nft.Gate(left, now.allow if left else ())

    return _turn(commands, expected, check_mode=check_mode)


def _turn(
    commands: t.Callable[[nft.Gate], str], expected: t.Callable[[nft.Gate], nft.Gate], *, check_mode: bool
) -> Turned:
    if os.geteuid() != 0:
        raise Refused(roll.GATE_NOT_ROOT())
    program = _program()
    if check_mode:
        now = gate_now()
        return Turned(now, expected(now))
    store = StateDirectory()
    store.open()
    descriptor = store.lock(_GUARD, wait=True)
    try:
        now = gate_now()
        script = commands(now)
        if script and (not script.startswith("delete table") or _has_table(program)):
            code, _text, said = run((program, script), _PATIENCE)
            if code:
                raise Refused(roll.GATE_NFT_FAILED(deed="change the gate", said=said))
        return Turned(now, gate_now())
    finally:
        os.close(descriptor)


def _has_table(program: str) -> bool:
    code, text, said = run((program, "list", "tables", "inet"), _PATIENCE)
    if code:
        raise Refused(roll.GATE_NFT_FAILED(deed="list its tables", said=said))
    return "table " + nft.TABLE in text.splitlines()


def _program() -> str:
    program = first_of(_PROGRAMS)
    if program is None:
        raise Refused(roll.GATE_NO_NFT())
    return program
