# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Check the room for a new generation: memory beside the old one, and disk for its files."""

from __future__ import annotations

import functools
import os
import typing as t
from dataclasses import dataclass

from .._processes.classify import Instance, Mode
from .._processes.proc import Proc
from .._processes.release import major
from .._processes.rights import filesystem_of
from .._system.psutil import psutil
from .._system.timeout import TooSlow, within

_MIB = 1 << 20
#: Bytes that must be free on each filesystem that a starting server writes to.
_LEAST_DISK = 16 * _MIB
#: Seconds that a filesystem may take to tell what is free on it.
_PATIENCE = 3.0
#: Since this version a HUP starts the new generation beside the old one.
_SIDE_BY_SIDE = 19

#: Asks the filesystem of a path.
_Ask = t.Callable[[str], os.statvfs_result]


@dataclass(frozen=True)
class Room:
    """Free and needed bytes. ``needed`` is None without a second generation, or if its size is unknown."""

    needed: t.Optional[int]
    free: int
    #: what is written there, its path, and what is free on its filesystem
    disks: t.Tuple[t.Tuple[str, str, int], ...] = ()
    #: the same of those that do not answer
    silent: t.Tuple[t.Tuple[str, str], ...] = ()


def shortages(room: Room) -> t.List[str]:
    """Return what is too small, as clauses with both figures. Pure."""
    short = []
    if room.needed is not None and room.needed > room.free:
        short.append(
            "a second generation beside the first needs about %d MiB of memory, and %d MiB are free, swap included"
            % (-(-room.needed // _MIB), room.free // _MIB)
        )
    short += ["the filesystem of %s %s does not answer" % one for one in room.silent]
    short += [
        "the filesystem of %s %s has %.1f MiB free, and a start needs %d MiB"
        % (what, path, free / _MIB, _LEAST_DISK // _MIB)
        for what, path, free in room.disks
        if free < _LEAST_DISK
    ]
    return short


def free_memory() -> int:
    """Return the bytes of memory that processes can still use, swap included."""
    return int(psutil.virtual_memory().available) + int(psutil.swap_memory().free)


def worker_shortage(more: int, sizes: t.Sequence[int], limit: int, free: int) -> t.Optional[str]:
    """Return why there is no room for more workers, as a clause with the figures; None if there is room. Pure.

    :param more: number of new workers.
    :param sizes: resident memory of the present workers in bytes. A new one may become as large as the largest.
    :param limit: the most that Odoo allows one of them (limit_memory_hard), in bytes; 0: no limit.
    :param free: bytes.
    """
    each = max(sizes, default=0)
    each = min(each, limit) if limit > 0 else each
    if more * each <= free:
        return None
    return "%d more http workers of up to %d MiB each need %d MiB of memory, and %d MiB are free, swap included" % (
        more,
        -(-each // _MIB),
        -(-more * each // _MIB),
        free // _MIB,
    )


def read_room(
    proc: Proc,
    instance: Instance,
    version: t.Optional[str],
    paths: t.Mapping[str, t.Optional[str]],
    state: str,
    *,
    restart: bool,
) -> Room:
    """Look at memory and disks, which takes less than a millisecond unless memory is short.

    :param paths: what the server writes where, by what it is called to a person. None: it is not written at all.
    :param state: where we write ourselves.
    :param restart: the old generation ends before the new one starts.
    """
    theirs = functools.partial(filesystem_of, proc, instance.master)
    places: t.List[t.Tuple[str, str, _Ask]] = [(what, path, theirs) for what, path in paths.items() if path]
    disks: t.List[t.Tuple[str, str, int]] = []
    silent: t.List[t.Tuple[str, str]] = []
    for what, path, ask in [*places, ("the notes of this collection in", state, os.statvfs)]:
        try:
            room = within(_PATIENCE, functools.partial(_disk_free, path, ask))
        except TooSlow:
            silent.append((what, path))
            continue
        if room is not None:
            disks.append((what, path, room))
    if restart or instance.mode != Mode.PREFORK or (major(version) or 0) < _SIDE_BY_SIDE:
        return Room(None, 0, tuple(disks), tuple(silent))
    free = free_memory()
    return Room(_size(proc, instance, free), free, tuple(disks), tuple(silent))


def _size(proc: Proc, instance: Instance, enough: int) -> int:
    """Memory of an instance in bytes; never too little.

    What is resident counts shared memory once for each process. The exact answer takes milliseconds a process, so it is
    read only if that sum is above ``enough``.
    """
    processes = [process for process, _role in instance.everybody]
    page = os.sysconf("SC_PAGE_SIZE")
    resident = sum(process.rss_pages for process in processes) * page
    if resident <= enough:
        return resident
    sizes = [proc.pss(process.pid) for process in processes]
    return sum(process.rss_pages * page if size is None else size for process, size in zip(processes, sizes))


def _disk_free(path: str, ask: _Ask) -> t.Optional[int]:
    """Return the bytes that users other than root can write on the filesystem of a path that may not exist."""
    while True:
        try:
            found = ask(path)
        except FileNotFoundError:
            above = os.path.dirname(path.rstrip("/"))
            if above in ("", path):
                return None
            path = above
            continue
        except OSError:
            return None
        # A filesystem without blocks, such as an overlay of nothing, does not count them.
        return found.f_bavail * found.f_frsize if found.f_blocks else None
