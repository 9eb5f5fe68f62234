# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test pipes, devices, endless lines, full and read-only places instead of the files of a server."""

from __future__ import annotations

import contextlib
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet

from .conftest import SERVICE, THIRD, attack

PLACE = "/var/tmp/hostile"
FEIGNED = ("--no-http", "--workers", "2", "--config", f"{PLACE}/odoo.conf", "--addons-path", f"{PLACE}/addons")

#: What the attacker makes in the place, as the service user.
PLACES = {
    "pipes": "mkfifo addons/a/models.py addons/a/__manifest__.py odoo.conf log",
    "links to devices": "ln -s /dev/zero addons/a/models.py; ln -s /dev/zero odoo.conf; ln -s /dev/zero log",
    "links to /proc": "ln -s /proc/kmsg addons/a/m.py; ln -s /proc/self/mem odoo.conf; ln -s /proc/kcore log",
    "links in a circle": "ln -s . addons/a/b; ln -s log log; ln -s odoo.conf odoo.conf; ln -s .. addons/c",
    "a line of 64 MB": "head -c 67108864 /dev/zero | tr '\\0' x > log; cp log odoo.conf",
    "a sparse log of a terabyte": "truncate -s 1T log; truncate -s 1T odoo.conf; truncate -s 1T addons/a/models.py",
    "deep folders": "cd addons; for i in $(seq 900); do mkdir d && cd d; done",
}


@contextlib.contextmanager
def made(fleet: Fleet, command: str) -> t.Iterator[None]:
    """Make what a place has, as the service user."""
    folder = f"mkdir -p {PLACE}/addons/a && cd {PLACE} && {{ {command}; }}"
    try:
        fleet.run("many", "runuser", "-u", SERVICE, "--", "sh", "-c", folder)
        yield
    finally:
        fleet.run("many", "rm", "-rf", PLACE)


@pytest.mark.parametrize("name", PLACES)
def test_what_stands_in_the_place_of_a_file_hangs_no_module(fleet: Fleet, name: str) -> None:
    with made(fleet, PLACES[name]):
        options = (*FEIGNED, "--logfile", f"{PLACE}/log", "--data-dir", f"{PLACE}/addons")
        with attack(fleet, "many", SERVICE, "catches_signals.py", *options) as (forged,):
            for module, given in (
                ("master_info", {}),
                ("evidence", {"timeout": 1}),
                ("stack_dump", {"sample_timeout": 1}),
            ):
                begun = time.monotonic()
                answer = fleet.module("many", module, match={"pid": str(forged)}, **given)
                assert time.monotonic() - begun < 60, (name, module)
                found = answer.result.get("masters", answer.result.get("results"))
                assert [one["pid"] for one in found or []] in ([forged], []), answer.output


def test_a_service_user_with_pipes_in_its_place_does_not_hold_a_reload_of_the_others(fleet: Fleet) -> None:
    with made(fleet, PLACES["pipes"]):
        options = (*FEIGNED, "--logfile", f"{PLACE}/log")
        with attack(fleet, "many", THIRD, "catches_signals.py", *options):
            answer = fleet.module("many", "reload", policy="always", health={"timeout": 5})
            assert answer.code == 0, answer.output
            assert [one["did"] for one in answer.result["results"]] == ["signalled"] * 2


@pytest.mark.parametrize("place", ["/run/fleetops-odoo", "/tmp"])
@pytest.mark.parametrize("options", ["size=16k,mode=1777", "ro,size=1m,mode=1777", "noexec,size=64m,mode=1777"])
def test_a_full_read_only_or_noexec_place_ends_in_a_sentence(fleet: Fleet, place: str, options: str) -> None:
    fill = f"head -c 100000 /dev/zero > {place}/fill 2>/dev/null; true"
    fleet.run("many", "sh", "-c", f"mkdir -p {place}; mount -t tmpfs -o {options} none {place}")
    try:
        if "16k" in options:
            fleet.run("many", "sh", "-c", fill)
        answer = fleet.module("many", "reload", policy="always", health={"timeout": 5})
        assert "Traceback" not in answer.output
        # It either does its work, or says by a code why it does not, and then has signalled nothing.
        if answer.code != 0:
            assert answer.result["code"], answer.output
            assert all(one["signals"] == [] for one in answer.result["results"])
    finally:
        fleet.run("many", "umount", "-l", place)


def test_with_hidden_processes_a_user_is_told_and_root_sees_all(fleet: Fleet) -> None:
    fleet.run("many", "mount", "-o", "remount,hidepid=2", "/proc")
    try:
        assert len(fleet.module("many", "master_info").result["masters"]) == 2
        theirs = fleet.module("many", "master_info", "-e", f"ansible_user={THIRD}").result
        assert theirs["masters"] == []
        assert [one["code"] for one in theirs["unseen"]] == ["host.hidden_processes"]
    finally:
        fleet.run("many", "mount", "-o", "remount,hidepid=0", "/proc")


def test_a_directory_that_another_user_made_first_does_not_block_a_user(fleet: Fleet) -> None:
    uid = fleet.run("many", "id", "-u", SERVICE).strip()
    taken = f"/tmp/fleetops-odoo-{uid}"
    fleet.run("many", "sh", "-c", f"rm -rf {taken}; runuser -u {THIRD} -- mkdir {taken}")
    try:
        answer = fleet.module("many", "roll_lock", "-e", f"ansible_become_user={SERVICE}", "--become", id="x")
        assert answer.code == 0, answer.output
        assert answer.result["lock"]["id"] == "x"
    finally:
        fleet.run("many", "rm", "-rf", taken)
