# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test a real Apache in front of real hosts: the task files of docs/load_balancers.md, and refused connections."""

from __future__ import annotations

import json
import pathlib
import re
import time
import typing as t

import pytest
import yaml
from ansible_collections.fleetops.odoo.tests.docs import examples
from ansible_collections.fleetops.odoo.tests.integration.conftest import ROOT, Fleet, address, lab_up
from ansible_collections.fleetops.odoo.tests.integration.rolls import Roll
from ansible_collections.fleetops.odoo.tests.integration.traffic import traffic

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(600)]

HOSTS = ("p19", "t19", "p14")
PORT = 84
SITE = "/etc/apache2/sites-enabled/odoo.conf"
MODULES = "proxy proxy_http proxy_balancer lbmethod_byrequests slotmem_shm"
MANAGER = f"http://127.0.0.1:{PORT}/balancer-manager"


@pytest.fixture(scope="module")
def fleet() -> t.Iterator[Fleet]:
    """A fleet of its own, for the run of this file, with the site of the guide in Apache."""
    for fleet in lab_up("apache", str(pathlib.Path(__file__).parent / "balancers.yml")):
        members = "\n".join(
            f"BalancerMember http://{address(fleet.inventory, host)}:8069 timeout=130" for host in HOSTS
        )
        site = re.sub(r"(?m)^ *BalancerMember .*\n( *BalancerMember .*\n)*", members + "\n", guide("apache", "Virtual"))
        listen = f"Listen {PORT}\n" + site.replace("*:80", f"*:{PORT}")
        start = f"rm -f /etc/apache2/sites-enabled/*; a2enmod -q {MODULES}; cat > {SITE}; : > /etc/apache2/ports.conf"
        fleet.feed("lb", f"{start}; systemctl restart apache2", listen.encode())
        yield fleet


def guide(language: str, word: str) -> str:
    """The block of the guide in this language that has this word."""
    page = ROOT / "docs/load_balancers.md"
    (found,) = (one.text for one in examples.blocks(page) if one.language == language and word in one.text)
    return found


@pytest.fixture
def files(tmp_path: pathlib.Path) -> dict[str, str]:
    """The task files of the guide, with the names of the lab, as the variables of the role."""
    names = {"apache.yml": "# apache.yml", "out.yml": "Take the host out of Apache", "in.yml": "back into Apache"}
    for name, word in names.items():
        text = guide("yaml", word).replace("lb1", "lb")
        (tmp_path / name).write_text(text.replace("/srv/ansible", str(tmp_path)) + "\n", encoding="utf-8")
    variables = yaml.safe_load(guide("yaml", "apache_manager: "))
    given = {"balancer_out_tasks": str(tmp_path / "out.yml"), "balancer_in_tasks": str(tmp_path / "in.yml")}
    return {**given, **variables, "apache_manager": MANAGER}


def apache(files: dict[str, str]) -> str:
    """The variables that are not those of the role, for the command line."""
    return json.dumps({name: one for name, one in files.items() if name.startswith("apache")})


def states(fleet: Fleet) -> dict[str, str]:
    """Return the state that Apache shows for each host."""
    script = f"import urllib.request as u; print(u.urlopen('{MANAGER}').read().decode())"
    page = fleet.run("lb", "python3", "-c", script)
    row = r":8069</a></td>(?:<td>[^<]*</td>){4}<td>(.*?) *<"
    return {host: re.findall(re.escape(address(fleet.inventory, host)) + row, page)[0] for host in HOSTS}


def test_a_roll_with_the_task_files_of_the_guide_loses_no_request(
    fleet: Fleet, tmp_path: pathlib.Path, files: dict[str, str]
) -> None:
    with traffic(fleet, PORT) as tally:
        time.sleep(2)
        variables = {name: one for name, one in files.items() if name.startswith("balancer")}
        limit = ["-l", ",".join(HOSTS), "-e", apache(files)]
        done = Roll(fleet, tmp_path, *limit, balancer="tasks", **variables).end()
        time.sleep(1)
    print(f"task files: {tally['failed']} of {tally['requests']} requests lost")
    assert done.code == 0, done.output
    assert set(done.outcomes.values()) == {"reloaded"}
    assert tally["failed"] == 0, tally
    assert states(fleet) == dict.fromkeys(HOSTS, "Init Ok")


def test_out_and_in_are_idempotent_and_fail_where_apache_does_not_know_the_host(
    fleet: Fleet, tmp_path: pathlib.Path, files: dict[str, str]
) -> None:
    def play(name: str, *options: str) -> tuple[int, int]:
        path = tmp_path / f"play-{name}"
        tasks = f"[{{ansible.builtin.include_tasks: {tmp_path / name}}}]"
        path.write_text(f"- {{hosts: p19, gather_facts: false, tasks: {tasks}}}\n", encoding="utf-8")
        done = fleet.playbook(str(path), "-e", apache(files), *options)
        (changed,) = re.findall(r"changed=(\d+)", done.stdout)
        return done.returncode, int(changed)

    assert [play("out.yml", "--check"), play("out.yml"), play("out.yml")] == [(0, 0), (0, 1), (0, 0)]
    assert states(fleet) == {"p19": "Init Dis", "t19": "Init Ok", "p14": "Init Ok"}
    assert [play("in.yml"), play("in.yml")] == [(0, 1), (0, 0)]
    assert states(fleet)["p19"] == "Init Ok"
    # Apache itself answers 200 to a worker that it does not have.
    assert play("out.yml", "-e", "apache_worker=http://192.0.2.1:8069") == (2, 0)


def test_a_roll_that_refuses_connections(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    with traffic(fleet, PORT) as tally:
        time.sleep(2)
        done = Roll(fleet, tmp_path, "-l", ",".join(HOSTS), balancer="firewall").end()
        time.sleep(1)
    print(f"refused connections: {tally['failed']} of {tally['requests']} requests lost")
    assert done.code == 0, done.output
    assert tally["failed"] == 0, tally
