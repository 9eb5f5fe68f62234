# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Collect the facts of servers that a look does not show: supervisor, log, load and staleness."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import time
import typing as t
from dataclasses import dataclass

from .._code.links import Then, find_links, switched
from .._code.tree import CodeTree
from .._facts.loaded import ServerRecords
from .._log.place import NOWHERE, LogPlace, descriptor_of, find_log, logfile_of
from .._log.read import logged_load
from .._log.syslog import SOCKET, syslog_file
from .._processes.classify import Instance
from .._processes.limits import ALL_SERVERS, ALL_WALKS, ONE_SERVER, Shares, in_turn
from .._processes.look import Look, look
from .._processes.options import Options
from .._processes.proc import Gone, Proc, root_of, start_time
from .._processes.process import DELETED, Process
from .._processes.rights import NoAnswer, files_of, in_time, within_share
from .._supervisors.find import Supervisor, SupervisorKind, supervisor_of
from .._supervisors.systemd import Unit, show_units
from .._system.files import changed_after, reached
from .differences import Difference, compare, hup_obstacle
from .loaded import Loaded, loaded
from .sources import sources_of
from .staleness import Staleness, find_staleness, not_looked_at, with_configuration


@dataclass(frozen=True)
class Facts:
    """The surroundings of one server. ``started``: seconds since the epoch. ``staleness``: None if not requested.

    ``differences``: how it differs from its configuration. ``late``: its log or its code was not read, or not to the
    end, because the time for that was used up.
    """

    supervisor: Supervisor
    unit: t.Optional[Unit]
    log: LogPlace
    started: float
    load: Loaded
    staleness: t.Optional[Staleness]
    differences: t.Tuple[Difference, ...] = ()
    late: bool = False


#: Names for what is read of a server.
_LOG, _SOURCES, _CODE, _CONFIGURATION = "its log", "its sources", "its code", "its configuration"


def survey(proc: Proc, seen: Look, store: ServerRecords, *, staleness: bool) -> t.Dict[str, Facts]:
    """Find out what surrounds the servers of a look, by identity of the master.

    Each user has the same share of the time for it: any user can start thousands of servers with large logs.

    :param staleness: compare the code on the disk as well, which costs a walk over it.
    """
    turns = in_turn(seen.instances, lambda instance: instance.master.uid)
    users = {instance.master.uid for instance in turns}
    shares, walks = Shares(ALL_SERVERS, users), Shares(ALL_WALKS, users)
    supervisors = {instance.identity: supervisor_of(instance.master, proc) for instance in seen.instances}
    units = show_units({s.systemd_unit for s in supervisors.values() if s.systemd_unit})
    logs, loads, late = {}, {}, set()
    for instance in turns:
        read = functools.partial(_log_and_load, proc, seen, instance, store, supervisors[instance.identity])
        logged = within_share(proc, instance.master, _LOG, read, shares, ONE_SERVER)
        if logged is None:
            late.add(instance.identity)
            started = start_time(instance.master)
            logged = (
                LogPlace(NOWHERE, None, shows_dumps=False),
                loaded(started, store.recall(instance.master), None, time.time()),
            )
        logs[instance.identity], loads[instance.identity] = logged
    tree = CodeTree(min((load.not_before for load in loads.values()), default=0.0), ALL_WALKS / max(1, len(users)))
    facts = {}
    for instance in turns:
        supervisor = supervisors[instance.identity]
        unit = units.get(supervisor.systemd_unit or "")
        log, load = logs[instance.identity], loads[instance.identity]
        started = start_time(instance.master)
        if load.clock_moved:
            started = min(started, load.not_before)
        found = None
        if staleness:
            sources = functools.partial(sources_of, proc, seen, instance, load, supervisor, unit, started)
            need = unit is not None and unit.need_daemon_reload
            # The walk itself ends in time, unless a file system does not answer.
            where = within_share(proc, instance.master, _SOURCES, sources, walks, ONE_SERVER)
            if where is not None:
                walk = functools.partial(find_staleness, where, load, started, tree, need_daemon_reload=need)
                found = within_share(proc, instance.master, _CODE, walk, walks, ALL_WALKS + ONE_SERVER)
            if found is None:
                late.add(instance.identity)
                options, release = seen.options[instance.identity], seen.releases[instance.identity]
                found = not_looked_at(load, [path for path in (*options.addons_path, release.package) if path])
        differences = find_differences(proc, seen, instance, store, stale=found is not None and found.stale)
        if found is not None:
            obstacle = hup_obstacle(instance, seen.releases[instance.identity].version)
            found = with_configuration(found, differences, obstacle)
        behind = instance.identity in late
        facts[instance.identity] = Facts(supervisor, unit, log, started, load, found, differences, behind)
    return facts


def _log_and_load(
    proc: Proc, seen: Look, instance: Instance, store: ServerRecords, supervisor: Supervisor
) -> t.Tuple[LogPlace, Loaded]:
    log = log_place(proc, instance.master, seen.options[instance.identity], supervisor)
    return log, find_load(proc, instance.master, store, log, start_time(instance.master))


def find_differences(
    proc: Proc, seen: Look, instance: Instance, store: ServerRecords, *, stale: bool = False
) -> t.Tuple[Difference, ...]:
    """Return how one server of a look differs from its configuration; ``stale`` as for :func:`compare`."""
    options, limit = seen.options[instance.identity], None
    if not options.limit_memory_hard:
        # Odoo sets the soft limit of the two alone.
        soft, hard = proc.address_space(instance.master.pid) or ("", "")
        limit = int(soft) if soft.isdigit() and soft != hard else None
    version = seen.releases[instance.identity].version
    return compare(instance, options, version, scaled=store.scaled(instance.master), stale=stale, limit=limit)


def has_old_configuration(proc: Proc, seen: Look, instance: Instance, store: ServerRecords) -> bool:
    """Return whether the odoo.conf of one server of a look has changed since the server was loaded, or a link to it.

    False where that cannot be told, and where it cannot be parsed.
    """
    options = seen.options[instance.identity]
    if not options.config_files or options.config_error:
        return False
    place = log_place(proc, instance.master, options, supervisor_of(instance.master, proc))
    load = find_load(proc, instance.master, store, place, start_time(instance.master))

    def changed() -> bool:
        with files_of(proc, instance.master) as root:
            if changed_after(options.config_files, load.not_before, root):
                return True
            links = find_links(options.config_files, root)
            return bool(switched(links, Then(load.links), load.not_before))

    try:
        return in_time(proc, instance.master, _CONFIGURATION, changed)
    except OSError:
        return False


def survey_one(proc: Proc, seen: Look, instance: Instance, store: ServerRecords) -> Facts:
    """Return the surroundings of one server of a look with its staleness. The code of others is not walked over."""
    alone = dataclasses.replace(seen, instances=(instance,))
    return survey(proc, alone, store, staleness=True)[instance.identity]


def rehearsal_inputs(
    proc: Proc, seen: Look, instance: Instance, store: ServerRecords
) -> t.Tuple[t.Optional[str], t.Optional[str], t.Sequence[str]]:
    """Return the inputs of a start-up check: odoo.conf, the systemd unit, and the changed Python files."""
    facts = survey_one(proc, seen, instance, store)
    changed = facts.staleness.python if facts.staleness else ()
    return seen.options[instance.identity].config_file, facts.supervisor.systemd_unit, changed


def find_load(proc: Proc, master: Process, store: ServerRecords, log: LogPlace, started: float) -> Loaded:
    """Return when a server loaded its code, by the best evidence there is on this host.

    :param started: when it was started, in seconds since the epoch.
    """
    marker = store.recall(master)
    logged = None
    if marker is None:
        with contextlib.suppress(NoAnswer):
            logged = in_time(proc, master, _LOG, functools.partial(logged_load, proc, master, log, started))
    # A server that logs no such line may show that of an earlier process with the same pid.
    if logged and logged.moment < started and not log.shows_dumps:
        logged = None
    if logged is None:
        return loaded(started, marker, None, time.time())
    earlier = store.recall_earlier(master)
    return loaded(started, marker, logged.moment, time.time(), logged.addons, logged.earliest, earlier)


def find_successor(
    proc: Proc, old: Instance, seen: Look, supervisor: Supervisor
) -> t.Optional[t.Tuple[Look, Instance]]:
    """Return the server that this supervisor has started in place of another one, and the look that found it.

    :param seen: a look that knows the options of the old one.
    """
    if supervisor.kind in (SupervisorKind.NONE, SupervisorKind.CONTAINER):
        return None
    now = look(proc)
    found = [i for i in now.instances if i.identity != old.identity and supervisor_of(i.master, proc) == supervisor]
    options = seen.options[old.identity]
    same = [
        i
        for i in found
        if (now.options[i.identity].config_file, now.options[i.identity].http_port)
        == (options.config_file, options.http_port)
    ]
    # Its unit may have given it another odoo.conf. The youngest is the one.
    chosen = max(same or found, key=lambda i: i.master.start, default=None)
    return None if chosen is None else (now, chosen)


def log_place(proc: Proc, master: Process, options: Options, supervisor: Supervisor) -> LogPlace:
    """Return where a server writes its log."""
    try:
        stderr: t.Optional[str] = proc.link(master.pid, "fd/2")
    except (Gone, PermissionError):
        stderr = None
    logfile = None
    if options.logfile:
        path = logfile_of(master, options)
        with contextlib.suppress(NoAnswer):
            logfile = in_time(proc, master, path, functools.partial(_logfile, proc, master, path))
    syslog = os.path.realpath(SOCKET)
    kept = syslog_file(proc, syslog) if options.syslog and "/journal/" not in syslog else None
    return find_log(master, options, supervisor, stderr, syslog, logfile, kept)


def _logfile(proc: Proc, master: Process, path: str) -> t.Optional[str]:
    """Return the file that a server has open as its logfile; "" without one, None if we must not see it.

    Odoo opens it when it starts, and holds it. After a rotation it may be there under a name that begins like its own.
    """
    try:
        number = descriptor_of(path)
        if number:
            return proc.link(master.pid, "fd/" + number)
        names = {os.path.basename(one) for one in (path, reached(path, root_of(proc.root, master)))}
        held = [os.path.basename(one.replace(DELETED, "")) for one in proc.descriptors(master.pid)]
    except (Gone, OSError):
        return None
    if not master.catches("QUIT"):  # it has not opened it yet
        return None
    same = any(one.startswith(os.path.splitext(name)[0]) for name in names for one in held)
    return path if same or not held else ""
