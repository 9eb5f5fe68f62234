# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our answer for a case of the corpus, in the form of Odoo's own answer."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._config.parse import Settings, read_settings
from ansible_collections.fleetops.odoo.tests.integration import options_corpus as corpus

#: Homes of the users of both lab hosts.
HOMES = {None: "/var/lib/odoo", "odoo": "/var/lib/odoo", "root": "/root"}


@dataclasses.dataclass
class Place:
    """The files of the corpus, in memory."""

    environ: t.Mapping[str, str]
    cwd: str
    files: t.Mapping[str, str]

    def home(self, user: str | None) -> str | None:
        """Return a home."""
        return HOMES.get(user)

    def is_file(self, path: str) -> bool:
        """Return True if the case has a file there."""
        return path in self.files or path in corpus.SCRIPTS

    def is_folder(self, path: str) -> bool:
        """Return True if the host has a folder there."""
        return resolved(path.rstrip("/") or "/") in ("/", *HOMES.values(), *corpus.FOLDERS)

    def read(self, path: str) -> str:
        """Return the text of a file of the case."""
        try:
            return self.files[path]
        except KeyError:
            raise FileNotFoundError(2, os.strerror(2), path) from None


def resolved(path: str) -> str:
    """Return where a path leads to: the corpus has one link."""
    link, target = corpus.LINK
    return target + path[len(link) :] if path == link or path.startswith(link + "/") else path


def settings_of(case: corpus.Case, version: int) -> Settings:
    """Read the options of a case."""
    return read_settings(case.args, Place(case.environ, case.cwd, case.files), version)


def answer_of(case: corpus.Case, version: int) -> dict[str, t.Any]:
    """Return our values as that version of Odoo has them: lists as texts in 14, only folders that exist in 19."""
    settings = settings_of(case, version)
    found: dict[str, t.Any] = {name: settings.values.get(name) for name in corpus.COMPARED}
    found["config"] = settings.path
    found["addons_path"] = found["addons_path"] or (
        ["/usr/lib/python3/dist-packages/odoo/addons"] if version < 19 else []
    )
    for name in ("config", "data_dir", "logfile", "pidfile", "pg_path", "screencasts"):
        found[name] = resolved(found[name]) if isinstance(found[name], str) else ""
    for name, there in (
        ("addons_path", corpus.ADDONS),
        ("upgrade_path", corpus.UPGRADES),
        ("pre_upgrade_scripts", corpus.SCRIPTS),
    ):
        found[name] = [resolved(path) for path in found[name] if version < 19 or resolved(path) in there]
    if version < 19:
        # It has no such option, and keeps the text.
        del found["pre_upgrade_scripts"]
    return {name: plain(value, name, case.cwd) for name, value in found.items()}


def plain(value: t.Any, name: str, cwd: str) -> t.Any:
    """Return an answer in a form in which equal ones are equal: 14 has texts for lists, and "False" and "" for none."""
    if name in ("addons_path", "upgrade_path", "pre_upgrade_scripts", "server_wide_modules", "db_name", "log_handler"):
        parts = value.split(",") if isinstance(value, str) else list(value if isinstance(value, (list, tuple)) else [])
        if name == "log_handler":
            levels = [part.strip().partition(":") for part in parts if part.strip()]
            return sorted({name: level for name, _colon, level in levels}.items())
        if name == "db_name":
            return parts if value else []
        return (
            list(dict.fromkeys(part.strip() for part in parts if part.strip()))
            if name != "addons_path"
            else [part for part in parts if part]
        )
    if name in ("http_enable", "syslog", "proxy_mode", "list_db"):
        return bool(value)
    if name == "data_dir" and value:
        return os.path.join(cwd, value)
    return value or ""
