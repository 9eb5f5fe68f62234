# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Rules: what the properties of a unit mean for a drain. Pure."""

from __future__ import annotations

import typing as t

from .._messages import supervisor as codes
from .._messages.code import Problem
from .systemd import Unit

#: What a stop does to the workers: only these let the master wait for its requests.
GENTLE = frozenset(["mixed", "process"])


def kill_mode_warnings(name: str, unit: Unit) -> t.Tuple[Problem, ...]:
    """Return the warning about a KillMode that cuts off requests at a stop, where the unit has one."""
    if unit.kill_mode in GENTLE:
        return ()
    return (codes.KILL_MODE(unit=name, mode=unit.kill_mode or "not known"),)


def is_transient(unit: Unit) -> bool:
    """Return whether systemd forgets a unit when it ends, as one of systemd-run."""
    return (unit.fragment or "").startswith("/run/systemd/transient/")


def sockets_of(unit: Unit) -> t.Tuple[str, ...]:
    """Return the socket units that start a unit at the next request."""
    return tuple(one for one in unit.others.get("TriggeredBy", ()) if one.endswith(".socket"))


def why_not_drain(name: str, unit: Unit, seconds: float, now: float, *, watchdogs: bool) -> t.Optional[Problem]:
    """Return why a unit cannot be drained; None where it can be.

    :param seconds: how long the drain may take.
    :param now: on the monotonic clock of the kernel.
    :param watchdogs: systemd heeds the watchdogs of services.
    """
    if unit.watchdog and watchdogs:
        return codes.WATCHDOG(unit=name, seconds=unit.watchdog)
    if unit.longest_run and unit.active_since is not None:
        left = unit.active_since + unit.longest_run - now
        if left < seconds:
            return codes.RUNTIME_MAX(unit=name, left=max(left, 0.0), seconds=seconds)
    if unit.success_action:
        return codes.SUCCESS_ACTION(unit=name, action=unit.success_action)
    keepers = unit.others.get("UpheldBy", ())
    if keepers:
        return codes.UPHELD(unit=name, keepers=" ".join(keepers))
    needed = {one for key in ("BindsTo", "PartOf", "Requires") for one in unit.others.get(key, ())}
    bound = [one for one in sockets_of(unit) if one in needed]
    return codes.SOCKET_NEEDED(unit=name, socket=bound[0]) if bound else None


def drain_warnings(name: str, unit: Unit, seconds: float, *, by_launcher: bool) -> t.Tuple[Problem, ...]:
    """Return what the caller of a drain has to know of a unit.

    :param by_launcher: its main process is not the server, so it may end before the server does.
    """
    found = list(kill_mode_warnings(name, unit))
    starters = [one for one in unit.others.get("TriggeredBy", ()) if not one.endswith(".socket")]
    starters += [
        one
        for key in ("RequiredBy", "WantedBy", "BindsTo", "PartOf", "OnSuccess")
        for one in unit.others.get(key, ())
        if one.endswith((".service", ".timer", ".path"))
    ]
    bound = unit.others.get("BoundBy", ())
    if bound:
        found.append(codes.BOUND(unit=name, bound=" ".join(bound)))
    if starters:
        found.append(codes.STARTED_BY(unit=name, starters=" ".join(dict.fromkeys(starters))))
    if is_transient(unit):
        found.append(codes.TRANSIENT(unit=name))
    stopping = unit.active_state == "deactivating"
    if unit.stop_timeout and unit.stop_timeout < seconds and (stopping or by_launcher):
        found.append(codes.STOP_TIMEOUT(unit=name, seconds=unit.stop_timeout))
    return tuple(found)
