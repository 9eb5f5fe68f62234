# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that hiding secrets takes time in proportion to the text, for every text.

The fragments are those for which a search among thousands took longest, before the patterns were linear and after.
"""

from __future__ import annotations

import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._config.odoo_conf import redact_conf
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.known_secrets import _passwords
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres.query import without_literals
from ansible_collections.fleetops.odoo.plugins.module_utils._system.redact import redact_text

PLAIN = "2026-11-29 10:00:00,000 1 INFO shop odoo.http: GET /web/health done in 3 ms\n"
FRAGMENTS = [
    *("://a:", "-://", "://://", "a://b@", "-eyJ", "eyJa:--", "eyJaaaaaaaa.a ", "pass", "passw--token", "--token-"),
    *("--", '"--"', "'--a---", '"-----BEGIN ', "aaaaaaaaaa'a--", "'--aaaaaaaaaa.--", '"pass', "'pass'--", "pass\\t"),
    *(
        "?key=&",
        "?aaaa",
        "bearer ",
        "bearer a",
        "ghp_",
        "-----BEGIN ",
        "pass =",
        "pass' ",
        " ",
        "\t",
        "=",
        "a" * 50,
        "a.",
        "a-",
    ),
]
SQL = ["'", '"', "$$", "$a$", "/*", "1,", "1.", "e'", "e'\\", "?,", "? "]

_SMALL = 1 << 14


def seconds(function: t.Callable[[str], object], fragment: str, size: int) -> float:
    """Return the least of three times that a function takes for a text of so many characters."""
    text = (fragment * (size // len(fragment) + 1))[:size]
    times = []
    for _try in range(3):
        begun = time.process_time()
        function(text)
        times.append(time.process_time() - begun)
    return min(times)


def grows(function: t.Callable[[str], object], fragment: str) -> float:
    """Return how many times as long a text takes that is eight times as long."""
    # Less than a millisecond cannot be measured.
    return seconds(function, fragment, 8 * _SMALL) / max(seconds(function, fragment, _SMALL), 0.001)


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_a_hostile_text_takes_time_in_proportion_to_its_length(fragment: str) -> None:
    # What grows with the square takes 64 times as long. On a busy machine 24 was seen for what is linear.
    assert grows(redact_text, fragment) < 40


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_a_hostile_text_takes_little_more_than_a_log(fragment: str) -> None:
    # This finds a pattern that reads thousands of characters again at each place: it is linear, and slow.
    assert seconds(redact_text, fragment, 4 * _SMALL) < 25 * seconds(redact_text, PLAIN, 4 * _SMALL)


@pytest.mark.parametrize("fragment", SQL)
def test_literals_of_a_hostile_query_take_time_in_proportion(fragment: str) -> None:
    assert grows(without_literals, fragment) < 40


@pytest.mark.parametrize("fragment", ["a ", " ", "a b", "=", ": ", "a = b\n", "\n ", "\n", "[", "a"])
def test_a_hostile_configuration_takes_time_in_proportion(fragment: str) -> None:
    assert grows(lambda text: redact_conf("x" + text + "x", ()), fragment) < 40
    assert grows(lambda text: redact_conf("x" + text + "= x", ()), fragment) < 40


@pytest.mark.parametrize("fragment", ["://", "://a:", "://a:b@", "://a:b@ ", "://a/", "@", "a"])
def test_passwords_in_hostile_addresses_take_time_in_proportion(fragment: str) -> None:
    assert grows(lambda text: list(_passwords(text)), fragment) < 40
