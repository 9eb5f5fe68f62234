# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of dumps: findings of captured dumps with a planted cause, stacks, and secrets."""

from __future__ import annotations

import json
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.parse import parse_dumps
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack import Dump, Frame, Stack
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.analyse import analyse
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.sessions import Backend
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.work import Source
from hypothesis import given

from ...conftest import KINDS
from ...dumps.dumped import captured, captures, lines, quit_files
from ...dumps.odd_logs import LOGS
from .explained import explained


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("what", "wait", "method", "verb"),
    [
        ("sql", "postgresql", "lab_sql", "waits for PostgreSQL in"),
        ("python", "python", "lab_cpu", "runs Python in"),
        ("sleep", "sleep", "lab_sleep", "sleeps in"),
    ],
)
def test_the_first_finding_names_the_cause(kind: str, what: str, wait: str, method: str, verb: str) -> None:
    files = quit_files(kind, what)
    assert files
    for name in files:
        report = explained(captured(name))
        first = report["findings"][0]
        assert first["kind"] == "work"
        assert first["wait"] == wait
        assert first["sentence"].startswith(f"1 request {verb} lab_slow.{method} (lab_slow/controllers/main.py:")
        (work,) = first["evidence"]
        assert (work["module"], work["method"]) == ("lab_slow", method)
        assert f"/lab/{'cpu' if what == 'python' else what}/" in work["url"]
        assert work["database"] == _database(kind)
        assert (work["seconds"] is None) == kind.startswith("14")


def _database(kind: str) -> str:
    return {"19-prefork": "o19h1", "19-threaded": "o19h2", "14-prefork": "o14h4", "14-threaded": "o14h5"}[kind]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", ["sql", "python"])
def test_samples_show_one_piece_of_work_that_does_not_move(kind: str, what: str) -> None:
    samples = [name for name in quit_files(kind, what) if "-sample" in name]
    assert len(samples) == 3
    report = explained([dump for name in samples for dump in captured(name)])
    (work,) = report["work"]
    assert len(work["times"]) == 3
    assert work["seconds"] >= 4.0
    # A loop goes on, and two of these were caught at different lines of it.
    assert work["stuck"] == (what == "sql" or "prefork" in kind)
    assert work["stayed"]
    how = "not moved in 3 samples" if work["stuck"] else "in the same call in 3 samples"
    assert how in report["findings"][0]["sentence"]
    assert sum(stack["count"] for stack in report["stacks"]) == 3
    assert all((stack["threads"], stack["hosts"]) == (1, ["h1"]) for stack in report["stacks"])
    assert report["servers"][0]["samples"] == 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_that_waits_for_a_row_is_named_with_its_possible_holder(kind: str) -> None:
    report = explained(captured(f"{kind}/dumps/quit-rowlock-holder-and-waiter.log"))
    findings = [one for one in report["findings"] if one["kind"] == "work"]
    assert findings[0]["wait"] == "postgresql write"
    assert "/lab/lock/0" in findings[0]["sentence"]
    assert "maybe for h1 pid" in findings[0]["sentence"]
    assert "which sleeps in lab_slow.lab_lock" in findings[0]["sentence"]
    assert report["findings"][0]["kind"] == ("starved" if "prefork" in kind else "work")


@pytest.mark.parametrize(
    ("silent", "starved"),
    [
        ({}, True),
        ({"h2": "no route"}, True),
        ({"h1": [{"pid": 9, "role": "master", "reason": "at work"}]}, True),
        # It may be a free one.
        ({"h1": [{"pid": 9, "role": "http", "reason": "at work"}]}, False),
        ({"h1": [{"pid": 9, "reason": "at work"}]}, False),
    ],
)
def test_a_worker_without_a_dump_may_be_free(silent: dict[str, t.Any], starved: bool) -> None:  # noqa: FBT001
    (kind,) = (one for one in KINDS if one.startswith("19") and "prefork" in one)
    name = f"{kind}/dumps/quit-two-requests-on-one-rowlock-sample1.log"
    report = explained(captured(name), silent=silent)
    assert report["servers"][0]["starved"] is starved
    assert (report["findings"][0]["kind"] == "starved") is starved
    assert len(report["silent"]) == len(silent)


@pytest.mark.parametrize("kind", KINDS)
def test_two_that_wait_for_one_row_are_one_finding(kind: str) -> None:
    samples = [f"{kind}/dumps/quit-two-requests-on-one-rowlock-sample{n}.log" for n in (1, 2, 3)]
    report = explained([dump for name in samples for dump in captured(name)])
    work = next(one for one in report["findings"] if one["kind"] == "work")
    assert (work["wait"], work["count"], work["stuck"]) == ("postgresql write", 2, 2)
    assert work["sentence"].startswith("2 requests wait for PostgreSQL in a write or for a lock in lab_slow.lab_lock")
    assert report["stacks"][0]["count"] == 6
    if "prefork" in kind:
        first = report["findings"][0]
        assert first["kind"] == "starved"
        assert "the 2 http workers that wrote a dump were all busy in each of 3 samples" in first["sentence"]
        assert report["servers"][0]["starved"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_journal_and_a_terminal_tell_the_same_as_a_file(kind: str) -> None:
    short_form = captured(f"{kind}/dumps/journald-quit-all-one-busy-sql.short.txt")
    assert short_form == captured(f"{kind}/dumps/journald-quit-all-one-busy-sql.json.jsonl")
    terminal = captured(f"{kind}/dumps/pty-quit-all-one-busy-sql.log")
    for dumps in (short_form, captured(f"{kind}/dumps/journald-quit-all-one-busy-sql.cat.txt"), terminal):
        assert [one.pid for one in dumps]
        assert not [one.other for dump in dumps for one in dump.threads if one.other]
        (finding,) = explained(dumps)["findings"]
        assert finding["sentence"].startswith("1 request waits for PostgreSQL in lab_slow.lab_sql")
    if "prefork" in kind:
        assert len(short_form) == len(terminal) == 5


def test_the_same_on_two_hosts_is_one_finding() -> None:
    report = explained(
        *[
            captured(f"{kind}/dumps/{name}")
            for kind, name in [("19-prefork", "quit-http-busy-sql.log"), ("19-threaded", "quit-busy-sql.log")]
        ]
    )
    (finding,) = report["findings"]
    assert finding["count"] == 2
    assert finding["sentence"].startswith("2 requests wait for PostgreSQL in lab_slow.lab_sql")
    assert "on h1 (pid 246), h2 (pid 225)" in finding["sentence"]
    # What a threaded server and a worker have around it is left out.
    assert [(one["count"], one["hosts"]) for one in report["stacks"]] == [(2, ["h1", "h2"])]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["quit-master", "quit-http-idle", "quit-cron", "quit-gevent", "quit-idle"])
def test_an_idle_process_is_idle(kind: str, name: str) -> None:
    file = f"{kind}/dumps/{name}.log"
    if file not in captures():
        pytest.skip("this kind has no such process")
    report = explained(captured(file))
    assert report["findings"] == []
    assert "No process is at work: every thread in these dumps waits for something to do." in report["lines"]
    role = {"quit-master": "master", "quit-http-idle": "http", "quit-cron": "cron", "quit-gevent": "gevent"}.get(
        name, "threaded"
    )
    (server,) = report["servers"]
    assert server["master"] if role == "master" else server[role]["pids"]


HEAD = [
    Frame("/usr/lib/python3/dist-packages/odoo/http.py", 1, "run_wsgi"),
    Frame("/srv/addons/shop/controllers/cart.py", 7, "pay", "x = call()"),
]


def test_secrets_are_hidden() -> None:
    secret = "LAB-SECRET-1"
    stack = Stack(
        "<T>",
        "db",
        "2",
        f"http://u:{secret}@h/a?access_token={secret}&b=1",
        frames=(*HEAD, Frame("/srv/addons/shop/models/a.py", 3, "log_in", f"password = '{secret}'")),
    )
    backends = [Backend(1, blocked_by=(2,), query=f"SET x TO 1; -- password={secret}")]
    report = explained([Dump(7, "2026-11-24T10:30:22.111Z", "db", (stack,))], backends=backends)
    assert secret not in json.dumps(report)
    assert "/a?access_token=********" in report["findings"][1]["sentence"]


@given(LOGS)
def test_any_log_can_be_explained(text: str) -> None:
    dumps = parse_dumps(text.split("\n"))
    report = explained(dumps)
    assert report["dumps"] == len(dumps)


def test_a_thousand_hosts_are_explained_in_seconds() -> None:
    dumps = [*parse_dumps(lines("19-prefork")), *captured("19-prefork/dumps/quit-interleaved-all-under-load.log")]
    begin = time.process_time()
    report = analyse(Source(f"host{number}", dumps) for number in range(1000))
    assert time.process_time() - begin < 60
    assert len(report["hosts"]) == 1000
    assert len(report["lines"]) < 120
