# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Templates and commands of a terminal in arguments, paths, names of databases and logs: they stay text.

Run it also with the oldest and the newest ansible-core first in PATH. Pages with such names: tests/page.
"""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet

from .conftest import THIRD, attack

#: 7777 * 7777 would be 60481729. The terminal would get a title and another colour.
EVIL = "{{7777*7777}}\x1b]0;taken\x07\x1b[31m\x9b31m\u202e"
OPTIONS = (
    "--no-http",
    "--workers",
    "2",
    "--database",
    EVIL,
    "--config",
    f"/tmp/{EVIL}.conf",
    "--logfile",
    f"/tmp/{EVIL}.log",
)
EVALUATED, COMMANDS = "60481729", ("\x1b", "\x07", "\x9b", "\u202e")


def harmless(output: str) -> None:
    """Check that an output has the text, and neither its value nor a control character."""
    assert "{{7777*7777}}" in output, output
    assert EVALUATED not in output
    assert not [one for one in COMMANDS if one in output], repr(output)


@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("master_info", {}),
        ("evidence", {"timeout": 1}),
        ("reload", {"policy": "always"}),
        ("reload", {"match": {"pid": "1"}}),
        ("drain", {"state": "drained", "timeout": 2}),
    ],
)
def test_modules_show_hostile_texts_as_text(fleet: Fleet, module: str, options: dict[str, object]) -> None:
    line = f"2026-11-30 20:00:00,000 1 ERROR {EVIL} odoo: {EVIL}"
    fleet.run("many", "runuser", "-u", THIRD, "--", "sh", "-c", f"echo '{line}' > '/tmp/{EVIL}.log'")
    with attack(fleet, "many", THIRD, "catches_signals.py", *OPTIONS) as (forged,):
        given = {"match": {"pid": str(forged)}, **options}
        harmless(fleet.module("many", module, **given).output)


def test_playbooks_show_hostile_texts_as_text(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    with attack(fleet, "many", THIRD, "catches_signals.py", *OPTIONS):
        for name in ("fleet_info", "cache_report"):
            done = fleet.playbook(name, "-l", "many", "-e", f"{name}_report_dir={tmp_path}")
            assert EVALUATED not in done.stdout
            assert not [one for one in COMMANDS if one in done.stdout], repr(done.stdout)
