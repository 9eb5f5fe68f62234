# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numbers of seconds: which are refused, and by which sentence."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._module.numbers import MOST_SECONDS, bad_span, bad_timeout


@pytest.mark.parametrize(
    ("seconds", "sentence"),
    [
        (float("inf"), "timeout must be a finite number of seconds, got inf"),
        (float("nan"), "timeout must be a finite number of seconds, got nan"),
        (1e300, "timeout must be at most 1000000 seconds, got 1e+300"),
        (0.0, "timeout must be greater than 0 seconds, got 0.0"),
        (-1.0, "timeout must be greater than 0 seconds, got -1.0"),
    ],
)
def test_a_bad_time_limit_is_named_with_what_it_must_be(seconds: float, sentence: str) -> None:
    problem = bad_timeout("timeout", seconds)
    assert problem is not None
    assert problem.text == sentence


def test_a_span_may_be_nothing_and_an_age_may_be_long() -> None:
    assert bad_span("interval", 0.0) is None
    assert bad_timeout("timeout", MOST_SECONDS) is None
    assert bad_span("interval", MOST_SECONDS + 1) is not None
    assert bad_span("older_than", 1e9, float("inf")) is None
    for seconds, code in ((-0.5, "option.negative"), (float("inf"), "option.not_finite")):
        problem = bad_span("older_than", seconds, float("inf"))
        assert problem is not None
        assert problem.code == code
