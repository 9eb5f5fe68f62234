# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wrong variables of every role, before the role contacts a host, and what the user sees of them."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
import typing as t

import pytest
import yaml

pytestmark = pytest.mark.skipif(sys.version_info < (3, 10), reason="a host's Python, and no controller's")

ROOT = pathlib.Path(__file__).resolve().parents[3]
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml") if path.stem != "not_approved")
#: The prefix of the variables of a playbook, unless it is the name of the playbook.
PREFIX = {"drain": "graceful_drain", "undrain": "graceful_drain", "release": "rolling_restart", "balancer_info": ""}
#: An option of a type that no text fits, by prefix.
OPTION: dict[str, tuple[str, dict[str, t.Any]]] = {
    "": ("balancer_drain_timeout", {}),
    "awx_setup": ("awx_setup_override", {}),
    "explain_dumps": ("explain_dumps_silent", {"explain_dumps_files": "/nowhere"}),
    "cache_report": ("cache_report_match", {}),
    "diagnostics": ("diagnostics_match", {}),
    "doctor": ("doctor_timeout", {}),
    "fleet_info": ("fleet_info_match", {}),
    "graceful_drain": ("graceful_drain_http_timeout", {}),
    "recycle_workers": ("recycle_workers_match", {}),
    "rolling_restart": ("rolling_restart_timeout", {}),
    "scale_workers": ("scale_workers_match", {"scale_workers_count": 2}),
}


def play(
    folder: pathlib.Path, name: str, hosts: dict[str, dict[str, t.Any]], **values: t.Any
) -> subprocess.CompletedProcess[str]:
    """Run a playbook over two names of this machine."""
    inventory = {"all": {"vars": {"ansible_connection": "local"}, "hosts": {"a": {}, "b": {}, **hosts}}}
    (folder / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    argv = ["ansible-playbook", "-i", str(folder / "hosts.yml"), name, "-e", json.dumps(values)]
    return subprocess.run(argv, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_wrong_variable_of_each_playbook_is_told_in_one_sentence(tmp_path: pathlib.Path, playbook: str) -> None:
    prefix = PREFIX.get(playbook, playbook)
    option, needed = OPTION[prefix]
    hosts = {(prefix or playbook) + "_hosts": "a,b"} if prefix not in ("awx_setup", "explain_dumps") else {}
    done = play(tmp_path, f"fleetops.odoo.{playbook}", {}, **hosts, **needed, **{option: [["never"]]})
    said = " ".join(done.stdout.split())
    assert done.returncode == 2, done.stdout
    assert "[option.wrong_variables]" in said
    assert re.search(rf"\b{option} must be ", said), done.stdout
    # What Ansible prints of a specification, and what a role does afterwards.
    assert [word for word in ("argument_spec", "description", "skipping:") if word in said] == []
    assert said.count("TASK [") <= 2


@pytest.mark.parametrize(
    ("hosts", "values", "code", "words"),
    [
        (
            {},
            {"graceful_drain_htp_timeout": 3},
            "option.unknown_variable",
            ["did you mean graceful_drain_http_timeout"],
        ),
        ({"b": {"graceful_drain_htp_timeout": 3}}, {}, "option.unknown_variable", ["graceful_drain_http_timeout"]),
        ({"b": {"graceful_drain_hold": "x"}}, {}, "option.wrong_variables", ["graceful_drain_hold", "(host b)"]),
        ({}, {"graceful_drain_ttl": "{{ nothing }}"}, "option.wrong_variables", ["graceful_drain_ttl", "nothing"]),
        ({"b": {"balancer": "haproxi"}}, {}, "option.wrong_variables", ["balancer must", "(host b)"]),
        ({}, {"graceful_drain_after": "after.yml"}, "option.not_a_path", ["graceful_drain_after"]),
    ],
)
def test_variables_of_every_host_are_checked(
    tmp_path: pathlib.Path, hosts: dict[str, dict[str, t.Any]], values: dict[str, t.Any], code: str, words: list[str]
) -> None:
    done = play(tmp_path, "fleetops.odoo.drain", hosts, graceful_drain_hosts="a,b", **values)
    said = " ".join(done.stdout.split())
    assert done.returncode == 2, done.stdout
    assert [word for word in (f"[{code}]", *words) if word not in said] == []


PLAY = """
- hosts: all
  gather_facts: false
  vars: {graceful_drain_ttl: 60}
  tasks:
    - ansible.builtin.include_role: {name: fleetops.odoo.graceful_drain, tasks_from: given}
"""


def test_an_overridden_value_and_a_reference_to_a_default_pass(tmp_path: pathlib.Path) -> None:
    (tmp_path / "play.yml").write_text(PLAY, encoding="utf-8")
    later = "{{ graceful_drain_http_timeout * 2 }}"
    hosts: dict[str, dict[str, t.Any]] = {
        "a": {"graceful_drain_ttl": 3},
        "b": {"graceful_drain_ttl": "x", "graceful_drain_cron_timeout": later},
    }
    done = play(tmp_path, str(tmp_path / "play.yml"), hosts)
    assert done.returncode == 0, done.stdout


def test_outside_of_a_role_it_fails_with_its_own_code(tmp_path: pathlib.Path) -> None:
    (tmp_path / "play.yml").write_text(PLAY[: PLAY.index("    - ")] + "    - fleetops.odoo.role_variables:\n", "utf-8")
    done = play(tmp_path, str(tmp_path / "play.yml"), {})
    assert (done.returncode, "option.not_in_a_role" in done.stdout) == (2, True), done.stdout
