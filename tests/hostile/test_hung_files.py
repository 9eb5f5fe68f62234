# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files on a file system that does not answer: no module waits for them, and each server with such files is named.

Every user can open /dev/fuse. Root gets into such a file system only with the option allow_other.
"""

from __future__ import annotations

import contextlib
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet

from .conftest import HERE, SERVICE, THIRD, attack, send_file

PLACE = "/var/tmp/hung"
ADDONS = ("--no-http", "--workers", "2", "--addons-path", f"{PLACE}/addons", "--logfile", f"{PLACE}/odoo.log")
CONFIG = ("--no-http", "--workers", "2", "--config", f"{PLACE}/odoo.conf")


@contextlib.contextmanager
def hung(fleet: Fleet, way: str) -> t.Iterator[None]:
    """Mount a file system that answers nothing in this place while the block runs."""
    fleet.run("many", "sh", "-c", f"mkdir -p {PLACE}; test -e /dev/fuse || mknod -m 0666 /dev/fuse c 10 229")
    try:
        with attack(fleet, "many", "root", "hung_files.py", PLACE, way):
            try:
                yield
            finally:
                fleet.run("many", "umount", "-l", PLACE, check=False)
    finally:
        fleet.run("many", "rmdir", PLACE, check=False)


@pytest.mark.parametrize("way", ["waiting", "taken"])
def test_a_file_system_that_does_not_answer_hangs_no_module(fleet: Fleet, way: str) -> None:
    with hung(fleet, way), attack(fleet, "many", SERVICE, "catches_signals.py", *ADDONS) as (forged,):
        match = {"pid": str(forged)}
        begun = time.monotonic()
        answer = fleet.module("many", "master_info")
        assert time.monotonic() - begun < 90, answer.output
        stale = {master["pid"]: master["stale_reasons"] for master in answer.result["masters"]}
        assert len(stale) == 3
        # It is never told that nothing has changed.
        assert f"{PLACE}/addons" in stale.pop(forged)[0]
        assert PLACE not in str(stale)
        for module, given in (("evidence", {"timeout": 1}), ("stack_dump", {"sample_timeout": 1})):
            begun = time.monotonic()
            answer = fleet.module("many", module, match=match, **given)
            assert time.monotonic() - begun < 90, module
            assert [one["pid"] for one in answer.result["results"]] == [forged], answer.output
        begun = time.monotonic()
        answer = fleet.module("many", "reload", policy="stale", match=match)
        assert time.monotonic() - begun < 120
        assert answer.result["code"] == "supervisor.none"


def test_a_server_whose_odoo_conf_does_not_answer_is_named_and_the_others_are_worked_on(fleet: Fleet) -> None:
    with hung(fleet, "taken"), attack(fleet, "many", THIRD, "catches_signals.py", *CONFIG) as (forged,):
        begun = time.monotonic()
        answer = fleet.module("many", "master_info", staleness=False)
        assert time.monotonic() - begun < 60
        assert ("host.files_timeout", forged) in [(one["code"], one["pid"]) for one in answer.result["unseen"]]
        assert len(answer.result["masters"]) == 2
        assert fleet.module("many", "wait_healthy", timeout=20).code == 0


def test_a_file_system_of_the_user_alone_lets_root_not_in(fleet: Fleet) -> None:
    """In a user namespace any user may mount one, with allow_other for that namespace."""
    with hung(fleet, "waiting"):  # the device is there
        pass
    for program in ("hung_files.py", "catches_signals.py"):
        send_file(fleet, "many", (HERE / program).read_text(encoding="utf-8"), f"/tmp/{program}")
    steps = (
        f"python3 /tmp/hung_files.py /mnt waiting & sleep 1; exec python3 /tmp/catches_signals.py {' '.join(ADDONS)}"
    )
    words = f"setsid unshare -Urm sh -c '{steps.replace(PLACE, '/mnt')}' >/dev/null 2>&1 </dev/null &"
    fleet.run("many", "runuser", "-u", THIRD, "--", "sh", "-c", words)
    try:
        deadline = time.monotonic() + 30
        found: list[dict[str, t.Any]] = []
        while not found:
            assert time.monotonic() < deadline
            begun = time.monotonic()
            found = fleet.module("many", "master_info", users=[THIRD]).result["masters"]
        assert time.monotonic() - begun < 60
        assert found[0]["stale"] is True
    finally:
        fleet.run("many", "pkill", "-9", "-u", THIRD, "python3", check=False)
