# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first lines of records that other formatters write; whole logs of them are in captures/logs."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._forms.heads import odd_head


@pytest.mark.parametrize(
    ("line", "logger", "pid", "level", "text"),
    [
        ("INFO:odoo.http:GET /", "odoo.http", 0, "INFO", "GET /"),
        ("2026-11-24 10:30:22,608 [33] WARNING  odoo.http: slow", "odoo.http", 33, "WARNING", "slow"),
        ("2026-11-24 10:30:22,608 [33-MainThread] INFO odoo.http - 26 loaded", "odoo.http", 33, "INFO", "26 loaded"),
        ("2026-11-24 10:30:22 | INFO | werkzeug:log:97 - GET /", "werkzeug", 0, "INFO", "log:97 - GET /"),
        ("I1124 10:30:22.111000      33 misc.py:926] odoo.http GET /", "odoo.http", 33, "INFO", "GET /"),
        ("2026-11-24 10:30:22 odoo.tools.misc.dumpstacks() line 926: ", "odoo.tools.misc", 0, "INFO", ""),
        ("2026-11-24 10:30:22 odoo.tools.misc pid=33 level=info", "odoo.tools.misc", 33, "INFO", ""),
        ("INFO odoo.tools.misc: some text", "odoo.tools.misc", 0, "INFO", "some text"),
        ("10:30:22 INFO odoo.tools.cache [-] Caches stats:", "odoo.tools.cache", 0, "INFO", "Caches stats:"),
        ("10:30:22 INFO ? odoo: Odoo version 19.0", "odoo", 0, "INFO", "Odoo version 19.0"),
    ],
)
def test_logger_pid_level_and_text_are_found(line: str, logger: str, pid: int, level: str, text: str) -> None:
    found = odd_head(line)
    assert found is not None
    assert (found[1].logger, found[1].pid, found[1].level, found[1].text) == (logger, pid, level, text)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "  INFO odoo.http",
        "# Thread: odoo.http INFO",
        'File: "odoo.http", line 1, in INFO',
        "odoo.exceptions.UserError: no",
        "Nov 24 10:30:22 p19 systemd[1]: odoo.service: INFO",
        "<e><l>INFO</l><n>odoo.http</n></e>",
        "1;odoo.addons.base;information;x;y",
        "odoo.http|INFO|GET /",
        "10:30:22 INFO x.odoo.http: y",
        "10:30:22 INFO /opt/odoo.http: y",
    ],
)
def test_a_line_without_columns_is_left(line: str) -> None:
    assert odd_head(line) is None
