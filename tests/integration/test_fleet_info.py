# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the list of servers, and the groups for later plays and later inventories."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import time

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import KINDS, ROOT, Fleet, lab

HOSTS = ",".join(KINDS)


def test_groups_of_this_run_and_of_the_fact_cache(
    fleet: Fleet, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_CACHE_PLUGIN", "ansible.builtin.jsonfile")
    monkeypatch.setenv("ANSIBLE_CACHE_PLUGIN_CONNECTION", str(tmp_path / "facts"))
    fleet.run("t19", "touch", "/opt/lab/addons/lab_slow/__init__.py")
    # Another file of tests may have left the other one stale.
    stale = {host for host in ("t19", "t14") if fleet.master(host)["stale"]}
    book = tmp_path / "book.yml"
    book.write_text(
        "- import_playbook: fleetops.odoo.fleet_info\n"
        "- hosts: odoo_stale:&odoo_threaded\n  gather_facts: false\n  tasks: [debug: {msg: 'stale here'}]\n",
        encoding="utf-8",
    )
    values = {"fleet_info_hosts": HOSTS, "fleet_info_report_dir": str(tmp_path / "report")}
    done = fleet.playbook(str(book), "-e", json.dumps(values))
    assert done.returncode == 0, done.stdout
    assert set(re.findall(r"ok: \[(\w+)\] =>\s+msg: stale here", done.stdout)) == stale
    assert "t19" in stale
    assert re.search(r"- t19 +odoo\.service +19\.0 +threaded +- +t19 +running +reload +systemd", done.stdout)
    assert re.search(r"- p14 +odoo\.service +14\.0 +prefork +2 http\+1 cron\+1 gevent +p14 +running", done.stdout)
    assert done.stdout.count("changed=0") == len(KINDS)
    written = json.loads((tmp_path / "report" / "fleet_info.json").read_text(encoding="utf-8"))
    assert written["hosts"]["t19"]["servers"][0]["stale"] is True
    # The example of an inventory over what was kept makes the same groups, in another run.
    inventory = tmp_path / "inventory"
    inventory.mkdir()
    (inventory / "01-lab.yml").symlink_to(fleet.inventory)
    (inventory / "02-odoo-state.yml").symlink_to(ROOT / "docs/awx-project/inventory/02-odoo-state.yml")
    shown = subprocess.run(
        ["ansible-inventory", "-i", str(inventory), "--list"], check=True, capture_output=True, text=True
    )
    groups = json.loads(shown.stdout)
    assert "t19" in groups["odoo_stale"]["hosts"]
    assert groups["odoo_db_p14"]["hosts"] == ["p14"]
    assert set(groups["odoo_14_0"]["hosts"]) == {"p14", "t14"}


def test_a_host_that_does_not_answer_does_not_lose_the_others(fleet: Fleet) -> None:
    lab(fleet.name, "exec", "t14", "sh", "-c", "systemctl stop ssh.socket ssh.service; pkill -9 sshd; true")
    try:
        done = fleet.playbook("fleet_info", "-e", "fleet_info_hosts=t14,p14")
    finally:
        lab(fleet.name, "exec", "t14", "systemctl", "start", "ssh")
    assert done.returncode == 2, done.stdout
    assert re.search(r"t14: NO ANSWER: .{0,200}(refused|reset|ssh|SSH)", re.sub(r"\s+", " ", done.stdout)), done.stdout
    assert re.search(r"- p14 +odoo\.service", done.stdout)
    assert "[dump.no_answer]" in done.stdout
    assert "[host.unreachable]" in done.stdout


def test_metrics_replace_the_file_before(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    place = tmp_path / "fleetops_odoo.prom"
    place.write_text("old\n", encoding="utf-8")
    old = place.stat().st_ino
    values = json.dumps({"fleet_info_hosts": "p19,t14", "fleet_info_textfile": str(tmp_path)})
    assert fleet.playbook("fleet_info", "--check", "-e", values).returncode == 0
    assert place.read_text(encoding="utf-8") == "old\n"
    assert fleet.module("t14", "roll_lock", id="graceful_drain", kind="drain", ttl=600).code == 0
    try:
        done = fleet.playbook("fleet_info", "-e", values)
    finally:
        fleet.module("t14", "roll_lock", id="graceful_drain", state="absent")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("changed=0") == 2
    assert [path.name for path in tmp_path.iterdir()] == [place.name]
    assert place.stat().st_ino != old
    lines = place.read_text(encoding="utf-8").splitlines()
    assert 'fleetops_odoo_servers{host="p19"} 1' in lines
    assert 'fleetops_odoo_drained{host="p19"} 0' in lines
    assert 'fleetops_odoo_drained{host="t14"} 1' in lines
    assert 'fleetops_odoo_server_workers{host="p19",server="odoo.service",role="http"} 2' in lines
    (loaded,) = (one.split() for one in lines if one.startswith("fleetops_odoo_server_loaded_") and '"p19"' in one)
    assert time.time() - 86400 < float(loaded[1]) < time.time()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"fleet_info_hosts": "oddo"}, "[option.no_hosts]"),
        ({"fleet_info_host": "p19"}, "[option.set_by_role]"),
        ({"fleet_info_report_dir": "here"}, "[option.not_a_path]"),
        ({"fleet_info_textfile": "here"}, "[option.not_a_path]"),
        ({"fleet_info_textfile": "/nowhere/at/all"}, "[option.not_writable]"),
    ],
)
def test_what_cannot_be_done_is_said(fleet: Fleet, values: dict[str, str], message: str) -> None:
    done = fleet.playbook("fleet_info", "-e", json.dumps({"fleet_info_hosts": "p19", **values}))
    assert done.returncode != 0
    assert message in re.sub(r"\s+", " ", done.stdout), done.stdout
