# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stacks of all samples for the flame graph."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.filter.explain_logs import explain_logs
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack import Frame, Stack
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.flame import flame
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.place import place_of
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.work import Server, Work


def test_samples_of_planted_dumps_are_numbered_and_complete(planted: pathlib.Path) -> None:
    report = explain_logs(str(planted / "lock" / "p19.log"))
    found = report["flame"]
    assert sum(sample[-1] for sample in found["samples"]) == sum(one["count"] for one in report["stacks"]) == 9
    stack, host, database, path, _count = found["samples"][0]
    assert found["hosts"][host] == "p19.log"
    assert found["databases"][database] == "p19"
    assert found["paths"][path].startswith("/lab/lock/")
    assert [found["frames"][frame] for frame in found["stacks"][stack]] in [one["frames"] for one in report["stacks"]]
    assert len(found["frame_modules"]) == len(found["frames"]) == len(set(found["frames"]))
    assert "lab_slow" in found["modules"]
    assert found["left_out"] == 0


SERVER = Server("h1", "h1", "", "", {}, [], 1, [])


def work(*lines: int, **fields: t.Any) -> Work:
    """Return a request that was seen at these lines of shop/models/cart.py, one sample each."""
    values: dict[str, t.Any] = {"database": "p19", "url": "http://web1/shop/cart?id=7#top", "jobs": [], **fields}
    places = [place_of(Stack("<T>", frames=(Frame("/srv/addons/shop/models/cart.py", line, "pay"),))) for line in lines]
    return Work(
        values.pop("server", SERVER),
        7,
        "<T>",
        "http",
        values["database"],
        None,
        values["url"],
        values["jobs"],
        None,
        [],
        places,
    )


def test_a_stack_of_two_hosts_is_one_stack_with_two_samples() -> None:
    other = dataclasses.replace(SERVER, host="h2")
    found = flame([work(1, 1), work(1, server=other)])
    assert (found["stacks"], found["hosts"]) == ([[0]], ["h1", "h2"])
    assert found["samples"] == [[0, 0, 0, 0, 2], [0, 1, 0, 0, 1]]
    assert (found["frames"], found["modules"], found["frame_modules"]) == (["shop/models/cart.py:1 pay"], ["shop"], [0])


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({}, "/shop/cart"),
        ({"url": "http://web1"}, "/"),
        ({"url": "http://web1?x=1"}, "/"),
        ({"url": None, "jobs": ["A", "B"]}, "A or B"),
        ({"url": None}, ""),
    ],
)
def test_a_sample_is_filed_under_its_path_or_its_jobs(fields: dict[str, t.Any], path: str) -> None:
    assert flame([work(1, **fields)])["paths"] == [path]


def test_work_of_an_unknown_database_is_filed_under_no_name() -> None:
    assert flame([work(1, database=None)])["databases"] == [""]


def test_stacks_beyond_the_limit_are_counted_and_the_rarest_are_left_out() -> None:
    found = flame([work(*range(1, 2006)), work(*range(1, 2001))])
    assert (len(found["stacks"]), found["left_out"]) == (2000, 5)
    assert sum(sample[-1] for sample in found["samples"]) == 4000


def test_a_frame_of_no_module_has_none_unless_its_directory_is_given() -> None:
    one = work(1)
    one.places = [place_of(Stack("<T>", frames=(Frame("/opt/custom/shop/lib/a.py", 1, "f"),)))]
    assert flame([one])["frame_modules"] == [None]
    assert flame([one], ["/opt/custom"])["modules"] == ["shop"]


def test_without_work_everything_is_empty() -> None:
    found = flame([])
    assert found.pop("left_out") == 0
    assert set(map(len, found.values())) == {0}
