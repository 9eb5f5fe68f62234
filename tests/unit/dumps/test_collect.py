# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test picking dumps out of the lines of a log: captured ones, with any lines between and cut anywhere."""

from __future__ import annotations

import json
import re
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.collect import Collector
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.parse import parse_dumps
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack import Dump
from ansible_collections.fleetops.odoo.plugins.module_utils._log.held import Lines
from hypothesis import given
from hypothesis import strategies as st

from ..conftest import CAPTURES, KINDS

PIDS = {
    "19-prefork": [33, 42, 41, 46, 43],
    "19-threaded": [33],
    "14-prefork": [34, 25, 32, 37, 36],
    "14-threaded": [25],
}
RECORD = b"2026-11-24 10:30:21,999 9 INFO t14 odoo.http: something else\n"


def log(kind: str) -> bytes:
    return (CAPTURES / "dumps" / f"{kind}.log").read_bytes()


def collected(
    lines: t.Iterable[tuple[str, bytes]], pids: t.Iterable[int], *, whole: bool = True, room: int = 4 << 20
) -> dict[int, bytes]:
    collector = Collector(pids, whole=whole, room=room)
    for carrier, line in lines:
        collector.take(carrier, line, 0.0)
    return {pid: raw for pid in pids if (raw := collector.raw(pid)) is not None}


def plain(text: bytes) -> list[tuple[str, bytes]]:
    return [("", line) for line in Lines().feed(text)]


def understood(raw: bytes) -> Dump:
    (dump,) = parse_dumps(raw.decode().splitlines())
    return dump


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("whole", [True, False])
def test_every_dump_is_kept_byte_for_byte(kind: str, whole: bool) -> None:  # noqa: FBT001
    text = log(kind)
    found = collected(plain(text), PIDS[kind], whole=whole)
    assert list(found) == PIDS[kind]
    assert all(raw in text for raw in found.values())
    assert [understood(raw) for raw in found.values()] == parse_dumps(text.decode().splitlines())


@pytest.mark.parametrize("kind", KINDS)
def test_dumps_of_other_processes_and_other_lines_are_left_out(kind: str) -> None:
    pids = PIDS[kind][1:]
    text = RECORD + log(kind) + RECORD + b"a line of it\n"
    found = collected(plain(text), pids)
    assert list(found) == pids
    assert all(b"something else" not in raw and b"a line of it" not in raw for raw in found.values())


@pytest.mark.parametrize("kind", KINDS)
def test_lines_of_others_in_between(kind: str) -> None:
    clean = collected(plain(log(kind)), PIDS[kind], whole=False)
    others = [*RECORD.splitlines(keepends=True), b"Traceback:\n", b'  File "/x.py", line 1, in f\n', b"    f()\n"]
    noisy = [("", one) for _carrier, line in plain(log(kind)) for one in [line, *others]]
    found = collected(noisy, PIDS[kind], whole=False)
    # What looks like a dump is kept. The line of code behind a frame, once a record stands between them, is not known.
    for pid, raw in clean.items():
        kept = [line for line in raw.splitlines() if line.startswith((b"#", b"File", b"2026"))]
        assert found[pid].splitlines() == kept


def test_in_the_journal_lines_are_told_apart_by_their_process() -> None:
    first, second = log("19-threaded").splitlines(keepends=True), log("14-threaded").splitlines(keepends=True)
    mixed: list[tuple[str, bytes]] = []
    for n in range(max(len(first), len(second))):
        mixed += [("33", line) for line in first[n : n + 1]] + [("25", line) for line in second[n : n + 1]]
    assert collected(mixed, [33, 25]) == {
        **collected(plain(log("19-threaded")), [33]),
        **collected(plain(log("14-threaded")), [25]),
    }


def test_a_terminal_ends_its_lines_in_its_own_way() -> None:
    text = log("19-prefork").replace(b"\n", b"\r\n")
    found = collected(plain(text), PIDS["19-prefork"])
    assert found == collected(plain(log("19-prefork")), PIDS["19-prefork"])


@pytest.mark.parametrize("form", ["json-oca", "colours-of-odoo", "file-012", "compose-t-colour", "syslog-012-pid"])
def test_dumps_are_found_in_a_log_of_another_form(form: str) -> None:
    found = collected(plain((CAPTURES / "logs" / form / "odoo.log").read_bytes()), [33, 41])
    expected = parse_dumps((CAPTURES / "logs" / "plain" / "odoo.log").read_text().splitlines())
    assert [understood(raw).threads for raw in found.values()] == [dump.threads for dump in expected]


def test_a_log_without_pids_has_the_dump_of_the_only_process_that_is_asked() -> None:
    text = (CAPTURES / "logs" / "syslog-012-no-pid" / "odoo.log").read_bytes()
    assert list(collected(plain(text), [7])) == [7]
    assert list(collected(plain(text), [7, 8])) == []


@pytest.mark.parametrize(("master", "gevent", "pids"), [(1, 2, {1, 2, 7}), (1, 0, {1, 7}), (0, 0, {7})])
def test_in_a_log_without_pids_a_thread_names_its_process(master: int, gevent: int, pids: set[int]) -> None:
    head = "Nov 24 10:30:22 p19 Odoo Server 19.0:p19:INFO:odoo.tools.misc:#012"
    handler = '#012File: "/odoo/tools/misc.py", line 9, in dumpstacks#012  for line in extract_stack(stack):'
    frame = '#012File: "a", line 1, in f#012  code'
    worker = f"{head}# Thread: <Thread(Worker WorkerCron (7) workthread, started daemon 5)> (db:n/a){frame}"
    lines = [
        f"{worker}#012# Thread: <_MainThread(MainThread, started 9)> (db:n/a){handler}\n",
        f"{head}# Thread: <_MainThread(MainThread, started 9)> (db:n/a){handler}\n",
        f"{head}# Thread: 14 (db:n/a){handler}#012# Greenlet: <Greenlet at 0x1>{frame}\n",
        f"{worker.replace('(7)', '(99)')}\n",
    ]
    collector = Collector([one for one in (master, gevent, 7) if one], whole=True)
    collector.expect(master=master, gevent=gevent)
    # The master may be the last one.
    for line in [lines[2], lines[1], lines[3], lines[0]] if gevent else [lines[1], lines[3], lines[0]]:
        collector.take("", line.encode(), 0.0)
    assert {pid for pid in (master, gevent, 7, 99) if pid and collector.raw(pid)} == pids
    assert b"WorkerCron (7)" in (collector.raw(7) or b"")
    assert not gevent or b"# Greenlet" in (collector.raw(2) or b"")


def test_a_dump_in_an_indented_document_is_found() -> None:
    entry = json.dumps({"event": "\n# Thread: <T>", "logger": "odoo.tools.misc", "pid": 33}, indent=2)
    collector = Collector([33], whole=True)
    for line in f"{entry}\n{entry}\n".splitlines(keepends=True):
        collector.take("", line.encode(), 0.0)
    assert (collector.raw(33) or b"").splitlines()[-1] == b"# Thread: <T>"


def test_a_line_that_looks_like_an_answer_and_is_not_understood_is_kept() -> None:
    collector = Collector([7], whole=True)
    collector.take("", b"some text\n", 0.0)
    assert collector.strange(7) is None
    collector.take("", b'<msg>File: "/usr/bin/odoo"; 6; main</msg>\n', 0.0)
    assert collector.strange(7) == '<msg>File: "/usr/bin/odoo"; 6; main</msg>'


def test_when_a_dump_is_complete() -> None:
    head, *rest = plain(log("19-threaded"))
    at = [n for n, (_carrier, line) in enumerate(rest) if line.endswith(b"odoo.tools.misc: \n")] or [0]
    lines = [head, *rest][at[0] :]
    collector = Collector([33], whole=True)
    assert not collector.begun(33)
    assert not collector.complete(33, 99.0, 0.1)
    for n, (carrier, line) in enumerate(lines):
        collector.take(carrier, line, n / 10)
        if collector.begun(33):
            assert not collector.complete(33, n / 10 + 0.05, 0.1)
    assert collector.begun(33)
    last = len(lines) / 10
    assert collector.complete(33, last + 0.1, 0.1)
    assert not collector.complete(33, last, 1.0)
    collector.take("", RECORD, last)
    assert collector.complete(33, last, 1.0)


def test_only_the_first_dump_of_a_process_is_kept() -> None:
    text = log("14-threaded")
    later = re.sub(rb"10:30:2\d,\d{3}", b"10:30:59,000", text)
    assert collected(plain(text + later), [25]) == collected(plain(text), [25])


def test_what_there_is_no_room_for_is_cut() -> None:
    (raw,) = collected(plain(log("19-threaded") + b"x\n" * 10_000), [33], room=5000).values()
    assert 4900 <= len(raw) <= 5000
    collector = Collector(PIDS["19-prefork"], whole=True, room=5000)
    for carrier, line in plain(log("19-prefork")):
        collector.take(carrier, line, 0.0)
    assert [collector.cut(pid) for pid in PIDS["19-prefork"]] == [False, False, True, True, True]
    assert sum(len(collector.raw(pid) or b"") for pid in PIDS["19-prefork"]) <= 5000
    assert not collector.cut(99)


@given(st.data(), st.sampled_from(KINDS))
def test_wherever_it_is_cut_the_dumps_are_the_same(data: st.DataObject, kind: str) -> None:
    text = RECORD + log(kind) + RECORD
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=20)))
    lines, found = Lines(), []
    for begin, end in zip([0, *cuts], [*cuts, len(text)]):
        found += lines.feed(text[begin:end])
    assert b"".join(found) == text
    assert collected([("", line) for line in found], PIDS[kind]) == collected(plain(text), PIDS[kind])


@given(st.lists(st.binary(max_size=40)), st.integers(1, 12))
def test_long_lines_are_cut_the_same_wherever_a_chunk_ends(chunks: list[bytes], longest: int) -> None:
    lines = Lines(longest)
    found = [line for chunk in chunks for line in lines.feed(chunk)]
    assert found == Lines(longest).feed(b"".join(chunks))
    assert all(len(line) <= longest + 1 for line in found)


_PARTS = [
    *log("19-prefork").splitlines(keepends=True),
    *log("14-threaded").splitlines(keepends=True),
    RECORD,
    b"\xff\xfe\n",
    b"2026-11-24 10:30:21,999 25 INFO t14 odoo.tools.misc: \n",
    b"some odoo.tools.misc: text\n",
]


@given(st.lists(st.tuples(st.sampled_from(["", "25", "33"]), st.sampled_from(_PARTS))), st.booleans())
def test_no_order_of_lines_raises_and_no_line_is_made_up(lines: list[tuple[str, bytes]], whole: bool) -> None:  # noqa: FBT001
    for raw in collected(lines, [25, 33, 42], whole=whole).values():
        assert set(raw.splitlines(keepends=True)) <= {line for _carrier, line in lines}
        assert len(parse_dumps(raw.decode("utf-8", "replace").splitlines())) == 1
