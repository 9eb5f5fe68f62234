# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the role rolling_restart, which are checked before a host is touched."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.version_info < (3, 10), reason="a host's Python, and no controller's")

PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: fleetops.odoo.graceful_drain, tasks_from: given}
    - ansible.builtin.include_role: {name: fleetops.odoo.rolling_restart, tasks_from: given, public: true}
    - ansible.builtin.include_role: {name: fleetops.odoo.rolling_restart, tasks_from: load}
      when: rolling_restart_files | length > 0
    - ansible.builtin.debug: {msg: "turn {{ rolling_restart_turn }} of {{ rolling_restart_ttl }}"}
      run_once: true
"""
#: What a task says may be needed by the next one, and nothing of it is there while the file is only read.
OWN = """
- ansible.builtin.command: echo lb
  register: asked
- ansible.builtin.debug: {msg: "{{ item }}"}
  loop: "{{ asked.stdout_lines }}"
  delegate_to: "{{ asked.stdout }}"
- ansible.builtin.fail: {msg: it is run}
"""


def look(
    folder: pathlib.Path, inventory: str = "localhost,", play: str = PLAY, **options: str
) -> subprocess.CompletedProcess[str]:
    """Run the check of the variables."""
    (folder / "play.yml").write_text(play, encoding="utf-8")
    names = {name: name if name.startswith("balancer") else f"rolling_restart_{name}" for name in options}
    given = [word for name, value in options.items() for word in ("-e", f"{names[name]}={value}")]
    argv = ["ansible-playbook", "-i", inventory, "-c", "local", "-f", "2", str(folder / "play.yml"), *given]
    return subprocess.run(argv, check=False, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("name", "value", "code", "words"),
    [
        # A drain would leave the host in its balancer otherwise.
        ("balancer", "haproxi", "option.wrong_variables", ["balancer", "firewall", "'haproxi'"]),
        ("report_dir", "reports", "option.not_a_path", ["rolling_restart_report_dir", "'reports'"]),
    ],
)
def test_a_wrong_value_is_refused(tmp_path: pathlib.Path, name: str, value: str, code: str, words: list[str]) -> None:
    done = look(tmp_path, **{name: value})
    assert done.returncode == 2, done.stdout
    said = " ".join(done.stdout.split())
    assert [word for word in (f"[{code}]", *words) if word not in said] == []


def test_the_controller_must_not_be_called_by_its_address(tmp_path: pathlib.Path) -> None:
    done = look(tmp_path, "127.0.0.1,")
    assert done.returncode == 2, done.stdout
    assert "[roll.controller_name]" in " ".join(done.stdout.split())


def test_a_strategy_that_does_not_run_a_task_once_is_refused(tmp_path: pathlib.Path) -> None:
    free = PLAY.replace("gather_facts: false", "gather_facts: false\n  strategy: free")
    done = look(tmp_path, "a,b,", play=free)
    assert done.returncode == 2, done.stdout
    assert "[roll.strategy]" in " ".join(done.stdout.split())


def test_a_batch_that_is_larger_than_forks_has_more_time_and_a_lock_that_outlives_it(tmp_path: pathlib.Path) -> None:
    done = look(tmp_path, "a,b,c,d,e,", canary_healthy_time="60", min_healthy_time="30", deadline="1000", report_dir="")
    assert done.returncode == 0, done.stdout
    assert "turn 900.0 of 1590.0" in done.stdout


def test_a_file_of_tasks_is_read_and_not_run(tmp_path: pathlib.Path) -> None:
    own = tmp_path / "own.yml"
    own.write_text(OWN, encoding="utf-8")
    done = look(tmp_path, balancer="tasks", balancer_out_tasks=str(own), balancer_in_tasks=str(own), conditions="")
    assert done.returncode == 0, done.stdout
    assert "it is run" not in done.stdout
    own.write_text(OWN + "- no_such.module.at_all:\n", encoding="utf-8")
    assert look(tmp_path, balancer="tasks", balancer_out_tasks=str(own), balancer_in_tasks=str(own)).returncode != 0
