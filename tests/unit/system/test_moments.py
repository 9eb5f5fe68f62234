# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moments as users write them."""

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.results import iso
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from ansible_collections.fleetops.odoo.plugins.module_utils._system.moments import parse_moment
from hypothesis import example, given
from hypothesis import strategies as st

from ..build import failing


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("1796000000", 1796000000.0),
        (" 1796000000.25 ", 1796000000.25),
        ("1970-01-01T00:01:00Z", 60.0),
        ("1970-01-01T00:01:00z", 60.0),
        ("1970-01-01T01:01:00+01:00", 60.0),
        ("1970-01-01 00:01:00.500+00:00", 60.5),
        ("1969-12-31T23:59:59Z", -1.0),
    ],
)
def test_moments(text: str, seconds: float) -> None:
    assert parse_moment(text) == seconds


@pytest.mark.parametrize("text", ["", "yesterday", "-5", "1e9", "nan", "inf", "2026-13-01T00:00:00Z", "12:00", "0x10"])
def test_a_text_that_is_not_a_time_is_refused(text: str) -> None:
    with failing("option.not_a_moment", Refused):
        parse_moment(text)


@pytest.mark.parametrize("text", ["2026-11-24T05:00:00", "2026-11-24", "2026-11-24 05:00"])
def test_a_time_without_an_offset_is_refused(text: str) -> None:
    with failing("option.not_a_moment", Refused):
        parse_moment(text)


@given(st.floats(0, 4e9))
def test_what_we_print_we_can_read(seconds: float) -> None:
    assert parse_moment(iso(seconds)) == pytest.approx(seconds, abs=0.002)


@given(st.text() | st.datetimes().map(lambda moment: moment.isoformat() + "Z"))
@example("9" * 400)
def test_no_text_raises_anything_else(text: str) -> None:
    with contextlib.suppress(Refused):
        assert isinstance(parse_moment(text), float)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "1969-12-31T23:59:59Z", "2026-11-24T05:00:00+14:00"])
def test_every_moment_that_passes_can_be_told(text: str) -> None:
    with contextlib.suppress(Refused):
        iso(parse_moment(text))
