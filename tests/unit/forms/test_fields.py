# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records whose values have names, as JSON and key=value have them."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._forms.fields import Named, clock_of, head_line, named
from hypothesis import given
from hypothesis import strategies as st

TEXT = "\n# Thread: <T>"


@pytest.mark.parametrize(
    "entry",
    [
        {"asctime": "2026-11-24 10:30:21,608", "pid": 34, "levelname": "INFO", "dbname": "p19",
         "name": "odoo.tools.misc", "message": TEXT},
        {"@timestamp": "2026-11-24T11:30:21.608+01:00", "process": {"pid": "34"}, "log": {"level": "info",
         "logger": "odoo.tools.misc"}, "message": TEXT, "labels": {"db": "p19"}},
        {"ts": 1795516221.608, "process_id": 34, "severity": "INFO", "database": "p19", "category": "odoo.tools.misc",
         "msg": TEXT},
        {"time": 1795516221608, "odoo_pid": 34, "level": 30, "db_name": "p19", "at": "odoo.tools.misc", "text": TEXT},
    ],
)  # fmt: skip
def test_values_are_found_under_many_names(entry: dict[str, t.Any]) -> None:
    (found,) = named(json.dumps(entry)) or []
    assert found == Named("", TEXT, "odoo.tools.misc", 34, "2026-11-24 10:30:21,608", "INFO", "p19")
    assert head_line(found) == "2026-11-24 10:30:21,608 34 INFO p19 odoo.tools.misc: " + TEXT


@pytest.mark.parametrize(
    "line",
    ["", "text", "{}", "[]", "[1]", '{"a": 1}', "{broken", '{"message": 3}', "a=1 b=2", '{"a":' * 100_000],
)
def test_a_line_without_text_is_not_a_record(line: str) -> None:
    assert named(line) is None


def test_the_name_of_a_container_is_not_a_logger() -> None:
    (found,) = named(json.dumps({"name": "odoo", "log": "# Thread: <T>", "pid": 1})) or []
    assert found.logger is None
    (found,) = named(json.dumps({"MESSAGE": "text", "_PID": "7", "_SYSTEMD_UNIT": "odoo.service"})) or []
    assert (found.logger, found.carrier) == (None, "7")


@pytest.mark.parametrize(
    ("value", "clock"),
    [
        ("2026-11-24T10:30:21Z", "2026-11-24 10:30:21,000"),
        ("2026-11-24 02:30:21.6-0800", "2026-11-24 10:30:21,600"),
        ("1795516221608504000", "2026-11-24 10:30:21,608"),
        ("2026-13-24T10:30:21Z", ""),
        (True, ""),
        (3, ""),
        ("soon", ""),
        (None, ""),
    ],
)
def test_a_moment_in_any_form_is_told_as_odoo_does(value: object, clock: str) -> None:
    assert clock_of(value) == clock


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda one: st.lists(one) | st.dictionaries(
    st.sampled_from(["message", "log", "pid", "time", "name", "values", "x"]), one)))  # fmt: skip
def test_no_document_makes_it_raise(document: object) -> None:
    for record in named(json.dumps(document)) or []:
        head_line(record)
