# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""List every path that strace saw root open, run or enter, and that another user can exchange.

    python3 opened_as_root.py TRACE...

It runs on the host of the trace. A file on the list belongs to another user, or one of the folders above it does.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import typing as t

_OPENS = frozenset(["chdir", "connect", "creat", "execve", "open", "openat", "openat2"])
#: Which argument of the call is the user ID that opens files.
_USER = {"setuid": 0, "setfsuid": 0, "setreuid": 1, "setresuid": 1}
_CALL = re.compile(r"(\w+)\((.*)\) += (-?\d+|\?)(.*)$")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(.*)")
_UNFINISHED = "<unfinished ...>"


def opened(path: str) -> t.Iterator[tuple[int, str, str]]:
    """Yield user ID, call and path of every file that was opened, with the links followed where strace tells it."""
    users: dict[str, int] = {}
    begun: dict[str, str] = {}
    with open(path, encoding="utf-8", errors="replace") as trace:
        for line in trace:
            pid, _space, rest = line.rstrip("\n").partition(" ")
            rest = rest.strip()
            if rest.endswith(_UNFINISHED):
                begun[pid] = rest[: -len(_UNFINISHED)]
                continue
            resumed = _RESUMED.match(rest)
            if resumed:
                rest = begun.pop(pid, "") + resumed.group(1)
            call = _CALL.match(rest)
            if not call:
                continue
            name, words, result, more = call.groups()
            if name in ("clone", "clone3", "fork", "vfork") and result.isdigit():
                users[result] = users.get(pid, 0)
            elif name in _USER and result != "-1":
                user = words.split(",")[_USER[name]].strip()
                users[pid] = users.get(pid, 0) if user in ("-1", "4294967295") else int(user)
            elif name in _OPENS and not result.startswith("-"):
                for file in _paths(words, more):
                    yield users.get(pid, 0), name, file


def _paths(words: str, more: str) -> t.Iterator[str]:
    """Yield the path that was named, and what it led to."""
    named = re.search(r'"((?:[^"\\]|\\.)*)"', words)
    folder = re.match(r"\w+<([^>]*)>", words)
    led_to = re.match(r"<([^>]*)>", more)
    if named and not named.group(1).startswith("/proc/"):
        yield os.path.normpath(os.path.join(folder.group(1) if folder else "/", named.group(1)))
    if led_to and led_to.group(1).startswith("/") and not led_to.group(1).startswith("/proc/"):
        yield led_to.group(1)


def exchangeable(path: str) -> str | None:
    """Return the first part of a path that belongs to another user than root or that others may write, or None."""
    at = "/"
    for part in filter(None, path.split("/")):
        at = os.path.join(at, part)
        try:
            found = os.lstat(at)
        except OSError:
            return None
        shared = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
        writable = not stat.S_ISLNK(found.st_mode) and not stat.S_ISCHR(found.st_mode) and found.st_mode & 0o022
        if found.st_uid or (writable and not shared):
            return at
    return None


def main() -> None:
    """Print the list, one path a line."""
    found: set[tuple[str, str]] = set()
    for trace in sys.argv[1:]:
        found.update((name, file) for user, name, file in opened(trace) if user == 0 and exchangeable(file))
    for name, file in sorted(found):
        print(name, file)


if __name__ == "__main__":
    main()
