# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stack dumps: captured ones of real servers, and forms that they take elsewhere."""

from __future__ import annotations

import json

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.parse import parse_dumps
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack import Stack

from ..conftest import KINDS
from .dumped import lines


@pytest.mark.parametrize(
    ("kind", "pids", "work", "url"),
    [
        ("19-prefork", [33, 42, 41, 46, 43], [(41, "http"), (46, "cron")], "/lab/sleep/10"),
        ("19-threaded", [33], [(33, "http"), (33, "cron")], "/lab/sleep/10"),
        ("14-prefork", [34, 25, 32, 37, 36], [(34, "http")], "/lab/sleep/10"),
        ("14-threaded", [25], [(25, "http")], "/lab/sleep/10"),
    ],
)
def test_captured(kind: str, pids: list[int], work: list[tuple[int, str]], url: str) -> None:
    dumps = parse_dumps(lines(kind))
    assert [dump.pid for dump in dumps] == pids
    assert all(dump.time.startswith("2026-11-24T10:30:2") and dump.time.endswith("Z") for dump in dumps)
    assert all(thread.frames for dump in dumps for thread in dump.threads)
    found = [(dump.pid, thread) for dump in dumps for thread in dump.threads if thread.work]
    assert [(pid, thread.work) for pid, thread in found] == work
    request = next(thread for _pid, thread in found if thread.work == "http")
    assert (request.url or "").endswith(url)
    assert request.db == kind[3] + kind[:2]
    assert request.at is not None
    assert (request.at.function, request.at.source) == ("sleep", "time.sleep(_seconds(seconds))")
    times = request.query_count, request.query_time, request.python_time
    assert times[0] == 2 if kind.startswith("19") else times == (None, None, None)
    assert request.seconds == (pytest.approx(5.59, abs=0.02) if kind.startswith("19") else None)


def test_a_worker_at_rest_shows_its_last_request_and_is_idle() -> None:
    idle = next(dump for dump in parse_dumps(lines("19-prefork")) if dump.pid == 42).threads[0]
    assert (idle.url, idle.uid, idle.work) == ("http://lab.internal/web/login", "3", None)
    assert idle.told()["idle"] is True


def test_greenlets_are_told_by_their_name() -> None:
    gevent = next(dump for dump in parse_dumps(lines("14-prefork")) if dump.pid == 36)
    assert [thread.name.split(" ")[0] for thread in gevent.threads[2:]] == [
        "<ThreadPoolWorker",
        "<greenlet.greenlet",
        "<Greenlet",
        "<greenlet.greenlet",
        "<Hub",
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "form",
    ["crlf", "spaces", "no blank lines", "podman", "syslog", "precise", "iso", "compose", "docker", "journal", "bytes"],
)
def test_the_dump_is_the_same_in_every_carrier(kind: str, form: str) -> None:
    plain = lines(kind)
    carried = {
        "crlf": [line + "\r\n" for line in plain],
        "spaces": [line + " " if line.endswith("tools.misc:") else line for line in plain],
        "no blank lines": [line for line in plain if line],
        "podman": ["2026-11-24T07:32:16.034+00:00 stdout F " + line for line in plain],
        "syslog": ["Nov 24 10:30:22 p19 odoo[7]: " + line for line in plain],
        "precise": ["Nov 24 10:30:22.123456 p19 odoo[7]: " + line for line in plain],
        "iso": ["2026-11-24T10:30:22+0000 p19 odoo[7]: " + line for line in plain],
        "compose": ["odoo-1  | " + line for line in plain],
        "docker": [
            json.dumps({"log": line + "\n", "stream": "stderr", "time": "2026-11-24T10:30:22Z"}) for line in plain
        ],
        "journal": [json.dumps({"MESSAGE": line, "_PID": "7"}) for line in plain],
        "bytes": [json.dumps({"MESSAGE": list(line.encode()), "_PID": "7"}) for line in plain],
    }[form]
    assert parse_dumps(carried) == parse_dumps(plain)


def test_dumps_that_the_journal_has_mixed_are_told_apart_by_their_process() -> None:
    first, second = lines("19-threaded"), lines("14-threaded")
    mixed = []
    for n in range(max(len(first), len(second))):
        mixed += [f"Nov  4 10:30:22 h odoo[33]: {line}" for line in first[n : n + 1]]
        mixed += [f"Nov  4 10:30:22 h python3[25]: {line}" for line in second[n : n + 1]]
    assert sorted(parse_dumps(mixed), key=lambda dump: dump.pid) == [*parse_dumps(second), *parse_dumps(first)]


def test_records_between_the_lines_of_a_dump_do_no_harm() -> None:
    plain = lines("14-threaded")
    noise = [
        "2026-11-24 10:30:21,999 9 ERROR t14 odoo.http: broken ",
        "Traceback:",
        '  File "/x.py", line 1, in f',
        "    f()",
    ]
    noisy = [one for line in plain for one in [line, *noise]]
    found = parse_dumps(noisy)
    assert [[(f.file, f.line) for f in thread.frames] for thread in found[0].threads] == [
        [(f.file, f.line) for f in thread.frames] for thread in parse_dumps(plain)[0].threads
    ]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("# Thread: <T(a, started 1)> (id:140) (uid:1)", Stack("<T(a, started 1)>", uid="1")),
        ("# Thread: <T> (db:x) (uid:2) (url:http://h/a(b)?c=(d))", Stack("<T>", "x", "2", "http://h/a(b)?c=(d)")),
        # A secret in the url was hidden to the end of the line.
        (
            "# Thread: <T> (db:x) (uid:2) (url:http://h/a?token=********",
            Stack("<T>", "x", "2", "http://h/a?token=********"),
        ),
        (
            "# Thread: <T> (db:x) (uid:None) (url:n/a) (qc:3 qt:0.5 pt:1.25)",
            Stack("<T>", "x", query_count=3, query_time=0.5, python_time=1.25),
        ),
        ("# Thread: <T> (db:n/a) (uid:n/a) (url:n/a) (qc:n/a qt:0.006 pt:nan?)", Stack("<T>", query_time=0.006)),
        # In a name with brackets, the times are still the last.
        (
            "# Thread: <T> (db:x(y)) (uid:2) (url:/a) (qc:3 qt:0.5 pt:1.25)",
            Stack("<T>", "x(y)", "2", "/a", query_count=3, query_time=0.5, python_time=1.25),
        ),
        ("# Thread: <T> (db:x) (uid:2) (url:/a)  ", Stack("<T>", "x", "2", "/a")),
        ("# Greenlet: <Hub '' at 0x7f>", Stack("<Hub '' at 0x7f>")),
        (
            "# Greenlet: <Greenlet at 0x7f: f(1) (db:x)> (qc:3 qt:0.5 pt:1.25)",
            Stack("<Greenlet at 0x7f: f(1) (db:x)> (qc:3 qt:0.5 pt:1.25)"),
        ),
        ("# Thread: <T> (db:?) (uid:None) (url:) (qc:n/a qt:inf pt:nan)", Stack("<T>")),
        ("# Thread: ", Stack("")),
    ],
)
def test_headers(header: str, expected: Stack) -> None:
    (dump,) = parse_dumps(["2026-11-24 10:30:21,608 34 INFO ? odoo.tools.misc: ", header])
    assert dump.threads == (expected,)
    assert dump.threads[0].header == header.strip()
    assert (dump.time, dump.database) == ("2026-11-24T10:30:21.608Z", None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no log at all",
        "2026-11-24 10:30:21,608 34 INFO ? odoo.tools.misc: something else",
        'File: "x", line one, in f',
        "# Thread: <T>",
    ],
)
def test_text_without_a_dump_gives_no_dump(text: str) -> None:
    assert parse_dumps(text.splitlines()) == []
