# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet file: what hosts there are and how Odoo runs on each; every wrong key or value is named."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .errors import LabError
from .paths import LAB_DIR

VERSIONS = ("19", "14")
MODES = ("prefork", "threaded")
LOGS = ("file", "journal")
STARTS = ("package", "venv-path", "venv-on-path")
SERVICE_HOSTS = ("db", "lb")
MOST_HOSTS = 60


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
    balanced: bool = True

    @property
    def base(self) -> str:
        """The name of the base image."""
        return f"odoo{self.version}"

    @property
    def health_path(self) -> str:
        """The URL path that answers 200 when Odoo serves; /web/health came with 15."""
        return "/web/health" if self.version != "14" else "/web/login"


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
    names = [host.name for host in hosts]
    for twice in sorted({host for host in names if names.count(host) > 1}):
        raise LabError(f"{where}: the host {twice} is there twice.")
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
    values = {key: _CHECKS[key](value, f"{place}: {key}") for key, value in merged.items()}
    host = Host(**values)
    if host.mode == "threaded":
        if "workers" in settings and host.workers:
            raise LabError(f"{place}: a threaded server has no workers; leave the key workers out.")
        host = dataclasses.replace(host, workers=0)
    elif host.workers < 1:
        raise LabError(f"{place}: a prefork server needs at least one worker; mode: threaded has none.")
    if not host.conf.get("http_port", "8069").isdigit():
        raise LabError(f"{place}: conf: http_port must be a number, not {host.conf['http_port']!r}.")
    for key in ("workers", "max_cron_threads"):
        if key in host.conf:
            raise LabError(f"{place}: conf: {key} is a key of the host itself; set it there.")
    return host


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


_CHECKS: dict[str, Callable[[object, str], Any]] = {
    "name": _host_name,
    "version": _one_of(*VERSIONS),
    "mode": _one_of(*MODES),
    "workers": _count,
    "max_cron_threads": _count,
    "log": _one_of(*LOGS),
    "setproctitle": _flag,
    "start": _one_of(*STARTS),
    "unit": _settings,
    "conf": _settings,
    "balanced": _flag,
}
