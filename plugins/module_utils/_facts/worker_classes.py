# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Find the class of the workers of a server in its log and its dumps."""

from __future__ import annotations

import calendar
import re
import time
import typing as t

from .._forms.carrier import unwrapped
from .._forms.line import head_of
from .._log.place import LogPlace, level_of
from .._log.read import blocks_backwards, journal_of
from .._processes.classify import Instance
from .._processes.options import Options
from .._processes.proc import Proc, start_time
from .._processes.process import Process
from .._supervisors.find import supervisor_of
from .gather import log_place

#: A worker says so when it begins (seen on Odoo 14.0 and 19.0), at level INFO, which is 20.
_ALIVE = re.compile(r"^Worker ([^\W\d]\w*) \((\d+)\) alive\b")
_LOGGER, _INFO = "odoo.service.server", 20
#: What the thread that does the work of a worker is called, in dumps of all versions and in those of py-spy.
_THREAD = re.compile(r"\bWorker ([^\W\d]\w*) \((\d+)\) workthread\b")
#: Seconds after its start in which a worker's line may still be on its way into the log, and by which clocks differ.
_ON_ITS_WAY, _DIFFER = 3.0, 2.0


def classes_in_log() -> t.Callable[[Proc, Instance, Options, t.Sequence[Process]], t.Dict[str, str]]:
    """Return a function that finds classes of workers in the log of their server, by identity of the worker.

    It looks for a worker once, but for one that has just begun.
    """
    missed: t.Set[str] = set()

    def find(proc: Proc, instance: Instance, options: Options, workers: t.Sequence[Process]) -> t.Dict[str, str]:
        wanted = [process for process in workers if process.identity not in missed]
        if not wanted or level_of(_LOGGER, options) > _INFO:
            return {}
        place = log_place(proc, instance.master, options, supervisor_of(instance.master))
        found = _search(proc, instance.master, place, wanted)
        now = time.time()
        missed.update(p.identity for p in wanted if now - start_time(p) > _ON_ITS_WAY and p.identity not in found)
        return found

    return find


def _search(proc: Proc, master: Process, place: LogPlace, wanted: t.Sequence[Process]) -> t.Dict[str, str]:
    started = {process.identity: start_time(process) for process in wanted}
    texts: t.Optional[t.Iterable[str]] = journal_of(
        place, [p.pid for p in wanted], min(started.values()), "Worker .* alive"
    )
    if texts is None:
        texts = blocks_backwards(proc, master, place)
    found: t.Dict[str, str] = {}
    for text in texts:
        told = find_classes(text)
        for process in wanted:
            name, moment = told.get(process.shown_pid, ("", 0.0))
            # Another process may have had its pid before.
            if name and moment > started[process.identity] - _DIFFER:
                found.setdefault(process.identity, name)
        if len(found) == len(wanted):
            break
    return found


def find_classes(text: str) -> t.Dict[int, t.Tuple[str, float]]:
    """Return classes of workers in a part of a log, and when they began, by the pid that it shows. Pure."""
    found = {}
    for line in text.splitlines():
        if " alive" not in line:
            continue
        head = head_of(unwrapped(line)[1])
        alive = _ALIVE.match(head.text) if head and head.logger == _LOGGER else None
        if head and alive and int(alive.group(2)) == head.pid:
            try:
                moment = calendar.timegm(time.strptime(head.time[:19], "%Y-%m-%dT%H:%M:%S"))
            except ValueError:  # digits that are not a time
                continue
            found[head.pid] = alive.group(1), float(moment)
    return found


def class_in_dump(names: t.Iterable[str], pid: int) -> t.Optional[str]:
    """Return the class of a worker out of the names of its threads; None where they do not tell. Pure.

    :param pid: as its log shows it.
    """
    for name in names:
        thread = _THREAD.search(name)
        if thread and int(thread.group(2)) == pid:
            return thread.group(1)
    return None
