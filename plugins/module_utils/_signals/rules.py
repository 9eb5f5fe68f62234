# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Which signal may go to whom, and when. Pure; the facts behind the table are in docs/signals.md."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._processes.classify import (
    CRON,
    GEVENT_ROLE,
    HTTP,
    MASTER,
    PREFORK,
    RUNNING,
)
from .._processes.process import Process, on_odoo_sh

IDENTITY, PRIVILEGE, INTERLOCK = "identity", "privilege", "interlock"
ROLE, MODE, STATE, PLATFORM = "role", "mode", "state", "platform"

#: Rules that ``force`` lifts. Whether it is the same process, and whether it survives the signal, it never does.
LIFTABLE = frozenset([ROLE, MODE, STATE, PLATFORM])


@dataclass(frozen=True)
class Refusal:
    """Why a signal is not sent; ``rule`` is one of the names above."""

    rule: str
    reason: str


#: signal -> roles that may get it. What is not here is refused: a TERM to a worker loses its request, a USR1 kills the
#: gevent process of Odoo 19, an XCPU makes a threaded master leave at once.
_ROLES: t.Mapping[str, t.FrozenSet[str]] = {
    "HUP": frozenset([MASTER]),
    "INT": frozenset([MASTER, HTTP, CRON, GEVENT_ROLE]),
    "QUIT": frozenset([MASTER, HTTP, CRON, GEVENT_ROLE]),
    "USR1": frozenset([MASTER, HTTP, CRON]),
    "USR2": frozenset([MASTER, HTTP, CRON]),
    "TTIN": frozenset([MASTER]),
    "TTOU": frozenset([MASTER]),
    "XCPU": frozenset([HTTP, CRON]),
}

#: To a master these are right only once, while it is at rest: a second HUP or INT kills requests or the server.
_AT_REST_ONLY = frozenset(["HUP", "INT", "TERM", "TTIN", "TTOU"])

_PREFORK_ONLY = frozenset(["TTIN", "TTOU"])


def objections(signal_name: str, process: Process, role: str, mode: t.Optional[str], state: str) -> t.List[Refusal]:
    """Every rule that speaks against sending this signal to this process now.

    :param role: role of the process within its instance, ``master`` for the master itself.
    :param mode: mode of the instance, None while its master has no handlers.
    :param state: state of the instance.
    """
    found = []
    if role not in _ROLES.get(signal_name, frozenset()):
        found.append(Refusal(ROLE, "%s must not be sent to a process of role %s" % (signal_name, role)))
    if not process.catches(signal_name):
        found.append(
            Refusal(
                INTERLOCK,
                "process %d has no handler for %s at this moment, so the signal would kill it"
                % (process.pid, signal_name),
            )
        )
    if signal_name in _PREFORK_ONLY and mode != PREFORK:
        found.append(Refusal(MODE, "%s means something to a prefork server only" % signal_name))
    if role == MASTER and signal_name in _AT_REST_ONLY and state != RUNNING:
        reason = "the server is %s: a %s on top of it would kill requests or the server" % (state, signal_name)
        found.append(Refusal(STATE, reason))
    if on_odoo_sh(process):
        found.append(Refusal(PLATFORM, "this is Odoo.sh, which uses signals itself"))
    return found


def sift(found: t.Sequence[Refusal], *, force: bool) -> t.Tuple[t.List[Refusal], t.List[Refusal]]:
    """Split objections into those that hold and those that ``force`` lifts."""
    lifted = [one for one in found if force and one.rule in LIFTABLE]
    return [one for one in found if one not in lifted], lifted
