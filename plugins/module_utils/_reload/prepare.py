# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""prepare: choose between a HUP and a restart by the supervisor, and go through all of it that changes nothing."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from .._facts.differences import Difference, Hup, Need, hup_obstacle
from .._log.place import FILE
from .._messages import refused, rehearsal
from .._messages.code import Problem
from .._processes.classify import Instance
from .._processes.process import on_odoo_sh
from .._rehearsal.rehearsal import Restart
from .._server.server import Server
from .._supervisors.restart import Plan
from .._system.errors import Refused
from .decide import Method


@dataclass(frozen=True)
class Way:
    """A way that was rehearsed: by the supervisor where there is a plan, else by a HUP.

    :ivar note: what the reason has to say about it.
    :ivar compiled: the changed files that the rehearsal has seen.
    :ivar warnings: what the caller has to know, such as what force overrode.
    """

    plan: t.Optional[Plan]
    note: str
    compiled: t.FrozenSet[str]
    warnings: t.Tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Effort:
    """Options of a rehearsal.

    :ivar force: continue without room, without a database if the server survives that, and on Odoo.sh.
    :ivar imports: import the changed addons.
    """

    force: bool = False
    imports: bool = False


def prepare(server: Server, method: Method, effort: Effort, *, restart: bool) -> Way:
    """Choose the method for a server that runs.

    :param restart: a HUP is not enough.
    :raises Refused: no method is possible.
    """
    if method == Method.SUPERVISOR or restart:
        try:
            return _prepare_restart(server, "", effort)
        except Refused as exc:
            found = "; ".join(one.text for one in server.differences() if one.needs == Need.RESTART)
            if not found or not exc.code.startswith("supervisor."):
                raise
            # Why a restart is needed at all.
            raise Refused(refused.NO_WAY(reload=found, restart=str(exc.problem))) from None
    staleness = server.facts().staleness if method == Method.AUTO else None
    if staleness is not None and staleness.needs == Need.RESTART:
        # For every policy: a HUP would leave the server stale.
        return _prepare_restart(server, ", because a HUP is not enough: " + "; ".join(staleness.reasons), effort)
    config_file, unit = server.options.config_file, server.supervisor.systemd_unit
    changed = server.changed_code()
    try:
        rehearsed = server.host.rehearsal.rehearse(
            server.proc, server.now, config_file, unit, changed, force=effort.force, imports=effort.imports
        )
        server.configured = rehearsed.configured
        check_hup(server.now, server.version, server.differences())
    except Refused as exc:
        if method == Method.HUP or not exc.restart_helps:
            raise
        try:
            return _prepare_restart(server, ", because a HUP is not possible: %s" % exc.problem.text, effort)
        except Refused as other:
            raise Refused(refused.NO_WAY(reload=exc.problem.text, restart=str(other.problem))) from None
    overridden = (*rehearsed.overridden, *_check_room(server, force=effort.force, restart=False))
    return Way(None, "", frozenset(changed), overridden)


def check_hup(instance: Instance, version: t.Optional[str], differences: t.Sequence[Difference]) -> None:
    """Ask whether a HUP would apply what is configured.

    :raises Refused: it would not, or it would end the server.
    """
    obstacle = hup_obstacle(instance, version)
    if obstacle is not None:
        raise Refused(obstacle, restart_helps=True)
    for hup, code in ((Hup.ENDS, refused.HUP_WOULD_END), (Hup.IGNORES, refused.HUP_NOT_ENOUGH)):
        found = [one.text for one in differences if one.hup == hup]
        if found:
            raise Refused(code(differences="; ".join(found)), restart_helps=True)


def _prepare_restart(server: Server, why: str, effort: Effort) -> Way:
    if on_odoo_sh(server.now.master) and not effort.force:
        raise Refused(refused.ODOO_SH_RESTARTS())
    facts = server.facts()
    plan: Plan = server.host.restarts.plan_restart(server.proc, server.now, facts.supervisor, facts.unit, facts.started)
    changed = server.changed_code()
    rehearsed = server.host.rehearsal.rehearse_restart(
        server.proc,
        server.now,
        server.options.config_file,
        changed,
        Restart(plan.cwd, plan.unit_changed),
        force=effort.force,
        imports=effort.imports,
    )
    if not plan.unit_changed:
        server.configured = rehearsed.configured
    note = "; a restart by %s%s" % (plan.supervisor.kind, why)
    if rehearsed.left_out:
        note += "; the start-up check did not check " + ", ".join(rehearsed.left_out)
    overridden = (*rehearsed.overridden, *_check_room(server, force=effort.force, restart=True))
    return Way(plan, note, frozenset(changed), (*plan.warnings, *overridden))


def _check_room(server: Server, *, force: bool, restart: bool) -> t.Sequence[Problem]:
    """Return what force overrode."""
    place, data = server.place, server.options.data_dir
    paths = {"its log": place.path if place.kind == FILE else None, "its data directory": data}
    state = os.path.dirname(server.host.store.path)
    room = server.host.room.read_room(server.proc, server.now, server.version, paths, state, restart=restart)
    short = server.host.room.shortages(room)
    if not short:
        return ()
    problem = rehearsal.LITTLE_ROOM(shortages="; ".join(short))
    if not force:
        raise Refused(problem)
    return (problem,)
