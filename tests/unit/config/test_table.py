# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of Odoo's options."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._config.table import (
    ARGUMENTS_ONLY,
    CHOICES,
    OLD_NAMES,
    VARIABLES,
    all_options,
    own_names,
    words_of_options,
)


@pytest.mark.parametrize("names", [ARGUMENTS_ONLY, CHOICES, OLD_NAMES.values(), VARIABLES])
def test_every_name_is_one_of_the_table(names: list[str]) -> None:
    assert set(names) <= set(all_options())


@pytest.mark.parametrize("version", range(14, 20))
def test_no_version_has_two_options_that_are_written_the_same(version: int) -> None:
    written = [flag.word for one in all_options().values() for flag in one.flags if flag.since <= version <= flag.until]
    assert len(written) == len(set(written))


def test_names_and_words() -> None:
    assert {"workers", "xmlrpc_port", "longpolling_port", "geoip_db", "list_db", "bin_path"} <= own_names()
    assert "c" not in own_names()
    with_value, flags = words_of_options()
    assert (with_value["-c"], with_value["--xmlrpc-port"], flags["--no-http"], flags["-s"]) == (
        "config",
        "http_port",
        "http_enable",
        "save",
    )
    assert (all_options()["gevent_port"].known_to(14), all_options()["longpolling_port"].known_to(19)) == (True, False)
