# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The four runs of a restart by any supervisor."""

from __future__ import annotations

import re
import time
import typing as t

from .conftest import Answer, Fleet


def in_seconds(reason: str) -> str:
    """Without the thousandths of its times: two clocks say when a process was started, asked one after the other."""
    return re.sub(r"\.\d{3}Z", "Z", reason)


def four_runs(fleet: Fleet, host: str, **arguments: t.Any) -> Answer:
    """Check, run, check, run; the answer of the run that does it."""
    before = fleet.master(host)
    old = fleet.processes(host)
    check = fleet.module(host, "reload", "--check", **arguments)
    assert (check.outcome, check.result["changed"]) == ((0, "restarted", None), True), check.output
    assert (check.only["signals"], check.only["successor"], check.only["steps"]) == ([], None, [])
    assert (check.only["before"]["state"], check.only["before"]["health"]) == ("running", "ok")
    assert fleet.processes(host) == old

    run = fleet.module(host, "reload", "--diff", **arguments)
    assert (run.outcome, run.result["changed"]) == ((0, "restarted", None), True), run.output
    assert (run.only["signals"], run.only["log"]) == ([], [])
    assert run.only["warnings"] == check.only["warnings"]
    supervisor = before["supervisor"]
    assert {supervisor["kind"], supervisor["unit"]} <= set(run.only["steps"][0]["what"].split()), run.output
    assert in_seconds(run.only["reason"]) == in_seconds(check.only["reason"]), (
        run.only["reason"],
        check.only["reason"],
    )
    assert run.only["identity"] == before["identity"] != run.only["successor"]
    after = fleet.master(host)
    assert after["identity"] == run.only["successor"]
    assert (run.only["after"]["state"], run.only["after"]["health"]) == ("running", "ok")
    assert run.only["after"]["workers"] == before["workers"]
    assert run.only["after"]["loaded"]["evidence"] == "marker"
    assert (after["needs"], after["supervisor"]["unit"]) == ("none", before["supervisor"]["unit"])

    new = fleet.processes(host)
    for options in (["--check"], []):
        again = fleet.module(host, "reload", *options, **arguments)
        assert (again.outcome, again.result["changed"]) == ((0, "nothing", None), False), again.output
        assert again.only["successor"] is None
    assert fleet.processes(host) == new
    return run


def since_now() -> dict[str, str]:
    """The policy that a restart fulfils once."""
    return {"policy": "since", "since": str(time.time())}
