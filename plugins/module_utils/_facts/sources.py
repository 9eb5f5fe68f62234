# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The sources of a server: its configuration, the folders of its code, and the paths by which it reaches them."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import os
import time
import typing as t

from .._code.links import find_links
from .._code.places import addons_in
from .._code.tree import CodeTree, is_walked, real_path
from .._config.python_path import Interpreter, PythonPath, python_path
from .._log.place import LogPlace
from .._log.read import logged_load
from .._processes.classify import Instance
from .._processes.limits import ALL_WALKS, FOLDER_ENTRIES, ONE_SERVER
from .._processes.look import Look
from .._processes.options import Options, ServersPlace
from .._processes.proc import Gone, Proc, start_time
from .._processes.process import DELETED, Process
from .._processes.release import Release, interpreter_of, major
from .._processes.rights import files_of, in_time, is_denied, is_folder
from .._supervisors.find import Supervisor
from .._supervisors.systemd import Unit, files_on_disk
from .._system.files import changed_after
from .loaded import LOG, PROCESS, Loaded, Trace
from .staleness import Sources, state_of

_PROGRAMS = ("bin", "sbin")


def sources_of(
    proc: Proc,
    seen: Look,
    instance: Instance,
    load: Loaded,
    supervisor: t.Optional[Supervisor] = None,
    unit: t.Optional[Unit] = None,
    started: float = 0.0,
) -> Sources:
    """Return what one server of a look loads from.

    :param started: when it was started, in seconds since the epoch.
    """
    master, options = instance.master, seen.options[instance.identity]
    release = seen.releases[instance.identity]
    interpreter, path = _python(proc, instance)
    addons = _addons(proc, master, options, release, path)
    code = _distinct(proc, master, [release.package, *addons, *load.addons], options.data_dir)
    # The server uses them, or it would not have started.
    unseen = [path for path in dict.fromkeys((*options.addons_path, *load.addons)) if is_denied(proc, master, path)]
    appeared, gone = _against_the_log(proc, master, load, [release.package, *addons])
    program = (master.executable or "").replace(DELETED, "")
    # Unit files are the host's own; within a container there are none.
    name = supervisor.unit if supervisor and unit else None
    units = [*files_on_disk(name), *unit.environment_files] if unit and name else []
    return Sources(
        files=lambda: files_of(proc, master),
        config_files=options.config_files,
        code=(*code, *unseen),
        restart_files=(program,),
        excluded=options.data_dir,
        # A folder of programs holds no modules of Odoo, and changes with every package that is installed.
        libraries=tuple(one for one in (*path.folders, *path.packages) if os.path.basename(one) not in _PROGRAMS),
        ways=_ways(instance, interpreter, options, release, addons),
        held=_held(proc, master, load),
        version=major(release.version),
        units=tuple(changed_after(units, started)),
        uid=master.uid,
        cwd=master.working_directory if _needs_cwd(instance, options, release) else None,
        starts_in=_starts_in(interpreter, unit),
        appeared=appeared,
        gone=gone,
    )


def trace_of(proc: Proc, seen: Look, instance: Instance, place: t.Optional[LogPlace] = None) -> Trace:
    """Return what one server of a look loads from now, by which a later call sees whether that has changed.

    Empty if its files do not answer.

    :param place: where it logs. With it the state of the files is part of the trace, which costs a walk over them.
    """
    read = functools.partial(_trace_of, proc, seen, instance, place)
    try:
        return in_time(proc, instance.master, "its trace", read, ALL_WALKS + ONE_SERVER)
    except OSError:
        return Trace()


def _trace_of(proc: Proc, seen: Look, instance: Instance, place: t.Optional[LogPlace]) -> Trace:
    load = Loaded(0.0, 0.0, PROCESS)
    logged = logged_load(proc, instance.master, place, start_time(instance.master)) if place else None
    if logged:
        load = dataclasses.replace(load, addons=logged.addons)
    sources = sources_of(proc, seen, instance, load)
    with files_of(proc, instance.master) as root:
        links = {link.path: link.real for link in find_links(sources.ways, root).values()}
        state = state_of(sources, CodeTree(time.time()), root).known if place else {}
    return Trace(links, load.addons, state, time.time())


def _python(proc: Proc, instance: Instance) -> t.Tuple[Interpreter, PythonPath]:
    """Return how a server runs Python, and where that finds packages."""
    master = instance.master
    try:
        found = interpreter_of(proc, master, instance.command)
    except OSError:
        return Interpreter(None, None, {}, "/", master.working_directory), PythonPath()
    if "HOME" not in found.environ:
        found = dataclasses.replace(found, home=ServersPlace(proc, master).home(None) or "/")
    try:
        with files_of(proc, master) as root:
            return found, python_path(root, found)
    except OSError:
        return found, PythonPath()


def _ways(
    instance: Instance, interpreter: Interpreter, options: Options, release: Release, addons: t.Sequence[str]
) -> t.Tuple[str, ...]:
    """Return the paths by which a server reaches what it loads."""
    command, cwd = instance.command, instance.master.working_directory
    script = os.path.join(cwd, command.script) if command.script else None
    paths = (*options.config_files, script, interpreter.program, release.package, *addons)
    return tuple(path for path in paths if path)


def _addons(proc: Proc, master: Process, options: Options, release: Release, path: PythonPath) -> t.List[str]:
    """Return the folders of addons that Odoo is told to take, and those that it takes by itself."""
    found = list(options.addons_path)
    if options.data_dir and release.version:
        found.append("%s/addons/%s" % (options.data_dir, release.version))
    if release.package:
        found.append(os.path.join(os.path.dirname(release.package), "addons"))
    try:
        with files_of(proc, master) as root:
            found += addons_in(root, path)
    except OSError:
        pass
    return found


def _against_the_log(
    proc: Proc, master: Process, load: Loaded, folders: t.Iterable[t.Optional[str]]
) -> t.Tuple[t.Tuple[str, ...], t.Tuple[str, ...]]:
    """Return folders of addons that Odoo would take now and that its log does not name for this load, and the reverse.

    Such a folder may have been moved to its place, with files that are older than the load.
    """
    if load.evidence != LOG or not load.addons:
        return (), ()
    try:
        with files_of(proc, master) as root:
            logged = {real_path(path, root): path for path in load.addons}
            now = {real_path(path, root): path for path in folders if path}
            appeared = [path for real, path in now.items() if real not in logged and _has_addons(real)]
    except OSError:
        return (), ()
    # Odoo's own package has its addons in a folder below it.
    known = {*now, *(real + "/addons" for real in now)}
    return tuple(appeared), tuple(path for real, path in logged.items() if real not in known)


def _has_addons(folder: str) -> bool:
    """Return True if a folder holds an addon by these two files, as Odoo asks of a folder of addons (14.0 and 19.0)."""
    try:
        with os.scandir(folder) as entries:
            paths = [entry.path for entry in itertools.islice(entries, FOLDER_ENTRIES) if entry.name[:1] != "."]
    except OSError:
        return False
    return any(all(os.path.isfile(path + name) for name in ("/__manifest__.py", "/__init__.py")) for path in paths)


def _needs_cwd(instance: Instance, options: Options, release: Release) -> bool:
    """Return True if a server reaches its code or its configuration by its working directory."""
    command, cwd = instance.command, instance.master.working_directory.rstrip("/") + "/"
    if not (command.script or "").startswith("/"):
        return True
    return any(path.startswith(cwd) for path in (*options.config_files, *options.addons_path, release.package or ""))


def _starts_in(interpreter: Interpreter, unit: t.Optional[Unit]) -> t.Tuple[str, ...]:
    """Return paths of the folder in which a server was started, with their links: of its unit, and of its shell."""
    paths = (unit.working_directory if unit else None, interpreter.environ.get("PWD"))
    return tuple(path for path in paths if path and path.startswith("/"))


def _distinct(
    proc: Proc, master: Process, paths: t.Iterable[t.Optional[str]], data_dir: t.Optional[str]
) -> t.Tuple[str, ...]:
    """Return folders without those that are below another one; these are walked over with that one."""
    there = [path for path in dict.fromkeys(paths) if path and is_folder(proc, master, path)]
    try:
        with files_of(proc, master) as root:
            real = {path: real_path(path, root)[len(root) :] for path in there}
            data = real_path(data_dir, root)[len(root) :] if data_dir else None
    except OSError:
        return tuple(there)
    kept: t.List[str] = []
    for path in there:
        others = [real[other] for other in there if real[other] != real[path]]
        if real[path] not in (real[one] for one in kept) and not any(_reaches(one, real[path], data) for one in others):
            kept.append(path)
    return tuple(kept)


def _reaches(folder: str, path: str, data_dir: t.Optional[str]) -> bool:
    """Return True if a walk over a folder comes to a path below it. Pure.

    :param data_dir: it is not entered.
    """
    if not path.startswith(folder.rstrip("/") + "/"):
        return False
    rest = path[len(folder) :].strip("/").split("/")
    within = data_dir is not None and folder != data_dir and (path + "/").startswith(data_dir.rstrip("/") + "/")
    return all(map(is_walked, rest)) and not (within and (data_dir or "").startswith(folder))


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
