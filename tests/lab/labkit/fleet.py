# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet file: what hosts there are and how Odoo runs on each; every wrong key or value is named."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from .errors import LabError
from .paths import LAB_DIR
from .recipe import RECIPES

VERSIONS = tuple(recipe.version for recipe in RECIPES.values())
MODES = ("prefork", "threaded")
LOGS = ("file", "journal", "stdout")
UNIT_STARTS = ("package", "venv-path", "venv-on-path")
CONTAINER_STARTS = ("podman", "docker")
STARTS = (*UNIT_STARTS, "supervisord", "terminal", *CONTAINER_STARTS)
RESTART_POLICIES = ("no", "always", "on-failure", "unless-stopped")
SERVICE_HOSTS = ("db", "lb")
MOST_HOSTS = 60


@dataclass(frozen=True)
class Server:
    """One Odoo on a host: the only one, whose name is empty, or one of several instances."""

    name: str
    port: int
    gevent_port: int
    user: str
    mode: str
    workers: int
    max_cron_threads: int
    log: str
    unit: Mapping[str, str]
    conf: Mapping[str, str]

    @property
    def program(self) -> str:
        """The name of the server in supervisord, podman and docker."""
        return self.name or "odoo"

    @property
    def service(self) -> str:
        """Return the systemd unit that starts the host's server, if one does."""
        return f"odoo@{self.name}" if self.name else "odoo"

    @property
    def config(self) -> str:
        """Return the path of its odoo.conf."""
        return f"/etc/odoo/{self.program}.conf"

    @property
    def log_file(self) -> str:
        """Return the path of its log, if that is a file of its own."""
        return f"/var/log/odoo/{self.name or 'odoo-server'}.log"

    @property
    def data_dir(self) -> str:
        """The path of its filestore."""
        return f"/var/lib/odoo/{self.name}".rstrip("/")


@dataclass(frozen=True)
class Host:
    """One Odoo host. The defaults are those of an ordinary production server, made small."""

    name: str
    version: str = "19"
    mode: str = "prefork"
    workers: int = 2
    max_cron_threads: int = 1
    log: str = "file"
    setproctitle: bool = False
    start: str = "package"
    unit: Mapping[str, str] = field(default_factory=dict)
    conf: Mapping[str, str] = field(default_factory=dict)
    supervisord: Mapping[str, str] = field(default_factory=dict)
    podman: Mapping[str, str] = field(default_factory=dict)
    docker: Mapping[str, str] = field(default_factory=dict)
    instances: tuple[Server, ...] = ()
    balanced: bool = True

    @property
    def base(self) -> str:
        """The name of the base image; with containers, that of the image they are made from."""
        return f"odoo{self.version}"

    @property
    def from_source(self) -> bool:
        """Is it in an image that `lab build --odoo` made: a checkout in /opt/odoo/src, and a virtualenv?"""
        return self.version not in VERSIONS

    @property
    def major(self) -> int:
        """The number of the version: 17 of 17 and saas17_2, 19 of 19source."""
        return int(re.sub(r"^\D*(\d+).*", r"\1", self.version))

    @property
    def in_container(self) -> bool:
        """Does Odoo run in a container, on a host without an Odoo of its own?"""
        return self.start in CONTAINER_STARTS

    @property
    def in_venv(self) -> bool:
        """Is Odoo started by the Python of a virtualenv?"""
        return self.from_source or self.start.startswith("venv-")

    @property
    def venv_first(self) -> bool:
        """Is the virtualenv first in the PATH, so that a HUP works?"""
        return self.in_venv and self.start != "venv-path"

    @property
    def servers(self) -> tuple[Server, ...]:
        """The instances, or the only Odoo of an ordinary host."""
        if self.instances:
            return self.instances
        port = int(self.conf.get("http_port", "8069"))
        gevent_port = int(self.conf.get(self.gevent_option, "8072"))
        settings = (self.mode, self.workers, self.max_cron_threads, self.log, self.unit, self.conf)
        return (Server("", port, gevent_port, "odoo", *settings),)

    def label(self, server: Server) -> str:
        """A server's name among all of the lab, and its database's."""
        return f"{self.name}-{server.name}" if server.name else self.name

    @property
    def gevent_option(self) -> str:
        """The name of the port of the gevent process in odoo.conf; renamed with 16."""
        return "gevent_port" if self.major >= 16 else "longpolling_port"

    @property
    def health_path(self) -> str:
        """The URL path that answers 200 when Odoo serves; /web/health came with 15."""
        return "/web/health" if self.major >= 15 else "/web/login"


@dataclass(frozen=True)
class Fleet:
    """A named set of hosts, with or without HAProxy in front."""

    name: str
    balancer: bool
    hosts: tuple[Host, ...]

    def only(self, names: list[str]) -> Fleet:
        """The fleet with just these hosts."""
        known = {host.name: host for host in self.hosts}
        for name in names:
            if name not in known:
                raise LabError(f"The fleet {self.name} has no host {name}; it has {', '.join(known)}.")
        return dataclasses.replace(self, hosts=tuple(host for host in self.hosts if host.name in names))


def load(wanted: str) -> Fleet:
    """Read a fleet by file name, or by the name of one that comes with the lab."""
    shipped = LAB_DIR / "fleets" / f"{wanted}.yml"
    path = shipped if re.fullmatch(r"[\w-]+", wanted) and shipped.is_file() else Path(wanted)
    if not path.is_file():
        names = ", ".join(sorted(file.stem for file in (LAB_DIR / "fleets").glob("*.yml")))
        raise LabError(f"There is no fleet file {wanted}; the lab comes with {names}.")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise LabError(f"{path.name} is not YAML: {' '.join(str(error).split())}.") from error
    return parse(data, path.name, path.stem)


def parse(data: object, where: str, name: str) -> Fleet:
    """Check the content of a fleet file."""
    top = _mapping(data, where)
    _known_keys(top, {"name", "balancer", "defaults", "hosts"}, where)
    defaults = _mapping(top.get("defaults") or {}, f"{where}: defaults")
    _known_keys(defaults, set(_CHECKS) - {"name"}, f"{where}: defaults")
    rows = top.get("hosts")
    if not isinstance(rows, list) or not rows:
        raise LabError(f"{where}: hosts must be a list of at least one host.")
    if len(rows) > MOST_HOSTS:
        raise LabError(f"{where}: {len(rows)} hosts are more than the {MOST_HOSTS} a lab can hold.")
    hosts = tuple(_host(row, defaults, where) for row in rows)
    _no_twins((host.name for host in hosts), f"{where}: the host")
    _no_twins((host.label(server) for host in hosts for server in host.servers), f"{where}: the database")
    return Fleet(str(top.get("name", name)), _flag(top.get("balancer", False), f"{where}: balancer"), hosts)


def _host(row: object, defaults: Mapping[str, Any], where: str) -> Host:
    settings = _mapping(row, f"{where}: hosts")
    if "name" not in settings:
        raise LabError(f"{where}: a host has no name.")
    place = f"{where}: host {settings['name']}"
    _known_keys(settings, set(_CHECKS), place)
    merged = {**defaults, **settings}
    for nested in ("unit", "conf"):
        merged[nested] = {**(defaults.get(nested) or {}), **(settings.get(nested) or {})}
    rows = merged.pop("instances", None) or []
    values = {key: _CHECKS[key](value, f"{place}: {key}") for key, value in merged.items()}
    values.setdefault("log", "file" if values.get("start", "package") in UNIT_STARTS else "stdout")
    host = _sized(Host(**values), settings, place)
    if not isinstance(rows, list):
        raise LabError(f"{place}: instances must be a list, not {rows!r}.")
    host = dataclasses.replace(host, instances=tuple(_instance(row, host, place) for row in rows))
    _check_start(host, place)
    _no_twins((server.name for server in host.instances), f"{place}: the instance")
    ports = [port for server in host.servers for port in (server.port, server.gevent_port)]
    _no_twins((str(port) for port in ports), f"{place}: the port")
    return host


T = TypeVar("T", Host, Server)


def _sized(item: T, given: Mapping[str, Any], place: str) -> T:
    """Workers that fit the mode, and nothing in `conf` that has a key of its own."""
    if item.mode == "threaded":
        if "workers" in given and item.workers:
            raise LabError(f"{place}: a threaded server has no workers; leave the key workers out.")
        item = dataclasses.replace(item, workers=0)
    elif item.workers < 1:
        raise LabError(f"{place}: a prefork server needs at least one worker; mode: threaded has none.")
    for key in ("http_port", "gevent_port", "longpolling_port"):
        if not item.conf.get(key, "8069").isdigit():
            raise LabError(f"{place}: conf: {key} must be a number, not {item.conf[key]!r}.")
    for key in ("workers", "max_cron_threads"):
        if key in item.conf:
            raise LabError(f"{place}: conf: {key} is a key of the host itself; set it there.")
    return item


def _instance(row: object, host: Host, place: str) -> Server:
    """One of several servers of a host; what it does not say comes from the host."""
    settings = _mapping(row, f"{place}: instances")
    for needed in ("name", "port"):
        if needed not in settings:
            raise LabError(f"{place}: an instance has no {needed}.")
    place = f"{place}: instance {settings['name']}"
    _known_keys(settings, set(_INSTANCE_CHECKS), place)
    values = {key: _INSTANCE_CHECKS[key](value, f"{place}: {key}") for key, value in settings.items()}
    for key in ("http_port", "gevent_port", "longpolling_port"):
        if key in {**host.conf, **values.get("conf", {})}:
            raise LabError(f"{place}: conf: {key} is a key of the instance itself; set port or gevent_port there.")
    prefork_workers = host.workers or Host.workers
    inherited: dict[str, Any] = {
        "gevent_port": values["port"] + 3,
        "user": "odoo",
        "mode": host.mode,
        "workers": 0 if values.get("mode", host.mode) == "threaded" else prefork_workers,
        "max_cron_threads": host.max_cron_threads,
        "log": host.log,
    }
    values["unit"] = {**host.unit, **values.get("unit", {})}
    values["conf"] = {**host.conf, **values.get("conf", {})}
    return _sized(Server(**{**inherited, **values}), settings, place)


def _check_start(host: Host, place: str) -> None:
    """Settings that only one way of starting Odoo understands."""
    by_unit = host.start in UNIT_STARTS
    for server in host.servers:
        if server.log == ("stdout" if by_unit else "journal"):
            other = "journal" if by_unit else "stdout"
            raise LabError(f"{place}: log: with start: {host.start} it is file or {other}, not {server.log}.")
        if server.unit and not by_unit:
            raise LabError(f"{place}: unit: with start: {host.start} Odoo has no unit.")
        if server.user != "odoo" and host.in_container:
            raise LabError(f"{place}: instance {server.name}: in a container the user is odoo.")
    for key in ("supervisord", *CONTAINER_STARTS):
        if getattr(host, key) and host.start != key:
            raise LabError(f"{place}: {key}: only with start: {key}.")


def _no_twins(names: Iterable[str], what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise LabError(f"{what} {name} is there twice.")
        seen.add(name)


def _mapping(value: object, place: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise LabError(f"{place}: keys and values are needed, not {value!r}.")
    return value


def _known_keys(given: Mapping[str, Any], known: set[str], place: str) -> None:
    for key in given:
        if key not in known:
            raise LabError(f"{place}: unknown key {key}; known are {', '.join(sorted(known))}.")


def _flag(value: object, place: str) -> bool:
    if not isinstance(value, bool):
        raise LabError(f"{place} must be true or false, not {value!r}.")
    return value


def _count(value: object, place: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 32:
        raise LabError(f"{place} must be a number from 0 to 32, not {value!r}.")
    return value


def _port(value: object, place: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1024 <= value <= 65535:
        raise LabError(f"{place} must be a port from 1024 to 65535, not {value!r}.")
    return value


def _short_name(value: object, place: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z][a-z0-9]{0,15}", value):
        raise LabError(f"{place} must be lower-case letters and digits, not {value!r}.")
    return value


def _host_name(value: object, place: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", value) or value in SERVICE_HOSTS:
        raise LabError(f"{place} must be lower-case letters, digits and dashes (and not db or lb), not {value!r}.")
    return value


def _one_of(*choices: str) -> Callable[[object, str], str]:
    def check(value: object, place: str) -> str:
        text = str(value).removesuffix(".0")
        if text not in choices:
            raise LabError(f"{place} must be one of {', '.join(choices)}, not {value!r}.")
        return text

    return check


def _version(value: object, place: str) -> str:
    text = str(value).removesuffix(".0")
    if text not in VERSIONS and not re.fullmatch(r"\d\d(source)?|saas\d\d_\d", text):
        raise LabError(f"{place} must be {', '.join(VERSIONS)}, or one of `lab build --odoo`, not {value!r}.")
    return text


def _settings(value: object, place: str) -> dict[str, str]:
    """Free keys for a unit's [Service] section or odoo.conf; YAML's booleans in the file's own spelling."""
    result: dict[str, str] = {}
    for key, item in _mapping(value, place).items():
        if not re.fullmatch(r"\w+", key):
            raise LabError(f"{place}: {key!r} is no key for a configuration file.")
        if not isinstance(item, (str, int, float)) or "\n" in str(item):
            raise LabError(f"{place}: {key} must be one line of text or a number, not {item!r}.")
        result[key] = str(item)
    return result


def _container(**choices: tuple[str, ...]) -> Callable[[object, str], dict[str, str]]:
    choices = {"restart": RESTART_POLICIES, "cgroups": ("systemd", "cgroupfs"), **choices}

    def check(value: object, place: str) -> dict[str, str]:
        given = _mapping(value, place)
        _known_keys(given, set(choices), place)
        # YAML's bare word no is a boolean.
        words = {key: "no" if item is False else item for key, item in given.items()}
        return {key: _one_of(*choices[key])(item, f"{place}: {key}") for key, item in words.items()}

    return check


def _program(value: object, place: str) -> dict[str, str]:
    """Free keys for supervisord's [program:x] section."""
    return {key: item.lower() if item in ("True", "False") else item for key, item in _settings(value, place).items()}


_CHECKS: dict[str, Callable[[object, str], Any]] = {
    "name": _host_name,
    "version": _version,
    "mode": _one_of(*MODES),
    "workers": _count,
    "max_cron_threads": _count,
    "log": _one_of(*LOGS),
    "setproctitle": _flag,
    "start": _one_of(*STARTS),
    "unit": _settings,
    "conf": _settings,
    "supervisord": _program,
    "podman": _container(pid1=("runuser", "odoo")),
    "docker": _container(pid1=("tini", "odoo"), network=("bridge", "host")),
    "instances": lambda value, _place: value,
    "balanced": _flag,
}
_INSTANCE_CHECKS: dict[str, Callable[[object, str], Any]] = {
    "name": _short_name,
    "port": _port,
    "gevent_port": _port,
    "user": _short_name,
    **{key: _CHECKS[key] for key in ("mode", "workers", "max_cron_threads", "log", "unit", "conf")},
}
