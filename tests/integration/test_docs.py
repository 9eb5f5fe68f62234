# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of the documentation, run. tests/unit/project/test_docs.py says that there is no other kind of them."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import typing as t

import pytest
import yaml
from ansible_collections.fleetops.odoo.tests.docs import examples, reference
from ansible_collections.fleetops.odoo.tests.integration.commands import Running
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet, no_secrets

#: Examples that mean nothing alone, and who runs what they show.
NOT_ALONE = {
    "filter roll_report": "the ledger of a roll is made by the whole role (test_rolling_restart.py)",
    "filter roll_step": "the same",
    "filter roll_records": "the same",
    "filter awx_left": "it needs what a real AWX shows (test_awx_setup.py)",
    "filter drain_records": "the results of a drain are made by the whole role (test_graceful_drain.py)",
    "module roll_turn": "the same",
    "module nginx_upstream": "the fleet has one balanced host, and the last one stays (test_nginx.py)",
    "filter release_records": "the records of a release are made by the whole role (faults/test_others_at_work.py)",
    "filter diagnostics_records": "the records of a run are made by the whole role (test_diagnostics.py)",
    "module diagnostics_turn": "a check run of it fails (test_diagnostics.py)",
    "module drain_turn": "a begin without the end leaves the lock of a drain (test_graceful_drain.py)",
    "module role_variables": "it checks the variables of a role (unit/controller/test_role_variables.py)",
}
#: Tasks that cannot be run here.
NOT_HERE = {
    "ansible.builtin.package": "the lab's hosts have no python3-apt, and what it installs is there",
    "community.aws.elb_target": "it takes AWS",
    "hetzner.hcloud.load_balancer_target": "it takes Hetzner",
}
#: What examples call things, and what they are in the lab.
LAB = {
    "/var/lib/rolls/20261130T174246Z": "{tmp}/roll",
    "odoo@prod.service": "odoo.service",
    "shop.example.com": "lab.internal",
    "/var/tmp/diagnostics": "{tmp}/diagnostics",
    "'odoo-server.log'": "'{tmp}/h1.log'",
    "/tmp/bundles": "{tmp}/bundles",
    "/tmp/{{ inventory_hostname }}": "{tmp}/evidence",
    "/tmp/h": "{tmp}/h",
    "'odoo1'": "'p19'",
    "'odoo2'": "'p14'",
    "'web1'": "'p19'",
    "'web2'": "'p19x'",
}
#: What examples of filters work on, as tasks that stand before them.
CACHES: list[dict[str, t.Any]] = [{"fleetops.odoo.cache_stats": None, "register": "caches"}]
SEEN: list[dict[str, t.Any]] = [
    {
        "fleetops.odoo.haproxy_info": None,
        "register": "seen",
        "delegate_to": "{{ item }}",
        "loop": ["lb"],
    }
]
BEFORE: dict[str, list[dict[str, t.Any]]] = {
    "filter awx_plan": [
        {
            "ansible.builtin.set_fact": {
                "awx_setup_wanted": "{{ lookup('ansible.builtin.file', shipped) | from_yaml"
                " | combine({'project': {'scm_url': 'https://git.example.com/odoo.git'}}, recursive=true) }}"
            },
            "vars": {"shipped": str(examples.ROOT / "roles/awx_setup/files/awx.yml")},
        }
    ],
    "filter balancer_faults": SEEN,
    "filter drain_faults": [
        {
            "ansible.builtin.set_fact": {
                "seen": {
                    "results": [
                        {
                            "balancer_ask": {"host": "lb1", "path": "/run/haproxy/admin.sock"},
                            "servers": [
                                {"backend": "odoo", "server": name, "status": "UP", "admin": "ready", "sessions": 0}
                                for name in ("web1", "other")
                            ],
                        }
                    ]
                }
            }
        }
    ],
    "filter caches_page": CACHES,
    "filter merge_caches": CACHES,
    "filter drain_line": [{"fleetops.odoo.drain": None, "register": "drained", "check_mode": True}],
    "filter workers_line": [
        {"fleetops.odoo.workers": {"count": 3}, "register": "scaled", "check_mode": True},
    ],
    "filter fleet_report": [
        {"fleetops.odoo.master_info": None, "register": "odoo"},
        {
            "ansible.builtin.set_fact": {
                "fleet_info_records": "{{ {inventory_hostname: odoo | fleetops.odoo.fleet_facts} }}"
            }
        },
    ],
}
#: These change nothing on a host, so they are run for real and have results for the tasks behind them.
HARMLESS = {
    *("bundle", "bundle_run", "cache_stats", "evidence", "gate_info", "haproxy_info", "master_info", "nginx_info"),
    *("stack_dump", "wait_healthy", "wait_idle"),
}


def lab_words(text: str, tmp: pathlib.Path) -> str:
    """An example with the names of the lab."""
    return re.sub("|".join(map(re.escape, LAB)), lambda found: LAB[found[0]].format(tmp=tmp), text)


def tasks_of(where: str, several: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    """Tasks that run an example, those of harmless modules for real."""
    tasks = []
    for task in [*BEFORE.get(where, []), *several]:
        module = next(key for key in task if "." in key)
        if module not in NOT_HERE:
            harmless = module.removeprefix("fleetops.odoo.") in HARMLESS or module in (
                "ansible.builtin.set_fact",
                "ansible.builtin.copy",
            )
            tasks.append({"check_mode": not harmless, **task})
    if where == "filter roll_failure":
        tasks = [{"block": [{"ansible.builtin.fail": {"msg": "for the example"}}], "rescue": tasks}]
    return tasks


def play(where: str, tasks: list[dict[str, t.Any]], hosts: str) -> dict[str, t.Any]:
    return {"name": where, "hosts": hosts, "gather_facts": False, "tasks": tasks}


#: Where examples are run that cannot be run just anywhere. Others: those of modules on p19, the rest on p14.
HOSTS = {
    "module haproxy_info": "lb",
    "module nginx_info": "lb",
    "filter merge_caches": "p19:p14",
    "filter balancer_faults": "p19",
}


def plays_of_plugins(tmp: pathlib.Path) -> t.Iterator[dict[str, t.Any]]:
    """The EXAMPLES of every plugin."""
    for kind, several in reference.collected().items():
        for name, one in several.items():
            where = f"{kind} {name}"
            if not one.get("examples") or where in NOT_ALONE:
                continue
            listed = examples.listed(lab_words(one["examples"], tmp))
            # None of them uses facts.
            yield from ({"gather_facts": False, **whole} for whole in listed if "hosts" in whole)
            tasks = [task for task in listed if "hosts" not in task]
            if tasks:
                yield play(where, tasks_of(where, tasks), HOSTS.get(where, "p19" if kind == "module" else "p14"))


def told(module: str, given: dict[str, t.Any] | None) -> str:
    """A task as a text that is the same however its options are typed."""
    return f"{module} {sorted((name, str(value).lower()) for name, value in (given or {}).items())}"


def plays_of_guides(tmp: pathlib.Path, before: list[dict[str, t.Any]]) -> t.Iterator[dict[str, t.Any]]:
    """The commands of ``ansible`` in the guides, each as a task with the same arguments; none twice."""
    tasks = [task for one in before for task in one["tasks"] if "block" not in task]
    seen = {told(module, task[module]) for task in tasks for module in task if module.startswith("fleetops.odoo.")}
    for where, command in examples.commands():
        if not command.startswith("ansible "):
            continue
        typed = examples.adhoc(where, lab_words(command, tmp))
        if typed.module in NOT_HERE or told(typed.module, typed.given) in seen:
            continue
        seen.add(told(typed.module, typed.given))
        arguments = json.loads(typed.arguments) if typed.arguments.startswith("{") else typed.arguments
        yield play(command, tasks_of(where, [{typed.module: arguments}]), "lb" if typed.hosts == "lb" else "p14")


@pytest.fixture
def inventory(fleet: Fleet, tmp_path: pathlib.Path) -> pathlib.Path:
    """The lab, with two hosts as the group odoo."""
    lab = yaml.safe_load(pathlib.Path(fleet.inventory).read_text(encoding="utf-8"))["all"]
    hosts = {
        name: host for group in lab["children"].values() for name, host in (group.get("hosts") or {}).items() if host
    }
    path = tmp_path / "inventory.yml"
    made = {
        "all": {
            "vars": lab["vars"],
            "hosts": {"lb": hosts["lb"]},
            "children": {"odoo": {"hosts": {name: hosts[name] for name in ("p19", "p14")}}},
        }
    }
    path.write_text(yaml.safe_dump(made), encoding="utf-8")
    return path


@pytest.mark.timeout(800)
def test_examples_and_commands(fleet: Fleet, inventory: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Run acting modules in check mode and the others for real, on two hosts."""
    report = tmp_path / "roll" / "report.json"
    report.parent.mkdir()
    shutil.copy(examples.ROOT / "tests/unit/captures/rolls/done.json", report)
    # On its Python every process answers, also one that is not at rest.
    assert fleet.module("p14", "stack_dump").code == 0
    for name in ("h1.log", "h2.log"):
        (tmp_path / name).write_text(fleet.run("p14", "tail", "-c", "100000", "/var/log/odoo/odoo-server.log"))
    before = [fleet.processes(host) for host in ("p19", "p14")]
    plays = list(plays_of_plugins(tmp_path))
    plays += plays_of_guides(tmp_path, plays)
    running = []
    for host in ("p19", "p14"):
        part = [one for one in plays if (one["hosts"] == "p19") == (host == "p19")]
        book = tmp_path / f"{host}.yml"
        book.write_text(yaml.safe_dump(part, sort_keys=False), encoding="utf-8")
        running.append((part, Running(["ansible-playbook", "-i", str(inventory), str(book)], os.environ)))
    for part, one in running:
        # Some forty tasks each: on a machine that does other things too they take minutes.
        done = one.end(700)
        no_secrets(done.stdout)
        assert done.returncode == 0, done.stdout
        assert len(re.findall(r"(?m)^TASK \[", done.stdout)) >= sum(len(whole["tasks"]) for whole in part)
    # Nothing was signalled that would not go on as it was.
    assert [fleet.processes(host) for host in ("p19", "p14")] == before


def test_the_lines_of_sudoers(fleet: Fleet) -> None:
    """Test that Ansible becomes the right user with each of them."""
    page = examples.ROOT / "docs/security.md"
    lines = [block.text for block in examples.blocks(page) if block.language == "sudoers"]
    assert len(lines) == 5
    fleet.run(
        "p19",
        "sh",
        "-c",
        "getent group fleetops || groupadd fleetops; usermod -aG fleetops ops; echo ops:lab | chpasswd",
    )
    try:
        for text in lines:
            fleet.run("p19", "sh", "-c", f"umask 227; printf '%s\\n' '{text}' > /etc/sudoers.d/docs; visudo -cq")
            user = "odoo" if "(odoo)" in text else "root"
            password = [] if "NOPASSWD" in text else ["-e", "ansible_become_password=lab"]
            if "roll-odoo" in text:
                command_only(fleet)
                continue
            become = ["--become", "--become-user", user, "-e", "ansible_user=ops", *password]
            answer = fleet.module("p19", "roll_lock", "--check", *become, id="docs")
            assert answer.code == 0, (text, answer.output)
    finally:
        fleet.run("p19", "sh", "-c", "rm -f /etc/sudoers.d/docs; passwd -l ops; gpasswd -d ops fleetops")


def command_only(fleet: Fleet) -> None:
    """The line that allows one command: that, without arguments, and nothing else."""
    path = "/usr/local/bin/roll-odoo"
    fleet.run("p19", "sh", "-c", "groupadd -f odoo-operators; usermod -aG odoo-operators ops")
    fleet.run("p19", "sh", "-c", f"printf '#!/bin/sh\\nid -un\\n' > {path}; chmod 755 {path}")
    allowed = f"runuser -u ops -- sudo -n -u odoo {path}"
    assert fleet.run("p19", "sh", "-c", allowed).strip() == "odoo"
    for command in (f"{allowed} --anything", "runuser -u ops -- sudo -n -u odoo id"):
        assert fleet.run("p19", "sh", "-c", f"{command}; true") == ""
    fleet.run("p19", "sh", "-c", f"rm {path}; groupdel odoo-operators")


def test_the_configuration_of_haproxy(fleet: Fleet) -> None:
    (block,) = (one for one in examples.blocks(examples.ROOT / "docs/load_balancers.md") if one.language == "haproxy")
    around = "defaults\n mode http\n timeout connect 5s\n timeout client 5s\n timeout server 5s\nlisten x\n bind :81\n"
    fleet.run("lb", "sh", "-c", f"printf '%s\\n' '{around}{block.text}' > /tmp/docs.cfg; haproxy -c -f /tmp/docs.cfg")
