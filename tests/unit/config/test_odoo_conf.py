# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of odoo.conf: read as configparser does, and shown without secrets."""

from __future__ import annotations

import configparser
import contextlib
import time

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._config.odoo_conf import (
    conf_entries,
    redact_conf,
    section_of_options,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._system.redact import HIDDEN
from hypothesis import given
from hypothesis import strategies as st

SECRET = "Q7zX9w"
NASTY = st.text(st.sampled_from("abc ,;:&'\"()/@=#\\"), max_size=6)
CONF_KEYS = st.sampled_from(["db_password", "admin_passwd", "smtp_password", "stripe_secret_key", "my_addon_key"])
BLANKS = st.sampled_from(["", " ", "\t"])


@given(CONF_KEYS, BLANKS, st.sampled_from("=:"), BLANKS, NASTY, st.integers(0, 3))
def test_a_secret_of_odoo_conf_however_it_is_written(
    key: str, before: str, sign: str, after: str, nasty: str, goes_on: int
) -> None:
    more = "".join(f"\n  {SECRET}{number}" for number in range(goes_on))
    text = f"[options]\n{key}{before}{sign}{after}{nasty}{SECRET}{more}\nworkers = 4\n# was {SECRET}\n"
    shown = redact_conf(text, {"workers"})
    assert SECRET not in shown
    assert "workers = 4" in shown
    assert key in shown
    assert SECRET in "".join(entry.value for entry in conf_entries(text) if entry.key == key)


@given(st.text(max_size=200))
def test_no_odoo_conf_raises(text: str) -> None:
    redact_conf(text, set())


def test_what_is_not_odoos_own_shows_its_name_only() -> None:
    text = "[options]\nworkers = 4\nlogfile = /x.log\nsomething = abc\nlimit = 12\n"
    text += "[queue_job]\nchannels = root:4\nwhat is this\n"
    assert redact_conf(text, {"workers", "logfile"}).splitlines() == [
        "[options]",
        "workers = 4",
        "logfile = /x.log",
        f"something = {HIDDEN}",
        "limit = 12",
        "[queue_job]",
        f"channels = {HIDDEN}",
        HIDDEN,
    ]


@pytest.mark.parametrize("text", ["workers = 1\n", "[options]\nworkers\n", "[options]\na=1\na=2\n", "[options\n"])
def test_what_odoo_would_not_read_is_an_error(text: str) -> None:
    with pytest.raises(configparser.Error):
        section_of_options(text)


def test_a_long_line_costs_no_more_than_its_length() -> None:
    begun = time.process_time()
    with contextlib.suppress(configparser.Error):
        section_of_options("[options]\na" + " " * 4000 + "b\n")
    assert time.process_time() - begun < 0.05


@pytest.mark.parametrize("line", ["x\n", "x" * 48 + "\n", "x" * 127 + "\n", " y\n", "\n", "a\r\n"])
def test_a_megabyte_that_is_not_a_configuration_is_refused_at_once(line: str) -> None:
    text = "[options]\n" + line * ((1 << 20) // len(line))
    begun = time.process_time()
    with contextlib.suppress(configparser.Error):
        section_of_options(text)
    assert time.process_time() - begun < 5


LINES = st.sampled_from(
    [
        "[options]",
        "[other]",
        "a = 1",
        "b : 2",
        "c=",
        " more",
        "\tmore = 3",
        "# no",
        "; no",
        "",
        "A = 4",
        "x y=5",
        "d = e = f",
    ]
)


@given(st.lists(LINES, max_size=8).map("\n".join))
def test_the_lines_are_those_that_configparser_reads(text: str) -> None:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    found: dict[str, list[str]] = {}
    section = ""
    for entry in conf_entries(text):
        if entry.key is None:
            section = entry.head
        else:
            found.setdefault(section + entry.key, []).append(entry.value)
    expected = {f"[{name}]{key}": value for name in parser.sections() for key, value in parser.items(name)}
    assert {key: [line for line in value if line] for key, value in found.items()} == {
        key: [line.strip() for line in value.splitlines() if line.strip()] for key, value in expected.items()
    }
