# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Log files on the controller: how they are named, read and refused, and what lies beside them."""

from __future__ import annotations

import gzip
import json
import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.filter.explain_logs import explain_logs
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis import logs
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.logs import paths_of, read_logs

from ...conftest import CAPTURES

LOG = (CAPTURES / "dumps" / "19-prefork.log").read_text()


def test_rows_of_postgresql_beside_a_log_are_read(tmp_path: pathlib.Path) -> None:
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
def test_a_malformed_file_beside_a_log_is_refused(tmp_path: pathlib.Path, text: str) -> None:
    (tmp_path / "h1.log").write_text(LOG)
    (tmp_path / "h1.postgres.json").write_text(text)
    assert explain_logs(str(tmp_path / "h1.log"))["code"] == "dump.strange_sessions"


def test_a_job_is_told_with_the_time_since_it_began() -> None:
    report = explain_logs(str(CAPTURES / "dumps" / "19-prefork.log"))
    (job,) = [one for one in report["work"] if one["kind"] == "cron"]
    assert (job["jobs"], job["database"], job["seconds"]) == (["lab slow cron"], "p19", pytest.approx(5.7, abs=0.1))


@pytest.mark.parametrize("size", [1, 7, 1 << 18])
def test_a_job_is_found_wherever_the_log_is_cut(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(logs, "_CHUNK", size)
    test_a_job_is_told_with_the_time_since_it_began()


def test_a_job_that_has_ended_or_not_begun_yet_is_not_told(tmp_path: pathlib.Path) -> None:
    at = "2026-11-24 %s,000 46 INFO p19 odoo.addons.base.models.ir_cron: Job '%s' (1) %s \n"
    dumps = "\n".join(line for line in LOG.split("\n") if "ir_cron: " not in line)
    after = at % ("10:31:00", "later", "starting")
    before = at % ("10:30:01", "done", "starting") + at % ("10:30:02", "done", "fully done (#loop 1; done 0)")
    (tmp_path / "log").write_text(before + at % ("10:30:03", "this", "starting") + dumps + "\n" + after)
    report = explain_logs(str(tmp_path / "log"))
    assert [one["jobs"] for one in report["work"] if one["kind"] == "cron"] == [["this"]]


def test_paths_of_takes_texts_lists_json_and_wildcards(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_a_wrong_list_of_logs_is_refused_with_one_sentence(given: t.Any, code: str) -> None:
    with pytest.raises(Refused) as caught:
        read_logs(paths_of(given))
    assert caught.value.code == code
    told = explain_logs(given)
    assert told["code"] == code
    assert told["error"].endswith(f"[{code}]")
    assert "\n" not in told["error"]


def test_logs_without_a_dump_are_refused_with_one_sentence(tmp_path: pathlib.Path) -> None:
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


def test_a_broken_gzip_file_is_refused_with_one_sentence(tmp_path: pathlib.Path) -> None:
    whole = gzip.compress(LOG.encode())
    (tmp_path / "a.gz").write_bytes(whole[: len(whole) // 2])
    assert explain_logs(str(tmp_path / "a.gz"))["code"] == "dump.unreadable"
    # An error of zlib itself is not an OSError.
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


def test_bytes_that_are_not_utf8_are_shown_as_escapes(tmp_path: pathlib.Path) -> None:
    (tmp_path / "log").write_bytes(LOG.encode().replace(b"/lab/sleep/10)", b"/lab/\xff\xfe)"))
    assert r"/lab/\xff\xfe" in explain_logs(str(tmp_path / "log"))["findings"][0]["sentence"]


@pytest.mark.parametrize("text", ["PK-less but strange\nbytes 1\n", "<a>\n<b/>\n</a>\n", "bWVzc2FnZQ==\n"])
def test_a_log_without_one_line_that_can_be_parsed_is_not_said_to_have_no_dump(
    tmp_path: pathlib.Path, text: str
) -> None:
    (tmp_path / "odoo.log").write_text(text)
    found = explain_logs(str(tmp_path / "odoo.log"))
    assert found["code"] == "dump.unknown_form"
    assert repr(text.split("\n", maxsplit=1)[0]) in found["error"]


@pytest.mark.parametrize("form", ["grafana-download-newest-first", "eml-base64", "json-array-pretty", "fmt-loguru"])
def test_a_log_in_another_form_is_explained_like_the_plain_one(form: str) -> None:
    report = explain_logs(str(CAPTURES / "logs" / form / "odoo.log"))
    (sentence,) = {one["sentence"] for one in report["findings"] if one["kind"] == "work"}
    assert sentence.startswith("1 request sleeps in lab_slow.sleep")
    assert "(pid 41)" in sentence
    assert report["unread"] == []


@pytest.mark.parametrize("form", ["interleaved-plain", "half-a-dump", "wrapped-80"])
def test_a_dump_that_is_not_whole_is_never_said_to_be_at_rest(form: str) -> None:
    report = explain_logs(str(CAPTURES / "logs" / form / "odoo.log"))
    assert 41 in {one["pid"] for one in report["unread"]}
    assert "No process is at work" not in "\n".join(report["lines"])
