# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Rules: which signal may be sent to which role, and when. Pure; docs/signals.md has the facts behind the table."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._messages import refused
from .._messages.code import Problem
from .._processes.classify import Mode, Role, State
from .._processes.process import Process, on_odoo_sh
from .._system.word import Word
from .rest import Watch


class Rule(Word):
    """The rules that may forbid a signal."""

    IDENTITY = "identity"
    PRIVILEGE = "privilege"
    INTERLOCK = "interlock"
    ROLE = "role"
    MODE = "mode"
    STATE = "state"
    PLATFORM = "platform"
    REST = "rest"


#: Rules that ``force`` lifts. It never lifts the checks that the process is the same, and that it survives the signal.
LIFTABLE = frozenset([Rule.ROLE, Rule.MODE, Rule.STATE, Rule.PLATFORM])


@dataclass(frozen=True)
class Objection:
    """A rule that forbids a signal, and why."""

    rule: Rule
    problem: Problem


@dataclass(frozen=True)
class Target:
    """A process as a look saw it, with what the rules want to know of it."""

    process: Process
    role: Role
    #: mode and state of its instance
    mode: t.Optional[Mode]
    state: State
    #: what has been seen of its rest; without it no QUIT goes to a process that may end of one
    watch: t.Optional[Watch] = None
    #: the caller has it asked nevertheless
    accepts_risk: bool = False


#: signal -> roles that may get it. What is not here is refused: a TERM to a worker loses its request, a USR1 kills the
#: gevent process of Odoo 19, an XCPU makes a threaded master leave at once.
_ROLES: t.Mapping[str, t.FrozenSet[str]] = {
    "HUP": frozenset([Role.MASTER]),
    "INT": frozenset([Role.MASTER, Role.HTTP, Role.CRON, Role.GEVENT, Role.OTHER]),
    "QUIT": frozenset([Role.MASTER, Role.HTTP, Role.CRON, Role.GEVENT, Role.OTHER]),
    "USR1": frozenset([Role.MASTER, Role.HTTP, Role.CRON, Role.OTHER]),
    "USR2": frozenset([Role.MASTER, Role.HTTP, Role.CRON, Role.OTHER]),
    "TTIN": frozenset([Role.MASTER]),
    "TTOU": frozenset([Role.MASTER]),
    "XCPU": frozenset([Role.HTTP, Role.CRON]),
}

#: To a master these are right only once, while it is at rest: a second HUP or INT kills requests or the server.
_AT_REST_ONLY = frozenset(["HUP", "INT", "TERM", "TTIN", "TTOU"])

_PREFORK_ONLY = frozenset(["TTIN", "TTOU"])


def objections(
    signal_name: str, process: Process, role: Role, mode: t.Optional[Mode], state: State
) -> t.List[Objection]:
    """Return every rule that forbids this signal to this process now.

    :param role: role of the process within its instance, ``master`` for the master itself.
    :param mode: mode of the instance, None while its master has no handlers.
    :param state: state of the instance.
    """
    found = []
    if role not in _ROLES.get(signal_name, frozenset()):
        found.append(Objection(Rule.ROLE, refused.ROLE(signal=signal_name, role=role)))
    if not process.catches(signal_name):
        found.append(Objection(Rule.INTERLOCK, refused.NO_HANDLER(pid=process.pid, signal=signal_name)))
    if signal_name in _PREFORK_ONLY and mode != Mode.PREFORK:
        found.append(Objection(Rule.MODE, refused.MODE(signal=signal_name)))
    if role == Role.MASTER and signal_name in _AT_REST_ONLY and state != State.RUNNING:
        found.append(Objection(Rule.STATE, refused.STATE(state=state, signal=signal_name)))
    if on_odoo_sh(process):
        found.append(Objection(Rule.PLATFORM, refused.ODOO_SH()))
    return found


def sift(found: t.Sequence[Objection], *, force: bool) -> t.Tuple[t.List[Objection], t.List[Objection]]:
    """Split objections into those that hold and those that ``force`` lifts."""
    lifted = [one for one in found if force and one.rule in LIFTABLE]
    return [one for one in found if one not in lifted], lifted
