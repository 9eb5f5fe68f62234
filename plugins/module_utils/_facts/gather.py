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
from .._code.places import addons_in, site_folders
from .._facts.loaded import ServerRecords
from .._log.place import LogPlace, descriptor_of, find_log, logfile_of
from .._log.read import logged_load
from .._log.syslog import SOCKET, syslog_file
from .._processes.classify import Instance
from .._processes.look import Look, look
from .._processes.options import Options, ServersPlace
from .._processes.proc import Gone, Proc, root_of, start_time
from .._processes.process import DELETED, Process
from .._processes.release import Release, major
from .._processes.rights import files_of, is_folder
from .._supervisors.find import Supervisor, SupervisorKind, supervisor_of
from .._supervisors.systemd import Unit, files_on_disk, show_units
from .._system.files import changed_after, reached
from .differences import Difference, compare, hup_obstacle
from .loaded import PROCESS, Loaded, loaded
from .staleness import CodeTree, Sources, Staleness, find_staleness, with_configuration


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
            sources = _sources(proc, seen, instance, supervisor, unit, load, started)
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
    if not options.config_file or options.config_error:
        return False
    place = log_place(proc, instance.master, options, supervisor_of(instance.master, proc))
    load = find_load(proc, instance.master, store, place, start_time(instance.master))
    try:
        with files_of(proc, instance.master) as root:
            if changed_after([options.config_file], load.not_before, root):
                return True
            links = find_links([options.config_file], root)
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
    moment, addons = (logged.moment, logged.addons) if logged else (None, ())
    return loaded(started, marker, moment, time.time(), addons)


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


def succeeded_by(supervisor: Supervisor, new: Instance) -> str:
    """Return the words about such a server for the message about the end of the old one."""
    return "; %s has started another one with pid %d" % (supervisor.unit, new.master.pid)


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


def _sources(
    proc: Proc,
    seen: Look,
    instance: Instance,
    supervisor: Supervisor,
    unit: t.Optional[Unit],
    load: Loaded,
    started: float,
) -> Sources:
    master, options = instance.master, seen.options[instance.identity]
    release = seen.releases[instance.identity]
    addons = _addons(proc, instance, options, release)
    code = _distinct(proc, master, [release.package, *addons, *load.addons], options.data_dir)
    interpreter = (master.executable or "").replace(DELETED, "")
    # Unit files are the host's own; within a container there are none.
    units = [*files_on_disk(supervisor.unit), *unit.environment_files] if unit and supervisor.unit else []
    return Sources(
        lambda: files_of(proc, master),
        options.config_file,
        code,
        (interpreter,),
        options.data_dir,
        _ways(instance, options, release, addons),
        _held(proc, master, load),
        major(release.version),
        tuple(changed_after(units, started)),
        master.uid,
    )


def links_now(proc: Proc, seen: Look, instance: Instance) -> t.Dict[str, str]:
    """Return where the links on the way to the code of a server lead to now, as paths and real paths."""
    options, release = seen.options[instance.identity], seen.releases[instance.identity]
    ways = _ways(instance, options, release, _addons(proc, instance, options, release))
    try:
        with files_of(proc, instance.master) as root:
            return {link.path: link.real for link in find_links(ways, root).values()}
    except OSError:
        return {}


def _ways(instance: Instance, options: Options, release: Release, addons: t.Sequence[str]) -> t.Tuple[str, ...]:
    """Return the paths by which a server reaches what it loads."""
    command, cwd = instance.command, instance.master.working_directory
    program = os.path.join(cwd, command.interpreter) if "/" in command.interpreter else None
    script = os.path.join(cwd, command.script) if command.script else None
    return tuple(path for path in (options.config_file, script, program, release.package, *addons) if path)


def _addons(proc: Proc, instance: Instance, options: Options, release: Release) -> t.List[str]:
    """Return the folders of addons that Odoo is told to take, and those that it takes by itself."""
    master, interpreter = instance.master, instance.command.interpreter
    place = ServersPlace(proc, master)
    executable = (master.executable or "").replace(DELETED, "")
    program = os.path.join(master.working_directory, interpreter) if "/" in interpreter else None
    home = place.environ.get("HOME") or place.home(None) or "/"
    found = list(options.addons_path)
    if options.data_dir and release.version:
        found.append("%s/addons/%s" % (options.data_dir, release.version))
    if release.package:
        found.append(os.path.join(os.path.dirname(release.package), "addons"))
    try:
        with files_of(proc, master) as root:
            found += addons_in(root, site_folders(root, program, executable, place.environ, home))
    except OSError:
        pass
    return found


def _distinct(
    proc: Proc, master: Process, paths: t.Iterable[t.Optional[str]], data_dir: t.Optional[str]
) -> t.Tuple[str, ...]:
    """Return folders without those that are below another one; these are walked over with that one."""
    there = [path for path in dict.fromkeys(paths) if path and is_folder(proc, master, path)]
    try:
        with files_of(proc, master) as root:
            real = {path: reached(path, root)[len(root) :] if root else os.path.realpath(path) for path in there}
    except OSError:
        return tuple(there)
    kept: t.List[str] = []
    for path in there:
        # What lies in the data directory is not walked with a folder around that.
        own = bool(data_dir) and path.startswith("%s/addons/" % data_dir)
        others = [real[other] for other in there if other != path]
        below = any(real[path].startswith(other + "/") for other in others)
        if real[path] not in (real[other] for other in kept) and (own or not below):
            kept.append(path)
    return tuple(kept)


def _held(proc: Proc, master: Process, load: Loaded) -> t.Tuple[str, ...]:
    """Return real paths of what a server has loaded: files that it has mapped, and where it was started."""
    found: t.List[str] = []
    try:
        lines = proc.text(master.pid, "maps").splitlines()
        found += dict.fromkeys(line.split(None, 5)[5] for line in lines if line.count("/") and len(line.split()) > 5)
    except (Gone, OSError):
        pass
    # A HUP keeps the working directory.
    if load.evidence == PROCESS and master.cwd:
        found.append(master.working_directory)
    return tuple(found)
