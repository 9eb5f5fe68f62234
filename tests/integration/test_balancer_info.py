# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the table of load balancers against real ones: HAProxy, nginx, and a gate of nftables."""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet, lab

#: One kind of load balancer for each host.
KINDS: dict[str, dict[str, t.Any]] = {
    "p19": {"balancer": "haproxy", "balancer_haproxy_hosts": ["lb"]},
    "v19": {"balancer": "firewall"},
    "t14": {
        "balancer": "nginx",
        "balancer_nginx_hosts": ["lb"],
        "balancer_nginx_upstreams": ["odoo"],
        "balancer_nginx_servers": ["{{ ansible_host }}"],
    },
}
NGINX = {"upstreams": ["odoo"], "servers": ["{{ hostvars.t14.ansible_host }}"]}


@pytest.fixture(scope="module")
def fleet(first_hour: Fleet) -> Fleet:
    """The fleet of three files, whose tests leave it as it was."""
    return first_hour


def tell(fleet: Fleet, command: str) -> None:
    """Give HAProxy a command."""
    assert not fleet.run("lb", "sh", "-c", f"echo '{command}' | socat - /run/haproxy/admin.sock").strip()


def asked(fleet: Fleet, folder: pathlib.Path, *options: str) -> tuple[int, str]:
    """Run the playbook; return its exit code and its output with single blanks."""
    place = folder / "kinds.yml"
    place.write_text(json.dumps({"odoo": {"hosts": KINDS}}), encoding="utf-8")
    done = fleet.playbook("balancer_info", "-i", str(place), *options)
    assert done.stdout.count("changed=0") == len(KINDS), done.stdout
    return done.returncode, re.sub(r"\s+", " ", done.stdout)


def test_hosts_that_are_in_and_hosts_that_are_out(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    code, shown = asked(fleet, tmp_path)
    assert code == 0, shown
    assert "- p19 lb odoo/p19 in " in shown
    assert "- v19 firewall all ports in " in shown
    assert re.search(r"- t14 lb odoo/[\d.]+:8069 in ", shown), shown
    lock = {"id": "disk", "kind": "drain", "owner": "anna on ctl", "reason": "new disk", "ttl": 600}
    try:
        assert fleet.module("p19", "roll_lock", out=True, **lock).code == 0
        tell(fleet, "set server odoo/p19 state drain")
        assert fleet.module("v19", "gate", state="closed", lease=300, wait=False).code == 0
        assert fleet.module("lb", "nginx_upstream", state="down", wait=False, **NGINX).code == 0
        code, shown = asked(fleet, tmp_path)
        check, same = asked(fleet, tmp_path, "--check")
    finally:
        fleet.module("lb", "nginx_upstream", state="up", wait=False, **NGINX)
        fleet.module("v19", "gate", state="open")
        tell(fleet, "set server odoo/p19 state ready")
        fleet.module("p19", "roll_lock", **{**lock, "state": "absent"})
    assert (code, check) == (0, 0), shown
    for text in (shown, same):
        assert re.search(r"- p19 lb odoo/p19 out \(drain\) \d+ anna on ctl \d{4}-\S+Z ", text), text
        assert re.search(r"- v19 firewall port 8069 out \(opens in \d+ s\) - \S+ on \S+ - ", text), text
        assert re.search(r"- t14 lb odoo/[\d.]+:8069 out - \S+ on \S+ \d{4}-\S+Z ", text), text
        assert re.search(r"p19: locked by the drain disk of anna on ctl since \S+Z \(new disk\)", text), text


def test_what_does_not_answer_is_named_and_the_others_are_shown(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    lab(fleet.name, "exec", "v19", "sh", "-c", "systemctl stop ssh.socket ssh.service; pkill -9 sshd; true")
    try:
        code, shown = asked(fleet, tmp_path, "-e", "balancer_haproxy_socket=/run/none.sock")
    finally:
        lab(fleet.name, "exec", "v19", "systemctl", "start", "ssh")
    assert code == 2
    assert "v19: NO ANSWER: " in shown
    assert "[host.unreachable]" in shown
    assert re.search(r"p19: NO ANSWER: .{0,200}\[roll\.balancer_not_asked\]", shown), shown
    assert re.search(r"- t14 lb odoo/[\d.]+:8069 in ", shown), shown
    assert "[roll.hosts_failed]" in shown


def test_a_roll_with_a_load_balancer_out_of_reach_has_a_summary_and_leaves_no_lock(
    fleet: Fleet, tmp_path: pathlib.Path
) -> None:
    """Ansible ends the play of all hosts if a host of a task with run_once cannot be reached."""
    values = {
        "balancer": "haproxy",
        "balancer_haproxy_hosts": ["lb-nowhere.invalid"],
        "rolling_restart_policy": "always",
        "rolling_restart_report_dir": str(tmp_path),
    }
    done = fleet.playbook("rolling_restart", "--limit", "p19", "-e", json.dumps(values))
    shown = re.sub(r"\s+", " ", done.stdout)
    assert done.returncode == 2, shown
    assert re.search(r"p19 failed Load balancer lb-nowhere\.invalid cannot be reached: ", shown), shown
    assert "[roll.balancer_unreachable]" in shown
    assert "0 of 1 hosts done in" in shown
    lock = fleet.module("p19", "roll_lock", id="another", state="present", ttl=60)
    assert lock.code == 0, lock.result
    fleet.module("p19", "roll_lock", id="another", state="absent")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"balancer_info_hosts": "oddo"}, "[option.no_hosts]"),
        ({"balancer": "haproxy"}, "[option.missing]"),
        ({"balancer_haproxy_host": "lb"}, "did you mean balancer_haproxy_hosts?"),
    ],
)
def test_variables_that_are_wrong_are_named(fleet: Fleet, values: dict[str, str], message: str) -> None:
    done = fleet.playbook("balancer_info", "-e", json.dumps(values))
    assert done.returncode != 0
    assert message in re.sub(r"\s+", " ", done.stdout), done.stdout
