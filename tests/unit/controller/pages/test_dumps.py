# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of a report of dumps: whole, small, without secrets, and with nothing that runs."""

from __future__ import annotations

import base64
import html.parser
import json
import pathlib
import re
import zlib

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.fleetops.odoo.plugins.filter.dumps_page import dumps_page
from ansible_collections.fleetops.odoo.plugins.filter.explain_logs import explain_logs
from ansible_collections.fleetops.odoo.plugins.filter.parse_dumps import parse_dumps
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.logs import paths_of

from ...conftest import CAPTURES

LOG = (CAPTURES / "dumps" / "19-prefork.log").read_text()


class Page(html.parser.HTMLParser):
    """Tags of a page, and whether they are closed in order."""

    VOID = frozenset(["meta", "input", "wbr"])

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
    assert "maybe for p19.<wbr>log pid" in text
    idle = dumps_page(explain_logs(str(CAPTURES / "dumps" / "14-threaded.log")) | {"findings": [], "work": []})
    assert "No process is busy" in idle


def test_the_page_shows_markup_and_templates_of_a_log_as_text(tmp_path: pathlib.Path) -> None:
    evil = "/<script>alert(1)</script>{{7*191}}\"'&"
    (tmp_path / "log").write_text(LOG.replace("/lab/sleep/10)", evil + ")"))
    text = dumps_page(explain_logs(str(tmp_path / "log")))
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*191}}&#34;&#39;&amp;" in text.replace("<wbr>", "")
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


def test_hosts_and_processes_that_did_not_answer_are_in_the_page() -> None:
    log = str(CAPTURES / "dumps" / "19-prefork.log")
    silent = {
        "h9": "password=LAB-SECRET",
        "h1": [{"pid": 4, "code": "dump.silent", "reason": "no dump within 10 s", "role": "http"}],
    }
    report = explain_logs(log, silent=silent)
    assert report["silent"] == [
        {"host": "h1", "pid": 4, "code": "dump.silent", "reason": "no dump within 10 s"},
        {"host": "h9", "pid": None, "code": None, "reason": "password=********"},
    ]
    text = dumps_page(report)
    assert "<b>1</b> <span>did not answer" in text
    assert "pid 4: no dump within 10 s" in text


def test_anything_but_a_report_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "log").write_text("nothing\n", encoding="utf-8")
    with pytest.raises(AnsibleFilterError, match="dump"):
        dumps_page(explain_logs(str(tmp_path / "log")))
    with pytest.raises(AnsibleFilterError, match=r"got lines \[option.wrong_type\]"):
        dumps_page({"lines": []})
