# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sentences about work and servers, and the report for a terminal."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack import Frame
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis import place
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.place import Place
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.sentences import (
    _WAITS,
    doing,
    group_sentence,
    lines,
    path_of,
    starved_sentence,
)
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.work import Server, Work

CART = Frame("/srv/addons/shop/models/cart.py", 7, "pay", "time.sleep(9)")


def at(wait: str = place.SLEEP, line: int = 7, **fields: t.Any) -> Place:
    """Return a place in an addon."""
    frame = Frame(CART.file, line, CART.function, fields.pop("source", CART.source))
    values = {"module": "shop", "entry": None, "through": None, **fields}
    return Place(wait, frame, values["module"], values["entry"], values["through"], (frame,))


def server(name: str = "h1", workers: int = 2, busy: int = 1) -> Server:
    """Return a server of which all http workers were at work in so many samples."""
    roles = dict.fromkeys(range(1, workers + 1), "http")
    return Server(name, name, "", "", {**roles, 99: "master"}, [], busy, [dict.fromkeys(roles, True)] * busy)


def work(pid: int = 41, *places: Place, **fields: t.Any) -> Work:
    """Return a request, or a job where ``jobs`` are given."""
    jobs = fields.pop("jobs", [])
    values: dict[str, t.Any] = {
        "server": server(),
        "kind": "cron" if jobs else "http",
        "database": "p19",
        "user": "2",
        "url": None if jobs else "http://web1/shop",
        "seconds": 9.04,
        **fields,
    }
    found = list(places) or [at()]
    return Work(pid=pid, thread="<T>", jobs=jobs, times=[""] * len(found), places=found, **values)


WHERE = "shop.pay (shop/models/cart.py:7), at 'time.sleep(9)'"


@pytest.mark.parametrize(
    ("pieces", "sentence"),
    [
        ([work()], f"1 request sleeps in {WHERE}, for 9.0 s, /shop, database p19, user 2, on h1 (pid 41)"),
        (
            [work(41), work(42, seconds=3.0, user="3", url="https://web1/")],
            (
                f"2 requests sleep in {WHERE}, the longest for 9.0 s, /shop, /, database p19, user 2, 3,"
                " on h1 (pid 41, 42)"
            ),
        ),
        (
            [work(jobs=["A", "B"], seconds=None)],
            f"the cron job 'A' or 'B' sleeps in {WHERE}, database p19, on h1 (pid 41)",
        ),
        (
            [work(41, jobs=["A"], database=None), work(42, jobs=["A"], database=None)],
            f"2 cron jobs 'A' sleep in {WHERE}, the longest for 9.0 s, on h1 (pid 41, 42)",
        ),
        (
            [work(41, at(place.REMOTE, through="requests", entry="sale.confirm", source=None), url=None, seconds=None)],
            (
                "1 request waits for another server (requests) in shop.pay (shop/models/cart.py:7),"
                " called by sale.confirm, an unknown url, database p19, user 2, on h1 (pid 41)"
            ),
        ),
    ],
)
def test_work_at_one_place_is_one_sentence(pieces: list[Work], sentence: str) -> None:
    assert group_sentence(pieces, None) == sentence


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ([work(41, at(), at())], ", not moved in 2 samples"),
        ([work(41, at(line=7), at(line=8))], ", in the same call in 2 samples"),
        ([work(41, at(), at()), work(42)], ", 1 of them not moved in 2 samples"),
        ([work(41, at(), at()), work(42, at(), at(), at())], ", not moved in 2 to 3 samples"),
    ],
)
def test_work_that_several_samples_show_at_one_place_has_not_moved(pieces: list[Work], said: str) -> None:
    assert group_sentence(pieces, None).endswith(said)


def test_the_longest_known_query_is_told_with_the_holder_of_its_lock() -> None:
    pieces = [
        work(41, query="SELECT 1", query_seconds=1.0),
        work(42, query="UPDATE a", query_seconds=8.25, holder="worker 7 on h2"),
    ]
    assert group_sentence(pieces, None).endswith(", its query runs for 8.2 s, held up by worker 7 on h2: UPDATE a")
    assert group_sentence([work(41, query="SELECT 1")], None).endswith(", its query runs: SELECT 1")


def test_work_that_may_hold_the_lock_is_named_with_a_maybe() -> None:
    sentence = group_sentence([work(41, at(place.WRITE))], work(42))
    assert sentence.endswith(f", maybe for h1 pid 42, which sleeps in {WHERE}")


def test_only_the_first_of_many_servers_and_urls_are_named() -> None:
    pieces = [work(n, server=server(f"h{n}"), url=f"http://web/{n}") for n in range(1, 7)]
    sentence = group_sentence(pieces, None)
    assert "/1, /2, /3, /4 and 2 more" in sentence
    assert sentence.endswith("on h1 (pid 1), h2 (pid 2), h3 (pid 3), h4 (pid 4) and 2 servers more")


@pytest.mark.parametrize(
    ("one", "groups", "sentence"),
    [
        (
            server(),
            [[work(41), work(42)]],
            (
                "h1 has no http worker left for new requests: the 2 http workers that wrote a dump were all busy;"
                f" 2 sleep in {WHERE} for 9.0 s"
            ),
        ),
        (
            server(workers=1, busy=3),
            [[work(41, seconds=None, query="SELECT 1", query_seconds=2.0)]],
            (
                "h1 has no http worker left for new requests: the one http worker was busy in each of 3 samples;"
                f" 1 sleeps in {WHERE} (its query runs for 2.0 s: SELECT 1)"
            ),
        ),
        (
            server(),
            [],
            "h1 has no http worker left for new requests: the 2 http workers that wrote a dump were all busy",
        ),
    ],
)
def test_a_starved_server_is_told_with_what_its_workers_are_at(
    one: Server, groups: list[list[Work]], sentence: str
) -> None:
    assert starved_sentence(one, groups) == sentence


def test_doing_says_what_a_piece_of_work_is_at() -> None:
    assert doing(work()) == "sleeps in shop.pay (shop/models/cart.py:7)"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        (None, "an unknown url"),
        ("", "an unknown url"),
        ("http://web1:8069/a/b?c=d", "/a/b?c=d"),
        ("https://web1", "/"),
        ("http://web1?x", "?x"),
        ("/a", "/a"),
    ],
)
def test_path_of_is_the_url_without_the_name_of_the_server(url: str | None, path: str) -> None:
    assert path_of(url) == path


def test_every_wait_has_words_for_one_and_for_several() -> None:
    waits = {value for name, value in vars(place).items() if name.isupper() and isinstance(value, str)}
    known = set(_WAITS)
    assert known <= waits
    assert {place.POSTGRES, place.WRITE, place.LOCK, place.REMOTE, place.CLIENT, place.PROGRAM, place.SLEEP} <= known
    for one, several in _WAITS.values():
        assert one != several


def told(name: str, busy: int = 0, *, starved: bool = False) -> dict[str, t.Any]:
    """Return a server as a report has it."""
    none: dict[str, list[int]] = {"pids": [], "busy": []}
    http = {"pids": [1, 2], "busy": [1, 2][:busy]}
    began = "2026-11-24T10:30:22.111Z"
    roles = {"http": http, "cron": none, "gevent": none, "threaded": none}
    return {"server": name, "samples": 1, "began": began, "starved": starved, "unread": [], **roles}


def report(**fields: t.Any) -> dict[str, t.Any]:
    """Return a report without findings."""
    values: dict[str, t.Any] = {
        "hosts": ["h1"],
        "dumps": 1,
        "processes": 2,
        "began": "10:30",
        "ended": "10:31",
        "findings": [],
        "servers": [],
        "stacks": [],
        "postgres": {"unsaid": {}},
        "unread": [],
    }
    return {**values, **fields}


def test_a_report_without_findings_says_that_every_thread_waits() -> None:
    assert lines(report()) == [
        "1 dump of 2 processes from 1 log, 10:30 to 10:31",
        "",
        "No process is at work: every thread in these dumps waits for something to do.",
        "",
    ]


def test_what_was_not_understood_is_never_told_as_at_rest() -> None:
    unread = [{"host": "h1", "pid": 41, "reason": "its dump cannot be parsed"}]
    found = lines(report(unread=unread, servers=[{**told("h1"), "unread": [41]}]))
    assert found[2:4] == ["No parsed thread is busy. It is not known what the other threads do.", ""]
    assert "h1 pid 41: its dump cannot be parsed" in found
    assert "http 0 of 2 busy, 1 not understood" in found[-1]


def test_processes_without_a_dump_are_one_sentence_for_each_host_and_reason() -> None:
    reason = "pid {} got no QUIT, because its threads did not all sleep"
    silent: list[dict[str, t.Any]] = [
        {"host": "h1", "pid": pid, "code": "dump.not_at_rest", "reason": reason.format(pid)} for pid in (41, 42, 41)
    ]
    silent.append({"host": "h2", "pid": None, "code": None, "reason": "no route"})
    found = lines(report(silent=silent))
    assert found[2] == "No process with a dump is at work. It is not known what the processes without a dump do."
    assert found[-2:] == [
        "h1: no dump of pid 41, 42: pid 41 got no QUIT, because its threads did not all sleep",
        "h2: no dump: no route",
    ]


def test_many_reasons_are_counted() -> None:
    silent = [{"host": f"h{number}", "pid": 1, "code": None, "reason": "no answer"} for number in range(99)]
    assert lines(report(silent=silent))[-1].endswith(" reasons more")


def test_servers_in_trouble_come_first() -> None:
    servers = [told("idle"), told("h2", 1), told("starved", 2, starved=True)]
    assert lines(report(servers=servers))[-3:] == [
        "starved  http 2 of 2 busy  (1 sample at 2026-11-24T10:30:22.111Z)  NO FREE WORKER",
        "h2       http 1 of 2 busy  (1 sample at 2026-11-24T10:30:22.111Z)",
        "idle     http 0 of 2 busy  (1 sample at 2026-11-24T10:30:22.111Z)",
    ]


def test_a_long_report_is_cut_and_says_how_much_is_left_out() -> None:
    found = lines(
        report(
            findings=[{"sentence": "x " * 80}] * 17,
            servers=[told(f"h{n}") for n in range(31)],
            postgres={"unsaid": {f"h{n}": "psql is not installed" for n in range(6)}},
            stacks=[{"count": n, "wait": "sleep", "at": "f"} for n in (3, 1, 2)],
        )
    )
    assert all(len(line) <= 100 for line in found)
    assert "   ... and 2 findings more" in found
    assert "... and 1 server more" in found
    assert "... and of 2 more" in found
    assert found[-3:] == ["the most frequent stacks:", "     3 x  sleeps in f", "     2 x  sleeps in f"]
