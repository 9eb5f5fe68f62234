# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Which Odoo a server runs, read from its release.py as text: no foreign code is run for it."""

from __future__ import annotations

import glob
import os
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.odoo.plugins.module_utils._cmdline import Command
from ansible_collections.fleetops.odoo.plugins.module_utils._files import read_regular
from ansible_collections.fleetops.odoo.plugins.module_utils._proc import root_of
from ansible_collections.fleetops.odoo.plugins.module_utils._process import Process

_VERSION_INFO = re.compile(r"^version_info\s*=\s*\(\s*['\"]?((?:saas~)?\d+)['\"]?\s*,\s*['\"]?(\d+)", re.MULTILINE)


def parse_release(text: str) -> t.Optional[str]:
    """``19.0`` or ``saas~17.4`` out of the text of odoo/release.py."""
    found = _VERSION_INFO.search(text)
    return "%s.%s" % found.groups() if found else None


@dataclass(frozen=True)
class Release:
    """The Odoo that a server would load now. ``package`` is the folder of the Python package, as the server sees it."""

    version: t.Optional[str] = None
    package: t.Optional[str] = None


def find_release(master: Process, command: Command, proc_root: str = "/proc") -> Release:
    """Find the Odoo of a server on the disk; empty when its release.py is not found."""
    root = root_of(proc_root, master)
    for pattern in _places(master, command):
        for path in sorted(glob.glob(root + pattern)):
            try:
                version = parse_release(read_regular(path, 1 << 16).decode("utf-8", "replace"))
            except OSError:
                continue
            if version:
                return Release(version, os.path.dirname(path)[len(root) :])
    return Release()


def _places(master: Process, command: Command) -> t.List[str]:
    cwd = master.working_directory
    folders = []
    if command.script:
        folders.append(glob.escape(os.path.dirname(os.path.join(cwd, command.script))))
    elif command.package:
        folders.append(glob.escape(cwd))
    prefixes = []
    if "/" in command.interpreter:
        prefixes.append(os.path.dirname(os.path.dirname(os.path.join(cwd, command.interpreter))))
    if command.script:
        # A script that pip made stands in the bin directory of its environment.
        prefixes.append(os.path.dirname(os.path.dirname(os.path.join(cwd, command.script))))
    if master.executable:
        prefixes.append(os.path.dirname(os.path.dirname(master.executable)))
    for prefix in (glob.escape(path.rstrip("/")) for path in prefixes):
        folders += [prefix + "/lib/python3*/site-packages", prefix + "/lib/python3*/dist-packages"]
    folders += ["/usr/local/lib/python3*/dist-packages", "/usr/lib/python3/dist-packages"]
    return ["%s/%s/release.py" % (folder.rstrip("/"), package) for folder in folders for package in ("odoo", "openerp")]


def major(version: t.Optional[str]) -> t.Optional[int]:
    """Major number of a version string: 19 of ``19.0``, 17 of ``saas~17.4``."""
    found = re.search(r"\d+", version or "")
    return int(found.group()) if found else None
