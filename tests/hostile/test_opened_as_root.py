# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No module opens, runs or enters as root what a service user can exchange. strace is the witness."""

from __future__ import annotations

import io
import pathlib
import re
import shutil
import subprocess
import tarfile
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet

from .conftest import HERE, send_file

PLACE = "/root/strace"
LOADER = "ld-linux-x86-64.so.2"
#: The interpreter of the modules: Python under strace, which brings its own libraries. With -b it does not trace
#: programs that begin: it would wait for the end of a server that was started.
TRACED = f"""#!/bin/sh
case $0 in *let_go) DETACH='-b execve' ;; esac
exec {PLACE}/{LOADER} --library-path {PLACE} {PLACE}/strace -f $DETACH -y -qq -s 4096 -o {PLACE}/traces/$$ \\
    -e trace=%file,%creds,connect,fork,vfork,clone,clone3 /usr/bin/python3 "$@"
"""
#: Each module, with the options that make it read or start the most. The server is the same afterwards.
Calls = list[tuple[str, dict[str, t.Any]]]
UNIT: Calls = [
    ("master_info", {}),
    ("reload", {"policy": "stale"}),
    ("reload", {"policy": "always"}),
    ("stack_dump", {"postgres": True}),
    ("cache_stats", {}),
    ("evidence", {}),
    ("workers", {"count": 3}),
    ("recycle_workers", {"older_than": 0}),
    ("wait_healthy", {}),
    ("send_signal", {"signal": "QUIT"}),
    ("drain", {}),
    ("drain", {"state": "undrained"}),
]
#: On a terminal no answer can be read. The server is started again by its recorded command.
COMMAND: Calls = [
    ("master_info", {}),
    ("reload", {"policy": "always"}),
    ("evidence", {}),
    ("workers", {"count": 3}),
    ("drain", {}),
    ("drain", {"state": "undrained", "start_recorded": True}),
]


@pytest.fixture(params=["many", "term"])
def traced(fleet: Fleet, request: pytest.FixtureRequest) -> t.Iterator[str]:
    """A host that has strace."""
    host: str = request.param
    packed = io.BytesIO()
    strace = shutil.which("strace")
    assert strace, "strace is missing: make setup installs it"
    libraries = re.findall(r"/\S+", subprocess.run(["ldd", strace], check=True, capture_output=True, text=True).stdout)
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for file in (strace, *libraries):
            archive.add(pathlib.Path(file).resolve(), pathlib.Path(file).name)
    fleet.feed(host, f"mkdir -p {PLACE}/traces && tar -C {PLACE} -xf -", packed.getvalue())
    for name in ("python3", "python3_let_go"):
        send_file(fleet, host, TRACED, f"{PLACE}/{name}")
    send_file(fleet, host, (HERE / "opened_as_root.py").read_text(encoding="utf-8"), f"{PLACE}/opened_as_root.py")
    yield host
    fleet.run(host, "rm", "-r", PLACE)


def listed(fleet: Fleet, host: str) -> str:
    """Return what root opened that others can exchange, and take the traces away."""
    command = f"python3 {PLACE}/opened_as_root.py {PLACE}/traces/* && rm {PLACE}/traces/*"
    return fleet.run(host, "sh", "-c", command)


def test_root_opens_nothing_that_a_service_user_can_exchange(fleet: Fleet, traced: str) -> None:
    host = traced
    # The witness sees what it is there for.
    script = "import os; open('/tmp/planted').close(); open('/proc/self/root/tmp/link').close()"
    fleet.run(host, "sh", "-c", "runuser -u odoo -- touch /tmp/planted; runuser -u odoo -- ln -sf planted /tmp/link")
    fleet.run(host, f"{PLACE}/python3", "-c", script)
    assert listed(fleet, host) == "openat /tmp/planted\n"
    seen: dict[str, str] = {}
    match, calls = ({"unit": "odoo@prod.service"}, UNIT) if host == "many" else ({}, COMMAND)
    for module, options in calls:
        python = "python3_let_go" if "start_recorded" in options else "python3"
        interpreter = ("-e", f"ansible_python_interpreter={PLACE}/{python}")
        answer = fleet.module(host, module, *interpreter, **({"match": match} | options))
        assert answer.code == 0, f"{module} {options}: {answer.output}"
        seen[f"{module} {options}"] = listed(fleet, host)
    assert {call: paths for call, paths in seen.items() if paths} == {}
