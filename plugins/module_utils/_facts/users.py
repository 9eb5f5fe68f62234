# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Choose the users whose servers a module acts on: any user can start what looks like a server, and catch signals."""

from __future__ import annotations

import typing as t

from .._messages import host
from .._messages.code import Problem
from .._processes.classify import Instance
from .._processes.container import is_named_by_root
from .._processes.look import shortened
from .._processes.proc import Gone, Proc
from .._processes.process import Process, parse_cmdline, parse_status
from .._supervisors.ancestors import ancestors
from .._supervisors.find import Supervisor, SupervisorKind, supervisor_of
from .._supervisors.supervisord import is_supervisord
from .._supervisors.systemd import Unit, show_units, unit_in
from .._system.errors import Refused
from .results import user_name


class Chosen(t.NamedTuple):
    """Identities of the servers to act on, and why others are left out."""

    identities: t.List[str]
    left_out: t.Tuple[Problem, ...]


def choose_users(proc: Proc, instances: t.Sequence[Instance]) -> Chosen:
    """Choose, from servers of several users, those of users for which the system itself runs a server.

    Root's own servers are always chosen, because only root can start them.

    :raises Refused: the system runs no server of these users.
    """
    uids = sorted({one.master.uid for one in instances})
    if len(uids) < 2:
        return Chosen([one.identity for one in instances], ())
    supervisors = {one.identity: supervisor_of(one.master) for one in instances}
    units = show_units({unit for unit in (unit_in(one.master.cgroup) for one in instances) if unit})
    kept = {
        one.master.uid
        for one in instances
        if one.master.uid == 0 or is_of_system(proc, one.master, supervisors[one.identity], units)
    }
    if not kept:
        raise Refused(host.USERS_UNCLEAR(users=", ".join(map(user_name, uids))))
    left_out = [
        host.USER_WITHOUT_UNIT(pid=one.master.pid, user=user_name(one.master.uid))
        for one in instances
        if one.master.uid not in kept
    ]
    return Chosen([one.identity for one in instances if one.master.uid in kept], shortened(left_out))


def is_of_system(proc: Proc, master: Process, supervisor: Supervisor, units: t.Mapping[str, Unit]) -> bool:
    """Return True if a supervisor of the system has started a server, which its user cannot feign.

    A cron job is in the unit of cron, so the main process of a unit must be of the same user. The environment names a
    supervisord, so one of root must be above the server, or one that is the main process of such a unit.
    """
    if supervisor.kind == SupervisorKind.CONTAINER:
        return is_named_by_root(master)
    if supervisor.kind not in (SupervisorKind.SYSTEMD, SupervisorKind.SUPERVISORD):
        return False
    by_supervisord = supervisor.kind == SupervisorKind.SUPERVISORD
    main_pid = getattr(units.get(unit_in(master.cgroup) or ""), "main_pid", None)
    return any(
        (pid == main_pid and uids == {master.uid}) or (by_supervisord and uids == {0} and is_supervisord(argv))
        for pid, uids, argv in _lineage(proc, master.pid)
    )


def _lineage(proc: Proc, pid: int) -> t.Iterator[t.Tuple[int, t.Set[int], t.Tuple[str, ...]]]:
    """Yield PID, user IDs and arguments of a process and of those above it, the nearest first."""
    for one in (pid, *(ancestor.pid for ancestor in ancestors(proc, pid))):
        try:
            yield one, set(parse_status(proc.text(one, "status")).uids), parse_cmdline(proc.read(one, "cmdline"))
        except (Gone, PermissionError, ValueError):
            return
