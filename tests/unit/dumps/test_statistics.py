# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading cache statistics: captured ones of 14.0 to 19.0, and the table of saas~18.3, which was only read about."""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.collect import StatisticsCollector
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.statistics import (
    CacheRow,
    Statistics,
    parse_statistics,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._log.held import Lines
from hypothesis import given
from hypothesis import strategies as st

from ..conftest import CAPTURES

FOLDER = CAPTURES / "caches"
#: log -> how many methods each process tells of, by pid
ROWS = {
    "14-prefork-usr1": {207: 11, 208: 7, 206: 3, 212: 3},
    "14-threaded-usr1": {186: 11},
    "15-prefork-usr1": {5145: 3, 18647: 11, 18649: 13, 18652: 3},
    "16-prefork-usr1": {17928: 4, 19557: 1, 17931: 15, 17936: 2},
    "17-prefork-usr1": {20197: 2, 17934: 6, 17929: 15, 17939: 2},
    "18-prefork-usr1": {23297: 1, 10912: 16, 10914: 16, 10916: 1},
    "19-prefork-usr1": {152: 15, 151: 15, 148: 1, 156: 1},
    "19-prefork-usr2": {152: 15, 151: 15, 148: 1, 156: 1},
    "19-threaded-usr1": {112: 15},
    "19-threaded-usr2": {112: 15},
    "19-two-databases-usr1": {186: 16},
}
HEAD = "2026-11-24 10:30:21,999 {pid} INFO {db} odoo.tools.cache: "
NOISE = b"2026-11-24 10:30:21,999 9 INFO t14 odoo.http: something else\n"


def log(name: str) -> bytes:
    return (FOLDER / f"{name}.log").read_bytes()


def read(name: str) -> dict[int, Statistics]:
    return {one.pid: one for one in parse_statistics(log(name).decode().splitlines())}


def of(found: Statistics, method: str) -> CacheRow:
    (row,) = [row for row in found.rows if row.method == method]
    return row


def test_no_capture_is_left_out() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_every_line_of_a_capture_is_understood(name: str) -> None:
    found = read(name)
    assert {pid: len(one.rows) for pid, one in found.items()} == ROWS[name]
    for one in found.values():
        assert (one.complete, one.stopped, one.other) == (True, False, [])
        assert one.time[:14] in ("2026-11-24T18:", "2026-11-29T04:")
        for row in one.rows:
            assert row.database in ("p14", "t14", "v15p", "v16p", "v17p", "v18p", "p19", "t19", "t19b")
            # Odoo rounds.
            assert row.ratio == pytest.approx(100.0 * row.hits / (row.hits + row.misses or 1), abs=0.06)
            assert (row.cache is None) == name.startswith(("14", "15", "16"))
            assert (row.memory is None) == ("usr2" not in name)
        if name.startswith("19") and "two" not in name:
            assert sum(use.entries for use in one.usage) == sum(row.entries for row in one.rows)
        if "usr2" in name:
            assert sum(use.memory or 0 for use in one.usage) == sum(row.memory or 0 for row in one.rows)


def test_what_14_writes() -> None:
    row = of(read("14-prefork-usr1")[207], "check")
    assert row == CacheRow("p14", "ir.model.access", "check", None, 7, 139, 7, 0, 95.2)


def test_what_18_writes() -> None:
    found = read("18-prefork-usr1")[10912]
    assert of(found, "_get_asset_paths") == CacheRow(
        "v18p", "ir.asset", "_get_asset_paths", "assets", 3, 0, 3, 0, 0.0, seconds=0.333
    )
    assert {row.cache for row in found.rows} == {
        *("assets", "default", "groups", "routing", "templates", "templates.cached_values"),
    }


@pytest.mark.parametrize("text", ["cached: 12 of a.b, 3 hits", "Caches stats:\n[a.b] hits=3"])
def test_statistics_in_another_form_are_told_as_not_understood(text: str) -> None:
    raw = (HEAD.format(pid=7, db="p") + text + "\n").encode()
    (found,) = parse_statistics(collected(raw, [7])[7].decode().splitlines())
    assert (found.rows, found.other) == ([], [text.rpartition("\n")[2]])


def test_what_19_writes() -> None:
    found = read("19-threaded-usr2")[112]
    assert of(found, "_get_asset_paths") == CacheRow(
        "t19", "IrAsset", "_get_asset_paths", "assets", 3, 0, 6, 0, 0.0, 290829, 142796, 1.279, 0.0, 6
    )
    sizes = {use.cache: use.size for use in found.usage}
    assert sizes == {
        "default": 8192,
        "assets": 512,
        "stable": 1024,
        "templates": 1024,
        "routing": 1024,
        "routing.rewrites": 8192,
        "templates.cached_values": 2048,
        "groups": 64,
    }


def test_without_memory_the_sizes_are_the_same() -> None:
    with_memory, without = (
        {use.cache: use.size for use in read(f"19-prefork-{how}")[151].usage} for how in ("usr2", "usr1")
    )
    assert with_memory == without


def test_19_tells_the_usage_of_the_database_that_it_counted_last() -> None:
    found = read("19-two-databases-usr1")[186]
    assert {row.database for row in found.rows} == {"t19", "t19b"}
    assert {use.database for use in found.usage} == {"t19"}
    # Below the other one stand the same numbers, though it has one entry.
    assert log("19-two-databases-usr1").count(b" * default: 7/81920") == 2


@pytest.mark.parametrize(
    ("line", "row"),
    [
        # 17.0, 18.0, as their sources have it
        (
            "                  default,      4 entries,    138 hit,      4 miss,      1 err, 97.2% ratio, for a.b.f",
            CacheRow("p", "a.b", "f", "default", 4, 138, 4, 1, 97.2),
        ),
        (
            "1234567 entries, 12345678 hit, 1234567 miss,      0 err, 90.9% ratio, for x.y.z ",
            CacheRow("p", "x.y", "z", None, 1234567, 12345678, 1234567, 0, 90.9),
        ),
    ],
)
def test_a_record_for_each_method(line: str, row: CacheRow) -> None:
    (found,) = parse_statistics([HEAD.format(pid=7, db="p") + line])
    assert (found.rows, found.complete, found.usage) == ([row], True, [])


def test_the_table_of_saas_18_3() -> None:
    # As its review shows it.
    (found,) = parse_statistics(
        [
            HEAD.format(pid=7, db="?") + "Caches stats:",
            "Database odoo:",
            (
                "               Cache Name,  Entry,  Memory SUM [Bytes],  Memory MAX [Bytes],   Hit,  Miss,   Err,"
                "  Gen Time [s],  Hit Ratio,   Model.Method"
            ),
            (
                "                   assets,      6,    1205197 ( 74.5%),              428097,     0,     6,     0,"
                "         0.137,       0.0%,   ir.asset._get_asset_paths"
            ),
        ]
    )
    assert found.rows == [
        CacheRow("odoo", "ir.asset", "_get_asset_paths", "assets", 6, 0, 6, 0, 0.0, 1205197, 428097, 0.137)
    ]


def test_one_that_was_stopped() -> None:
    lines = [
        HEAD.format(pid=7, db="?") + text
        for text in ("Processing database p (1/1)", "Stopping logging ORM cache stats")
    ]
    (found,) = parse_statistics(lines)
    assert (found.complete, found.stopped, found.rows) == (False, True, [])
    (found,) = parse_statistics(lines[:1])
    assert (found.complete, found.stopped) == (False, False)


def test_statistics_without_a_database_and_with_unknown_lines() -> None:
    (found,) = parse_statistics(
        [HEAD.format(pid=7, db="?") + "Caches stats:", "Database <no_db>:", " * a: 1/100", "what?", "Details:", "",
         "Cache Name, Entry, Method", " a, 1, f", "2026-11-24 10:30:21,999 7 INFO ? odoo.http: Database x:"]
    )  # fmt: skip
    assert [(row.database, row.model, row.method, row.entries) for row in found.rows] == [(None, "", "f", 1)]
    assert [(use.database, use.size) for use in found.usage] == [(None, 100)]
    assert found.other == ["what?"]


def journal(name: str) -> list[str]:
    """A log as the journal keeps it, an entry a line."""
    entries, pid = [], ""
    for line in log(name).decode().splitlines():
        pid = line.split()[2] if line.startswith("2026") else pid
        entries += [json.dumps({"MESSAGE": line, "_PID": pid})] if line else []
    return entries


@pytest.mark.parametrize("name", ROWS)
def test_a_journal_says_the_same(name: str) -> None:
    assert {one.pid: one for one in parse_statistics(journal(name))} == read(name)


def collected(text: bytes, pids: t.Iterable[int], *, whole: bool = True) -> dict[int, bytes]:
    collector = StatisticsCollector(pids, whole=whole)
    for line in Lines().feed(text):
        collector.take("", line, 0.0)
    return {pid: raw for pid in pids if (raw := collector.raw(pid)) is not None}


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("whole", [True, False])
def test_they_are_picked_out_of_a_log(name: str, whole: bool) -> None:  # noqa: FBT001
    found = collected(NOISE + log(name) + NOISE, ROWS[name], whole=whole)
    for pid, one in read(name).items():
        assert parse_statistics(found[pid].decode().splitlines()) == [one]
        assert b"something else" not in found[pid]
    assert collected(log(name), [99]) == {}


def test_only_those_of_the_first_signal_are_kept() -> None:
    text = log("19-threaded-usr2")
    assert collected(text + log("19-threaded-usr1"), [112]) == collected(text, [112])


def feed(collector: StatisticsCollector, text: bytes, now: float = 0.0) -> None:
    for line in text.splitlines(keepends=True):
        collector.take("", line, now)


def test_when_they_are_complete() -> None:
    collector = StatisticsCollector([7, 8], whole=True)
    texts = (
        (7, "Processing database p (1/1)"),
        (7, "Caches stats:"),
        (8, "1 entries, 1 hit, 1 miss, 0 err, 5.0% ratio, for a.b"),
    )
    processing, table, line = ((HEAD.format(pid=pid, db="?") + text + "\n").encode() for pid, text in texts)
    feed(collector, processing)
    # It counts, however long that takes.
    assert (collector.begun(7), collector.complete(7, 99.0, 0.1)) == (True, False)
    feed(collector, table + b"Database p:\n", 1.0)
    assert (collector.complete(7, 1.05, 0.1), collector.complete(7, 1.2, 0.1)) == (False, True)
    feed(collector, line, 2.0)
    assert (collector.complete(7, 1.05, 0.1), collector.begun(8)) == (True, True)
    # A record for each method: the next may be late.
    assert (collector.complete(8, 2.3, 0.1), collector.complete(8, 2.6, 0.1)) == (False, True)
    stopped = StatisticsCollector([7], whole=True)
    feed(stopped, processing + processing.replace(b"Processing database p (1/1)", b"Stopping logging ORM cache stats"))
    assert stopped.complete(7, 0.0, 0.1)


_PARTS = [line for name in ("14-prefork-usr1", "19-prefork-usr2") for line in log(name).decode().splitlines()]
_ODD = [
    *(HEAD.format(pid=7, db="p") + text for text in ("Caches stats:", "Processing database", "9" * 400 + " entries")),
    "Cache Name,Entry,Hit,Memory SUM,Method",
    "a,{0},{0},{0},m".format("9" * 5000),
    "a,,,,",
    " * x: 1/0",
    f" * x: 1/{'9' * 400}",
    "Database :",
    '{"MESSAGE": 1}',
]


@given(st.lists(st.one_of(st.sampled_from(_PARTS), st.sampled_from(_ODD), st.text(max_size=60))))
def test_nothing_raises(lines: list[str]) -> None:
    for one in parse_statistics(lines):
        json.dumps(one.told(), allow_nan=False)
    text = "".join(line + "\n" for line in lines).encode("utf-8", "surrogatepass")
    for raw in collected(text, [7, 148, 206], whole=False).values():
        parse_statistics(raw.decode("utf-8", "replace").splitlines())


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.log")), ids=lambda path: path.stem)
def test_whole_statistics_of_every_version_are_not_cut(path: pathlib.Path) -> None:
    assert {one.cut for one in parse_statistics(path.read_text().splitlines())} == {False}


@pytest.mark.parametrize("name", ["19-threaded-usr1", "19-threaded-usr2", "19-two-databases-usr1"])
def test_statistics_of_19_without_their_last_lines_are_cut(name: str) -> None:
    lines = (FOLDER / f"{name}.log").read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if "Caches stats:" in line)
    table = [line for line in lines[first + 1 :] if not line.startswith("20")]
    for count in range(len(table)):
        (found,) = parse_statistics([*lines[:first], lines[first], *table[:count]])
        # A row of no entries is not missed.
        lacking = [line for line in table[count:] if not re.match(r"\s+[a-z.]+,\s+0,", line)]
        assert found.cut is bool(lacking), table[count:]
