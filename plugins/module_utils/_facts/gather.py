# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Collect the facts of servers that a look does not show: supervisor, log, load and staleness."""

from __future__ import annotations

import dataclasses
import os
import time
import typing as t
from dataclasses import dataclass

from .._code.links import Then, find_links, switched
from .._code.tree import CodeTree
from .._facts.loaded import ServerRecords
from .._log.place import LogPlace, descriptor_of, find_log, logfile_of
from .._log.read import logged_load
from .._log.syslog import SOCKET, syslog_file
from .._processes.classify import Instance
from .._processes.look import Look, look
from .._processes.options import Options
from .._processes.proc import Gone, Proc, root_of, start_time
from .._processes.process import DELETED, Process
from .._processes.rights import files_of
from .._supervisors.find import Supervisor, SupervisorKind, supervisor_of
from .._supervisors.systemd import Unit, show_units
from .._system.files import changed_after, reached
from .differences import Difference, compare, hup_obstacle
from .loaded import Loaded, loaded
from .sources import sources_of
from .staleness import Staleness, find_staleness, with_configuration


@dataclass(frozen=True)
class Facts:
    """The surroundings of one server. ``started``: seconds since the epoch. ``staleness``: None if not requested.

    ``differences``: how it differs from its configuration.
    """

    supervisor: Supervisor
    unit: t.Optional[Unit]
    log: LogPlace
    started: float
    load: Loaded
    staleness: t.Optional[Staleness]
    differences: t.Tuple[Difference, ...] = ()


def survey(proc: Proc, seen: Look, store: ServerRecords, *, staleness: bool) -> t.Dict[str, Facts]:
    """Find out what surrounds the servers of a look, by identity of the master.

    :param staleness: compare the code on the disk as well, which costs a walk over it.
    """
    supervisors = {instance.identity: supervisor_of(instance.master, proc) for instance in seen.instances}
    units = show_units({s.systemd_unit for s in supervisors.values() if s.systemd_unit})
    logs, loads = {}, {}
    for instance in seen.instances:
        supervisor, options = supervisors[instance.identity], seen.options[instance.identity]
        log = log_place(proc, instance.master, options, supervisor)
        logs[instance.identity] = log
        loads[instance.identity] = find_load(proc, instance.master, store, log, start_time(instance.master))
    tree = CodeTree(min((load.not_before for load in loads.values()), default=0.0))
    facts = {}
    for instance in seen.instances:
        supervisor = supervisors[instance.identity]
        unit = units.get(supervisor.systemd_unit or "")
        log, load = logs[instance.identity], loads[instance.identity]
        started = start_time(instance.master)
        if load.clock_moved:
            started = min(started, load.not_before)
        found = None
        if staleness:
            sources = sources_of(proc, seen, instance, load, supervisor, unit, started)
            need = unit is not None and unit.need_daemon_reload
            found = find_staleness(sources, load, started, tree, need_daemon_reload=need)
        differences = find_differences(proc, seen, instance, store, stale=found is not None and found.stale)
        if found is not None:
            obstacle = hup_obstacle(instance, seen.releases[instance.identity].version)
            found = with_configuration(found, differences, obstacle)
        facts[instance.identity] = Facts(supervisor, unit, log, started, load, found, differences)
    return facts


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
    try:
        with files_of(proc, instance.master) as root:
            if changed_after(options.config_files, load.not_before, root):
                return True
            links = find_links(options.config_files, root)
            return bool(switched(links, Then(load.links), load.not_before))
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
    logged = logged_load(proc, master, log, started) if marker is None else None
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
    logfile = _logfile(proc, master, logfile_of(master, options)) if options.logfile else None
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
