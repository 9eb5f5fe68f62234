# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cron jobs that a log shows as begun and not ended."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._log.jobs import Job, Jobs, jobs_under_way
from hypothesis import given
from hypothesis import strategies as st

from ..dumps.dumped import lines


def test_a_job_is_under_way_from_its_first_to_its_last_line() -> None:
    assert jobs_under_way(lines("19-prefork"), 46) == [("lab slow cron", "p19")]
    assert jobs_under_way(lines("14-prefork"), 37) == [("lab slow cron", "p14")]
    assert jobs_under_way(lines("14-prefork"), 36) == []
    at = "2026-11-24 13:32:14,054 33 INFO t19 odoo.addons.base.models.ir_cron: "
    begun, done = (
        at + 'Job "A\'s (1)" (1) starting ',
        at + 'Job "A\'s (1)" (1) fully done (#loop 1; done 0; remaining 0)',
    )
    assert jobs_under_way([begun], 33) == [("A's (1)", "t19")]
    assert jobs_under_way([begun, done], 33) == []
    assert jobs_under_way([begun, at + 'Job "A\'s (1)" (1) failed (#loop 1; done 0; remaining 1)'], 33) == []
    old = [at + "Starting job `A`.", at + "Starting job `B`.", at + "Job `A` done."]
    assert jobs_under_way(old, 33) == [("B", "t19")]


CRON = "2026-11-24 10:30:1{second},250 {pid} INFO {database} odoo.addons.base.models.ir_cron: {text}"


def cron(second: int, text: str, pid: int = 7, database: str = "p19") -> str:
    """Return a line of the log of a cron worker."""
    return CRON.format(second=second, pid=pid, database=database, text=text)


def test_jobs_of_a_process_are_kept_in_the_order_in_which_they_began() -> None:
    jobs = Jobs()
    for line in (cron(1, "Starting job `A`."), cron(2, "Job 'B' (3) starting "), cron(3, "Job 'C' (4) starting ", 8)):
        jobs.take(line)
    assert jobs.of(7) == [
        Job("A", "p19", "2026-11-24T10:30:11.250Z"),
        Job("B", "p19", "2026-11-24T10:30:12.250Z"),
    ]
    assert [job.name for job in jobs.of(8)] == ["C"]
    assert jobs.of(9) == []


def test_a_job_that_begins_again_has_the_later_time() -> None:
    jobs = Jobs()
    for line in (cron(1, "Starting job `A`."), cron(5, "Starting job `A`.", database="?")):
        jobs.take(line)
    assert jobs.of(7) == [Job("A", None, "2026-11-24T10:30:15.250Z")]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ir_cron",
        cron(1, "Job 'A' (1) was told to wait"),
        cron(1, "Starting job `A`.").replace("ir_cron:", "ir_cron.other:"),
        cron(1, "said Starting job `A`."),
        "  " + cron(1, "Starting job `A`."),
    ],
)
def test_a_line_that_begins_no_job_is_passed_over(line: str) -> None:
    assert jobs_under_way([line], 7) == []


@pytest.mark.parametrize(
    "carrier", ["Nov 24 10:30:11 h odoo[7]: ", "2026-11-24T07:32:16.034+00:00 stderr F ", "odoo-1  | "]
)
def test_a_job_is_found_in_a_line_of_the_journal_or_a_container(carrier: str) -> None:
    assert jobs_under_way([carrier + cron(1, "Starting job `A`.")], 7) == [("A", "p19")]


def test_time_of_a_line_is_that_of_its_record() -> None:
    assert Jobs.time_of(cron(1, "x")) == "2026-11-24T10:30:11.250Z"
    assert Jobs.time_of("Traceback (most recent call last):") is None


@given(st.lists(st.text(max_size=60) | st.builds(cron, st.integers(0, 9), st.text(max_size=40))))
def test_jobs_take_any_line(lines: list[str]) -> None:
    assert jobs_under_way(lines, 99) == []
    jobs_under_way(lines, 7)
