# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Templates and commands of a terminal in arguments, paths, names of databases and logs: they stay text.

Run it also with the oldest and the newest ansible-core first in PATH. Pages with such names: tests/page.
"""

from __future__ import annotations

import json
import pathlib
import subprocess

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet, address

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


def test_a_cgroup_with_a_hostile_name_is_shown_as_text(fleet: Fleet) -> None:
    # The user of a systemd of its own gives its cgroups any names.
    folder = f"/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/{EVIL}.service"
    with attack(fleet, "many", THIRD, "catches_signals.py", "--no-http", "--workers", "2") as (forged,):
        fleet.run("many", "sh", "-c", 'mkdir -p "$1" && echo "$2" > "$1/cgroup.procs"', "sh", folder, str(forged))
        given = {"match": {"pid": str(forged)}}
        for module, options in (("master_info", {}), ("reload", {"policy": "always"}), ("drain", {"timeout": 2})):
            answer = fleet.module("many", module, **given, **options)
            assert EVALUATED not in answer.output
            assert not [one for one in COMMANDS if one in answer.output], repr(answer.output)
    fleet.run("many", "rmdir", folder, check=False)


@pytest.mark.parametrize("name", ["fleet_info", "doctor", "rolling_restart", "diagnostics"])
def test_playbooks_show_the_banner_of_an_unreachable_host_as_text(
    fleet: Fleet, name: str, tmp_path: pathlib.Path
) -> None:
    conf = "/etc/ssh/sshd_config.d/banner.conf"
    fleet.run("term", "sh", "-c", f'printf %s "$1" > /etc/banner; echo Banner /etc/banner > {conf}', "sh", EVIL)
    fleet.run("term", "systemctl", "reload", "ssh")
    try:
        # The lab has ssh show no banners. A roll shows the first line of ssh, which is that of a new key otherwise.
        known = tmp_path / "known_hosts"
        words = ["ssh-keyscan", "-t", "ed25519", address(fleet.inventory, "term")]
        known.write_text(subprocess.run(words, check=True, capture_output=True, text=True).stdout, encoding="utf-8")
        given = {
            "ansible_user": "unknown",
            "ansible_ssh_args": f"-o LogLevel=INFO -o UserKnownHostsFile={known}",
            **({f"{name}_report_dir": str(tmp_path)} if name in ("fleet_info", "diagnostics") else {}),
        }
        done = fleet.playbook(name, "-l", "term", "-e", json.dumps(given))
    finally:
        fleet.run("term", "sh", "-c", f"rm {conf} /etc/banner; systemctl reload ssh")
    assert done.returncode != 0
    assert "7777*7777" in done.stdout, done.stdout
    assert EVALUATED not in done.stdout, done.stdout
    assert not [one for one in COMMANDS if one in done.stdout], repr(done.stdout)
