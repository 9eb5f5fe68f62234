# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What dumps mean: captured ones of real servers with a cause that was planted, and places that were not captured."""

from __future__ import annotations

import csv
import dataclasses
import functools
import io
import json
import tarfile
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dump_types import Dump, Frame, Stack
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps import parse_dumps
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis import analyse
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis_place import module_of, place_of, short
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis_postgres import chains
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis_rows import Backend, backends_of
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis_work import Source
from hypothesis import given
from hypothesis import strategies as st

from .conftest import CAPTURES, KINDS
from .test_dumps import LOGS, lines


@functools.lru_cache(maxsize=None)
def _captures() -> dict[str, str]:
    with tarfile.open(CAPTURES / "dumps.tar.xz") as archive:
        return {
            member.name: t.cast("t.IO[bytes]", archive.extractfile(member)).read().decode("utf-8")
            for member in archive
            if member.isfile() and not member.name.endswith(".gz")
        }


def captured(name: str) -> list[Dump]:
    """The dumps in one file of captures/dumps.tar.xz."""
    return parse_dumps(_captures()[name].split("\n"))


def quit_files(kind: str, what: str) -> list[str]:
    """Its files for a cause; those of prefork servers have ``http`` in their names."""
    return [f for f in sorted(_captures()) if f.startswith(kind + "/dumps/quit") and f"busy-{what}" in f]


def explained(*dumps: t.Sequence[Dump], **more: t.Any) -> dict[str, t.Any]:
    report = analyse([Source(f"h{number}", one) for number, one in enumerate(dumps, 1)], **more)
    json.dumps(report, allow_nan=False)
    assert len(report["lines"]) >= 3
    return report


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
def test_who_waits_for_a_row_is_named_with_who_may_hold_it(kind: str) -> None:
    report = explained(captured(f"{kind}/dumps/quit-rowlock-holder-and-waiter.log"))
    findings = [one for one in report["findings"] if one["kind"] == "work"]
    assert findings[0]["wait"] == "postgresql write"
    assert "/lab/lock/0" in findings[0]["sentence"]
    assert "maybe for h1 pid" in findings[0]["sentence"]
    assert "which sleeps in lab_slow.lab_lock" in findings[0]["sentence"]
    assert report["findings"][0]["kind"] == ("starved" if "prefork" in kind else "work")


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
    if file not in _captures():
        pytest.skip("this kind has no such process")
    report = explained(captured(file))
    assert report["findings"] == []
    assert "Nobody is at work: every thread in these dumps waits for something to do." in report["lines"]
    role = {"quit-master": "master", "quit-http-idle": "http", "quit-cron": "cron", "quit-gevent": "gevent"}.get(
        name, "threaded"
    )
    (server,) = report["servers"]
    assert server["master"] if role == "master" else server[role]["pids"]


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


OWN = "/usr/lib/python3/dist-packages/odoo"
HEAD = [Frame(f"{OWN}/http.py", 1, "run_wsgi"), Frame("/srv/addons/shop/controllers/cart.py", 7, "pay", "x = call()")]


def at(*frames: tuple[str, str, str]) -> Stack:
    return Stack("<T>", frames=(*HEAD, *[Frame(file, 1, function, source) for file, function, source in frames]))


LIB = "/usr/lib/python3.11"
SITE = "/opt/venv/lib/python3.12/site-packages"


@pytest.mark.parametrize(
    ("frames", "wait", "through"),
    [
        ([(f"{OWN}/sql_db.py", "execute", "res = self._obj.execute(query, params)")], "postgresql", None),
        ([(f"{OWN}/sql_db.py", "commit", "result = self._cnx.commit()")], "postgresql", None),
        ([(f"{OWN}/sql_db.py", "borrow", "with self._lock:")], "python lock", None),
        ([(f"{SITE}/psycopg2/__init__.py", "connect", "conn = _connect(dsn)")], "postgresql", None),
        (
            [(f"{OWN}/models.py", "flush", "x"), (f"{OWN}/sql_db.py", "execute", "_obj.execute()")],
            "postgresql write",
            None,
        ),
        ([("/x/pool.py", "get", "with cls._lock:")], "python lock", None),
        ([(f"{OWN}/tools/func.py", "locked", "inst._lock.acquire()")], "python lock", None),
        ([(f"{LIB}/threading.py", "wait", "waiter.acquire()")], "python lock", None),
        ([(f"{LIB}/queue.py", "get", "self.not_empty.wait()")], "python lock", None),
        (
            [(f"{SITE}/urllib3/connection.py", "f", "x"), (f"{LIB}/socket.py", "readinto", "x")],
            "remote",
            "urllib3",
        ),
        ([(f"{LIB}/smtplib.py", "getreply", "x"), (f"{LIB}/socket.py", "readinto", "x")], "remote", "smtplib"),
        ([(f"{LIB}/http/client.py", "begin", "x"), (f"{LIB}/ssl.py", "read", "x")], "remote", "http.client"),
        ([(f"{LIB}/socket.py", "create_connection", "sock.connect(sa)")], "remote", None),
        ([(f"{SITE}/werkzeug/wsgi.py", "read", "x"), (f"{LIB}/socket.py", "readinto", "x")], "client", None),
        ([(f"{LIB}/subprocess.py", "communicate", "x")], "program", None),
        ([("/x.py", "f", "time.sleep(3)")], "sleep", None),
        ([("/x.py", "f", "return sum(x)")], "python", None),
        (
            [(f"{OWN}/addons/bus/websocket.py", "get_messages", "x"), (f"{LIB}/selectors.py", "select", "x")],
            "messages",
            None,
        ),
    ],
)
def test_what_is_waited_for(frames: list[tuple[str, str, str]], wait: str, through: str | None) -> None:
    place = place_of(at(*frames))
    assert (place.wait, place.through) == (wait, through)


def test_a_worker_that_waits_for_a_request_to_come_waits_for_its_client() -> None:
    frames = [(f"{OWN}/service/server.py", "process_request"), (f"{LIB}/http/server.py", "handle_one_request")]
    stack = Stack(
        "<T>", frames=tuple(Frame(*one) for one in [(f, 1, n) for f, n in [*frames, (f"{LIB}/socket.py", "readinto")]])
    )
    assert (stack.work, place_of(stack).wait) == ("http", "client")


def test_the_place_is_the_innermost_frame_of_an_addon() -> None:
    place = place_of(at(("/srv/addons/sale/models/sale.py", "confirm", "x"), (f"{OWN}/models.py", "write", "y")))
    assert (place.module, place.frame and place.frame.function, place.entry) == ("sale", "confirm", "shop.pay")
    assert place.name == "sale.confirm (sale/models/sale.py:1)"


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("/srv/addons/shop/models/a.py", "shop"),
        (f"{OWN}/addons/base/models/ir_http.py", "base"),
        ("/opt/custom/shop/models/a.py", "shop"),
        ("/opt/custom/shop/lib/a.py", None),
        (f"{SITE}/thing/models/a.py", None),
        (f"{LIB}/socket.py", None),
    ],
)
def test_module(file: str, module: str | None) -> None:
    assert module_of(file) == module
    assert module_of("/opt/custom/shop/lib/a.py", ("/opt/custom/",)) == "shop"


def test_paths_are_shown_from_their_module_or_library_on() -> None:
    assert short(f"{OWN}/sql_db.py") == "odoo/sql_db.py"
    assert short("/srv/addons/shop/models/a.py") == "shop/models/a.py"
    assert short(f"{LIB}/socket.py") == "socket.py"
    assert short("/x.py") == "/x.py"


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


def rows(kind: str) -> list[Backend]:
    """pg_stat_activity while two requests waited for a row that a session of psql held."""
    text = _captures()[f"{kind}/pg_stat_activity-two-requests-on-one-rowlock.csv"]
    return [
        Backend(
            int(row["pid"]),
            application=row["application_name"] or None,
            state=row["state"] or None,
            wait_type=row["wait_event_type"] or None,
            wait_event=row["wait_event"] or None,
            blocked_by=tuple(int(pid) for pid in row["blocked_by"].strip("{}").split(",") if pid),
            query=row["query"],
        )
        for row in csv.DictReader(io.StringIO(text))
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_chain_of_locks_is_told_from_its_head(kind: str) -> None:
    (finding,) = chains(rows(kind), [])
    assert finding["count"] == 2
    assert 'UPDATE "res_partner"' in finding["sentence"]
    assert "(psql-lock-holder)" in finding["sentence"]
    assert "select pg_sleep(" in finding["sentence"].partition("blocked by")[2]


def test_workers_are_named_in_a_chain() -> None:
    backends = [
        Backend(1, "h1", 803, blocked_by=(2,), query="UPDATE res_partner SET a = 1", seconds=41.2),
        Backend(2, "h2", 812, state="idle in transaction", query="SELECT 1"),
    ]
    (finding,) = chains(backends, [])
    assert finding["sentence"] == (
        "worker 803 on h1 waits 41 s for worker 812 on h2: UPDATE res_partner SET a = 1, "
        "blocked by idle in transaction SELECT 1"
    )


def session(pid: int, seen_by: str, time: str = "1", **fields: t.Any) -> Backend:
    return Backend(pid, seen_by=seen_by, time=time, started=f"s{pid}", server=fields.pop("server", "A"), **fields)


def test_hosts_that_share_a_server_know_its_sessions_together() -> None:
    """Each knows its own processes only, and may not be shown the query of another user."""
    backends = [
        session(
            1, "h1", host="h1", worker=803, blocked_by=(2,), query="UPDATE a", state="active", seconds=50.0, waited=41.2
        ),
        # To another user not even the beginning of a session is shown.
        dataclasses.replace(session(2, "h1"), started=None),
        session(1, "h2", "2", blocked_by=(2,)),
        session(2, "h2", "2", host="h2", worker=812, query="SELECT 1", state="idle in transaction"),
    ]
    (finding,) = chains(backends, [])
    assert finding["count"] == 1
    earlier = [dataclasses.replace(one, time="3") if one.seen_by == "h1" else one for one in backends]
    assert next(chains(earlier, []))["sentence"] == (
        "worker 803 on h1 waits 41 s for worker 812 on h2: UPDATE a, blocked by idle in transaction SELECT 1"
    )
    assert finding["sentence"].endswith("worker 812 on h2: UPDATE a, blocked by idle in transaction SELECT 1")
    # The later moment counts: there it is not told for how long.
    assert finding["sentence"].startswith("worker 803 on h1 waits for ")


def test_pids_of_two_servers_may_coincide() -> None:
    one = [
        session(1, "h1", host="h1", worker=5, blocked_by=(2,), query="UPDATE a"),
        session(2, "h1", application="psql"),
    ]
    other = [
        session(1, "h2", server="B", host="h2", worker=6, blocked_by=(2,), query="UPDATE b"),
        session(2, "h2", server="B", host="h2", worker=7),
    ]
    sentences = [finding["sentence"] for finding in chains([*one, *other], [])]
    assert sentences[0].startswith("worker 5 on h1 waits for backend 2 (psql): UPDATE a")
    assert sentences[1].startswith("worker 6 on h2 waits for worker 7 on h2: UPDATE b")


def test_what_waited_in_an_earlier_sample_is_told_too() -> None:
    backends = [
        session(1, "h1", "1", blocked_by=(9,), query="UPDATE early"),
        session(2, "h1", "2", blocked_by=(9,), query="UPDATE late"),
        session(9, "h1", "1", user="me", application="pg_dump", client="10.0.0.9"),
        session(9, "h1", "2", user="me", application="pg_dump", client="10.0.0.9"),
    ]
    (finding,) = chains(backends, [])
    assert finding["count"] == 2
    assert "for backend 9 (pg_dump of user me from 10.0.0.9), and 1 more" in finding["sentence"]


@pytest.mark.parametrize(
    ("blocker", "name"),
    [
        (Backend(0), "a prepared transaction"),
        (Backend(2, kind="autovacuum worker"), "backend 2 (autovacuum worker)"),
        (Backend(2, kind="client backend", application="odoo-33", user="odoo"), "backend 2 (odoo-33 of user odoo)"),
        (Backend(2), "backend 2: "),
    ],
)
def test_a_stranger_is_named_by_what_it_calls_itself(blocker: Backend, name: str) -> None:
    (finding,) = chains([Backend(1, blocked_by=(blocker.pid,)), *([blocker] if blocker.pid else [])], [])
    assert f" waits for {name}" in finding["sentence"]


def test_locks_among_others_are_told_last() -> None:
    waiting: dict[str, t.Any] = {"blocked_by": (2,), "seconds": 100.0}
    theirs = [session(1, "h1", database="theirs", **waiting), session(2, "h1")]
    assert next(chains(theirs, []))["cost"] < 1
    assert next(chains([*theirs, session(3, "h1", host="h1", worker=5)], []))["cost"] < 1
    assert next(chains([session(1, "h1", host="h1", worker=5, **waiting), session(2, "h1")], []))["cost"] > 100


def planted(kind: str, **rows: dict[str, t.Any]) -> dict[str, t.Any]:
    """The report of a holder and a waiter at one row, with rows of the workers that are named by their roles."""
    dumps = captured(f"{kind}/dumps/quit-rowlock-holder-and-waiter.log")
    work = explained(dumps)["work"]
    pids = {
        "holder": next(o for o in work if o["wait"] == "sleep"),
        "waiter": next(o for o in work if o["wait"] != "sleep"),
    }
    backends = [
        session(number, "h1", pids["waiter"]["times"][-1], host="h1", worker=pids[who]["pid"], **fields)
        for number, (who, fields) in enumerate(sorted(rows.items()), 1)
    ]
    return explained(dumps, backends=backends)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_say_whether_it_is_a_lock_and_who_holds_it(kind: str) -> None:
    report = planted(
        kind,
        holder={"state": "idle in transaction", "query": "SELECT 1", "seconds": 9.0},
        waiter={
            "state": "active",
            "wait_type": "Lock",
            "blocked_by": (1,),
            "query": "SELECT 2 FOR UPDATE",
            "seconds": 8.0,
        },
    )
    blocked = next(one for one in report["findings"] if one["kind"] == "blocked")
    waiting = next(one for one in report["work"] if one["wait"] == "postgresql lock")
    assert (waiting["query"], waiting["query_seconds"]) == ("SELECT 2 FOR UPDATE", 8.0)
    assert waiting["holder"].startswith(f"worker {blocked['evidence'][1]['worker']} on h1")
    assert "which sleeps in lab_slow.lab_lock" in blocked["sentence"]
    assert not any("maybe" in one["sentence"] for one in report["findings"])
    first = report["findings"][0]
    assert first["kind"] == ("starved" if "prefork" in kind else "blocked")
    assert "SELECT 2 FOR UPDATE" in first["sentence"]


@pytest.mark.parametrize("kind", KINDS)
def test_rows_say_that_it_is_no_lock(kind: str) -> None:
    report = planted(kind, waiter={"state": "active", "query": "SELECT slow", "seconds": 700.0})
    waiting = next(one for one in report["work"] if one["query"])
    assert (waiting["wait"], waiting["seconds"]) == ("postgresql", 700.0)
    work = next(one for one in report["findings"] if one["kind"] == "work")
    assert "its query runs for 700.0 s: SELECT slow" in work["sentence"]
    assert "maybe" not in work["sentence"]


def test_a_row_of_long_ago_or_of_a_session_at_rest_says_nothing() -> None:
    for fields in ({"time": "2020-01-01T00:00:00.000Z"}, {"state": "idle in transaction"}):
        dumps = captured("19-prefork/dumps/quit-http-busy-sql.log")
        (work,) = explained(dumps)["work"]
        row = {"time": work["times"][-1], "state": "active", **fields}
        (work,) = explained(dumps, backends=[session(1, "h1", host="h1", worker=work["pid"], query="x", **row)])["work"]
        assert (work["query"], work["wait"]) == (None, "postgresql")


def test_work_is_as_old_as_its_transaction_where_it_is_the_only_one() -> None:
    dumps = captured("14-prefork/dumps/quit-http-busy-sql.log")
    (work,) = explained(dumps)["work"]
    assert work["seconds"] is None
    rows = [
        session(n, "h1", work["times"][-1], host="h1", worker=work["pid"], transaction_seconds=s)
        for n, s in ((1, 12.5), (2, None))
    ]
    (work,) = explained(dumps, backends=rows)["work"]
    assert work["seconds"] == 12.5


def test_rows_as_the_module_returns_them() -> None:
    row = {
        "pid": 1,
        "log_pid": 5,
        "worker": 77,
        "query": "<insufficient privilege>",
        "type": "client backend",
        "seconds": 2,
    }
    (told,) = backends_of([row], "h1")
    assert (told.host, told.worker, told.query, told.kind, told.seconds) == ("h1", 5, None, "client backend", 2.0)
    (stranger,) = backends_of([{"pid": 1, "log_pid": None, "blocked_by": "x"}], "h1")
    assert (stranger.host, stranger.worker, stranger.blocked_by, stranger.seen_by) == (None, None, (), "h1")
    with pytest.raises(ValueError, match="no pid"):
        backends_of([{}], "h1")


@given(st.lists(st.builds(Backend, st.integers(1, 6), blocked_by=st.lists(st.integers(1, 7), max_size=3).map(tuple))))
def test_chains_end(backends: list[Backend]) -> None:
    list(chains(backends, []))


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
