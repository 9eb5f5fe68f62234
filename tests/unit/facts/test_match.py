# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`match`: which of the masters are meant."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.match import KEYS, choose
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from hypothesis import given
from hypothesis import strategies as st

from ..build import failing


def master(pid: int, **fields: t.Any) -> dict[str, t.Any]:
    """A master as master_info returns it, with what `match` may ask for."""
    values: dict[str, t.Any] = {
        "pid": pid,
        "identity": f"{pid}:1000",
        "user": "odoo",
        "supervisor": {"kind": "systemd", "unit": "odoo.service"},
        "config_file": "/etc/odoo/odoo.conf",
        "databases": ["prod", "test"],
        "options": {"http_port": 8069},
        "version": "19.0",
        "mode": "prefork",
    }
    return {**values, **fields}


ONE = master(1)
TWO = master(2, user="shop", databases=[], options={"http_port": 8070}, version=None, mode="threaded")
THREE = master(3, supervisor={"kind": "none", "unit": None}, config_file=None, version="14.0")
ALL = [ONE, TWO, THREE]


def pids(match: dict[str, t.Any]) -> list[int]:
    """Pids of the masters that match."""
    return [chosen["pid"] for chosen in choose(ALL, match)]


@pytest.mark.parametrize(
    ("match", "chosen"),
    [
        ({}, [1, 2, 3]),
        ({"pid": 2}, [2]),
        ({"pid": "2"}, [2]),
        ({"pid": [1, 3]}, [1, 3]),
        ({"user": "shop"}, [2]),
        ({"unit": "odoo.service"}, [1, 2]),
        ({"config_file": "/etc/odoo/odoo.conf"}, [1, 2]),
        ({"database": "test"}, [1, 3]),
        ({"database": ["nothing", "prod"]}, [1, 3]),
        ({"http_port": "8070"}, [2]),
        ({"http_port": 8069, "version": "14.0"}, [3]),
        ({"version": 19.0}, [1]),
        ({"mode": ("threaded", "prefork")}, [1, 2, 3]),
        ({"user": "odoo", "pid": 2}, []),
        ({"database": "pro"}, []),
    ],
)
def test_match(match: dict[str, t.Any], chosen: list[int]) -> None:
    assert pids(match) == chosen


@pytest.mark.parametrize(
    "match",
    [{"port": 1}, {"": 1}, {"user": None}, {"user": []}, {"user": {}}, {"user": ["a", None]}, {"user": [["a"]]}],
)
def test_what_cannot_be_understood_is_an_error_and_not_everything(match: dict[str, t.Any]) -> None:
    with pytest.raises(Refused, match=r"^match\b"):
        choose(ALL, match)


def test_the_error_shows_the_right_keys() -> None:
    with failing("option.unknown_match_key") as caught:
        choose(ALL, {"prot": 1})
    assert all(key in str(caught.value) for key in ("'prot'", *KEYS))


@pytest.mark.parametrize("match", [{"unit": "None"}, {"config_file": "None"}, {"version": "None"}])
def test_the_word_none_matches_nothing(match: dict[str, t.Any]) -> None:
    assert pids(match) == []


SCALARS = st.sampled_from([1, 2, "odoo", "shop", "odoo.service", "prod", 8069, "19.0", "prefork", True])


@given(st.dictionaries(st.sampled_from(KEYS), SCALARS | st.lists(SCALARS, min_size=1)), st.sampled_from(KEYS), SCALARS)
def test_another_condition_never_adds_a_master(match: dict[str, t.Any], key: str, value: object) -> None:
    fewer = {**match, key: value} if key not in match else match
    assert set(pids(fewer)) <= set(pids(match))
