# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cache statistics of a fleet put together, and their lines for a terminal."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.fleetops.odoo.plugins.filter.merge_caches import merge_caches
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.statistics import (
    CacheUsage,
)
from ansible_collections.fleetops.odoo.plugins.plugin_utils.caches import merge
from hypothesis import given
from hypothesis import strategies as st

from .cache_parts import captured, part, process, row


def test_workers_and_hosts_are_added_up() -> None:
    report = merge(
        [
            part("a", process(row(entries=1, hits=9, misses=1, memory=100, seconds=0.1)), process(row(hits=1))),
            part("b", process(row(entries=2, hits=6, misses=3, errors=0, seconds=0.2))),
        ]
    )
    (found,) = report["caches"]
    assert (found["entries"], found["hits"], found["misses"], found["lookups"]) == (3, 16, 4, 20)
    assert (found["ratio"], found["memory"], found["seconds"], found["processes"]) == (80.0, 100, 0.3, 3)
    assert (found["hosts"], found["cost"], found["fill"]) == (["a", "b"], 0.8, None)
    assert (report["hosts"], report["servers"], report["processes"], report["schema"]) == (["a", "b"], 2, 3, 1)


def test_versions_databases_and_methods_stay_apart() -> None:
    report = merge([part("a", process(row("f"), row("g"))), part("b", process(row("f")), version="14.0")])
    assert sorted((one["version"], one["method"]) for one in report["caches"]) == [
        ("14.0", "f"),
        ("19.0", "f"),
        ("19.0", "g"),
    ]


@pytest.mark.parametrize(("mode", "counted"), [("prefork", 1), ("threaded", 2)])
def test_the_master_of_a_prefork_server_does_not_count(mode: str, counted: int) -> None:
    report = merge([part("a", process(row(), role="master"), process(row()), mode=mode)])
    assert (report["processes"], report["caches"][0]["processes"]) == (counted, counted)


def test_the_most_costly_comes_first() -> None:
    rows = {
        "never": row("never", hits=0, misses=100),
        "often": row("often", hits=9900, misses=100),
        "small": row("small", hits=0, misses=3),
        "errors": row("errors", hits=100, misses=0, errors=100),
    }
    report = merge([part("a", process(*rows.values()))])
    assert [(one["method"], one["cost"]) for one in report["caches"]] == [
        ("never", 100.0),
        ("errors", 50.0),
        ("small", 3.0),
        ("often", 1.0),
    ]
    assert report["worst"][0] == "m.never of p (Odoo 19.0): 100 of 100 lookups missed in 1 process"


def test_a_full_cache_costs_twice() -> None:
    full, free = CacheUsage("p", "default", 950, 1000), CacheUsage("p", "assets", 1, 1000)
    report = merge([part("a", process(row("f", misses=9), row("g", misses=10, cache="assets"), usage=[full, free]))])
    first, second = report["caches"]
    assert (first["method"], first["fill"], first["full"], first["cost"]) == ("f", 0.95, True, 18.0)
    assert (second["method"], second["fill"], second["full"], second["cost"]) == ("g", 0.001, False, 10.0)
    assert report["worst"][0].endswith("in 1 process, its cache default is full")


def test_14_has_one_cache_for_all_methods() -> None:
    rows = [row("f", cache=None, entries=4096, misses=1), row("g", cache=None, entries=4000)]
    assert {one["fill"] for one in merge([part("a", process(*rows), version="14.0")])["caches"]} == {0.988}
    assert {one["fill"] for one in merge([part("a", process(*rows), version="16.0")])["caches"]} == {None}


numbers = st.integers(0, 10**6)
rows = st.builds(
    row,
    st.sampled_from("fgh"),
    entries=numbers,
    hits=numbers,
    misses=numbers,
    errors=numbers,
    memory=st.none() | numbers,
)
parts = st.lists(st.builds(part, st.sampled_from("abc"), st.builds(process, rows, rows)), max_size=6)


@given(parts, st.integers(0, 6))
def test_it_does_not_matter_in_what_steps_it_is_put_together(found: list[dict[str, t.Any]], cut: int) -> None:
    assert merge([merge(found[:cut]), merge(found[cut:])]) == merge(found)
    json.dumps(merge(found), allow_nan=False)


def test_what_a_terminal_shows() -> None:
    report = merge_caches(
        [
            part("p19", *captured("19-prefork-usr2")),
            part("p14", *captured("14-prefork-usr1"), version="14.0"),
        ],
        top=3,
    )
    head, empty, titles, *table, more = report["lines"]
    assert head == "caches of 8 processes of 2 servers on 2 hosts, the most costly first"
    assert (empty, titles) == ("", "cost  misses  hit %  full %  procs  cache")
    assert table == [
        "45.0      45    0.0       1      2  ir.ui.view._read_template (p14 14.0)",
        "20.9      45   53.6       1      2  ir.qweb.compile (p14 14.0)",
        "6.0        6    0.0       1      1  ir.qweb._get_asset_content (p14 14.0)",
    ]
    assert more == "... and 23 more"
    assert len(report["worst"]) == 3
    assert merge_caches([])["lines"][0].endswith("no cache has an entry")


@pytest.mark.parametrize("given", ["x", [1], [{"host": "a"}], [{"host": "a", "results": [{}]}], {"a": 1}])
def test_a_value_that_is_not_statistics_is_refused(given: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match=r"\[dump\.not_statistics\]$"):
        merge_caches(given)
