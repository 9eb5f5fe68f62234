# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the doctor on a real fleet: what it finds, that it changes nothing, and the file that it proposes."""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

import pytest
import yaml
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet, lab

HOSTS = ("p19", "v19", "t14")
BEHIND: dict[str, t.Any] = {"balancer": "haproxy", "balancer_haproxy_hosts": ["lb"]}


@pytest.fixture(scope="module")
def fleet(first_hour: Fleet) -> Fleet:
    """The fleet of three files, whose tests leave it as it was."""
    return first_hour


def examined(fleet: Fleet, *options: str, **values: t.Any) -> tuple[int, str]:
    """Run the playbook; return its exit code and its output with single blanks."""
    before = [fleet.processes(host) for host in HOSTS]
    done = fleet.playbook("doctor", "-e", json.dumps({**BEHIND, **values}), *options)
    assert [fleet.processes(host) for host in HOSTS] == before
    return done.returncode, re.sub(r"\s+", " ", done.stdout)


def test_a_fleet_without_a_fault(fleet: Fleet) -> None:
    code, short = examined(fleet)
    assert code == 0, short
    assert re.search(r"p19 ok \d+ checks odoo\.service: Odoo 19\.0, prefork, database p19", short), short
    assert "p19 ok reachable" not in short
    code, shown = examined(fleet, doctor_details=True)
    assert code == 0, shown
    assert shown.count("changed=0") == len(HOSTS)
    for check in ("reachable", "become", "python", "clock", "psutil", "servers", "supervisor", "health", "requests"):
        assert len(re.findall(rf"\b(?:p19|v19|t14) ok {check} ", shown)) == len(HOSTS), check
    assert "p19 ok reload odoo.service would survive a HUP" in shown
    assert "p19 ok room odoo.service has room for two generations" in shown
    assert "t14 ok room odoo.service has room for a new generation" in shown
    assert re.search(r"v19 warning reload Not reloading pid \d+: .{0,600}\[rehearsal\.virtualenv_lost\]", shown), shown
    assert re.search(r"t14 warning log .{0,200}log_level is warn.{0,200}\[host\.log_hides_dumps\]", shown), shown
    assert "t14 ok balancer lb has odoo/t14 in service" in shown
    assert re.search(r"3 hosts: \d+ checks, 3 warnings, 0 faults", shown), shown
    assert 'balancer_haproxy_backends: ["odoo"]' in shown


def test_servers_that_lose_requests_without_a_balancer(fleet: Fleet) -> None:
    code, shown = examined(fleet, "--check", balancer="none", doctor_details=True)
    assert code == 0, shown
    assert re.search(r"t14 warning requests .{0,300}\[host\.loses_requests\]", shown), shown
    assert "p19 ok requests odoo.service loses no request at a reload" in shown
    assert "# balancer_haproxy_backends: [odoo]" in shown


def test_faults_are_counted_after_the_table(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    names = tmp_path / "names.yml"
    names.write_text("all: {hosts: {p19: {balancer_haproxy_servers: [web1]}}}\n", encoding="utf-8")
    lab(fleet.name, "exec", "t14", "sh", "-c", "systemctl stop ssh.socket ssh.service; pkill -9 sshd; true")
    try:
        done = fleet.playbook("doctor", "-i", str(names), "-e", json.dumps(BEHIND))
    finally:
        lab(fleet.name, "exec", "t14", "systemctl", "start", "ssh")
    shown = re.sub(r"\s+", " ", done.stdout)
    assert done.returncode == 2, shown
    assert re.search(r"p19 fault balancer .{0,400}\[roll\.balancer_unknown_server\]", shown), shown
    assert re.search(r"controller warning balancer .{0,200}odoo/p19.{0,200}\[roll\.balancer_other_servers\]", shown)
    assert re.search(r"t14 fault reachable .{0,200}\[host\.unreachable\]", shown), shown
    assert re.search(r"2 faults on p19, t14\b.*doctor found 2 faults on p19, t14\.", shown), shown
    assert "[roll.not_ready]" in shown


def test_a_user_without_rights(fleet: Fleet) -> None:
    code, shown = examined(fleet, "-e", "ansible_user=ops", doctor_hosts="p19", balancer="none")
    assert code in (0, 2), shown
    assert re.search(r"p19 warning become .{0,100} run as ops and not as root.{0,200}\[host\.not_root\]", shown), shown
    assert re.search(r"p19 warning visible .{0,300}\[host\.hidden_", shown), shown
    assert "ansible_become: true" in shown


def test_hosts_where_sudo_asks_for_a_password_are_faults_with_the_remedy(fleet: Fleet) -> None:
    """All of them, so that no host is left on which Ansible could go on."""
    code, shown = examined(fleet, "-e", "ansible_user=ops", "-e", "ansible_become=true", balancer="none")
    assert code == 2, shown
    for host in HOSTS:
        assert re.search(rf"{host} fault become .{{0,400}}-K .{{0,200}}\[host\.no_privileges\]", shown), shown
    assert re.search(r"3 faults on p19, v19, t14\b", shown), shown


def test_a_load_balancer_that_is_not_in_the_inventory_is_named(fleet: Fleet) -> None:
    code, shown = examined(fleet, balancer_haproxy_hosts=["lb-nowhere.invalid"])
    assert code == 2, shown
    for host in HOSTS:
        assert re.search(rf"{host} fault balancer load balancer lb-nowhere\.invalid cannot be reached: ", shown), shown
    remedy = r"Check that the inventory has a host of this name.{0,200}\[roll\.balancer_unreachable\]"
    assert re.search(remedy, shown), shown


@pytest.mark.thorough
def test_the_proposal_is_written_only_where_the_user_says(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    place = tmp_path / "odoo.yml"
    place.write_text("mine: 1\n", encoding="utf-8")
    code, shown = examined(fleet, "--check", doctor_write_group_vars=str(place))
    assert (code, place.read_text(encoding="utf-8")) == (0, "mine: 1\n"), shown
    code, shown = examined(fleet, doctor_write_group_vars=str(place))
    assert code == 0, shown
    written = yaml.safe_load(place.read_text(encoding="utf-8"))
    assert written == {**BEHIND, "balancer_haproxy_backends": ["odoo"], "rolling_restart_masters": 1}
    assert [one.read_text(encoding="utf-8") for one in tmp_path.glob("odoo.yml.*")] == ["mine: 1\n"]
    done = fleet.playbook("rolling_restart", "--check", "-e", f"@{place}")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"doctor_hosts": "oddo"}, "[option.no_hosts]"),
        ({"doctor_timeouts": 5}, "did you mean doctor_timeout?"),
        ({"doctor_write_group_vars": "here"}, "[option.not_a_path]"),
        ({"doctor_host": "p19"}, "[option.set_by_role]"),
    ],
)
def test_variables_that_are_wrong_are_named(fleet: Fleet, values: dict[str, t.Any], message: str) -> None:
    done = fleet.playbook("doctor", "-e", json.dumps(values))
    assert done.returncode != 0
    assert message in re.sub(r"\s+", " ", done.stdout), done.stdout
