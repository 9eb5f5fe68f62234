# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Which signal may go to whom, and when. Pure; the facts behind the table are in docs/signals.md."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._processes.classify import Mode, Role, State
from .._processes.process import Process, on_odoo_sh
from .._system.word import Word


class Rule(Word):
    """The rules that may forbid a signal."""

    IDENTITY = "identity"
    PRIVILEGE = "privilege"
    INTERLOCK = "interlock"
    ROLE = "role"
    MODE = "mode"
    STATE = "state"
    PLATFORM = "platform"


#: Rules that ``force`` lifts. Whether it is the same process, and whether it survives the signal, it never does.
LIFTABLE = frozenset([Rule.ROLE, Rule.MODE, Rule.STATE, Rule.PLATFORM])


@dataclass(frozen=True)
class Refusal:
    """Why a signal is not sent; ``rule`` is one of the names above."""

    rule: Rule
    reason: str


#: signal -> roles that may get it. What is not here is refused: a TERM to a worker loses its request, a USR1 kills the
#: gevent process of Odoo 19, an XCPU makes a threaded master leave at once.
_ROLES: t.Mapping[str, t.FrozenSet[str]] = {
    "HUP": frozenset([Role.MASTER]),
    "INT": frozenset([Role.MASTER, Role.HTTP, Role.CRON, Role.GEVENT]),
    "QUIT": frozenset([Role.MASTER, Role.HTTP, Role.CRON, Role.GEVENT]),
    "USR1": frozenset([Role.MASTER, Role.HTTP, Role.CRON]),
    "USR2": frozenset([Role.MASTER, Role.HTTP, Role.CRON]),
    "TTIN": frozenset([Role.MASTER]),
    "TTOU": frozenset([Role.MASTER]),
    "XCPU": frozenset([Role.HTTP, Role.CRON]),
}

#: To a master these are right only once, while it is at rest: a second HUP or INT kills requests or the server.
_AT_REST_ONLY = frozenset(["HUP", "INT", "TERM", "TTIN", "TTOU"])

_PREFORK_ONLY = frozenset(["TTIN", "TTOU"])


def objections(signal_name: str, process: Process, role: Role, mode: t.Optional[Mode], state: State) -> t.List[Refusal]:
    """Every rule that speaks against sending this signal to this process now.

    :param role: role of the process within its instance, ``master`` for the master itself.
    :param mode: mode of the instance, None while its master has no handlers.
    :param state: state of the instance.
    """
    found = []
    if role not in _ROLES.get(signal_name, frozenset()):
        found.append(Refusal(Rule.ROLE, "%s must not be sent to a process of role %s" % (signal_name, role)))
    if not process.catches(signal_name):
        found.append(
            Refusal(
                Rule.INTERLOCK,
                "process %d has no handler for %s at this moment, so the signal would kill it"
                % (process.pid, signal_name),
            )
        )
    if signal_name in _PREFORK_ONLY and mode != Mode.PREFORK:
        found.append(Refusal(Rule.MODE, "%s means something to a prefork server only" % signal_name))
    if role == Role.MASTER and signal_name in _AT_REST_ONLY and state != State.RUNNING:
        reason = "the server is %s: a %s on top of it would kill requests or the server" % (state, signal_name)
        found.append(Refusal(Rule.STATE, reason))
    if on_odoo_sh(process):
        found.append(Refusal(Rule.PLATFORM, "this is Odoo.sh, which uses signals itself"))
    return found


def sift(found: t.Sequence[Refusal], *, force: bool) -> t.Tuple[t.List[Refusal], t.List[Refusal]]:
    """Split objections into those that hold and those that ``force`` lifts."""
    lifted = [one for one in found if force and one.rule in LIFTABLE]
    return [one for one in found if one not in lifted], lifted
