# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which hosts are in which batch."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.batches import parse_batches
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.plan import Places, cut, ordered, parse_budget
from hypothesis import given
from hypothesis import strategies as st

HOSTS = [f"h{number}" for number in range(10)]


@pytest.mark.parametrize(
    ("sizes", "total", "expected"),
    [
        ("1", 10, [1] * 10),
        ("1,25%,50%", 10, [1, 2, 5, 2]),
        ("4", 10, [4, 4, 2]),
        ("100%", 10, [10]),
        # A part of the whole fleet, although most of it is up to date.
        ("25%", 40, [10]),
        ("1%", 10, [1] * 10),
    ],
)
def test_sizes(sizes: str, total: int, expected: list[int]) -> None:
    assert [len(batch) for batch in cut(HOSTS, parse_batches(sizes), total, {})] == expected


def test_hosts_of_one_database_are_apart() -> None:
    keys = {"h0": ["shop"], "h1": ["shop"], "h2": ["erp"], "h3": ["shop", "erp"], "h4": []}
    assert cut(HOSTS[:5], ["3"], 5, keys) == [["h0", "h2", "h4"], ["h1"], ["h3"]]


def test_an_instance_is_not_restarted_on_two_hosts_at_once() -> None:
    names = ["a-shop", "a-erp", "b-shop", "b-erp"]
    keys = {name: [("instance", name[2:])] for name in names}
    places = Places({name: name[0] for name in names})
    assert cut(names, ["100%"], 4, keys, places) == [["a-shop", "b-erp"], ["a-erp", "b-shop"]]


def test_names_of_one_host_follow_each_other() -> None:
    of = {"a-shop": "a", "a-erp": "a", "a-wiki": "a", "b-shop": "b", "b-erp": "b"}
    names = [*of, "c"]
    assert cut(names, ["2"], 6, {}, Places(of)) == [["a-shop", "b-shop"], ["a-erp", "b-erp"], ["a-wiki", "c"]]
    assert cut(names, ["100%"], 6, {}, Places(of)) == [["a-shop", "b-shop", "c"], ["a-erp", "b-erp"], ["a-wiki"]]
    assert cut(names, ["100%"], 6, {}, Places(of, 2)) == [["a-shop", "a-erp", "b-shop", "b-erp", "c"], ["a-wiki"]]
    assert cut(names, ["100%"], 6, {}) == [names]


@given(
    st.lists(st.integers(0, 30), unique=True).map(lambda numbers: [f"h{n}" for n in numbers]),
    st.sampled_from(["1", "2,3", "25%", "1,50%", "100%"]),
    st.dictionaries(st.integers(0, 30).map(lambda n: f"h{n}"), st.sets(st.sampled_from("abc"))),
)
def test_every_host_is_in_one_batch_and_none_is_too_large(hosts: list[str], sizes: str, keys: dict[str, t.Any]) -> None:
    parsed = parse_batches(sizes)
    batches = cut(hosts, parsed, len(hosts), keys)
    assert sorted(host for batch in batches for host in batch) == sorted(hosts)
    for number, batch in enumerate(batches):
        text = parsed[min(number, len(parsed) - 1)]
        size = max(1, len(hosts) * int(text[:-1]) // 100) if text.endswith("%") else int(text)
        assert 1 <= len(batch) <= size
        shared = [key for host in batch for key in keys.get(host, ())]
        assert len(shared) == len(set(shared))


def test_orders() -> None:
    hosts = ["b", "c", "a"]
    assert ordered(hosts, "inventory") == ordered(hosts, "apart") == ["b", "c", "a"]
    assert ordered(hosts, "reverse_inventory") == ["a", "c", "b"]
    assert ordered(hosts, "sorted") == ["a", "b", "c"]
    assert ordered(hosts, "reverse_sorted") == ["c", "b", "a"]
    assert sorted(ordered(hosts, "shuffle")) == ["a", "b", "c"]
    with pytest.raises(Refused) as caught:
        ordered(hosts, "random")
    assert caught.value.code == "option.not_a_choice"


@pytest.mark.parametrize(("value", "expected"), [(0, 0), ("0", 0), (2, 2), ("10%", 1), ("9%", 0), ("100%", 10)])
def test_budget(value: t.Any, expected: int) -> None:
    assert parse_budget(value, 10) == expected


@pytest.mark.parametrize("value", [-1, "-1", "150%", "", None, True, 1.5, "a", [], "٣"])
def test_a_value_that_is_not_a_budget_is_refused(value: t.Any) -> None:
    with pytest.raises(Refused) as caught:
        parse_budget(value, 10)
    assert (caught.value.code, caught.value.problem.values["option"]) == ("option.bad_budget", "budget")
