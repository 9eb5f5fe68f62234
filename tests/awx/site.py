# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site: a git repository with the project, a fleet, and a file of its own for awx_setup."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time
import typing as t

import yaml
from ansible_collections.fleetops.odoo.tests.integration.conftest import ROOT, Fleet, address
from ansible_collections.fleetops.odoo.tests.integration.rolls import HAPROXY

_GIT = ["git", "-c", "user.name=lab", "-c", "user.email=lab@localhost", "-c", "init.defaultBranch=main"]


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def repository(folder: pathlib.Path, fleet: Fleet, hosts: t.Sequence[str]) -> None:
    """Write the project as docs/awx.md says, with the hosts of the lab, and commit it.

    The execution environment has the collection, so the project needs no requirements.
    """
    shutil.copytree(ROOT / "docs/awx-project", folder)
    shutil.rmtree(folder / "collections")
    known = {host: {"ansible_host": address(fleet.inventory, host)} for host in hosts}
    balancer = {"lb": {"ansible_host": address(fleet.inventory, "lb")}}
    groups = {
        "odoo": {"hosts": known, "vars": {**HAPROXY, "ansible_python_interpreter": "/usr/bin/python3"}},
        "balancer": {"hosts": balancer, "vars": {"ansible_python_interpreter": "/usr/bin/python3"}},
    }
    (folder / "inventory/01-fleet.yml").write_text(yaml.safe_dump({"all": {"children": groups}}), encoding="utf-8")
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "The fleet"]):
        subprocess.run([*_GIT, "-C", str(folder), *words], check=True)


@contextlib.contextmanager
def served(folder: pathlib.Path) -> t.Iterator[str]:
    """Serve the repositories of a folder, and return the address of the folder."""
    port = free_port()
    command = ["git", "daemon", "--export-all", "--listen=127.0.0.1", f"--port={port}", f"--base-path={folder}"]
    daemon = subprocess.Popen([*command, str(folder)], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert time.monotonic() < deadline, "git daemon does not listen"
            time.sleep(0.1)
        yield f"git://127.0.0.1:{port}"
    finally:
        daemon.terminate()
        daemon.wait()


class Applied(t.NamedTuple):
    """The result of ``awx_setup``: the exit code, and the output without line breaks."""

    code: int
    output: str

    @property
    def changed(self) -> int:
        """The number of changed tasks."""
        found = re.search(r"localhost : ok=\d+ changed=(\d+)", self.output)
        assert found, self.output
        return int(found[1])


def set_up(url: str, token: str, override: dict[str, t.Any]) -> Applied:
    """Run the playbook awx_setup, as docs/awx.md says."""
    done = subprocess.run(
        ["ansible-playbook", "fleetops.odoo.awx_setup", "-e", json.dumps({"awx_setup_override": override})],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        env={
            **os.environ,
            "CONTROLLER_HOST": url,
            "CONTROLLER_OAUTH_TOKEN": token,
            # The machine may be busy with other tests.
            "CONTROLLER_REQUEST_TIMEOUT": "60",
            "ANSIBLE_LOCALHOST_WARNING": "false",
        },
    )
    assert token not in done.stdout
    return Applied(done.returncode, re.sub(r"\s+", " ", done.stdout))
