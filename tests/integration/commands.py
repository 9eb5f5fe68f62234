# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible's commands, begun by a server of forks that has imported them: the tests call them a thousand times.

What runs is what the command on the PATH runs. Its import alone takes a quarter of a second of CPU.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import pathlib
import subprocess
import sys
import tempfile
import typing as t

_CLASSES = {
    "ansible": ("ansible.cli.adhoc", "AdHocCLI"),
    "ansible-playbook": ("ansible.cli.playbook", "PlaybookCLI"),
}
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        *(module for module, _name in _CLASSES.values()),
        "ansible.executor.module_common",
        "ansible.executor.task_queue_manager",
        "ansible.plugins.action.normal",
        "ansible.plugins.cache.memory",
        "ansible.plugins.callback.default",
        *(f"ansible.plugins.callback.{name}" for name in ("junit", "minimal", "oneline", "tree")),
        "ansible.plugins.connection.ssh",
        *(f"ansible.plugins.inventory.{name}" for name in ("auto", "host_list", "ini", "script", "toml", "yaml")),
        "ansible.plugins.strategy.linear",
        "ansible.plugins.vars.host_group_vars",
        "jmespath",
    ]
)


#: Settings that are read late enough, when the callback is loaded.
_LATE = ("ANSIBLE_CALLBACK_RESULT_FORMAT", "ANSIBLE_CALLBACK_FORMAT_PRETTY")


class Running:
    """One of Ansible's commands under way."""

    def __init__(self, command: t.Sequence[str], environment: t.Mapping[str, str]) -> None:
        self._command = list(command)
        # A file, since ssh's master outlives the command and would keep a pipe open.
        handle, name = tempfile.mkstemp(prefix="command-")
        os.close(handle)
        self._output = pathlib.Path(name)
        self._process = _CONTEXT.Process(target=_run, args=(self._command, dict(environment), name))
        self._process.start()

    def end(self, seconds: float) -> subprocess.CompletedProcess[str]:
        """Wait for it.

        :raises subprocess.TimeoutExpired: if that takes longer than so many seconds; it is killed then.
        """
        self._process.join(seconds)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
            raise subprocess.TimeoutExpired(self._command, seconds, self._output.read_bytes())
        output = self._output.read_text(encoding="utf-8")
        self._output.unlink()
        return subprocess.CompletedProcess(self._command, self._process.exitcode, output)


def _settings(environment: t.Mapping[str, str]) -> dict[str, str]:
    """The variables of an environment that Ansible reads when it is imported."""
    return {name: value for name, value in environment.items() if name.startswith("ANSIBLE_") and name not in _LATE}


def _run(command: t.Sequence[str], environment: t.Mapping[str, str], output: str) -> None:
    with open(output, "wb", buffering=0) as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    if _settings(environment) != _settings(os.environ):
        # Read when Ansible was imported.
        os.execvpe(command[0], list(command), environment)
    os.environ.clear()
    os.environ.update(environment)
    # This file was found by its path. Ansible's own finder of collections must find none that it has not loaded itself.
    for known in [known for known in sys.modules if known.partition(".")[0] == "ansible_collections"]:
        del sys.modules[known]
    module, name = _CLASSES[command[0]]
    getattr(importlib.import_module(module), name).cli_executor(list(command))
