# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A million files, links or folders in a folder of addons: each look ends in time, with little memory."""

from __future__ import annotations

import time

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet

from .conftest import HERE, SERVICE, attack, send_file

PLACE = "/var/tmp/large"
OPTIONS = ("--no-http", "--workers", "2", "--addons-path", f"{PLACE}/addons")
#: The interpreter of the modules: it writes down the memory of the largest process, in MiB.
MEASURED = """#!/bin/sh
exec /usr/bin/python3 -c '
import os, sys
pid = os.fork()
if pid == 0:
    os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv[1:]])
_pid, status, used = os.wait4(pid, 0)
open("/root/used", "w").write(str(used.ru_maxrss >> 10))
os._exit(os.waitstatus_to_exitcode(status))
' "$@"
"""


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("what", "number"), [("files", 1_000_000), ("links", 300_000), ("folders", 300_000)])
def test_a_folder_of_addons_that_has_no_end_hangs_no_module(fleet: Fleet, what: str, number: int) -> None:
    send_file(fleet, "many", (HERE / "many_files.py").read_text(encoding="utf-8"), "/tmp/many_files.py")
    send_file(fleet, "many", MEASURED, "/root/python3")
    options = "size=4g,nr_inodes=0,mode=1777"
    fleet.run("many", "sh", "-c", f"mkdir -p {PLACE} && mount -t tmpfs -o {options} none {PLACE}")
    try:
        words = ("python3", "/tmp/many_files.py", what, str(number), f"{PLACE}/addons/a")
        fleet.run("many", "runuser", "-u", SERVICE, "--", *words, seconds=300)
        with attack(fleet, "many", SERVICE, "catches_signals.py", *OPTIONS) as (forged,):
            for module, given in (
                ("master_info", {}),
                ("stack_dump", {"sample_timeout": 1}),
                ("reload", {"policy": "stale"}),
            ):
                begun = time.monotonic()
                python = ("-e", "ansible_python_interpreter=/root/python3")
                answer = fleet.module("many", module, *python, match={"pid": str(forged)}, **given)
                assert time.monotonic() - begun < 100, module
                assert int(fleet.run("many", "cat", "/root/used")) < 250, module
                if module == "master_info":
                    # Never that nothing has changed.
                    assert f"{PLACE}/addons" in answer.result["masters"][0]["stale_reasons"][0]
    finally:
        fleet.run("many", "sh", "-c", f"umount -l {PLACE}; rm -f /root/used /root/python3")
