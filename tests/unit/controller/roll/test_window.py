# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hours in which a batch may begin."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.window import (
    parse_windows,
    parse_zone,
    within,
)
from hypothesis import given
from hypothesis import strategies as st

BERLIN = parse_zone("Europe/Berlin")


def at(text: str, window: str) -> bool:
    """Return whether a local time in Berlin is within. 2026-11-23 is a Monday."""
    return within(
        parse_windows(window), BERLIN, datetime.datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()
    )


@pytest.mark.parametrize(
    ("moment", "window", "expected"),
    [
        ("2026-11-23T21:59", "22:00-05:00", False),
        ("2026-11-23T22:00", "22:00-05:00", True),
        ("2026-11-24T04:59", "22:00-05:00", True),
        ("2026-11-24T05:00", "22:00-05:00", False),
        ("2026-11-23T12:00", "08:00-18:00", True),
        ("2026-11-23T18:00", "08:00-18:00", False),
        # Friday's night ends on Saturday; Saturday has none of its own.
        ("2026-11-28T03:00", "Mon-Fri 22:00-05:00", True),
        ("2026-11-28T23:00", "Mon-Fri 22:00-05:00", False),
        ("2026-11-29T03:00", "Mon-Fri 22:00-05:00", False),
        ("2026-11-29T03:00", "Mon-Fri 22:00-05:00, Sun 00:00-24:00", True),
        # Across the end of the week.
        ("2026-11-23T12:00", "Sat-Mon 08:00-18:00", True),
        ("2026-11-24T12:00", "Sat-Mon 08:00-18:00", False),
        ("2026-11-24T12:00", "", True),
        # The same hour twice: all day long.
        ("2026-11-24T12:00", "00:00-00:00", True),
    ],
)
def test_within(moment: str, window: str, expected: bool) -> None:  # noqa: FBT001
    assert at(moment, window) is expected


@pytest.mark.parametrize(
    "text", ["22-05", "22:00", "25:00-05:00", "Foo 22:00-05:00", "22:60-23:00", "24:30-25:00", "x"]
)
def test_what_names_no_hours_is_refused(text: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_windows(text)
    assert caught.value.code == "option.bad_window"


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        parse_zone("Mars/Base")
    assert caught.value.code == "option.unknown_timezone"


@given(st.text(max_size=30))
def test_any_text_is_hours_or_refused(text: str) -> None:
    try:
        windows = parse_windows(text)
    except Refused:
        return
    within(windows, BERLIN, 0)
