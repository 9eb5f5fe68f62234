# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Collect the parts of a bundle for a host and for each of its servers."""

from __future__ import annotations

import dataclasses
import os
import typing as t
from dataclasses import dataclass

from .._config.odoo_conf import redact_conf
from .._config.table import own_names
from .._facts.gather import Facts, survey
from .._facts.known_secrets import known_secrets, read_conf
from .._facts.process_tree import instance_tree, process_tree
from .._facts.results import iso, masters, one_off, user_name
from .._messages import bundle as codes
from .._postgres.query import without_literals
from .._processes.classify import Instance
from .._processes.look import Look
from .._processes.proc import Gone
from .._processes.process import Process, parse_environ
from .._processes.rights import filesystem_of
from .._server.host import Host
from .._supervisors.systemd import files_on_disk
from .._system.errors import Failure
from .._system.files import read_regular
from .._system.redact import redact_environ, redact_unit
from .archive import Bundle, LeftOut
from .descriptors import listening_ports, open_files, sockets
from .log_tail import end_of_log
from .resources import cgroup, disk, load, machine, memory

#: Bytes of a log that are searched for its last lines, and bytes of them that are kept.
_SEARCHED, _LOG = 4 << 20, 1 << 20
ReadLog = t.Callable[..., t.Tuple[str, t.List[str]]]

#: Bytes of a unit's file.
_LARGEST_UNIT = 1 << 16
#: Lines of a table of sockets that are read, and descriptors of a process.
_MOST_SOCKETS, _MOST_DESCRIPTORS = 50_000, 20_000
#: Processes whose proportional size is asked for, which costs the kernel a walk through their memory.
_MOST_SIZES = 100


@dataclass(frozen=True)
class BundleOrder:
    """Options of the module bundle. ``max_size``: bytes of all parts together, before they are packed."""

    lines: int
    max_size: int
    hide_literals: bool = False


@dataclass(frozen=True)
class Made:
    """A bundle, packed, and what is in it."""

    packed: bytes
    parts: t.List[t.Dict[str, t.Any]]
    left_out: t.List[t.Dict[str, str]]
    servers: t.List[t.Dict[str, t.Any]]


def make_bundle(
    host: Host,
    seen: Look,
    identities: t.Sequence[str],
    order: BundleOrder,
    versions: t.Mapping[str, str],
    read_log: ReadLog = end_of_log,
) -> Made:
    """Gather what there is of a host and of the chosen servers. Nothing is signalled and nothing written.

    :param versions: of the tools that make it, for the manifest.
    :param read_log: returns where a log is, and its last lines.
    :raises SecretLeft: the check of the finished bundle has found a secret.
    """
    began, begun = host.clock.time(), host.clock.monotonic()
    bundle = Bundle(order.max_size, known_secrets(host.proc, seen))
    instances = [t.cast(Instance, seen.instance(identity)) for identity in identities]
    chosen = dataclasses.replace(seen, instances=tuple(instances))
    facts = survey(host.proc, chosen, host.store, staleness=False)
    _host(host, seen, bundle)
    cases = [_Server(host, chosen, one, facts[one.identity], bundle) for one in instances]
    # The small parts of all servers come first: where there is no room for all, logs are what is missing.
    for case in cases:
        case.add_small()
    for case in cases:
        case.add_disks()
    for case in cases:
        case.add_log(order, read_log)
    servers = [case.about() for case in cases]
    about = {
        "host": os.uname().nodename,
        "began": iso(began),
        "seconds": round(host.clock.monotonic() - begun, 2),
        "user": user_name(os.geteuid()),
        "versions": dict(versions),
        "servers": servers,
    }
    return Made(bundle.finish(about), bundle.parts, bundle.left_out, servers)


def _host(host: Host, seen: Look, bundle: Bundle) -> None:
    """Add the parts about the machine itself."""
    root = host.proc.root
    bundle.add("processes.txt", lambda: "\n".join(process_tree(seen, host.proc.uptime_ticks())))
    bundle.add("one_off.json", lambda: one_off(seen))
    bundle.add("host/machine.json", machine)
    bundle.add("host/memory.json", lambda: memory(root))
    bundle.add("host/load.json", lambda: load(root))


class _Server:
    """The parts about one server."""

    def __init__(self, host: Host, seen: Look, instance: Instance, facts: Facts, bundle: Bundle) -> None:
        self._host, self._seen, self._instance, self._facts, self._bundle = host, seen, instance, facts, bundle
        self._options = seen.options[instance.identity]
        self._people = instance.everybody
        self._folder = "server-%d" % instance.master.pid

    def about(self) -> t.Dict[str, t.Any]:
        """Return the entry of the server in the manifest."""
        instance = self._instance
        return {
            "folder": self._folder,
            "pid": instance.master.pid,
            "identity": instance.identity,
            "odoo": self._seen.releases[instance.identity].version,
            "user": user_name(instance.master.uid),
            "mode": instance.mode,
            "state": instance.state,
        }

    def add_small(self) -> None:
        """Add all parts but its log."""
        pid = self._instance.master.pid
        self._add("processes.txt", self._processes)
        self._add("server.json", self._server)
        self._add("odoo.conf", self._conf)
        self._add("environment.txt", self._environment)
        self._add("unit.txt", self._unit)
        self._add("limits.txt", lambda: self._readable(self._host.proc.text, pid, "limits"))
        self._add("open_files.json", self._open_files)
        self._add("sockets.json", self._sockets)
        self._add("memory.json", self._memory)

    def add_disks(self) -> None:
        """Room where it writes."""
        self._add("disks.json", self._disks)

    def add_log(self, order: BundleOrder, read_log: ReadLog) -> None:
        """Add the end of the log of the server."""
        self._add("log.txt", lambda: self._log(order, read_log), _LOG, end=True)

    def _add(self, name: str, make: t.Callable[[], t.Any], largest: int = 1 << 18, *, end: bool = False) -> None:
        self._bundle.add("%s/%s" % (self._folder, name), make, largest, end=end)

    def _readable(self, function: t.Callable[..., t.Any], *arguments: t.Any) -> t.Any:
        try:
            return function(*arguments)
        except PermissionError as exc:
            raise LeftOut(codes.NOT_PERMITTED()) from exc
        except Gone as exc:
            raise LeftOut(codes.PROCESS_ENDED()) from exc

    def _processes(self) -> str:
        return "\n".join(instance_tree(self._instance, self._host.proc.uptime_ticks()))

    def _server(self) -> t.Any:
        alone = dataclasses.replace(self._seen, instances=(self._instance,))
        return masters(alone, {self._instance.identity: self._facts}, self._host.clock.time(), {})[0]

    def _conf(self) -> str:
        path = self._options.config_file
        if not path:
            raise LeftOut(codes.NO_CONF())
        try:
            text = read_conf(self._host.proc, self._instance.master, path)
        except OSError as exc:
            raise LeftOut(codes.NOT_READ(path=path, error=exc.strerror or exc)) from exc
        return "[%s]\n%s" % (path, redact_conf(text, own_names()))

    def _environment(self) -> str:
        data = self._readable(self._host.proc.read, self._instance.master.pid, "environ")
        return "\n".join(redact_environ(parse_environ(data)))

    def _unit(self) -> str:
        name = self._facts.supervisor.systemd_unit
        if not name:
            raise LeftOut(codes.NO_UNIT(kind=self._facts.supervisor.kind))
        shown = ["# %s\n%s" % (path, redact_unit(_file(path))) for path in files_on_disk(name)]
        unit = self._facts.unit
        for path in unit.environment_files if unit else ():
            pairs = [line.strip().partition("=") for line in _file(path).splitlines() if "=" in line]
            values = {key: value for key, _equals, value in pairs if not key.startswith(("#", ";"))}
            shown.append("# %s\n%s" % (path, "\n".join(redact_environ(values))))
        if not shown:
            raise LeftOut(codes.NO_UNIT_FILE(unit=name))
        return "\n\n".join(shown)

    def _open_files(self) -> t.Any:
        found = []
        for process, role in self._people:
            try:
                told = open_files(self._host.proc.descriptors(process.pid, _MOST_DESCRIPTORS))
            except Gone:
                continue
            except PermissionError as exc:
                raise LeftOut(codes.NOT_PERMITTED()) from exc
            found.append({"pid": process.pid, "role": role, **told})
        return found

    def _sockets(self) -> t.Any:
        own: t.Set[int] = set()
        for process, _role in self._people:
            own.update(process.sockets or ())
        proc, pid = self._host.proc, self._instance.master.pid

        def lines() -> t.Iterator[str]:
            for name in ("net/tcp", "net/tcp6"):
                try:
                    yield from proc.lines(pid, name, _MOST_SOCKETS)
                except (Gone, PermissionError):
                    continue

        return {"tcp": sockets(lines(), own, listening_ports(lines()))}

    def _memory(self) -> t.Any:
        told = []
        for process, role in self._people[:_MOST_SIZES]:
            size = self._host.proc.pss(process.pid)
            told.append(
                {
                    "pid": process.pid,
                    "role": role,
                    "rss": process.rss_pages * os.sysconf("SC_PAGE_SIZE"),
                    "pss": size,
                    "threads": process.threads,
                }
            )
        return {"processes": told, "cgroups": self._cgroups(self._instance.master)}

    def _cgroups(self, process: Process) -> t.List[t.Dict[str, str]]:
        try:
            return cgroup(self._host.proc.text(process.pid, "cgroup"))
        except (Gone, PermissionError):
            return []

    def _disks(self) -> t.Any:
        proc, master = self._host.proc, self._instance.master
        log = self._facts.log.path
        wanted = [self._options.data_dir, os.path.dirname(log) if log else None, "/tmp", "/"]  # noqa: S108
        found = []
        for path in dict.fromkeys(path for path in wanted if path and path.startswith("/")):
            try:
                found.append(disk(path, path, lambda one: filesystem_of(proc, master, one)))
            except Failure as exc:
                found.append({"path": path, "code": exc.code, "error": str(exc)})
            except Exception as exc:  # one file system that cannot be asked loses no other
                found.append({"path": path, "code": codes.ANY_ERROR.name, "error": str(exc)})
        return found

    def _log(self, order: BundleOrder, read_log: ReadLog) -> str:
        unit = self._facts.supervisor.systemd_unit
        source, lines = read_log(
            self._host.proc, self._instance, self._facts.log, unit, order.lines, min(_SEARCHED, order.max_size)
        )
        if order.hide_literals:
            lines = [without_literals(line) if _may_be_sql(line) else line for line in lines]
        return "\n".join(["# the last %d lines of %s" % (len(lines), source), *lines])


def _may_be_sql(line: str) -> bool:
    """Return False for a record without SQL. A query may have several lines, and only the first one shows it."""
    is_record = len(line) > 24 and line[4:5] == line[7:8] == "-" and line[19:20] == ","
    return not is_record or any(word in line.lower() for word in ("select", "insert", "update", "delete", "sql"))


def _file(path: str) -> str:
    try:
        return read_regular(path, _LARGEST_UNIT).decode("utf-8", "replace")
    except OSError as exc:
        return "(%s)" % codes.NOT_READ(path=path, error=exc.strerror or exc).text
