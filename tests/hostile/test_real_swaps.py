# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Other things come and go in the places of the paths of a real server while modules work: root follows nowhere."""

from __future__ import annotations

import collections
import os
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet

from .conftest import SERVICE, attack, send_file

#: Seconds for each module. `FLEETOPS_SWAP_SECONDS=60` for a longer run.
SECONDS = float(os.environ.get("FLEETOPS_SWAP_SECONDS", "4"))
SECRET, NAME = "ROOTS-PASSWORD-4711", "roots_secret_addon"
BESIDE, TARGET = "/var/tmp/swaps", "/mnt/target"
PLACE = f"{BESIDE}/real"
MATCH = {"config_file": f"{PLACE}/odoo.conf"}
NAMES = "addons,data,odoo.conf,odoo.log,venv,cwd"
FILES = ("odoo.conf", "odoo.log", f"addons/{NAME}/__init__.py", f"addons/{NAME}/__manifest__.py")
#: Modules that work on the server one after the other. A drain stops it, and the way back starts its recorded command.
Calls = list[tuple[str, dict[str, t.Any]]]
CALLS: list[Calls] = [
    [("master_info", {})],
    [("evidence", {"timeout": 1})],
    [("stack_dump", {"sample_timeout": 1, "postgres": True, "timeout": 5})],
    [("reload", {"policy": "always", "timeout": 5, "rehearse": "import"})],
    [("workers", {"count": count, "persist": True, "timeout": 8}) for count in (3, 2)],
    [("drain", {"timeout": 8}), ("drain", {"timeout": 60, "state": "undrained", "start_recorded": True})],
]


@pytest.fixture
def target(fleet: Fleet) -> t.Iterator[None]:
    """Make files that only root may read, on a mount that keeps the times of reading. They witness each reading."""
    fleet.run("many", "sh", "-c", f"mount -t tmpfs -o strictatime,mode=0755 none /mnt; mkdir -p -m 1777 {BESIDE}")
    fleet.run("many", "sh", "-c", f"mkdir -p {TARGET}/cwd {TARGET}/data {TARGET}/addons/{NAME}")
    for name in FILES:
        send_file(fleet, "many", f"[options]\ndb_name = {SECRET}\nworkers = 2\n", f"{TARGET}/{name}", "0600")
    fleet.run("many", "chmod", "0700", f"{TARGET}/cwd", f"{TARGET}/data", f"{TARGET}/addons")
    yield
    end = f"pkill -9 -f [s]waps/real; umount -l /mnt; rm -rf {BESIDE} /run/fleetops-odoo/drain-*"
    fleet.run("many", "sh", "-c", end, check=False)


def witness(fleet: Fleet) -> str:
    """Return names, change times and times of the last reading of the files of root."""
    return fleet.run("many", "find", TARGET, "-type", "f", "-printf", "%p %C@ %A@ %s\\n")


def serving(fleet: Fleet, *, swaps: bool = True) -> None:
    """Wait until the server of the attacker runs. Then its paths come and go, and nothing else starts it again."""
    deadline = time.monotonic() + 150
    fleet.run("many", "sh", "-c", f"rm -f {BESIDE}/begin; touch {BESIDE}/keep")
    while True:
        masters = fleet.module("many", "master_info", match=MATCH, staleness=False).result["masters"]
        if [one["state"] for one in masters] == ["running"]:
            break
        said = fleet.run("many", "sh", "-c", f"tail -n 20 {PLACE}/said {PLACE}/odoo.log", check=False)
        assert time.monotonic() < deadline, (masters, said)
    fleet.run("many", "sh", "-c", f"rm {BESIDE}/keep; {'touch' if swaps else 'true'} {BESIDE}/begin")


#: The server is started again and again, each time in its time on a loaded machine.
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("user", "way"), [(SERVICE, "mounts"), ("root", "mounts"), (SERVICE, "links")])
@pytest.mark.usefixtures("target")
def test_paths_that_come_and_go_lead_root_nowhere(fleet: Fleet, user: str, way: str) -> None:
    others = {one["pid"]: one["identity"] for one in fleet.module("many", "master_info").result["masters"]}
    before = witness(fleet)
    did: dict[str, collections.Counter[str]] = {}
    with attack(fleet, "many", user, "real_swaps.py", PLACE, TARGET, NAMES, way) as (_keeper, swapper):
        for calls in CALLS:
            end, number = time.monotonic() + SECONDS, 0
            while time.monotonic() < end or not number:
                number += 1
                serving(fleet)
                for module, options in calls:
                    answer = fleet.module("many", module, match=MATCH, **options)
                    assert SECRET not in answer.output, module
                    assert NAME not in answer.output, module
                    # Those of the server are in its log, which evidence returns.
                    assert "module_stderr" not in answer.output, answer.output
                    assert "ansible_module" not in answer.output, answer.output
                    for one in answer.result.get("results", [{"did": "looked"}]):
                        outcome = f"{one.get('did')} {one.get('code')}"
                        did.setdefault(f"{module} {options.get('state', '')}", collections.Counter())[outcome] += 1
            assert fleet.run("many", "cat", f"/proc/{swapper}/stat").split()[2] in "RSD"
        assert fleet.run("many", "cat", f"{BESIDE}/failed", check=False) == ""
    print(user, way, {call: dict(outcomes) for call, outcomes in did.items()})
    # Root has read none of its files for this server, has run none of its programs, and has left it no file.
    assert witness(fleet) == before
    assert fleet.run("many", "find", PLACE, "-user", "root", "-o", "-perm", "/6000") == ""
    now = {one["pid"]: one["identity"] for one in fleet.module("many", "master_info").result["masters"]}
    assert {pid: now.get(pid) for pid in others} == others


#: Give a file the right to become any user, as newuidmap has it on some systems, and show which files have a right.
GIVE = "import os, struct; os.setxattr({!r}, {!r}, struct.pack('<5I', 0x02000001, 1 << 7, 0, 0, 0))"
SHOW = "import os; print([at.name for at in os.scandir({!r}) if {!r} in os.listxattr(at, follow_symlinks=False)])"
RIGHT = "security.capability"


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("target")
def test_a_new_odoo_conf_gets_no_right_of_a_program_that_comes_and_goes(fleet: Fleet) -> None:
    copy = f"cat {PLACE}/odoo.conf > {TARGET}/odoo.conf; chmod 0755 {TARGET}/odoo.conf"
    with attack(fleet, "many", SERVICE, "real_swaps.py", PLACE, TARGET, "odoo.conf", "mounts"):
        serving(fleet, swaps=False)
        fleet.run("many", "sh", "-c", copy)
        fleet.run("many", "python3", "-c", GIVE.format(f"{TARGET}/odoo.conf", RIGHT))
        assert fleet.run("many", "python3", "-c", SHOW.format(TARGET, RIGHT)).strip() == "['odoo.conf']"
        fleet.run("many", "touch", f"{BESIDE}/begin")
        written, end = 0, time.monotonic() + 2 * SECONDS
        while time.monotonic() < end or not written:
            assert time.monotonic() < end + 240
            for count in (3, 2):
                answer = fleet.module("many", "workers", match=MATCH, count=count, persist=True, timeout=8)
                written += bool((answer.only["persisted"] or {}).get("changed"))
        fleet.run("many", "rm", f"{BESIDE}/begin")
    print(f"{written} files written")
    assert fleet.run("many", "python3", "-c", SHOW.format(PLACE, RIGHT)).strip() == "[]"
