# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Commits of git from which a server was loaded and would be loaded now. Files of .git are read; git is not run."""

from __future__ import annotations

import os
import re
import typing as t

from .._system.files import end_of, reached, read_regular

#: Bytes at the end of the record of HEAD that are read.
_RECORD = 1 << 16
#: A line of it: the commit before, the commit after, the author, and the time in seconds since the epoch.
_LINE = re.compile(r"^[0-9a-f]{40,64} ([0-9a-f]{40,64}) [^\t\n]*> (\d{1,12}) [+-]\d{4}(?:\t|$)", re.MULTILINE)
_GITDIR = re.compile(r"^gitdir: ([^\n]+)$", re.MULTILINE)
_SHORT = 10


def commits_moved(folders: t.Iterable[str], root: str, moment: float) -> t.List[str]:
    """Return a sentence for each checkout of git that is at another commit than it was at a moment.

    :param folders: as the server sees them, each in a checkout or in none.
    :param root: what to put before a path to reach it from here.
    :param moment: of the load, in seconds since the epoch.
    """
    found: t.List[str] = []
    for top in dict.fromkeys(filter(None, (_checkout(folder, root) for folder in folders))):
        sentence = _moved(top, _end_of_record(top, root), moment)
        if sentence:
            found.append(sentence)
    return found


def _checkout(folder: str, root: str) -> t.Optional[str]:
    here = reached(folder, root)[len(root) :] if root else os.path.realpath(folder)
    while True:
        if os.path.lexists(os.path.join(root + here, ".git")):
            return here
        if here in ("/", ""):
            return None
        here = os.path.dirname(here)


def _end_of_record(top: str, root: str) -> str:
    """Return the end of the record of HEAD; empty if it does not exist, or the server must not read it."""
    place = top + "/.git"
    try:
        if os.path.isfile(reached(place, root)):  # a worktree or a submodule
            named = _GITDIR.search(read_regular(reached(place, root), _RECORD).decode("utf-8", "replace"))
            place = os.path.normpath(os.path.join(top, named.group(1))) if named else place
        return end_of(reached(place + "/logs/HEAD", root), _RECORD).decode("utf-8", "replace")
    except OSError:
        return ""


def _moved(top: str, record: str, moment: float) -> t.Optional[str]:
    entries = [(float(when), commit[:_SHORT]) for commit, when in _LINE.findall(record)]
    before = [commit for when, commit in entries if when <= moment]
    if not before or before[-1] == entries[-1][1]:
        return None
    return "%s was at commit %s when it was loaded and is at %s now" % (top, before[-1], entries[-1][1])
