# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The dumps in a page: each block once, and within a budget."""

from __future__ import annotations

import base64
import zlib

from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.parse import parse_dumps as parse_source
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack import Dump, Frame, Stack
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.work import Source
from ansible_collections.fleetops.odoo.plugins.plugin_utils._pages.raw import raw_dumps

from ...conftest import CAPTURES

LOG = (CAPTURES / "dumps" / "19-prefork.log").read_text()


def test_dumps_beyond_the_budget_have_no_text_and_those_of_findings_come_first() -> None:
    sources = [Source(host, parse_source(LOG.split("\n"))) for host in ("a", "b", "c")]
    all_of_it = raw_dumps(sources)
    room = len(all_of_it["blocks"]) + len(all_of_it["hosts"][0]["text"])
    raw = raw_dumps(sources, ["c"], room)
    assert [one["text"] is not None for one in raw["hosts"]] == [False, False, True]
    assert raw_dumps(sources, (), 10)["blocks"] == ""
    assert [one["dumps"] for one in raw["hosts"]] == [5, 5, 5]


HEADER = "# Thread: <T> (db:x) (uid:1) (url:/a)"


def dump(pid: int, *stacks: Stack, other: tuple[str, ...] = ()) -> Dump:
    """Return a dump of these threads."""
    return Dump(pid, "2026-11-24T10:30:22.111Z", "p19", stacks, other)


def unpacked(text: str) -> str:
    """Return what :func:`packed` packed."""
    return zlib.decompress(base64.b64decode(text)).decode()


def test_lines_below_a_header_are_one_block_for_all_hosts() -> None:
    same = Stack("<T>", frames=(Frame("/a.py", 1, "f", "x = 1"), Frame("/b.py", 2, "g")), other=("odd",), header=HEADER)
    equal = Stack("<U>", frames=same.frames, other=("odd",), header="# Thread: <U>")
    raw = raw_dumps([Source("b", [dump(1, same)]), Source("a", [dump(2, equal, same), dump(3)])])
    assert unpacked(raw["blocks"]) == ('File: "/a.py", line 1, in f\n  x = 1\nFile: "/b.py", line 2, in g\nodd')
    assert [(one["host"], one["dumps"]) for one in raw["hosts"]] == [("a", 2), ("b", 1)]
    head = "2026-11-24 10:30:22,111 {} INFO p19 odoo.tools.misc: "
    assert unpacked(raw["hosts"][1]["text"]).split("\n") == [head.format(1), HEADER, "\x010"]
    assert unpacked(raw["hosts"][0]["text"]).split("\n") == [
        head.format(2),
        "# Thread: <U>",
        "\x010",
        HEADER,
        "\x010",
        head.format(3),
    ]


def test_secrets_and_the_mark_of_blocks_in_a_log_are_replaced() -> None:
    stack = Stack("<T>", frames=(Frame("/a.py", 1, "f", "password = 'S3cret'"),), header="# Thread: \x019 token=S3cret")
    raw = raw_dumps([Source("a", [dump(1, stack, other=("pw\x01 secret=S3cret",))])])
    text = unpacked(raw["hosts"][0]["text"]) + unpacked(raw["blocks"])
    assert "S3cret" not in text
    assert text.count("\x01") == 1
    assert text.count("�") == 2


def test_without_sources_there_is_no_block_and_no_host() -> None:
    assert raw_dumps([]) == {"blocks": "", "hosts": []}
