# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host whose server was drained with the module alone, so without the lock of a drain, and what playbooks say."""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

import pytest

from .conftest import Fleet

pytestmark = pytest.mark.thorough

HOSTS = "p19,t19"
BALANCER = {"balancer": "haproxy", "balancer_haproxy_hosts": ["lb"], "balancer_haproxy_servers": ["p19"]}


@pytest.fixture(scope="module")
def drained(fleet: Fleet) -> t.Iterator[str]:
    """The pid of a server that was drained ad hoc."""
    answer = fleet.module("p19", "drain", min_gone_time=1)
    assert answer.code == 0, answer.output
    yield str(answer.only["pid"])
    back = fleet.module("p19", "drain", state="undrained")
    assert back.code == 0, back.output
    assert fleet.module("p19", "master_info").result["drained"] == []


def shown(fleet: Fleet, playbook: str, **values: t.Any) -> tuple[int, str]:
    """Run a playbook; return its exit code, and its output with single blanks."""
    done = fleet.playbook(playbook, "-e", json.dumps(values))
    return done.returncode, re.sub(r"\s+", " ", done.stdout)


def sentence(pid: str) -> str:
    """A pattern of the sentence about the drain."""
    return rf"odoo\.service \(pid {pid}\) was drained at \d{{4}}-\S+Z by \S+ on \S+"


def test_a_roll_refuses_the_host_with_the_drain_and_two_ways_on(
    fleet: Fleet, drained: str, tmp_path: pathlib.Path
) -> None:
    values = {"rolling_restart_hosts": HOSTS, "rolling_restart_report_dir": str(tmp_path)}
    code, text = shown(fleet, "rolling_restart", **values)
    assert code != 0, text
    assert re.search(sentence(drained), text), text
    assert "[roll.server_drained]" in text
    assert "--limit '!HOST'" in text.replace("\\", "").replace("''", "'"), text
    assert "state=undrained" in text
    assert "No Odoo master was found" not in text
    code, text = shown(fleet, "rolling_restart", **values, rolling_restart_drained="skip")
    assert code == 0, text
    assert re.search(r"p19 skipped .{0,80}" + sentence(drained), text), text
    assert fleet.module("p19", "roll_lock", id="x", state="absent").result["lock"] is None


def test_the_fleet_and_its_balancer_show_the_drain(fleet: Fleet, drained: str, tmp_path: pathlib.Path) -> None:
    code, text = shown(fleet, "fleet_info", fleet_info_hosts=HOSTS, fleet_info_textfile=str(tmp_path))
    assert code == 0, text
    assert re.search("p19: " + sentence(drained), text), text
    lines = (tmp_path / "fleetops_odoo.prom").read_text(encoding="utf-8").splitlines()
    assert 'fleetops_odoo_drained{host="p19"} 1' in lines
    assert 'fleetops_odoo_drained{host="t19"} 0' in lines
    code, text = shown(fleet, "balancer_info", balancer_info_hosts="p19", **BALANCER)
    assert code == 0, text
    assert re.search(r"- p19 lb odoo/p19 down \(DOWN \S+\) \d+ \S+ on \S+ \d{4}-\S+Z", text), text
    assert re.search("p19: " + sentence(drained), text), text
