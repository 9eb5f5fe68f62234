# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of 10 MB in the log of a real server, while modules read that log: they end in time, with bounded memory."""

from __future__ import annotations

import pathlib
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet

from .conftest import SERVICE, attack, send_file
from .test_many_files import MEASURED

LOG = "/var/log/odoo/prod.log"
MATCH = {"unit": "odoo@prod.service"}


@pytest.fixture
def flooded(fleet: Fleet) -> t.Iterator[None]:
    """Write such lines into the log while the test runs."""
    send_file(fleet, "many", MEASURED, "/root/python3")
    try:
        with attack(fleet, "many", SERVICE, "long_lines.py", LOG):
            yield
    finally:
        # As a rotation that copies does.
        fleet.run("many", "sh", "-c", f": > {LOG}; rm -f /root/python3 /root/used")


@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("stack_dump", {"sample_timeout": 3}),
        ("cache_stats", {"timeout": 10}),
        ("evidence", {"timeout": 5}),
        ("reload", {"policy": "always", "timeout": 60}),
    ],
)
@pytest.mark.usefixtures("flooded")
def test_lines_of_10_mb_hold_no_module(fleet: Fleet, module: str, options: dict[str, object]) -> None:
    begun = time.monotonic()
    python = ("-e", "ansible_python_interpreter=/root/python3")
    answer = fleet.module("many", module, *python, match=MATCH, **options)
    assert time.monotonic() - begun < 100, answer.output[-2000:]
    assert "Traceback" not in answer.output
    assert int(fleet.run("many", "cat", "/root/used")) < 300
    assert len(answer.output) < 8_000_000


@pytest.mark.usefixtures("flooded")
def test_lines_of_10_mb_hold_no_diagnostics(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    begun = time.monotonic()
    done = fleet.playbook("diagnostics", "-l", "many", "-e", f"diagnostics_report_dir={tmp_path}")
    assert time.monotonic() - begun < 200
    assert done.returncode in (0, 2), done.stdout
    assert "Traceback" not in done.stdout
    assert list(tmp_path.glob("*.tar.gz")), done.stdout
