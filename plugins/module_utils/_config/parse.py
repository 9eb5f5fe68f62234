# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Options as Odoo itself reads them, version by version: arguments over environment over odoo.conf over defaults.

Odoo 14 to 18 read one way, 19 another one (``NEW``). An integration test gives hundreds of configurations to Odoo's own
parser and to this one.
"""

from __future__ import annotations

import configparser
import os
import re
import typing as t
from dataclasses import dataclass

from .arguments import BETWEEN, parse_arguments
from .odoo_conf import section_of_options
from .table import (
    ARGUMENTS_ONLY,
    CHOICES,
    NEW,
    OLD_NAMES,
    VARIABLES,
    Kind,
    Option,
    all_options,
)

_VARIABLE = re.compile(r"\$(\w+|\{[^}]*\})", re.ASCII)
#: The last version without gevent_port, and the last one that knew its old name.
_LONGPOLLING, _LAST_LONGPOLLING = 15, 17
_OTHER_FILE = (".odoorc", ".openerp_serverrc")

#: The default address of Odoo 19.
_EVERYWHERE = "0.0.0.0"  # noqa: S104

Value = t.Union[None, bool, int, float, str, t.Tuple[str, ...]]


class Place(t.Protocol):
    """The files and folders that a server sees."""

    @property
    def environ(self) -> t.Mapping[str, str]:
        """Return its environment."""

    @property
    def cwd(self) -> str:
        """Return its working directory."""

    def home(self, user: t.Optional[str]) -> t.Optional[str]:
        """Return the home of a user in the database of users; of its own user for None."""

    def is_file(self, path: str) -> bool:
        """Return True if there is a file."""

    def is_folder(self, path: str) -> bool:
        """Return True if there is a folder."""

    def read(self, path: str) -> str:
        """Return the text of a file.

        :raises OSError: it cannot be read.
        """


@dataclass(frozen=True, repr=False)
class Settings:
    """Every option with its value. Some values are secrets, and no result shows them.

    :ivar given: names of those that arguments or environment set.
    :ivar path: of odoo.conf; None without one.
    :ivar files: all that it reads, which up to 18 is the file of its user or of the environment first.
    :ivar error: why it could not be read, or why Odoo would not start with it. It says nothing of its content.
    """

    values: t.Mapping[str, Value]
    given: t.FrozenSet[str]
    path: t.Optional[str]
    error: t.Optional[str]
    files: t.Tuple[str, ...] = ()

    def text(self, name: str) -> str:
        """Return the value of an option that is a text; empty where it has none."""
        value = self.values[name]
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> int:
        """Return the value of an option that is a number; 0 where it has none."""
        value = self.values[name]
        return int(value) if isinstance(value, (bool, int, float)) else 0

    def flag(self, name: str) -> bool:
        """Return the value of an option that is on or off."""
        return bool(self.values[name])

    def listed(self, name: str) -> t.Tuple[str, ...]:
        """Return the value of an option that is a list."""
        value = self.values[name]
        return value if isinstance(value, tuple) else ()


def normalized(path: str, place: Place) -> str:
    """Return a path as Odoo takes it: variables and the home expanded, from the working directory. Links stay."""
    path = _expand_user(_expand_variables(path.strip(), place.environ), place)
    return os.path.normpath(os.path.join(place.cwd, path)) if path else ""


def _expand_variables(path: str, environ: t.Mapping[str, str]) -> str:
    def value(found: t.Match[str]) -> str:
        return environ.get(found.group(1).strip("{}"), found.group())

    return _VARIABLE.sub(value, path)


def _expand_user(path: str, place: Place) -> str:
    if not path.startswith("~"):
        return path
    name, slash, rest = path[1:].partition("/")
    home = place.environ.get("HOME") if not name else None
    if home is None:
        home = place.home(name or None)
    if home is None:
        return path
    return (home.rstrip("/") + slash + rest) or "/"


class BadValue(ValueError):
    """Odoo would not start with this value of an option."""


def read_settings(args: t.Sequence[str], place: Place, version: t.Optional[int]) -> Settings:
    """Read the options of a server as it would at this moment.

    :param args: the arguments behind its script.
    :param version: its major number; None: unknown, which is read as 14 to 18 are, and old names are taken.
    """
    new = (version or 0) >= NEW
    # Odoo reads this word first. Up to 18 odoo.conf, which comes after it, wins over it.
    leading = len(args) > 1 and args[0].startswith("--addons-path=") and not args[1].startswith("-")
    given = parse_arguments(args[1:] if leading else args, version)
    first = parse_arguments(args[:1], version) if leading else {}
    environ = _from_environment(place.environ) if new else {}
    path, by_default = _configuration_path(given.get("config"), place, new=new)
    error = None
    content: t.Dict[str, str] = {}
    every = [path] if new else [_configuration_path(None, place, new=new)[0], path]
    for one in every:
        try:
            content.update(_in_file(place.read(one), version) if one else {})
        except OSError as exc:
            error = None if by_default or one != path else "%s cannot be read: %s" % (one, exc.strerror or exc)
        except configparser.Error as exc:
            error = "%s cannot be parsed (%s)" % (one, type(exc).__name__)
    if by_default and not (path and place.is_file(path)):
        path = None
    if new or "addons_path" not in content:
        given = {**first, **given}
    values: t.Dict[str, Value] = {}
    bad: t.List[str] = []
    for option in all_options().values():
        sources = (given, environ, content) if option.known_to(version) else ({}, {}, {})
        try:
            values[option.name] = _value(option, *sources, place, new=new)
        except BadValue:
            values[option.name] = _default(option, place, new=new)
            bad.append(option.name)
    if new and values["syslog"] and values["logfile"]:
        bad.append("syslog, together with logfile")
    if path and error is None and bad:
        error = "%s: Odoo would not start with the value of %s" % (path, bad[0])
    _settle(values, given, content, version)
    files = tuple(dict.fromkeys(one for one in every if one and (one == path or place.is_file(one))))
    return Settings(values, frozenset([*given, *environ]), path, error, files)


def _settle(
    values: t.Dict[str, Value], given: t.Mapping[str, str], content: t.Mapping[str, str], version: t.Optional[int]
) -> None:
    """Apply what one option does to another one."""
    if (version or 0) >= NEW:
        if "http_interface" not in given and content.get("http_interface") == "" and values["http_enable"]:
            values["http_interface"] = _EVERYWHERE
        modules = t.cast("t.Tuple[str, ...]", values["server_wide_modules"] or ("base", "rpc", "web"))
        for name in ("base", "web"):
            modules = modules if name in modules else (name, *modules)
        values["server_wide_modules"] = modules
        return
    if _LONGPOLLING < (version or _LAST_LONGPOLLING) <= _LAST_LONGPOLLING:
        # An alias, which wins over the new name unless it is 0 (seen on 16.0 and 17.0; 18.0 has none).
        values["gevent_port"] = values["longpolling_port"] or values["gevent_port"]


def _from_environment(environ: t.Mapping[str, str]) -> t.Dict[str, str]:
    """Return options that Odoo 19 takes from its environment."""
    names = {name: VARIABLES.get(name, "ODOO_" + name.upper()) for name in all_options() if name not in ARGUMENTS_ONLY}
    return {name: environ[variable] for name, variable in names.items() if variable in environ}


def _configuration_path(given: t.Optional[str], place: Place, *, new: bool) -> t.Tuple[t.Optional[str], bool]:
    """Return the path of odoo.conf, and whether it is the one that Odoo looks for by itself."""
    if new:
        found = given if given is not None else place.environ.get("ODOO_RC")
        if found is not None:
            return normalized(found, place) or None, False
    else:
        found = given or place.environ.get("ODOO_RC") or place.environ.get("OPENERP_SERVER")
        if found:
            return os.path.normpath(os.path.join(place.cwd, found)), False
    home = _expand_user("~", place)
    for name in _OTHER_FILE:
        path = os.path.normpath(os.path.join(place.cwd, home, name))
        if place.is_file(path):
            return path, True
    return os.path.normpath(os.path.join(place.cwd, home, _OTHER_FILE[0])), True


def _in_file(text: str, version: t.Optional[int]) -> t.Dict[str, str]:
    """Return the section ``options`` of odoo.conf, old names turned into those of today where this version has them."""
    content = section_of_options(text)
    if (version or 0) >= NEW:
        return content
    found: t.Dict[str, str] = {}
    for name, value in content.items():
        today = OLD_NAMES.get(name, name)
        if name == "longpolling_port" and version is not None and version <= _LONGPOLLING:
            today = "gevent_port"
        elif name == "gevent_port" and version is not None and version <= _LONGPOLLING:
            continue
        # Of an old and a new name the later one counts.
        found.pop(today, None)
        found[today] = value
    return found


def _value(
    option: Option,
    given: t.Mapping[str, str],
    environ: t.Mapping[str, str],
    content: t.Mapping[str, str],
    place: Place,
    *,
    new: bool,
) -> Value:
    """:raises BadValue: Odoo would not start with it."""
    name = option.name
    cast = _cast_new if new else _cast_old
    if option.kind == Kind.HANDLERS:
        if content.get(name) in ("True", "true", "None", *(() if new else ("False", "false"))):
            raise BadValue(name)
        words = given.get(name, "").split(BETWEEN)
        # Odoo 14 takes what stands behind a comma for a part of the level.
        told = [part for word in words for part in (_parts(word) if new else [word]) if part]
        return (*_default_handlers(content, name, new=new), *_parts(environ.get(name)), *told)
    value = _default(option, place, new=new)
    if name in content and name not in ARGUMENTS_ONLY and name != "config":
        # 19 takes that for a word of older versions, and reads each value, also one that another wins over.
        skipped = new and content[name] in ("False", "false") and option.kind != Kind.FLAG
        if new or name not in given:
            value = value if skipped else cast(option, content[name], place, arguments=False)
    if name in environ:
        value = cast(option, environ[name], place, arguments=False)
    return cast(option, given[name], place, arguments=True) if name in given else value


def _default_handlers(content: t.Mapping[str, str], name: str, *, new: bool) -> t.List[str]:
    # The file's come in place of the default in 14 to 18, and after it in 19.
    if name in content and not (new and content[name] in ("False", "false", "None")):
        return [*([":INFO"] if new else []), *_parts(content[name])]
    return [":INFO"]


def _parts(text: t.Optional[str]) -> t.List[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _default(option: Option, place: Place, *, new: bool) -> Value:
    if option.name == "data_dir":
        home = _expand_user("~", place)
        if not place.is_folder(home):
            return "/var/lib/%s" % ("Odoo" if new else "odoo")
        base = place.environ.get("XDG_DATA_HOME", _expand_user("~/.local/share", place))
        # Odoo 19 takes it as it is.
        path = os.path.join(base, "Odoo")
        return os.path.normpath(os.path.join(place.cwd, path)) if new else normalized(path, place)
    if option.name == "http_interface" and new:
        return _EVERYWHERE
    if option.name == "server_wide_modules":
        return ("base", "rpc", "web") if new else ("base", "web")
    if not option.default:
        return () if option.kind in (Kind.PATHS, Kind.NAMES) else None
    return (_cast_new if new else _cast_old)(option, option.default, place, arguments=False)


def _cast_old(option: Option, text: str, place: Place, *, arguments: bool) -> Value:
    """Return a value as Odoo 14 to 18 take it. A word that it does not know is true for it."""
    value: Value = text
    if not arguments:
        value = {"True": True, "true": True, "False": False, "false": False}.get(text, text)
    if option.kind == Kind.FLAG:
        return value == "True" if arguments else bool(value)
    if option.name in ("logfile", "pidfile") and text in ("None", "False"):
        return ""
    if isinstance(value, bool):
        if option.name == "server_wide_modules" or (option.kind in (Kind.PATHS, Kind.NAMES, Kind.PATH) and value):
            raise BadValue(option.name)
        return () if option.kind in (Kind.PATHS, Kind.NAMES) else value
    if option.kind in (Kind.INT, Kind.FLOAT):
        return _old_number(option, text)
    if option.kind == Kind.CHOICE and text not in CHOICES[option.name]:
        raise BadValue(option.name)
    if option.kind == Kind.PATH:
        return normalized(text, place)
    if option.kind == Kind.PATHS:
        nothing = text == "None" and option.name == "addons_path"
        return () if nothing else tuple(normalized(part, place) for part in text.split(",") if part.strip())
    if option.name == "server_wide_modules":
        parts = () if text in ("", "None", "False") else tuple(_parts(text))
        return parts or ("base", "web")
    if option.kind == Kind.NAMES:
        return tuple(text.split(",")) if text else ()
    return text


def _old_number(option: Option, text: str) -> t.Union[int, float]:
    """:raises BadValue: it is not a number. As optparse reads one: 0x1F, 0b10, and 010 is eight."""
    try:
        if option.kind == Kind.FLOAT:
            return float(text)
        if text[:2].lower() == "0x":
            return int(text, 16)
        if text[:2].lower() == "0b":
            return int(text[2:] or "0", 2)
        return int(text, 8 if text[:1] == "0" else 10)
    except ValueError:
        raise BadValue(option.name) from None


def _cast_new(option: Option, text: str, place: Place, *, arguments: bool) -> Value:
    """Return a value as Odoo 19 takes it."""
    if text == "None" and not arguments:
        if option.name in ("addons_path", "db_name"):
            raise BadValue(option.name)
        return () if option.kind in (Kind.PATHS, Kind.NAMES) else None
    if option.kind == Kind.FLAG:
        if text.lower() not in ("1", "yes", "true", "on", "0", "no", "false", "off"):
            raise BadValue(option.name)
        return text.lower() in ("1", "yes", "true", "on")
    if option.kind in (Kind.INT, Kind.FLOAT):
        try:
            return int(text) if option.kind == Kind.INT else float(text)
        except ValueError:
            raise BadValue(option.name) from None
    if option.kind == Kind.CHOICE and text not in CHOICES[option.name]:
        raise BadValue(option.name)
    if option.kind == Kind.PATH:
        return normalized(text, place)
    if option.kind == Kind.PATHS:
        return tuple(normalized(part, place) for part in _parts(text))
    if option.kind == Kind.NAMES:
        return tuple(_parts(text))
    return text
