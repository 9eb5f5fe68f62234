# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""The options a server runs with, without secrets: argv over environment over odoo.conf over Odoo's defaults."""

from __future__ import annotations

import configparser
import functools
import optparse
import os
import re
import types
import typing as t
from dataclasses import dataclass

from .._system.redact import redact_text
from .cmdline import Command
from .limits import ODOO_CONF
from .proc import Gone, Proc
from .process import Process, parse_environ
from .release import major
from .rights import exists, read_file

LARGEST_FILE = ODOO_CONF
_LONG_BLANK = re.compile(r"[^\S\n]{257}")
_MOST_LINES = 10000


@dataclass(frozen=True)
class Options:
    """What we need of a server's options. Ports are numbers, limits are seconds."""

    config_file: t.Optional[str]
    #: why odoo.conf could not be read; it says nothing of its content
    config_error: t.Optional[str]
    databases: t.Tuple[str, ...]
    http_enable: bool
    http_interface: str
    http_port: int
    gevent_port: int
    workers: int
    max_cron_threads: int
    logfile: t.Optional[str]
    syslog: bool
    log_level: str
    limit_time_real: int
    limit_time_real_cron: int
    data_dir: t.Optional[str]
    addons_path: t.Tuple[str, ...] = ()
    #: "logger:LEVEL", later ones win
    log_handler: t.Tuple[str, ...] = ()
    #: bytes of address space that one worker may have; 0: no limit
    limit_memory_hard: int = 0


#: By the name that they have today: older names of options, and Odoo's default.
Wanted = t.Mapping[str, t.Tuple[t.Tuple[str, ...], str]]

#: Options that we read.
_WANTED: Wanted = types.MappingProxyType(
    {
        "db_name": ((), ""),
        "http_enable": (("xmlrpc",), "True"),
        "http_interface": (("xmlrpc_interface",), ""),
        "http_port": (("xmlrpc_port",), "8069"),
        "gevent_port": (("longpolling_port",), "8072"),
        "workers": ((), "0"),
        "max_cron_threads": ((), "2"),
        "logfile": ((), ""),
        "syslog": ((), "False"),
        "log_level": ((), "info"),
        "limit_memory_hard": ((), "2684354560"),
        "limit_time_real": ((), "120"),
        "limit_time_real_cron": ((), "-1"),
        "data_dir": ((), ""),
        "addons_path": ((), ""),
        "log_handler": ((), ""),
    }
)

#: Variables of the environment that have the names of PostgreSQL's own library.
POSTGRES_VARIABLES = {
    "db_name": "PGDATABASE",
    "db_host": "PGHOST",
    "db_port": "PGPORT",
    "db_user": "PGUSER",
    "db_password": "PGPASSWORD",
    "db_sslmode": "PGSSLMODE",
}

#: Every option of Odoo 14 to 19 that takes a value, so that a value is never mistaken for an option, and an
#: abbreviation is resolved as Odoo resolves it. Those that we read come with the name above.
_VALUE_OPTIONS = """
--addons-path=addons_path --config=config --data-dir=data_dir --database=db_name --db-filter --db-template
--db_app_name --db_host=db_host --db_maxconn --db_maxconn_gevent --db_password=db_password --db_port=db_port
--db_replica_host --db_replica_port --db_sslmode=db_sslmode --db_user=db_user
--dev --email-from --from-filter --geoip-city-db --geoip-country-db --geoip-db
--gevent-port=gevent_port --http-interface=http_interface --http-port=http_port --i18n-export --i18n-import --init
--language --limit-memory-hard=limit_memory_hard --limit-memory-hard-gevent --limit-memory-soft
--limit-memory-soft-gevent --limit-request --limit-time-cpu --limit-time-real=limit_time_real
--limit-time-real-cron=limit_time_real_cron --limit-time-worker-cron --load --load-language --log-db --log-db-level
--log-level=log_level --logfile=logfile --longpolling-port=gevent_port --max-cron-threads=max_cron_threads --modules
--osv-memory-age-limit --osv-memory-count-limit --pg_path --pidfile --pre-upgrade-scripts --reinit --screencasts
--screenshots --shell-file --shell-interface --smtp --smtp-password --smtp-port --smtp-ssl-certificate-filename
--smtp-ssl-private-key-filename --smtp-user --test-file --test-tags --transient-age-limit --update --upgrade-path
--without-demo --workers=workers --xmlrpc-interface=http_interface --xmlrpc-port=http_port
"""
_FLAGS = """
--i18n-overwrite --import-partial --log-request --log-response --log-sql --log-web --no-database-list --proxy-mode
--save --skip-auto-install --smtp-ssl --stop-after-init --syslog=syslog --test-enable --unaccent --with-demo
--x-sendfile
"""
#: Options that stand in odoo.conf only, of Odoo 14 to 19.
_FILE_OPTIONS = """
bin_path csv_internal_sep dbfilter default_productivity_apps demo geoip_database http_enable list_db reportgz
server_wide_modules test_enable translate_modules websocket_keep_alive_timeout websocket_rate_limit_burst
websocket_rate_limit_delay xmlrpc xmlrpc_interface xmlrpc_port
"""
_SHORT = {
    "config": "-c",
    "database": "-d",
    "data-dir": "-D",
    "db_user": "-r",
    "db_password": "-w",
    "http-port": "-p",
    "init": "-i",
    "update": "-u",
    "language": "-l",
}


def own_names() -> t.FrozenSet[str]:
    """Names that Odoo's own options have in odoo.conf."""
    flags = [word.partition("=") for word in (_VALUE_OPTIONS + _FLAGS).split()]
    names = {flag.strip("-").replace("-", "_") for flag, _equals, _name in flags}
    return frozenset(names | set(_WANTED) | set(_FILE_OPTIONS.split()))


def value_options() -> t.Tuple[t.Dict[str, str], t.Dict[str, str]]:
    """Return the options of Odoo that take a value, and its flags, as they are written, with their names."""

    def names(words: t.Iterable[str]) -> t.Dict[str, str]:
        found = (word.partition("=") for word in words)
        return {flag: name or flag.strip("-").replace("-", "_") for flag, _equals, name in found}

    with_value = names([*_VALUE_OPTIONS.split(), "--log-handler"])
    with_value.update({short: with_value["--" + long] for long, short in _SHORT.items()})
    return with_value, names([*_FLAGS.split(), "--no-http", "--no-xmlrpc"])


@dataclass(frozen=True, repr=False)
class Settings:
    """Options as they were written, by name: ``given`` by argv or environment, and in the file at ``path``."""

    given: t.Mapping[str, str]
    content: t.Mapping[str, str]
    path: t.Optional[str]
    error: t.Optional[str]


def read_options(proc: Proc, master: Process, command: Command, version: t.Optional[str]) -> Options:
    """Options of a server at this moment. odoo.conf is read again at each call: a HUP makes Odoo do the same.

    :param version: from 19 on the environment may hold options too (seen in Odoo 19.0).
    """
    found = read_settings(proc, master, command, version)
    return merge(found.given, found.content, found.path, found.error)


def read_settings(
    proc: Proc, master: Process, command: Command, version: t.Optional[str], wanted: Wanted = _WANTED
) -> Settings:
    """What a server was told of the options that are wanted; parameters as for :func:`read_options`."""
    given = parse_arguments(command.args, wanted)
    try:
        environ = parse_environ(proc.read(master.pid, "environ"))
    except (Gone, PermissionError):
        environ = {}
    path = given.get("config") or _configuration_path(environ, lambda path: exists(proc, master, path))
    if (major(version) or 0) >= 19:
        given = {**parse_environment(environ, wanted), **given}
    content: t.Dict[str, str] = {}
    error = None
    if path:
        path = os.path.join(master.working_directory, path)
        try:
            text = read_file(proc, master, path, LARGEST_FILE)
            content = parse_configuration(text.decode("utf-8", "replace"), wanted)
        except OSError as exc:
            error = "%s cannot be read: %s" % (path, exc.strerror or exc)
        except configparser.Error as exc:
            error = "%s cannot be parsed (%s)" % (path, type(exc).__name__)
    return Settings(given, content, path, error)


def parse_arguments(args: t.Sequence[str], wanted: Wanted = _WANTED) -> t.Dict[str, str]:
    """Options in an argument vector, parsed as Odoo does it: by optparse, abbreviations and all.

    Unknown options (of an addon, or of a later Odoo) are passed over.
    """
    parser = _parser()
    values = parser.get_default_values()
    # Odoo 19 lets --without-demo stand without a value.
    rest = [
        word for word, after in zip(args, [*args[1:], "-"]) if word != "--without-demo" or not after.startswith("-")
    ]
    while rest:
        try:
            parser._process_args([], rest, values)  # noqa: SLF001
        except (optparse.BadOptionError, optparse.OptionValueError):
            continue
    if values.log_handler:
        values.log_handler = ",".join(values.log_handler)
    names = ("config", *wanted)
    return {name: str(getattr(values, name)) for name in names if getattr(values, name, None) is not None}


class _Parser(optparse.OptionParser):
    """optparse ends the program over what it cannot parse; here that word is passed over."""

    def error(self, msg: str) -> t.NoReturn:
        raise optparse.OptionValueError(msg)


@functools.lru_cache(maxsize=1)
def _parser() -> optparse.OptionParser:
    parser = _Parser(add_help_option=False)
    for words, action in ((_VALUE_OPTIONS, "store"), (_FLAGS, "store_true")):
        for word in words.split():
            flag, _equals, name = word.partition("=")
            short = _SHORT.get(flag[2:])
            parser.add_option(*([short] if short else []), flag, action=action, dest=name or flag)
    # The shortcuts (--log-web and the like) concern loggers that write no dump.
    parser.add_option("--log-handler", action="append", dest="log_handler")
    parser.add_option("--no-http", "--no-xmlrpc", action="store_const", const="False", dest="http_enable")
    return parser


def parse_configuration(text: str, wanted: Wanted = _WANTED) -> t.Dict[str, str]:
    """The section ``options`` of odoo.conf, old names turned into those of today.

    :raises configparser.Error: Odoo would not read it either.
    """
    content = section_of_options(text)
    found = {}
    for name, (older, _default) in wanted.items():
        for key in (name,) + older:
            if key in content:
                found[name] = content[key]
                break
    return found


def section_of_options(text: str) -> t.Dict[str, str]:
    """All of the section ``options`` of odoo.conf.

    :raises configparser.Error: Odoo would not read it either, or it is none that anybody wrote for Odoo.
    """
    # configparser takes the square of a run of blanks, and of the number of lines that it does not understand: with a
    # megabyte of either it would take minutes to hours.
    if _LONG_BLANK.search(text):
        raise configparser.Error("a line holds a run of more than 256 blanks")
    if text.count("\n") > _MOST_LINES:
        raise configparser.Error("it has more than %d lines" % _MOST_LINES)
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    return dict(parser.items("options")) if parser.has_section("options") else {}


def merge(
    given: t.Mapping[str, str], content: t.Mapping[str, str], path: t.Optional[str], error: t.Optional[str]
) -> Options:
    """Put arguments over the configuration file over Odoo's defaults."""

    def value(name: str) -> str:
        found = given.get(name)
        if found is None:
            found = content.get(name, _WANTED[name][1])
        return found.strip()

    def number(name: str) -> int:
        try:
            return int(value(name))
        except ValueError:
            return int(_WANTED[name][1])

    def text(name: str) -> t.Optional[str]:
        return None if value(name) in ("", "None", "False") else value(name)

    def flag(name: str) -> bool:
        return value(name).lower() in ("true", "1", "t", "yes")

    def listed(text: t.Optional[str]) -> t.Tuple[str, ...]:
        return tuple(part.strip() for part in (text or "").split(",") if part.strip() and part.strip() != "None")

    return Options(
        config_file=path,
        config_error=error,
        # One may be an address, with a password in it.
        databases=listed(redact_text(text("db_name") or "")),
        http_enable=flag("http_enable"),
        http_interface=text("http_interface") or "",
        http_port=number("http_port"),
        gevent_port=number("gevent_port"),
        workers=number("workers"),
        max_cron_threads=number("max_cron_threads"),
        logfile=text("logfile"),
        syslog=flag("syslog"),
        log_level=value("log_level"),
        limit_time_real=number("limit_time_real"),
        limit_time_real_cron=number("limit_time_real_cron"),
        data_dir=text("data_dir"),
        addons_path=listed(text("addons_path")),
        # Handlers add up, those of the command line come last.
        log_handler=listed(content.get("log_handler")) + listed(given.get("log_handler")),
        limit_memory_hard=number("limit_memory_hard"),
    )


def parse_environment(environ: t.Mapping[str, str], wanted: Wanted = _WANTED) -> t.Dict[str, str]:
    """Options that Odoo 19 takes from its environment."""
    names = {name: POSTGRES_VARIABLES.get(name, "ODOO_" + name.upper()) for name in wanted}
    return {name: environ[variable] for name, variable in names.items() if variable in environ}


def _configuration_path(environ: t.Mapping[str, str], exists_there: t.Callable[[str], bool]) -> t.Optional[str]:
    for name in ("ODOO_RC", "OPENERP_SERVER"):
        if environ.get(name):
            return environ[name]
    home = environ.get("HOME", "")
    for name in (".odoorc", ".openerp_serverrc"):
        if home and exists_there("%s/%s" % (home, name)):
            return home + "/" + name
    return None
