# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test sizes of batches: accepted ones are safe for the keyword serial."""

from __future__ import annotations

import contextlib
import json
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible.utils.helpers import pct_to_int
from ansible_collections.fleetops.odoo.plugins.filter.batches import FilterModule
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.batches import parse_batches
from hypothesis import example, given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("value", "sizes"),
    [
        (1, ["1"]),
        ("1", ["1"]),
        (" 2 ", ["2"]),
        ("25%", ["25%"]),
        ("100%", ["100%"]),
        ("007", ["7"]),
        ("1,25%,50%", ["1", "25%", "50%"]),
        ("1, 25% ,50%", ["1", "25%", "50%"]),
        ("1 2 3", ["1", "2", "3"]),
        ([1, "25%"], ["1", "25%"]),
        ((1, 2), ["1", "2"]),
        ("[1, 2]", ["1", "2"]),
        ('["1", "50%"]', ["1", "50%"]),
        ("['1', '50%']", ["1", "50%"]),
        ("1,", ["1"]),
    ],
)
def test_what_people_write(value: object, sizes: list[str]) -> None:
    assert parse_batches(value) == sizes


WRONG = [
    "",
    " ",
    ",",
    [],
    "[]",
    0,
    "0",
    "0%",
    "00",
    -1,
    "-1",
    "150%",
    "101%",
    "1.5",
    1.5,
    "50 %",
    "%",
    "all",
    None,
    True,
    False,
    {},
    {"1": 2},
    [[1]],
    [1, 0],
    ["1", None],
    [True],
    "[true]",
    "[1, [2]]",
    '{"a": 1}',
    "1;2",
    "1%%",
]


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_a_value_that_is_not_a_size_is_refused(value: object) -> None:
    with pytest.raises(Refused) as caught:
        parse_batches(value)
    assert (caught.value.code, caught.value.problem.values["option"]) == ("option.bad_batches", "batches")


def batches_of(sizes: list[str], hosts: int) -> list[int]:
    """Cut hosts into batches as ansible-core's strategy does (`_get_serialized_batches` of the playbook executor)."""
    left, cut, at = hosts, [], 0
    while left > 0:
        size = pct_to_int(sizes[at], hosts)
        if size <= 0:
            cut.append(left)
            break
        cut.append(min(size, left))
        left -= size
        at = min(at + 1, len(sizes) - 1)
    return cut


ONES = (
    st.integers(-5, 10**6)
    | st.integers(-5, 200).map(lambda n: f"{n}%")
    | st.text("0123456789%, -[]'\".+e٣", max_size=6)
    | st.none()
    | st.booleans()
    | st.floats()
)
VALUES = ONES | st.lists(ONES, max_size=4) | st.lists(ONES.map(str), max_size=4).map(",".join) | st.text(max_size=10)
JSONS = st.lists(st.integers(-2, 150) | st.text("0123456789%", max_size=4), max_size=4).map(json.dumps)


@given(VALUES | JSONS, st.integers(1, 500))
@example("٣", 5)
def test_accepted_sizes_are_safe_for_serial(value: t.Any, hosts: int) -> None:
    with contextlib.suppress(Refused):
        sizes = parse_batches(value)
        assert sizes
        assert all(isinstance(size, str) for size in sizes)
        cut = batches_of(sizes, hosts)
        assert sum(cut) == hosts
        first = sizes[0]
        # Never all hosts at once, unless exactly that was written.
        assert len(cut) > 1 or hosts == 1 or pct_to_int(first, hosts) >= hosts
        assert parse_batches(sizes) == sizes
        assert parse_batches(",".join(sizes)) == sizes


def test_the_filter() -> None:
    batches = FilterModule().filters()["batches"]
    assert batches("1,50%") == ["1", "50%"]
    with pytest.raises(AnsibleFilterError, match=r"^batches must be .* \[option\.bad_batches\]$"):
        batches("0")


def test_a_deep_nest_is_refused() -> None:
    with pytest.raises(Refused):
        parse_batches("[" * 100_000)
