# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Limits of bytes and seconds for reading. Any user can start a process with gigabytes of arguments.

Bytes, numbers and seconds are far above what any real server was seen to have.
"""

from __future__ import annotations

import time
import types
import typing as t

_T = t.TypeVar("_T")

#: Bytes of a file of /proc/PID. A process that has more is not looked at.
PROC: t.Mapping[str, int] = types.MappingProxyType(
    {
        "cgroup": 64 << 10,
        "cmdline": 128 << 10,
        "environ": 1 << 20,
        "stat": 4 << 10,
        # 65536 groups are the most that a process can have.
        "status": 1 << 20,
    }
)
#: Bytes of another file of /proc/PID. What comes after them is left out, with the line that they end in.
PROC_LINES = 16 << 20
#: Open files, and threads, of one process.
DESCRIPTORS = 65536
THREADS = 32768

#: Bytes of an odoo.conf and of a release.py.
ODOO_CONF = 1 << 20
RELEASE = 64 << 10
#: Bytes of a database of users.
PASSWD = 1 << 20
#: Bytes of a program. A Python interpreter names its main function in its first megabyte.
PROGRAM = 64 << 20

#: Entries of one folder of code, and of all folders of one walk.
FOLDER_ENTRIES = 200_000
WALK_ENTRIES = 400_000

#: Seconds for one process, for the files that one server names, and for all processes of a look.
ONE_PROCESS = 3.0
ONE_SERVER = 10.0
ALL_PROCESSES = 30.0
#: Seconds for the files that all servers of a look name.
ALL_SERVERS = 30.0
#: Seconds for all walks over code of a look.
ALL_WALKS = 60.0


def in_turn(several: t.Iterable[_T], user: t.Callable[[_T], int]) -> t.List[_T]:
    """Order items by user in turn, so that thousands of one user do not delay the others. Pure."""
    by_user: t.Dict[int, t.List[_T]] = {}
    for one in several:
        by_user.setdefault(user(one), []).append(one)
    turns = max(map(len, by_user.values()), default=0)
    return [theirs[turn] for turn in range(turns) for theirs in by_user.values() if turn < len(theirs)]


class Shares:
    """Divide a time limit equally among users, so that the servers of one user do not use up the time of the others.

    :param seconds: of all users together.
    :param users: their IDs.
    """

    def __init__(self, seconds: float, users: t.Iterable[int], clock: t.Callable[[], float] = time.monotonic) -> None:
        every = set(users)
        self._each = seconds / max(1, len(every))
        self._spent: t.Dict[int, float] = {}
        self._clock = clock

    def left(self, user: int) -> float:
        """Return the seconds that are left for the servers of a user; 0 or less if the share is used up."""
        return self._each - self._spent.get(user, 0.0)

    def spend(self, user: int, work: t.Callable[[], _T]) -> _T:
        """Return the result of a function, whose time counts for the share of a user."""
        begun = self._clock()
        try:
            return work()
        finally:
            self._spent[user] = self._spent.get(user, 0.0) + self._clock() - begun
