# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Decide whether root may run the recorded command of a server that ran as root.

Every word must be understood, and only root may be able to change a file that the command executes, imports or
reads, and each folder or link on the way to it. So no file can be exchanged between this check and the start.
"""

from __future__ import annotations

import configparser
import glob
import os
import time
import typing as t

from .._config.odoo_conf import section_of_options
from .._config.table import Kind, all_options, own_names, words_of_options
from .._messages import refused
from .._processes.options import LARGEST_FILE
from .._system.errors import Refused
from .._system.files import is_roots, read_regular
from .._system.redact import smells

#: Flags of the interpreter that neither take a value nor name code.
_PYTHON_FLAGS = frozenset(["-B", "-E", "-I", "-O", "-OO", "-s", "-u"])
#: Options of Odoo whose value is a path, or a list of paths. Names as in odoo.conf.
_PATHS = frozenset(
    [
        *(name for name, option in all_options().items() if option.kind in (Kind.PATH, Kind.PATHS)),
        *("csv_path", "geoip_db", "i18n_export", "i18n_import", "shell_file", "smtp_ssl_certificate_filename"),
        "smtp_ssl_private_key_filename",
    ]
)
#: Values that are not paths although they may hold a slash: a folder of sockets, a pattern, a hash.
_NO_PATHS = frozenset(["admin_passwd", "db_host", "db_password", "db_replica_host", "dbfilter", "smtp_password"])
_SYSTEM_PACKAGES = ("/usr/local/lib/python3*/*-packages", "/usr/lib/python3/*-packages")
#: What Python imports, apart from folders.
_CODE = (".py", ".pyc", ".so", ".pth", ".zip", ".egg")
#: Seconds that the walk over the code may take.
_LONGEST_WALK = 30.0
_HOME = "/root"


def check_root_command(program: str, words: t.Sequence[str], cwd: str) -> None:
    """Make sure that a command line is understood, and that everything it leads to is root's alone.

    :param program: path of the interpreter.
    :param words: the arguments behind it.
    :param cwd: the working directory that the server had.
    :raises Refused: otherwise.
    """
    script, args = _script(list(words))
    for path in (cwd, program, script):
        _roots("command", path)
    given = list(_options(args))
    for name, value in given:
        _check_value(name, value)
    config = dict(given).get("config") or _default_config()
    configured: t.List[t.Tuple[str, str]] = []
    if config:
        _roots("config", config)
        configured = _configuration(config)
    for name, value in configured:
        _check_value(name, value)
    _check_code(program, script, dict([*configured, *given]))


def _script(words: t.List[str]) -> t.Tuple[str, t.List[str]]:
    while words and words[0] in _PYTHON_FLAGS:
        words.pop(0)
    if not words or words[0].startswith("-"):
        raise Refused(refused.COMMAND_NOT_UNDERSTOOD(word="".join(words[:1])))
    script = words.pop(0)
    if words[:1] == ["server"]:
        words.pop(0)
    return script, words


def _options(args: t.List[str]) -> t.Iterator[t.Tuple[str, str]]:
    """Yield the name of each option as in odoo.conf, and its value; an empty value for a flag.

    Neither abbreviations nor short options that are joined: they are for people who type.
    """
    with_value, flags = words_of_options()
    while args:
        word = args.pop(0)
        option, equals, value = word.partition("=")
        short = word[:2] if len(word) > 1 and word[1] != "-" else ""
        if option in flags and not equals:
            yield flags[option], ""
        elif option in with_value and option.startswith("--"):
            if not equals:
                value = _following(args, option)
            yield with_value[option], value
        elif short in with_value:
            yield with_value[short], word[2:] or _following(args, option)
        else:
            raise Refused(refused.COMMAND_NOT_UNDERSTOOD(word=option))


def _following(args: t.List[str], option: str) -> str:
    if not args or args[0].startswith("-"):
        raise Refused(refused.COMMAND_NOT_UNDERSTOOD(word=option))
    return args.pop(0)


def _default_config() -> t.Optional[str]:
    names = ("%s/.odoorc" % _HOME, "%s/.openerp_serverrc" % _HOME)
    return next((path for path in names if os.path.lexists(path)), None)


def _configuration(path: str) -> t.List[t.Tuple[str, str]]:
    try:
        return list(section_of_options(read_regular(path, LARGEST_FILE).decode("utf-8", "replace")).items())
    except (OSError, configparser.Error) as exc:
        raise Refused(refused.COMMAND_CONF_UNREADABLE(path=path, error=type(exc).__name__)) from None


def _check_value(name: str, value: str) -> None:
    if name in _PATHS:
        for path in value.split(","):
            if path not in ("", "False", "None"):
                _roots(name, path)
    elif name not in own_names() and name not in _NO_PATHS and not smells(name) and set(value) & set("/~$\\"):
        raise Refused(refused.COMMAND_OPTION_UNKNOWN(option=name))


def _roots(name: str, path: str) -> None:
    """:raises Refused: the path is not absolute, does not exist, or users other than root could change it."""
    # Odoo expands a tilde and variables, and strips blanks. What is not there may be made after this check.
    plain = path.startswith("/") and path == path.strip() and not set(path) & set("~$,") and "/../" not in path + "/"
    if not plain:
        raise Refused(refused.COMMAND_PATH_NOT_PLAIN(path=path, name=name))
    if not os.path.exists(path):
        raise Refused(refused.COMMAND_PATH_GONE(path=path, name=name))
    if not is_roots(path):
        raise Refused(refused.COMMAND_NOT_ROOTS(path=path))


def _check_code(program: str, script: str, given: t.Mapping[str, str]) -> None:
    """Check all that Python imports: the folder of the script, packages, addons.

    :raises Refused: users other than root could change it.
    """
    prefix = os.path.dirname(os.path.dirname(program))
    folders = [os.path.dirname(os.path.realpath(script))]
    for place in (glob.escape(prefix) + "/lib*/python3*/site-packages", *_SYSTEM_PACKAGES):
        folders += glob.glob(place)
    folders += [path for path in given.get("addons_path", "").split(",") if path.startswith("/")]
    if given.get("data_dir", "").startswith("/"):
        folders.append(given["data_dir"] + "/addons")
    if os.path.lexists(prefix + "/pyvenv.cfg"):
        _roots("virtualenv", prefix + "/pyvenv.cfg")
    _walk([folder for folder in folders if os.path.lexists(folder)])


def _walk(folders: t.List[str]) -> None:
    """:raises Refused: users other than root could change a file below one of the folders."""
    end = time.monotonic() + _LONGEST_WALK
    waiting = list(folders)
    seen: t.Set[t.Tuple[int, int]] = set()
    for folder in folders:
        _roots("code", folder)
    while waiting:
        folder = waiting.pop()
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        if time.monotonic() > end:
            raise Refused(refused.COMMAND_CODE_TIMEOUT(seconds=_LONGEST_WALK))
        for entry in list(os.scandir(folder)):
            is_folder = entry.is_dir()
            if not is_folder and not entry.name.endswith(_CODE):
                continue
            status = entry.stat(follow_symlinks=False)
            # A link without a target is refused: another user could create the target.
            alone = is_roots(entry.path) if entry.is_symlink() else status.st_uid == 0 and not status.st_mode & 0o022
            if not alone:
                raise Refused(refused.COMMAND_NOT_ROOTS(path=entry.path))
            if is_folder:
                waiting.append(entry.path)
