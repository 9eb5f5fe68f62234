# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Units besides that of a server: sockets that would start it, and units that systemd stops with it.

A unit with ``BindsTo=`` the unit of a server ends with the server, and systemd does not start it again (systemd 252).
"""

from __future__ import annotations

import typing as t

from .command import run
from .systemd import Unit, show_units, systemctl_words

#: How long systemd may take to answer, in seconds.
_PATIENCE = 15.0
#: States of a unit that does not run.
DOWN = ("inactive", "failed")


def bound_units(unit: Unit, uid: t.Optional[int] = None) -> t.Tuple[str, ...]:
    """Return the units that run and that systemd would stop with a unit.

    :param uid: of the user whose systemd is asked.
    """
    names = unit.others.get("BoundBy", ())
    shown = show_units(names, uid) if names else {}
    return tuple(name for name in names if name in shown and shown[name].active_state not in DOWN)


def stop(names: t.Collection[str], uid: t.Optional[int] = None) -> t.List[str]:
    """Stop those of these units that are not inactive; return them.

    :raises Refused: systemd does not.
    """
    shown = show_units(names, uid)
    running = [name for name in names if name not in shown or shown[name].active_state != "inactive"]
    if running:
        run((*systemctl_words(uid), "--no-pager", "--no-ask-password", "stop", "--", *running), _PATIENCE)
    return running


def start(names: t.Collection[str], uid: t.Optional[int] = None, *, wait: bool = True) -> t.List[str]:
    """Start those of these units that do not run; return them.

    :param wait: until they have started.
    :raises Refused: systemd does not.
    """
    shown = show_units(names, uid)
    down = [name for name in names if name in shown and shown[name].active_state in DOWN]
    if down:
        how = ("start",) if wait else ("--no-block", "start")
        run((*systemctl_words(uid), "--no-pager", "--no-ask-password", *how, "--", *down), _PATIENCE)
    return down
