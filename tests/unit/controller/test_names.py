# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the names of a list that may be a text."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.filter.names import FilterModule
from ansible_collections.fleetops.odoo.plugins.plugin_utils.names import some_of


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("", []),
        (" , ", []),
        (None, []),
        ("None", []),
        (["null", None], []),
        ([], []),
        ("lb1", ["lb1"]),
        ("lb1, lb2,,lb3 ", ["lb1", "lb2", "lb3"]),
        (["lb1", " lb2 "], ["lb1", "lb2"]),
        (["lb1,lb2", ["lb3", ["lb4"]]], ["lb1", "lb2", "lb3", "lb4"]),
        (("lb1", 7), ["lb1", "7"]),
        (7, ["7"]),
        ("[2001:db8::1]:8069,h1", ["[2001:db8::1]:8069", "h1"]),
    ],
)
def test_a_list_or_a_text_becomes_a_list_of_names(given: t.Any, found: list[str]) -> None:
    assert FilterModule().filters()["names"](given) == found


@pytest.mark.parametrize(
    ("every", "sentence"), [([], ""), (["a"], "a"), (["a", "b"], "a, b"), (["a", "b", "c", "d"], "a, b and 2 more")]
)
def test_a_sentence_names_the_first_ones(every: list[str], sentence: str) -> None:
    assert some_of(every, 2) == sentence
