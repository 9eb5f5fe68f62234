# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""prepare: choose between a HUP and a restart by the supervisor, and go through all of it that changes nothing."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from .._facts.staleness import Need
from .._log.place import FILE
from .._processes.process import on_odoo_sh
from .._rehearsal.rehearsal import Restart, rehearse, rehearse_restart
from .._rehearsal.room import read_room, shortages
from .._server.server import Subject
from .._supervisors.restart import Plan, plan_restart
from .._system.errors import WouldFail
from .decide import Method


@dataclass(frozen=True)
class Way:
    """A way that was rehearsed: by the supervisor where there is a plan, else by a HUP.

    ``note`` is what the reason has to say about it; ``compiled`` are the changed files that the rehearsal has seen.
    """

    plan: t.Optional[Plan]
    note: str
    compiled: t.FrozenSet[str]


def prepare(subject: Subject, method: str, *, force: bool, restart: bool) -> Way:
    """Choose the way for a server that is at rest.

    :param method: hup, supervisor or auto.
    :param restart: a HUP would not be enough.
    :param force: go on without room, without a database that it survives to be without, and on Odoo.sh.
    :raises WouldFail: there is none.
    """
    if method == Method.SUPERVISOR or restart:
        return _prepare_restart(subject, "", force=force)
    staleness = subject.facts().staleness if method == Method.AUTO else None
    if staleness is not None and staleness.needs == Need.RESTART:
        # Whatever the policy asked for: a HUP would leave the server as stale as it was.
        return _prepare_restart(subject, ", since a HUP is not enough: " + "; ".join(staleness.reasons), force=force)
    config_file, unit = subject.options.config_file, subject.supervisor.systemd_unit
    try:
        rehearsed = rehearse(subject.proc, subject.now, config_file, unit, subject.changed_code(), force=force)
    except WouldFail as exc:
        if method == Method.HUP or not exc.restart_helps:
            raise
        try:
            return _prepare_restart(subject, ", since %s" % exc.reason, force=force)
        except WouldFail as other:
            raise WouldFail("%s. Nor is a restart a way out: %s" % (exc, other)) from None
    overridden = [*rehearsed.overridden, *_check_room(subject, force=force, restart=False)]
    return Way(None, _forced(overridden), frozenset(subject.changed_code()))


def _prepare_restart(subject: Subject, why: str, *, force: bool) -> Way:
    if on_odoo_sh(subject.now.master) and not force:
        raise WouldFail("this is Odoo.sh, which restarts its servers itself")
    facts = subject.facts()
    plan = plan_restart(subject.proc, subject.now, facts.supervisor, facts.unit, facts.started)
    changed = subject.changed_code()
    restart = Restart(plan.cwd, plan.unit_changed)
    rehearsed = rehearse_restart(subject.proc, subject.now, subject.options.config_file, changed, restart, force=force)
    note = "; a restart by %s%s" % (plan.supervisor.kind, why) + "".join("; " + one for one in plan.notes)
    if rehearsed.left_out:
        note += "; not rehearsed: " + ", ".join(rehearsed.left_out)
    overridden = [*rehearsed.overridden, *_check_room(subject, force=force, restart=True)]
    return Way(plan, note + _forced(overridden), frozenset(changed))


def _forced(overridden: t.Sequence[str]) -> str:
    """What is put behind a reason."""
    return "; forced against: " + "; ".join(overridden) if overridden else ""


def _check_room(subject: Subject, *, force: bool, restart: bool) -> t.Sequence[str]:
    """Returns what was overridden."""
    place, data = subject.place, subject.options.data_dir
    paths = {"its log": place.path if place.kind == FILE else None, "its data directory": data}
    state = os.path.dirname(subject.host.store.path)
    short = shortages(read_room(subject.proc, subject.now, subject.version, paths, state, restart=restart))
    if short and not force:
        raise WouldFail("; ".join(short), "free some, or set force")
    return short
