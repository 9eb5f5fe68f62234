# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Is the running code older than what lies on the disk?

The kernel's change time (ctime) of a file is compared, not its modification time: packages and rsync bring old
modification times along, and a file's owner can set them at will.
"""

from __future__ import annotations

import dataclasses
import os
import time
import typing as t
from dataclasses import dataclass, replace

from .._code.git import commits_moved
from .._code.links import Link, Then, find_links, switched
from .._messages.code import Problem
from .._processes.rights import borrowing
from .._system.files import changed_after, reached
from .differences import Difference, Need
from .loaded import Loaded

#: What Odoo reads when it loads. Compiled files beside these follow from them; others are code that has no source.
_CODE = (".py", ".xml", ".csv", ".js", ".scss", ".so", ".pyc")
#: From this version on each process keeps the translations of its code in memory. (seen on Odoo 19.0, not on 14.0)
_WITH_TRANSLATIONS = 16
#: Seconds within which the time of a folder and that of what was put into it are the same change.
_SAME_CHANGE = 0.02
#: The last one is root's alone on every ext4 volume, so that the server's own user would never come to an end of it.
_SKIPPED_FOLDERS = frozenset(["__pycache__", "node_modules", "lost+found"])
#: How many changed files are named, and how many links.
_NAMED, _NAMED_LINKS = 10, 3
#: Seconds that all walks of one look may take: links that lead to everywhere must not hold us.
_LONGEST_WALK = 60.0


@dataclass(frozen=True)
class Staleness:
    """``needs``: none, reload or restart; ``files`` are the first of ``count`` that have changed since."""

    needs: Need = Need.NONE
    reasons: t.Tuple[str, ...] = ()
    files: t.Tuple[str, ...] = ()
    count: int = 0
    #: all Python files among them, manifests included
    python: t.Tuple[str, ...] = ()

    @property
    def stale(self) -> bool:
        """Something that it was loaded from has changed since, or may have, or it does not run as configured."""
        return self.needs != Need.NONE


def with_configuration(
    found: Staleness, differences: t.Sequence[Difference], obstacle: t.Optional[Problem]
) -> Staleness:
    """Add to what has changed on the disk that a server does not run with what is configured. Pure.

    :param obstacle: why a HUP would end this server.
    """
    open_ones = [one for one in differences if one.needs != Need.NONE]
    needs = {found.needs, *(one.needs for one in open_ones)}
    reasons = [*found.reasons, *(one.text for one in open_ones)]
    worst = Need.RESTART if Need.RESTART in needs else Need.RELOAD if Need.RELOAD in needs else Need.NONE
    if worst == Need.RELOAD and obstacle is not None:
        worst = Need.RESTART
        reasons.append(obstacle.text)
    return dataclasses.replace(found, needs=worst, reasons=tuple(reasons))


@dataclass(frozen=True)
class Sources:
    """The files of a server, as paths that it sees itself.

    ``files`` yields the prefix for such a path, as :func:`files_of` does. Only a restart reads ``restart_files``, such
    as the interpreter. ``units`` has change time and path of changed files of the host, which no server
    names. ``uid`` is the user whose rights count.
    """

    files: t.Callable[[], t.ContextManager[str]]
    config_file: t.Optional[str]
    code: t.Tuple[str, ...]
    restart_files: t.Tuple[str, ...]
    excluded: t.Optional[str] = None
    #: paths by which it reaches its code: each link on the way to one counts
    ways: t.Tuple[str, ...] = ()
    #: real paths of what it has loaded, besides those that its log names
    held: t.Tuple[str, ...] = ()
    #: major number of its Odoo
    version: t.Optional[int] = None
    units: t.Tuple[t.Tuple[float, str], ...] = ()
    uid: int = 0


#: Change time and path of files of code, and the folders that could not be read, or not to their end.
Walked = t.Tuple[t.List[t.Tuple[float, str]], t.List[str]]


class CodeTree:
    """The code below some folders, walked once for all servers that share them.

    :param since: seconds since the epoch. A folder that has lost or got entries since then is looked at closely.
    """

    def __init__(self, since: float = 0.0) -> None:
        self._since = since
        self._walked: t.Dict[t.Tuple[int, int, int, int], Walked] = {}
        self._end = time.monotonic() + _LONGEST_WALK

    def files(
        self, root: str, folder: str, excluded: t.Optional[str], uid: int, version: t.Optional[int] = None
    ) -> Walked:
        """Return the code below a folder, and folders that have lost some; links are followed, each folder once.

        :param uid: user with whose rights the walk is made; another one may see more or less.
        :param version: major number of the Odoo that reads it.
        """
        kinds = (*_CODE, ".po") if (version or 0) >= _WITH_TRANSLATIONS else _CODE
        try:
            status = os.stat(reached(folder, root))
        except OSError:
            return [], [folder]
        # Not the path: /proc/PID/root of a container reads "/" for all of them.
        key = (status.st_dev, status.st_ino, uid, len(kinds))
        if key not in self._walked:
            incomplete: t.List[str] = []
            self._walked[key] = list(self._walk(root, folder, excluded, kinds, incomplete)), incomplete
        return self._walked[key]

    def _walk(
        self, root: str, folder: str, excluded: t.Optional[str], kinds: t.Tuple[str, ...], incomplete: t.List[str]
    ) -> t.Iterator[t.Tuple[float, str]]:
        seen: t.Set[t.Tuple[int, int]] = set()
        #: each folder as the server sees it, and as it is reached from here
        waiting = [(folder, reached(folder, root))]
        while waiting:
            here, real = waiting.pop()
            if time.monotonic() > self._end:
                incomplete.append(folder)
                return
            try:
                status = os.stat(real)
                if (status.st_dev, status.st_ino) in seen or here == excluded:
                    continue
                seen.add((status.st_dev, status.st_ino))
                entries = list(os.scandir(real))
            except PermissionError:
                # With the rights of the server: files that it must not read are not its code.
                if not borrowing():
                    incomplete.append(here)
                continue
            except OSError:
                incomplete.append(here)
                continue
            if status.st_mtime > self._since and _has_lost(status.st_mtime, entries, kinds):
                yield status.st_mtime, here + "/"
            sources = {entry.name + "c" for entry in entries if entry.name.endswith(".py")}
            for entry in entries:
                name, path = entry.name, "%s/%s" % (here, entry.name)
                try:
                    target = reached(path, root) if entry.is_symlink() else None
                    if name.endswith(kinds) and name not in sources:
                        changed = entry.stat(follow_symlinks=False).st_ctime
                        # Both the link and what it leads to: changing either changes what is loaded.
                        yield max(changed, os.stat(target).st_ctime) if target else changed, path
                        continue
                    is_folder = os.path.isdir(target) if target else entry.is_dir()
                    if is_folder and not name.startswith(".") and name not in _SKIPPED_FOLDERS:
                        waiting.append((path, target or entry.path))
                except OSError:
                    continue


def _has_lost(changed: float, entries: t.Sequence[os.DirEntry[str]], kinds: t.Tuple[str, ...]) -> bool:
    """Return True if a folder has lost code, or got a folder: no file of it explains its last change.

    :param changed: when its entries last changed. A file that was made then, or later, has a time of its own.
    """
    code = False
    for entry in entries:
        folder = entry.is_dir()
        code = code or folder or entry.name.endswith(kinds)
        # Files that Python compiles are not a change of code. Another folder may be new, or moved.
        if folder and entry.name != "__pycache__":
            continue
        try:
            if entry.stat(follow_symlinks=False).st_ctime >= changed - _SAME_CHANGE:
                return False
        except OSError:
            continue
    return code


def find_staleness(
    sources: Sources, load: Loaded, started: float, tree: CodeTree, *, need_daemon_reload: bool
) -> Staleness:
    """Compare a server's load with the files that it was loaded from.

    :param started: when the process was started, in seconds since the epoch: a HUP keeps unit and environment.
    """
    changed: t.List[t.Tuple[float, str]] = []
    restart = list(sources.units)
    incomplete: t.List[str] = []
    links: t.Dict[str, Link] = {}
    try:
        with sources.files() as root:
            links = find_links(sources.ways, root)
            if sources.config_file:
                changed += changed_after([sources.config_file], load.not_before, root)
            for folder in sources.code:
                files, unread = tree.files(root, folder, sources.excluded, sources.uid, sources.version)
                changed += [one for one in files if one[0] > load.not_before]
                incomplete += unread
            restart += changed_after(sources.restart_files, started, root)
    except OSError:
        incomplete += sources.code
    # A folder in which a file is new says nothing more.
    names = [path for _time, path in changed if not path.endswith("/")]
    changed = [one for one in changed if one[1][-1] != "/" or not any(name.startswith(one[1]) for name in names)]
    moved = switched(links, Then(load.links, (*load.addons, *sources.held)), load.not_before)
    found = judge(load, sorted(changed), sorted(restart), incomplete, moved, need_daemon_reload=need_daemon_reload)
    if not found.stale:
        return found
    try:
        with sources.files() as root:
            commits = commits_moved(sources.code, root, load.not_after)
    except OSError:
        commits = []
    return replace(found, reasons=(*found.reasons, *commits[:_NAMED_LINKS]))


def judge(
    load: Loaded,
    changed: t.Sequence[t.Tuple[float, str]],
    restart: t.Sequence[t.Tuple[float, str]],
    incomplete: t.Sequence[str],
    moved: t.Sequence[t.Tuple[str, str]] = (),
    *,
    need_daemon_reload: bool,
) -> Staleness:
    """From files that changed after the lower bound of the load to what the server needs. Pure.

    :param changed: (change time, path) of code and configuration.
    :param restart: the same of what only a restart reads, changed after the start of the process.
    :param incomplete: folders of code that could not be read.
    :param moved: links that lead elsewhere than when it was loaded, or may do so, each with a sentence.
    """
    reasons = []
    if restart or need_daemon_reload:
        names = ", ".join(path for _time, path in restart[:3]) or "the unit"
        reasons.append("changed since the process was started, and not read again by a HUP: %s" % names)
    reasons += [sentence for _path, sentence in moved[:_NAMED_LINKS]]
    certain = [path for changed_at, path in changed if changed_at > load.not_after]
    doubtful = len(changed) - len(certain)
    if certain:
        reasons.append("%d file%s changed since it was loaded" % (len(certain), "" if len(certain) == 1 else "s"))
    if doubtful:
        reasons.append(
            "%d file%s changed when it may or may not have been loaded already (evidence: %s)"
            % (doubtful, "" if doubtful == 1 else "s", load.evidence)
        )
    if incomplete:
        reasons.append("%s could not be read to the end" % ", ".join(incomplete[:3]))
    needs = (
        Need.RESTART if restart or need_daemon_reload else Need.RELOAD if changed or incomplete or moved else Need.NONE
    )
    files = [*(path for path, _sentence in moved), *(path for _time, path in [*restart, *changed])]
    python = tuple(path for _time, path in changed if path.endswith(".py"))
    return Staleness(needs, tuple(reasons), tuple(files[:_NAMED]), len(files), python)
