# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dumps put in order: servers, visits, samples, and pieces of work."""

from __future__ import annotations

import json
import re
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.parse import parse_dumps
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack import Dump, Frame, Stack
from ansible_collections.fleetops.odoo.plugins.module_utils._log.jobs import Job
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.work import Server, Source, survey, when

from ...dumps.dumped import lines
from .explained import explained


def test_a_server_is_told_with_its_workers() -> None:
    (server,) = explained(parse_dumps(lines("19-prefork")))["servers"]
    assert server["master"] == [33]
    assert server["http"] == {"pids": [41, 42], "busy": [41]}
    assert server["cron"] == {"pids": [46], "busy": [46]}
    assert server["gevent"] == {"pids": [43], "busy": []}
    assert not server["starved"]


def test_two_servers_in_one_log_are_told_apart() -> None:
    report = explained([*parse_dumps(lines("19-prefork")), *parse_dumps(lines("14-prefork"))])
    servers = {one["server"]: one["http"]["pids"] for one in report["servers"]}
    assert servers["h1 (server of pid 33)"] == [41, 42]
    assert servers["h1 (server of pid 25)"] == [32, 34]


def test_visits_far_apart_are_told_apart() -> None:
    once = parse_dumps(lines("19-prefork"))
    later = parse_dumps([line.replace("2026-11-24 10:", "2026-11-24 11:") for line in lines("19-prefork")])
    report = explained([*once, *later])
    assert [one["began"][11:13] for one in report["servers"]] == ["10", "11"]
    assert [len(one["times"]) for one in report["work"]] == [1] * 4


def test_a_request_that_has_begun_since_is_another_one() -> None:
    """The same url in the next sample, but with less time than has passed."""
    text = "\n".join(lines("19-prefork"))
    later = text.replace("10:30:22", "10:30:32").replace("pt:5.594", "pt:1.000")
    report = explained(parse_dumps([*text.split("\n"), *later.split("\n")]))
    assert [len(one["times"]) for one in report["work"] if one["kind"] == "http"] == [1, 1]


def frame(line: int = 7) -> Frame:
    """Return a frame of an addon."""
    return Frame("/srv/addons/shop/models/cart.py", line, "pay")


def request(line: int = 7, **fields: t.Any) -> Stack:
    """Return a thread that answers a request."""
    values = {"db": "p19", "uid": "2", "url": "http://web1/a", **fields}
    return Stack("<T>", frames=(Frame("/x/werkzeug/serving.py", 1, "run_wsgi"), frame(line)), **values)


def dump(second: int, *stacks: Stack, pid: int = 41) -> Dump:
    """Return a dump of a process at a second of a minute."""
    return Dump(pid, f"2026-11-24T10:30:{second:02}.000Z", None, stacks)


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("1970-01-01T00:01:00.500Z", 60.5),
        ("1970-01-01T01:01:00+01:00", 60.0),
        ("", 0.0),
        ("yesterday", 0.0),
        ("2026-13-01T00:00:00Z", 0.0),
    ],
)
def test_when_is_the_time_of_a_dump_in_seconds(time: str, seconds: float) -> None:
    assert when(time) == seconds


def test_the_same_request_in_two_samples_is_one_piece_of_work() -> None:
    servers, work = survey([Source("h1", [dump(1, request()), dump(3, request())])])
    assert [(one.name, one.samples) for one in servers] == [("h1", 2)]
    (one,) = work
    assert (one.who, one.seconds, one.stuck, one.stayed, len(one.places)) == ("h1 pid 41", 2.0, True, True, 2)


@pytest.mark.parametrize(
    ("later", "pieces"),
    [
        (request(), 1),
        (request(url="http://web1/b"), 2),
        (request(db="p14"), 2),
        # Two seconds have passed. Half a second is for the clocks.
        (request(query_time=1.0, python_time=0.4), 2),
        (request(query_time=1.0, python_time=0.6), 1),
    ],
)
def test_another_url_database_or_begin_is_another_piece_of_work(later: Stack, pieces: int) -> None:
    _servers, work = survey([Source("h1", [dump(1, request()), dump(3, later)])])
    assert len(work) == pieces


def test_work_at_another_line_of_the_same_call_has_stayed_and_is_not_stuck() -> None:
    _servers, (one,) = survey([Source("h1", [dump(1, request(7)), dump(3, request(8))])])
    assert (one.stuck, one.stayed, one.place.frame) == (False, True, frame(8))


def test_a_single_sample_is_neither_stuck_nor_stayed() -> None:
    _servers, (one,) = survey([Source("h1", [dump(1, request())])])
    assert (one.stuck, one.stayed, one.seconds) == (False, False, None)


def test_a_thread_at_rest_in_between_ends_the_work() -> None:
    dumps = [dump(1, request()), dump(2, Stack("<T>")), dump(3, request())]
    _servers, work = survey([Source("h1", dumps)])
    assert [len(one.times) for one in work] == [1, 1]


def test_secrets_in_urls_and_names_of_jobs_are_hidden() -> None:
    cron = Stack("<C>", frames=(Frame("/x/addons/base/models/ir_cron.py", 1, "_process_job"), frame()))
    jobs = {(41, "2026-11-24T10:30:01.000Z"): [Job("token=S3cret", "p19", "2026-11-24T10:29:51.000Z")]}
    _servers, work = survey([Source("h1", [dump(1, request(url="/a?token=S3cret"), cron)], jobs=jobs)])
    first, second = work
    assert (first.url, first.jobs) == ("/a?token=********", [])
    assert (second.url, second.jobs, second.database, second.seconds) == (None, ["token=********"], "p19", 10.0)


def server(roles: dict[int, str], *seen: dict[int, bool]) -> Server:
    """Return a server with these processes, and which of them were at work in each sample."""
    return Server("h1", "h1", "", "", roles, [], len(seen), list(seen))


@pytest.mark.parametrize(
    ("seen", "full", "starved"),
    [
        ([{1: True, 2: True}], 1, True),
        ([{1: True, 2: False}], 0, False),
        ([{1: True, 2: True}, {1: True, 2: False}], 1, False),
        # A worker that wrote no dump does not count, and a sample without a dump does not either.
        ([{1: True}, {}], 1, True),
        ([{3: True}], 0, False),
        ([], 0, False),
    ],
)
def test_a_sample_is_full_when_every_http_worker_in_it_was_at_work(
    seen: list[dict[int, bool]],
    full: int,
    starved: bool,  # noqa: FBT001
) -> None:
    one = server({1: "http", 2: "http", 3: "cron"}, *seen)
    assert (one.full, one.told()["starved"]) == (full, starved)


def test_a_dump_of_a_single_worker_does_not_make_a_server_full() -> None:
    assert server({1: "http"}, {1: True}).full == 0


def test_told_lists_the_pids_of_each_role_and_those_at_work_last() -> None:
    told = server({1: "http", 2: "cron", 3: "master"}, {1: True, 2: True}, {1: False}).told()
    assert (told["http"], told["cron"], told["master"]) == (
        {"pids": [1], "busy": []},
        {"pids": [2], "busy": [2]},
        [3],
    )


def without_pids() -> list[Dump]:
    """Return a dump of a thread at work, twice, of which the log does not tell the process."""
    busy = Stack(
        "<T>", frames=(frame(), Frame("/x/werkzeug/serving.py", 1, "run_wsgi")), query_time=0.0, python_time=9.0
    )
    return [Dump(0, f"2026-11-24T10:30:0{n}.000Z", None, (busy,)) for n in (1, 2)]


def test_dumps_without_a_pid_are_not_taken_for_samples_of_one_process() -> None:
    report = explained(without_pids())
    assert (report["processes"], report["unnamed"]) == (0, 2)
    assert [one["pid"] for one in report["work"]] == [0, 0]
    assert not any(one["stuck"] for one in report["work"])
    (server,) = report["servers"]
    assert (server["unknown"], server["starved"]) == ({"pids": [0, 0], "busy": [0, 0]}, False)
    assert report["lines"][0].startswith("2 dumps of processes that the log does not name from 1 log")
    assert "of unknown role 2 of 2 busy" in "\n".join(report["lines"])
    assert "(pid unknown)" in "\n".join(report["lines"])
    assert re.search(r"(?:: |pid )-[0-9]", json.dumps(report)) is None


def test_a_worker_of_unknown_role_whose_dump_was_not_understood_may_be_free() -> None:
    one = server({1: "http", 2: "http", 3: "unknown"}, {1: True, 2: True})
    assert one.full == 1
    one.unread = {3: "its dump cannot be parsed"}
    assert one.full == 0
