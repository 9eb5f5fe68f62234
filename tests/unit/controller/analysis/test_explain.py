# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Log files as users give them, and causes that were planted on real servers: the first finding names each."""

from __future__ import annotations

import base64
import gzip
import html.parser
import json
import pathlib
import re
import tarfile
import typing as t
import zlib

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.fleetops.odoo.plugins.filter.dumps_page import FilterModule as DumpsPage
from ansible_collections.fleetops.odoo.plugins.filter.dumps_page import dumps_page
from ansible_collections.fleetops.odoo.plugins.filter.explain_logs import FilterModule as ExplainLogs
from ansible_collections.fleetops.odoo.plugins.filter.explain_logs import explain_logs
from ansible_collections.fleetops.odoo.plugins.filter.parse_dumps import FilterModule as ParseDumps
from ansible_collections.fleetops.odoo.plugins.filter.parse_dumps import parse_dumps
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.parse import parse_dumps as parse_source
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis import logs as _analysis_logs
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.logs import paths_of, read_logs
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.work import Source
from ansible_collections.fleetops.odoo.plugins.plugin_utils._pages.lock_graph import lock_graphs
from ansible_collections.fleetops.odoo.plugins.plugin_utils._pages.raw import raw_dumps

from ...conftest import CAPTURES

LOG = (CAPTURES / "dumps" / "19-prefork.log").read_text()


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Three samples of Odoo 19 prefork, 19 threaded and 14 prefork, as far as the cause was planted there."""
    folder = tmp_path_factory.mktemp("planted")
    with tarfile.open(CAPTURES / "planted.tar.xz") as archive:
        # Python 3.12 warns where nothing is said; Debian's 3.11 does not know it yet. The archive is our own.
        if hasattr(tarfile, "data_filter"):
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(folder)
    return folder


@pytest.mark.parametrize(
    ("cause", "first"),
    [
        (
            "lock",
            "p19.log has no http worker left for new requests: the 2 http workers that wrote a dump were all",
        ),
        ("lock-two-hosts", "2 requests sleep in lab_slow.hold_row"),
        ("sql", "3 requests wait for PostgreSQL in lab_slow.sql"),
        ("cpu", "2 requests run Python in lab_slow.cpu"),
        ("foreign", "3 requests wait for another server (requests) in lab_slow.foreign"),
        ("mutex", "3 requests wait for a lock in Python in lab_slow.mutex"),
        ("program", "2 requests wait for a program in lab_slow.program"),
        ("all-busy", "p19.log has no http worker left for new requests"),
        ("cron", "the cron job 'lab slow cron' sleeps in lab_slow.run_slow_cron"),
    ],
)
def test_the_first_finding_names_what_was_planted(planted: pathlib.Path, cause: str, first: str) -> None:
    report = explain_logs(str(planted / cause / "*.log"))
    finding = report["findings"][0]
    assert finding["sentence"].startswith(first)
    if cause != "cpu":
        assert finding["stuck"] == finding["count"]
    # The machine was slow when two of the requests for a lock were caught: they had ended before the third sample.
    assert all(one["stayed"] and len(one["times"]) >= (2 if cause == "mutex" else 3) for one in finding["evidence"])
    # They were under way for two seconds when the first sample was taken, and samples are more than a second apart.
    assert all(one["seconds"] > 2 for one in report["work"])


def test_the_second_finding_of_a_lock_names_who_may_hold_it(planted: pathlib.Path) -> None:
    sentence = explain_logs(str(planted / "lock" / "p19.log"))["findings"][1]["sentence"]
    assert sentence.startswith("1 request waits for PostgreSQL in a write or for a lock in lab_slow.hold_row")
    assert "/lab/lock/0" in sentence
    assert "which sleeps in lab_slow.hold_row" in sentence


def test_what_postgresql_said_lies_beside_the_log(tmp_path: pathlib.Path) -> None:
    (tmp_path / "h1.log").write_text(LOG)
    row = {"pid": 1, "log_pid": 41, "blocked_by": [2], "query": "UPDATE a", "seconds": 3, "server": "A", "time": "1"}
    told = {"rows": [row], "unsaid": ["more than 100 sessions were at work"]}
    (tmp_path / "h1.postgres.json").write_text(json.dumps(told))
    report = explain_logs(str(tmp_path / "h1.log"))
    assert report["postgres"] == {"servers": ["A"], "unsaid": {"h1.log": "more than 100 sessions were at work"}}
    (blocked,) = [one["sentence"] for one in report["findings"] if one["kind"] == "blocked"]
    assert "waits 3 s for backend 2: UPDATE a" in blocked
    assert "worker 41 on h1.log with /lab/" in blocked
    assert "PostgreSQL of h1.log: more than 100 sessions were at work" in report["lines"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"rows": 1, "unsaid": []}', '{"rows": [{}], "unsaid": []}'])
def test_what_lies_there_may_be_something_else(tmp_path: pathlib.Path, text: str) -> None:
    (tmp_path / "h1.log").write_text(LOG)
    (tmp_path / "h1.postgres.json").write_text(text)
    assert explain_logs(str(tmp_path / "h1.log"))["code"] == "dump.strange_sessions"


def test_a_job_is_told_with_the_time_since_it_began() -> None:
    report = explain_logs(str(CAPTURES / "dumps" / "19-prefork.log"))
    (job,) = [one for one in report["work"] if one["kind"] == "cron"]
    assert (job["jobs"], job["database"], job["seconds"]) == (["lab slow cron"], "p19", pytest.approx(5.7, abs=0.1))


@pytest.mark.parametrize("size", [1, 7, 1 << 18])
def test_a_job_is_found_wherever_the_log_is_cut(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(_analysis_logs, "_CHUNK", size)
    test_a_job_is_told_with_the_time_since_it_began()


def test_a_job_that_has_ended_or_not_begun_yet_is_not_told(tmp_path: pathlib.Path) -> None:
    at = "2026-11-24 %s,000 46 INFO p19 odoo.addons.base.models.ir_cron: Job '%s' (1) %s \n"
    dumps = "\n".join(line for line in LOG.split("\n") if "ir_cron: " not in line)
    after = at % ("10:31:00", "later", "starting")
    before = at % ("10:30:01", "done", "starting") + at % ("10:30:02", "done", "fully done (#loop 1; done 0)")
    (tmp_path / "log").write_text(before + at % ("10:30:03", "this", "starting") + dumps + "\n" + after)
    report = explain_logs(str(tmp_path / "log"))
    assert [one["jobs"] for one in report["work"] if one["kind"] == "cron"] == [["this"]]


def test_what_people_write_for_paths(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PWD", str(tmp_path))
    for name in ("a.log", "b.log", "x/a.log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(LOG)

    def hosts(given: t.Any) -> list[str]:
        return [one["host"] for one in paths_of(given)]

    assert hosts("a.log, b.log,") == ["a.log", "b.log"]
    assert hosts(["a.log", "b.log", "a.log"]) == ["a.log", "b.log"]
    assert hosts('["a.log", {"path": "b.log", "host": "h2"}]') == ["a.log", "h2"]
    assert hosts("*.log") == ["a.log", "b.log"]
    # A name that several files have is told with its directory.
    assert hosts(["a.log", "x/a.log"]) == [f"{tmp_path.name}/a.log", "x/a.log"]
    assert paths_of("a.log")[0]["path"] == str(tmp_path / "a.log")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("", "dump.no_files"),
        ([], "dump.no_files"),
        (" , ", "dump.no_files"),
        (None, "dump.not_paths"),
        (3, "dump.not_paths"),
        ({"path": "/x"}, "dump.not_paths"),
        ([None], "dump.not_a_file_entry"),
        ([{"path": 3}], "dump.not_a_file_entry"),
        ([{"host": "h"}], "dump.not_a_file_entry"),
        ([{"path": "/x", "name": "h"}], "dump.not_a_file_entry"),
        ("/nowhere/a.log", "dump.no_file"),
        ("/nowhere/*.log", "dump.no_file"),
        ("/tmp", "dump.directory"),
        ("/dev/zero", "dump.not_plain"),
        ("[broken", "dump.no_file"),
    ],
)
def test_what_is_no_log_is_one_sentence_with_a_code(given: t.Any, code: str) -> None:
    with pytest.raises(Refused) as caught:
        read_logs(paths_of(given))
    assert caught.value.code == code
    told = explain_logs(given)
    assert told["code"] == code
    assert told["error"].endswith(f"[{code}]")
    assert "\n" not in told["error"]


def test_a_log_without_dumps_is_one_sentence(tmp_path: pathlib.Path) -> None:
    names = [tmp_path / f"{n}.log" for n in range(4)]
    for name in names:
        name.write_text("2026-11-24 10:30:21,608 34 INFO x odoo.http: y\n")
    told = explain_logs([str(name) for name in names])
    assert told["code"] == "dump.no_stacks"
    assert f"{names[0]}, {names[1]}, {names[2]} or the other files" in told["error"]
    # One that has some is enough.
    names[0].write_text(LOG)
    report = explain_logs([str(name) for name in names])
    assert (report["dumps"], len(report["hosts"])) == (5, 4)


def test_a_broken_archive_is_one_sentence(tmp_path: pathlib.Path) -> None:
    whole = gzip.compress(LOG.encode())
    (tmp_path / "a.gz").write_bytes(whole[: len(whole) // 2])
    assert explain_logs(str(tmp_path / "a.gz"))["code"] == "dump.unreadable"
    # What zlib itself says is no OSError.
    (tmp_path / "a.gz").write_bytes(whole[:20] + bytes(200))
    assert explain_logs(str(tmp_path / "a.gz"))["code"] == "dump.unreadable"
    (tmp_path / "a.gz").write_bytes(whole)
    assert explain_logs(str(tmp_path / "a.gz"))["dumps"] == 5


def test_samples_in_files_of_their_own_are_put_together(tmp_path: pathlib.Path) -> None:
    (tmp_path / "1").write_text(LOG)
    (tmp_path / "2").write_text(LOG.replace("10:30:22", "10:30:24").replace("pt:5.594", "pt:7.594"))
    report = explain_logs([{"path": str(tmp_path / n), "host": "h1"} for n in ("1", "2")])
    assert report["hosts"] == ["h1"]
    assert [len(one["times"]) for one in report["work"]] == [2, 2]


def test_bytes_that_are_no_text_are_read(tmp_path: pathlib.Path) -> None:
    (tmp_path / "log").write_bytes(LOG.encode().replace(b"/lab/sleep/10)", b"/lab/\xff\xfe)"))
    assert r"/lab/\xff\xfe" in explain_logs(str(tmp_path / "log"))["findings"][0]["sentence"]


def test_the_filters() -> None:
    assert ExplainLogs().filters() == {"explain_logs": explain_logs}
    assert DumpsPage().filters() == {"dumps_page": dumps_page}
    assert ParseDumps().filters() == {"parse_dumps": parse_dumps}
    dumps = parse_dumps(LOG)
    assert dumps == parse_dumps(LOG.split("\n"))
    assert [dump["pid"] for dump in dumps] == [33, 42, 41, 46, 43]
    assert [(d["pid"], thread["url"]) for d in dumps for thread in d["threads"] if not thread["idle"]] == [
        (41, "http://192.0.2.10:8069/lab/sleep/10"),
        (46, None),
    ]
    wrongs: list[t.Any] = [3, None, [1], {}]
    for wrong in wrongs:
        with pytest.raises(AnsibleFilterError, match=r"\[dump\.not_a_log\]$"):
            parse_dumps(wrong)


class Page(html.parser.HTMLParser):
    """Tags of a page, and whether they are closed in order."""

    VOID = frozenset(["meta", "input"])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_asks_for_nothing(planted: pathlib.Path) -> None:
    text = dumps_page(explain_logs(str(planted / "lock" / "*.log")))
    found = Page(text)
    assert found.open == []
    # Nothing in it leads out of the file, and nothing runs but its own script.
    assert {value for _tag, one in found.tags for key, value in one.items() if key in ("src", "href", "action")} == {
        "#raw"
    }
    assert not [one for one in found.tags if "style" in one[1] or any(key.startswith("on") for key in one[1])]
    assert "unsafe" not in text.partition("<title>")[0]
    assert "no free worker" in text
    assert "maybe for p19.log pid" in text
    idle = dumps_page(explain_logs(str(CAPTURES / "dumps" / "14-threaded.log")) | {"findings": [], "work": []})
    assert "Nobody is at work" in idle


def test_the_page_shows_markup_and_templates_of_a_log_as_text(tmp_path: pathlib.Path) -> None:
    evil = "/<script>alert(1)</script>{{7*191}}\"'&"
    (tmp_path / "log").write_text(LOG.replace("/lab/sleep/10)", evil + ")"))
    text = dumps_page(explain_logs(str(tmp_path / "log")))
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*191}}&#34;&#39;&amp;" in text
    assert Page(text).open == []


def test_the_page_of_two_hundred_hosts_is_small() -> None:
    """A fifth of what a thousand may take; ``make bench-page`` has a thousand that differ."""
    files = [{"path": str(CAPTURES / "dumps" / "19-prefork.log"), "host": f"host{number}"} for number in range(200)]
    text = dumps_page(explain_logs(files), files)
    assert len(text) < 2_000_000
    assert text.count("<tr") > 600
    assert len(raw_of(text)) == 200


def raw_of(text: str) -> dict[str, str]:
    """The dumps of each host as the page shows them."""
    found = re.search(r'<script type="application/json" id="raw-data">(.*?)</script>', text)
    assert found
    raw = json.loads(found.group(1))

    def unpacked(one: str) -> str:
        return zlib.decompress(base64.b64decode(one)).decode()

    blocks = unpacked(raw["blocks"]).split("\x01") if raw["blocks"] else []
    return {
        one["host"]: re.sub(r"(?m)^\x01(\d+)$", lambda m: blocks[int(m.group(1))], unpacked(one["text"]))
        for one in raw["hosts"]
        if one["text"] is not None
    }


def test_the_page_has_the_dumps_as_they_were_written(planted: pathlib.Path) -> None:
    files = str(planted / "*" / "*.log")
    shown = raw_of(dumps_page(explain_logs(files), files))
    for one in paths_of(files):
        log = pathlib.Path(one["path"]).read_text()
        assert parse_dumps(shown[one["host"]]) == parse_dumps(log)
        assert written(shown[one["host"]]) == written(log)


def written(log: str) -> list[str]:
    """The lines of dumps in a log, but for blanks at their ends."""
    return [line.rstrip() for line in log.split("\n") if line.startswith(("# ", "File: ", "  "))]


def test_dumps_in_the_page_have_no_secrets(tmp_path: pathlib.Path) -> None:
    text = LOG.replace("/lab/sleep/10)", "/lab/sleep/10?access_token=LAB-SECRET-1)")
    text = text.replace("time.sleep(", "password = 'LAB-SECRET-2'; time.sleep(")
    (tmp_path / "log").write_text(text)
    page = dumps_page(explain_logs(str(tmp_path / "log")), str(tmp_path / "log"), str(tmp_path))
    assert "********" in raw_of(page)["log"]
    assert "LAB-SECRET" not in page + raw_of(page)["log"]
    assert 'href="log"' in page


def test_dumps_that_have_no_room_are_named_and_those_of_findings_come_first() -> None:
    sources = [Source(host, parse_source(LOG.split("\n"))) for host in ("a", "b", "c")]
    all_of_it = raw_dumps(sources)
    room = len(all_of_it["blocks"]) + len(all_of_it["hosts"][0]["text"])
    raw = raw_dumps(sources, ["c"], room)
    assert [one["text"] is not None for one in raw["hosts"]] == [False, False, True]
    assert raw_dumps(sources, (), 10)["blocks"] == ""
    assert [one["dumps"] for one in raw["hosts"]] == [5, 5, 5]


def test_samples_of_the_flame_graph(planted: pathlib.Path) -> None:
    report = explain_logs(str(planted / "lock" / "p19.log"))
    flame = report["flame"]
    assert sum(sample[-1] for sample in flame["samples"]) == sum(one["count"] for one in report["stacks"]) == 9
    stack, host, database, path, _count = flame["samples"][0]
    assert flame["hosts"][host] == "p19.log"
    assert flame["databases"][database] == "p19"
    assert flame["paths"][path].startswith("/lab/lock/")
    assert [flame["frames"][frame] for frame in flame["stacks"][stack]] in [one["frames"] for one in report["stacks"]]
    assert len(flame["frame_modules"]) == len(flame["frames"]) == len(set(flame["frames"]))
    assert "lab_slow" in flame["modules"]
    assert flame["left_out"] == 0


def test_a_lock_is_drawn_with_who_may_hold_it(planted: pathlib.Path) -> None:
    (graph,) = lock_graphs(explain_logs(str(planted / "lock" / "p19.log"))["findings"])
    assert (graph["known"], len(graph["boxes"]), len(graph["lines"])) == (False, 2, 1)
    assert "may wait for pid" in graph["waits"][0]


def test_chains_are_drawn_whatever_rows_there_are() -> None:
    rows: list[dict[str, t.Any]] = [
        {"pid": 1, "host": "h1", "worker": 7, "blocked_by": [2, 3], "query": "UPDATE x", "seconds": 4.0, "more": 1},
        {"pid": 2, "blocked_by": [3, 1], "seconds": None},
        {"pid": None},
    ]
    (graph,) = lock_graphs([{"kind": "blocked", "evidence": rows}])
    assert [(one["title"], one["holds"]) for one in graph["boxes"]] == [
        ("worker 7 on h1", False),
        ("backend 2", False),
        ("backend 3", True),
    ]
    assert len(graph["lines"]) == 4
    places = {(one["x"], one["y"]) for one in graph["boxes"]}
    assert len(places) == 3
    assert lock_graphs(
        [{"kind": "blocked", "evidence": [{"pid": 1, "blocked_by": [2]}, {"pid": 2, "blocked_by": [1]}]}]
    )


def test_where_not_all_have_room_who_holds_the_lock_is_drawn() -> None:
    rows: list[dict[str, t.Any]] = [{"pid": pid, "blocked_by": [7], "waited": 1.0} for pid in range(100, 160)]
    (graph,) = lock_graphs([{"kind": "blocked", "evidence": [*rows, {"pid": 7, "query": "UPDATE x", "state": "idle"}]}])
    holders = [one for one in graph["boxes"] if one["holds"]]
    assert [(one["title"], one["what"], one["how"]) for one in holders] == [("backend 7", "UPDATE x", "idle")]
    assert len(graph["boxes"]) == 40


def test_who_did_not_answer_is_told() -> None:
    log = str(CAPTURES / "dumps" / "19-prefork.log")
    silent = {"h9": "password=LAB-SECRET", "h1": [{"pid": 4, "reason": "no dump within 10 s", "role": "http"}]}
    report = explain_logs(log, silent=silent)
    assert report["silent"] == [
        {"host": "h1", "pid": 4, "reason": "no dump within 10 s"},
        {"host": "h9", "pid": None, "reason": "password=********"},
    ]
    text = dumps_page(report)
    assert "<b>1</b> <span>did not answer" in text
    assert "pid 4: no dump within 10 s" in text
