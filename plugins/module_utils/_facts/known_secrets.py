# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The secrets that a host's servers are known to have: to hide them wherever they stand, and to look whether one is."""

from __future__ import annotations

import functools
import json
import os
import re
import typing as t
import urllib.parse
from dataclasses import dataclass

from .._config.odoo_conf import conf_entries
from .._processes.look import Look
from .._processes.options import LARGEST_FILE
from .._processes.proc import Gone, Proc
from .._processes.process import Process, parse_environ
from .._processes.rights import read_file
from .._system.redact import (
    HIDDEN,
    holds_secret,
    leak,
    secrets_of_argv,
)
from .results import user_name

#: A shorter one stands in other words by chance.
_SHORTEST = 6
#: Words that occur everywhere, also if they are a password.
_ORDINARY = frozenset(["password", "postgres", "odoo", "admin", "openerp", "localhost", "secret", "changeme"])
#: What stands before the password in an address.
_BEFORE_PASSWORD = re.compile(r"://[^:/@]{0,200}:")
#: Values of one server that are looked for. Each is looked for in every text, so a server that has thousands of them
#: would make a module take minutes.
_MOST = 100


@dataclass(frozen=True, repr=False)
class Secrets:
    """Values, each with what it is called, such as ``db_password``. ``unsearched``: those that cannot be looked for."""

    values: t.Tuple[t.Tuple[str, str], ...] = ()
    unsearched: t.Tuple[str, ...] = ()

    def hide(self, text: str) -> str:
        """Return ``text`` without the secrets, in all ways in which they may be written."""
        for _name, form in self._forms:
            text = text.replace(form, HIDDEN)
        return text

    def hide_all(self, value: t.Any) -> t.Any:
        """Return lists and dictionaries with the secrets hidden in every text."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, t.Mapping):
            return {key: self.hide_all(one) for key, one in value.items()}
        return [self.hide_all(one) for one in value] if isinstance(value, (list, tuple)) else value

    def found(self, text: str) -> t.Optional[str]:
        """Return the first secret in a text, by its name or its kind; None without one."""
        return next((name for name, form in self._forms if form in text), None) or leak(text)

    @functools.cached_property
    def _forms(self) -> t.Tuple[t.Tuple[str, str], ...]:
        """Names, and how their values may be written; worked out once, since every text of a result is searched."""
        found: t.List[t.Tuple[str, str]] = []
        # The longest first: one may be a part of another.
        for value, name in sorted(self.values, key=lambda one: -len(one[0])):
            forms = [value, urllib.parse.quote(value, safe=""), urllib.parse.quote(value), json.dumps(value)[1:-1]]
            forms += [repr(value)[1:-1], urllib.parse.quote_plus(value)]
            found += [(name, form) for form in dict.fromkeys(forms)]
        return tuple(found)


#: What of a result others have written: a log, a request, a server's complaint. The rest is ours, and others go by it.
_FOREIGN = ("reason", "warnings", "log", "steps", "busy", "lost", "processes", "other")


def hidden_in(secrets: Secrets, told: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    """Return a result of a module without the known secrets."""
    return {key: secrets.hide_all(value) if key in _FOREIGN else value for key, value in told.items()}


def sort_out(found: t.Iterable[t.Tuple[str, str]], ordinary: t.Collection[str]) -> Secrets:
    """Secrets of what was found. One that is short, or that is a name as well, cannot be told from other words. Pure.

    :param ordinary: names that stand where they may be seen, such as that of the database.
    """
    values: t.Dict[str, str] = {}
    unsearched: t.List[str] = []
    common = _ORDINARY | {word.lower() for word in ordinary}
    for name, value in found:
        if not value or value in ("False", "None", HIDDEN):
            continue
        if len(value) < _SHORTEST or value.lower() in common:
            unsearched.append(name)
        else:
            values.setdefault(value, name)
    return Secrets(tuple(values.items()), tuple(dict.fromkeys(unsearched)))


def known_secrets(proc: Proc, seen: Look) -> Secrets:
    """Return the secrets in odoo.conf, the arguments and the environment of every Odoo process of a look.

    Secrets that we must not read are not included.
    """
    found: t.List[t.Tuple[str, str]] = []
    ordinary = {os.uname().nodename}
    paths: t.Set[str] = set()
    for instance in seen.instances:
        options, master = seen.options[instance.identity], instance.master
        mine: t.List[t.Tuple[str, str]] = []
        ordinary.update(options.databases)
        ordinary.add(user_name(master.uid))
        own = (options.config_file, options.logfile, options.data_dir, *options.addons_path)
        paths.update(path for path in (*own, master.working_directory, master.executable) if path)
        if options.config_file:
            entries = list(_entries(proc, master, options.config_file))
            mine += _of_pairs(entries, "%s of odoo.conf")
            ordinary.update(value for key, value in entries if key in ("db_user", "db_name", "db_host", "dbfilter"))
        for process, _role in instance.everybody:
            mine += _of_process(proc, process.pid, process.argv)
        found += list(dict.fromkeys(mine))[:_MOST]
    for process in seen.one_off:
        found += list(_of_process(proc, process.pid, process.argv))[:_MOST]
    # A folder of the server does not count as a secret: it would be hidden in each message.
    return sort_out([one for one in found if not _leads_to(one[1], paths)], ordinary)


def _leads_to(value: str, paths: t.Iterable[str]) -> bool:
    """Return True if a value is one of the paths, or a folder on the way to one. Pure."""
    folder = value.rstrip("/") + "/"
    return value.startswith("/") and any((path + "/").startswith(folder) for path in paths)


def read_conf(proc: Proc, master: Process, path: str) -> str:
    """Text of the odoo.conf of a server.

    :raises OSError: the server cannot read it.
    """
    return read_file(proc, master, path, LARGEST_FILE).decode("utf-8", "surrogateescape")


def _entries(proc: Proc, master: Process, path: str) -> t.Iterator[t.Tuple[str, str]]:
    try:
        text = read_conf(proc, master, path)
    except OSError:
        return
    for entry in conf_entries(text):
        if entry.key:
            yield entry.key, entry.value


def _of_process(proc: Proc, pid: int, argv: t.Sequence[str]) -> t.Iterator[t.Tuple[str, str]]:
    for value in secrets_of_argv(argv):
        yield "a secret of the arguments", value
    yield from _of_pairs((("the arguments", word) for word in argv), "a password in %s")
    try:
        environ = parse_environ(proc.read(pid, "environ"))
    except (Gone, PermissionError):
        return
    yield from _of_pairs(environ.items(), "%s of the environment")


def _of_pairs(pairs: t.Iterable[t.Tuple[str, str]], called: str) -> t.Iterator[t.Tuple[str, str]]:
    for name, value in pairs:
        if holds_secret(name, value):
            yield called % name, value.strip().strip("'\"")
        for password in _passwords(value):
            yield called % name, urllib.parse.unquote(password)
            yield called % name, password


def _passwords(value: str) -> t.Iterator[str]:
    """Return the password of each address in a text."""
    for word in value.split() if "://" in value else ():
        before_host, _at, _host = word.rpartition("@")
        begin = _BEFORE_PASSWORD.search(before_host)
        if begin and begin.end() < len(before_host):
            yield before_host[begin.end() :]
