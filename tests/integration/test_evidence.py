# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gathering evidence of real servers."""

from __future__ import annotations

import typing as t

import pytest

from .conftest import STAND_IN, Fleet, held, thorough, unwatched

LOG = "/var/log/odoo/odoo-server.log"


# All four write theirs in test_stack_dump.py; here are both versions, and both modes.
@pytest.mark.versions
@pytest.mark.parametrize("host", ["p19", "t14", *thorough("t19", "p14")])
def test_every_process_writes_its_stacks_and_lives_on(fleet: Fleet, host: str) -> None:
    before = fleet.processes(host)
    with unwatched(fleet, "p19"):
        answer = fleet.module(host, "evidence")
    assert (answer.code, answer.result["changed"]) == (0, False)
    found = answer.only
    # On Python 3.10 and 3.11 a master may not be at rest in time: that of p19, and of a version that stands in.
    refused = found["dumps"]["refused"]
    assert [(one["role"], one["code"]) for one in refused] in ([], [("master", "dump.not_at_rest")])
    assert not refused or host == "p19" or host[-2:] in STAND_IN
    asked = len(before) - len(refused)
    assert {**found["dumps"], "refused": []} == {
        "signalled": asked,
        "seen": asked,
        "refused": [],
        "code": None,
        "reason": None,
    }
    assert (found["state"], found["log_source"]) == ("running", LOG)
    for identity in before:
        pid = identity.split(":")[0]
        assert any(f" {pid} INFO " in line and line.endswith("odoo.tools.misc:") for line in found["log"])
    assert sum(line.startswith("# Thread: ") for line in found["log"]) >= len(before)
    assert [line.split()[0] for line in found["processes"]] == [identity.split(":")[0] for identity in before]
    assert [line.split()[0] for line in answer.result["processes"]] == [i.split(":")[0] for i in before]
    assert fleet.processes(host) == before


def test_the_journal(fleet: Fleet) -> None:
    found = fleet.module("journal", "evidence").only
    assert found["log_source"] == "the journal of odoo.service"
    assert found["dumps"]["seen"] == found["dumps"]["signalled"] == 5
    assert any("dumpstacks" in line for line in found["log"])


def test_a_request_that_hangs_is_seen_in_its_stack(fleet: Fleet) -> None:
    with held(fleet, "p19", "evidence"):
        found = fleet.module("p19", "evidence").only
    assert any("lab_slow/controllers/main.py" in line for line in found["log"])


@pytest.mark.parametrize(("options", "arguments"), [([], {"dumps": False}), (["--check"], {})])
def test_nothing_is_signalled(fleet: Fleet, options: list[str], arguments: dict[str, t.Any]) -> None:
    count = f"grep -c 'odoo.tools.misc: $' {LOG} || true"
    before = fleet.run("t19", "bash", "-c", count)
    found = fleet.module("t19", "evidence", *options, lines=5, **arguments).only
    assert found["dumps"] == {"signalled": 0, "seen": 0, "refused": [], "code": None, "reason": None}
    assert 5 <= len(found["log"]) <= 8
    assert fleet.run("t19", "bash", "-c", f"sleep 0.5; {count}") == before


@pytest.mark.thorough
def test_while_it_boots_who_would_die_gets_none(fleet: Fleet) -> None:
    before = fleet.identities("p19")
    ended = f"grep -c 'Exception occurred, exiting' {LOG} || true"
    harmed = fleet.run("p19", "sh", "-c", ended)
    assert fleet.module("p19", "send_signal", signal="HUP").code == 0
    found = fleet.module("p19", "evidence")
    assert found.code == 0
    assert fleet.module("p19", "wait_healthy").only["identity"] == found.only["identity"]
    # Processes of the old generation may end before they can write; all others must write, and none may end.
    left = set(before) - set(fleet.identities("p19"))
    silent = found.only["dumps"]["signalled"] - found.only["dumps"]["seen"]
    assert 0 <= silent <= len(left)
    assert found.only["dumps"]["seen"] >= 1
    assert fleet.run("p19", "sh", "-c", ended) == harmed


def test_a_secret_in_the_log_is_not_returned(fleet: Fleet) -> None:
    fleet.run("p14", "bash", "-c", f"echo 'db_password = LAB-SECRET-1' >> {LOG}")
    found = fleet.module("p14", "evidence", dumps=False).only
    assert any(line == "db_password = ********" for line in found["log"])


def test_one_off_runs_are_listed_and_not_signalled(fleet: Fleet) -> None:
    shell = "(sleep 40 | runuser -u odoo -- odoo shell -c /etc/odoo/odoo.conf -d p14 --no-http) >/dev/null 2>&1 &"
    fleet.run("p14", "bash", "-c", shell)
    try:
        result = fleet.module("p14", "evidence").result
        (one_off,) = result["one_off"]
        assert result["processes"][-1].startswith(f"{one_off['pid']} one-off ")
        assert result["results"][0]["dumps"]["signalled"] == 5
        assert fleet.module("p14", "master_info").result["one_off"] == result["one_off"]
    finally:
        fleet.run("p14", "pkill", "-f", "sleep 40")


def test_no_master_succeeds_with_allow_none(fleet: Fleet) -> None:
    answer = fleet.module("lb", "evidence", allow_none=True)
    assert (answer.code, answer.result["results"], answer.result["processes"]) == (0, [], [])
    nothing = fleet.module("p19", "evidence", select="[?nothing]", allow_none=True)
    assert (nothing.code, nothing.result["results"]) == (0, [])
    assert len(nothing.result["processes"]) == 5
    none = fleet.module("lb", "evidence")
    assert (none.code, none.result["code"]) == (2, "host.no_master")
    assert fleet.module("p19", "evidence", select="[?nothing]").code == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"lines": -1}, "option.out_of_range"),
        ({"lines": 10_001}, "option.out_of_range"),
        ({"timeout": -1}, "option.negative"),
    ],
)
def test_a_bad_option_has_a_code(fleet: Fleet, arguments: dict[str, int], code: str) -> None:
    answer = fleet.module("p19", "evidence", **arguments)
    assert (answer.code, answer.result["code"]) == (2, code)
