# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The files of code below the folders of a server, with their change times, and a digest by which they are known again.

The kernel's change time (ctime) counts, not the modification time: packages and rsync bring old modification times
along, and the owner of a file can set them at will.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import time
import typing as t
from dataclasses import dataclass

from .._processes.limits import ALL_WALKS, FOLDER_ENTRIES, WALK_ENTRIES
from .._processes.rights import borrowing
from .._system.files import links_of, reached

#: What Odoo and its addons read when they load, and keep. Compiled files beside these follow from them; others are code
#: that has no source.
_CODE = (
    *(".py", ".so", ".pyc", ".xml", ".csv", ".js", ".css", ".scss", ".sass", ".less"),
    *(".json", ".yml", ".yaml", ".rng", ".xsd", ".xsl", ".xslt"),
)
#: What Python loads from other folders on its path.
_LIBRARIES = (".py", ".so", ".pyc")
#: From this version on each process keeps the translations of its code in memory. (seen on Odoo 19.0, not on 14.0)
_WITH_TRANSLATIONS = 16
#: Seconds within which the time of a folder and that of what was put into it are the same change.
_SAME_CHANGE = 0.02
#: The last one is root's alone on every ext4 volume, so that the server's own user would never finish.
_SKIPPED_FOLDERS = frozenset(["__pycache__", "node_modules", "lost+found"])
#: Folders of a data directory without code, where that is a folder of addons itself.
_DATA = ("/filestore", "/sessions")
#: How many entries are looked at before the clock is.
_BETWEEN_CLOCKS = 256


def kinds_of_code(version: t.Optional[int]) -> t.Tuple[str, ...]:
    """Return the ends of the names of files that an Odoo of this major version loads from folders of addons."""
    return (*_CODE, ".po") if (version or 0) >= _WITH_TRANSLATIONS else _CODE


def is_walked(name: str) -> bool:
    """Return True if a walk enters a folder of this name."""
    return not name.startswith(".") and name not in _SKIPPED_FOLDERS


@dataclass(frozen=True)
class Walked:
    """The code below a folder.

    :ivar files: change time and path of each file that has changed since the time of the tree, and of folders that may
        have lost some, with a slash at the end.
    :ivar incomplete: folders that could not be read, or not to their end.
    :ivar digest: of the names, change times and inodes of all files; empty if the walk is incomplete.
    """

    files: t.Tuple[t.Tuple[float, str], ...] = ()
    incomplete: t.Tuple[str, ...] = ()
    digest: str = ""


class CodeTree:
    """The code below some folders, walked once for all servers that share them.

    :param since: seconds since the epoch. A folder whose entries have changed since then is looked at closely.
    :param seconds: for all walks with the rights of one user. Links that lead to everywhere, or millions of files, must
        not hold us, and must not take the time from the servers of other users.
    """

    def __init__(self, since: float = 0.0, seconds: float = ALL_WALKS) -> None:
        self._since = since
        self._walked: t.Dict[t.Tuple[t.Any, ...], Walked] = {}
        self._seconds = seconds
        self._spent: t.Dict[int, float] = {}

    def files(
        self, root: str, folder: str, excluded: t.Optional[str], uid: int, version: t.Optional[int] = None
    ) -> Walked:
        """Return the code below a folder; links are followed, each folder once.

        :param uid: user with whose rights the walk is made; another one may see more or less.
        :param version: major number of the Odoo that reads it.
        """
        return self._files(root, folder, (excluded,), uid, kinds_of_code(version))

    def libraries(self, root: str, folder: str, excluded: t.Sequence[t.Optional[str]], uid: int) -> Walked:
        """Return what Python can import from a folder on its path, as :meth:`files` does.

        :param excluded: folders that are walked as code.
        """
        return self._files(root, folder, excluded, uid, _LIBRARIES)

    def _files(
        self, root: str, folder: str, excluded: t.Sequence[t.Optional[str]], uid: int, kinds: t.Tuple[str, ...]
    ) -> Walked:
        real = real_path(folder, root)
        try:
            status = os.stat(real)
        except OSError:
            return Walked(incomplete=(folder,))
        left_out = _below(real, [real_path(path, root) for path in excluded if path])
        # Not the path: /proc/PID/root of a container reads "/" for all of them.
        key = (status.st_dev, status.st_ino, uid, kinds, tuple(path[len(root) :] for path in left_out))
        if key not in self._walked:
            begun, spent = time.monotonic(), self._spent.get(uid, 0.0)
            end = begun + self._seconds - spent
            self._walked[key] = _Walk(root, folder, left_out, kinds, self._since, end).walk()
            self._spent[uid] = spent + time.monotonic() - begun
        return self._walked[key]


def _below(folder: str, paths: t.Iterable[str]) -> t.Tuple[str, ...]:
    """Return those paths to which a walk over a folder comes; for the folder itself, what in it is not code. Pure.

    Servers that share a folder of addons have data directories of their own; these must not part them.
    """
    found: t.Set[str] = set()
    for path in paths:
        if path == folder:
            found.update(folder + name for name in _DATA)
        elif path.startswith(folder.rstrip("/") + "/"):
            found.add(path)
    return tuple(sorted(found))


class _Endless(Exception):
    """A walk has no time left, or has met too many entries."""


class _Walk:
    """One walk below a folder, as a server sees it."""

    def __init__(
        self,
        root: str,
        folder: str,
        excluded: t.Sequence[str],
        kinds: t.Tuple[str, ...],
        since: float,
        end: float,
    ) -> None:
        self._root, self._folder, self._kinds, self._since, self._end = root, folder, kinds, since, end
        self._real = real_path(folder, root)
        self._excluded = {_key(path) for path in excluded} - {None}
        self._packages = kinds == _LIBRARIES and not folder.endswith(("site-packages", "dist-packages"))
        self._found: t.List[t.Tuple[float, str]] = []
        self._names: t.List[str] = []
        self._incomplete: t.List[str] = []
        self._entries = 0

    def walk(self) -> Walked:
        """Walk to the end, or until the time is up or there are more entries than any code has."""
        try:
            self._walk()
        except _Endless:
            self._incomplete.append(self._folder)
        digest = hashlib.sha256("\n".join(sorted(self._names)).encode("utf-8", "surrogateescape")).hexdigest()
        return Walked(tuple(self._found), tuple(self._incomplete), "" if self._incomplete else digest)

    def _walk(self) -> None:
        seen: t.Set[t.Optional[t.Tuple[int, int]]] = set()
        #: each folder as the server sees it, and as it is reached from here
        waiting = [(self._folder, self._real)]
        while waiting:
            here, real = waiting.pop()
            self._check_time()
            try:
                status = os.stat(real)
                key = (status.st_dev, status.st_ino)
                if key in seen or key in self._excluded:
                    continue
                seen.add(key)
                with os.scandir(real) as found:
                    entries = list(itertools.islice(found, FOLDER_ENTRIES))
            except PermissionError:
                # With the rights of the server: files that it must not read are not its code.
                if not borrowing():
                    self._incomplete.append(here)
                continue
            except OSError:
                self._incomplete.append(here)
                continue
            self._entries += len(entries)
            if len(entries) == FOLDER_ENTRIES or self._entries > WALK_ENTRIES:
                raise _Endless
            # A folder of modules may hold anything else, too.
            own = not self._packages or here != self._folder
            # Not the modification time of the folder: rsync sets it back.
            if own and status.st_ctime > self._since and _has_lost(status.st_ctime, entries, self._kinds):
                self._found.append((status.st_ctime, here + "/"))
            waiting += self._look(here, entries)

    def _check_time(self) -> None:
        if time.monotonic() > self._end:
            raise _Endless

    def _look(self, here: str, entries: t.Sequence[os.DirEntry[str]]) -> t.Iterator[t.Tuple[str, str]]:
        """Note the files of a folder, and yield the folders in it."""
        sources = {entry.name + "c" for entry in entries if entry.name.endswith(".py")}
        for number, entry in enumerate(entries):
            if not number % _BETWEEN_CLOCKS:
                self._check_time()
            name, path = entry.name, "%s/%s" % (here, entry.name)
            try:
                link = entry.is_symlink()
                target = real_path(entry.path[len(self._root) :], self._root) if link else entry.path
                switched = self._switched(entry.path) if link else 0
                if name.endswith(self._kinds) and name not in sources:
                    status = os.stat(target) if link else entry.stat(follow_symlinks=False)
                    # Both the links and what they lead to: changing either changes what is loaded.
                    self._note(path, max(status.st_ctime_ns, switched), status.st_ino)
                elif is_walked(name) and (os.path.isdir(target) if link else entry.is_dir()):
                    if self._packages and not os.path.exists(target + "/__init__.py"):
                        continue
                    if _seconds(switched) > self._since:
                        self._found.append((_seconds(switched), path + "/"))
                    yield path, target
            except OSError:
                continue

    def _note(self, path: str, changed: int, inode: int) -> None:
        if _seconds(changed) > self._since:
            self._found.append((_seconds(changed), path))
        # The kernel's clock goes in steps of some milliseconds, in which a script makes the files of two releases.
        self._names.append("%s %d %d" % (path[len(self._folder) :], changed, inode))

    def _switched(self, path: str) -> int:
        """Return when the last link was made on the way to where a link leads, in nanoseconds since the epoch."""
        links = links_of(path[len(self._root) :], self._root)
        return max((os.lstat(self._root + one).st_ctime_ns for one in links), default=0)


def _seconds(nanoseconds: int) -> float:
    """Return a time as Python has it in ``st_ctime``, so that the two can be compared. Pure."""
    whole, rest = divmod(nanoseconds, 10**9)
    return whole + 1e-9 * rest


def real_path(path: str, root: str) -> str:
    """Return the path from here, without links, of what a server sees at a path.

    :param root: what to put before the paths to reach them from here.
    """
    return reached(path, root) if root else os.path.realpath(path)


def _key(path: str) -> t.Optional[t.Tuple[int, int]]:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _has_lost(changed: float, entries: t.Sequence[os.DirEntry[str]], kinds: t.Tuple[str, ...]) -> bool:
    """Return True if a folder has lost code, or got a folder: no file of code explains its last change.

    :param changed: when it last changed. A file that was made then, or later, has a time of its own.
    """
    code = False
    for entry in entries:
        folder = entry.is_dir()
        own = folder or entry.name.endswith(kinds)
        code = code or own
        # Files that Python compiles are not a change of code. Another folder may be new, or moved. A text beside the
        # code may have been changed after the code was removed.
        if not own or (folder and entry.name != "__pycache__"):
            continue
        try:
            if entry.stat(follow_symlinks=False).st_ctime >= changed - _SAME_CHANGE:
                return False
        except OSError:
            continue
    return code
