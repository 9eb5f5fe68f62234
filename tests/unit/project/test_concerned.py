# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that `make versions` finds the tests of a version: those that run on its hosts."""

from __future__ import annotations

import pathlib
import re
import types
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.concerned import hosts_of, uses

INTEGRATION = pathlib.Path(__file__).parents[2] / "integration"
BOTH = ("p19", "p14")


def helper(host: str = "t14") -> list[str]:
    """Use a constant of the module."""
    return [host, *BOTH]


def direct() -> tuple[str, ...]:
    """Name a host."""
    return ("p19", "not p14")


def nested() -> t.Any:
    """Name a host in an inner function."""
    return lambda: "t14"


def through() -> t.Any:
    """Call a function that uses a constant."""
    return helper()


@pytest.mark.parametrize(
    ("function", "hosts"), [(direct, {"p19"}), (nested, {"t14"}), (helper, {"p19", "p14"}), (through, {"p19", "p14"})]
)
def test_the_hosts_of_a_function(function: types.FunctionType, hosts: set[str]) -> None:
    assert hosts_of(function) == hosts


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, True),
        ({"host": "p19"}, False),
        ({"host": "t14"}, True),
        ({"host": "journal"}, False),
        ({"hosts": ["t19", "p14"]}, True),
        ({"n": 1}, True),
    ],
)
def test_parameters_tell_the_host_before_the_code_does(parameters: dict[str, t.Any], *, expected: bool) -> None:
    assert uses(through, parameters, "14") is expected  # type: ignore[arg-type]


def test_marks_of_a_file_stand_in_one_place() -> None:
    """A second pytestmark takes the first one away: test_workers.py was left out of `make versions` by that."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in INTEGRATION.glob("test_*.py")}
    assert [name for name, text in texts.items() if len(re.findall(r"(?m)^pytestmark\b", text)) > 1] == []
