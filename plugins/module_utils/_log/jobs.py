# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Cron jobs, which say their names in the log when they begin and end. Pure. Seen: Odoo 14.0 and 19.0."""

from __future__ import annotations

import re
import typing as t

from .._forms.carrier import unwrapped
from .._forms.line import head_of

#: How a job is announced and concluded: by Odoo 14, and by Odoo 19, which adds its id.
_JOB = re.compile(
    r"^(?:Starting job `(?P<begun14>.*)`\.|Job `(?P<done14>.*)` done\.?"
    # A name with an apostrophe in it stands in double quotes.
    r"|Job (?P<quote>['\"])(?P<name19>.*)(?P=quote) \(\d+\) "
    r"(?:(?P<begun19>starting)|(?:fully done|partially done|failed)\b.*))\s*$"
)


class Job(t.NamedTuple):
    """A job that has begun. ``time`` is when, in ISO 8601 as Odoo's clock; None stands for an unknown database."""

    name: str
    database: t.Optional[str]
    time: str


class Jobs:
    """The jobs under way, kept while a log is read from its beginning."""

    def __init__(self) -> None:
        self._by_pid: t.Dict[int, t.Dict[str, Job]] = {}

    def take(self, raw: str) -> None:
        """Take note of what a line of the log says of jobs."""
        if "ir_cron" not in raw:
            return
        head = head_of(unwrapped(raw)[1])
        if head is None or not head.logger.endswith("ir_cron"):
            return
        job = _JOB.match(head.text)
        if job is None:
            return
        begun = self._by_pid.setdefault(head.pid, {})
        name = job.group("begun14") or job.group("done14") or job.group("name19")
        if job.group("begun14") or job.group("begun19"):
            begun[name] = Job(name, head.database, head.time)
        else:
            begun.pop(name, None)

    @staticmethod
    def time_of(raw: str) -> t.Optional[str]:
        """Return the time of a line; None if it is not the first line of a record."""
        head = head_of(unwrapped(raw)[1])
        return head and head.time

    def of(self, pid: int) -> t.List[Job]:
        """Return the jobs of a process, by its pid in the log, the latest last."""
        return list(self._by_pid.get(pid, {}).values())


def jobs_under_way(lines: t.Iterable[str], pid: int) -> t.List[t.Tuple[str, t.Optional[str]]]:
    """Return names and databases of the cron jobs that a process has begun and not ended, from its log.

    :param pid: as the log shows it.
    """
    jobs = Jobs()
    for line in lines:
        jobs.take(line)
    return [(job.name, job.database) for job in jobs.of(pid)]
