# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks as jobs of AWX: by ansible-runner, from a project with the built archive, with a survey's answers."""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet, held
from ansible_collections.fleetops.odoo.tests.integration.jobs import Awx, answers, eventually, every_answer
from ansible_collections.fleetops.odoo.tests.integration.rolls import HAPROXY, RELOAD, all_in, balancer, locked


@pytest.fixture(scope="module")
def awx(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Awx:
    """The private data directory of all jobs here."""
    return Awx(tmp_path_factory.mktemp("awx"), fleet)


def done_of(*hosts: str) -> dict[str, t.Any]:
    """Return what a role hands on whose hosts are all done."""
    return {"outcome": "done", "hosts": {"done": list(hosts)}, "remaining": [], "codes": {}}


def test_a_roll_tells_a_workflow_what_it_did(awx: Awx, fleet: Fleet) -> None:
    before = {host: fleet.processes(host) for host in ("p19", "t14")}
    given = answers(
        "rolling_restart",
        rolling_restart_hosts="p19:t14",
        rolling_restart_policy="always",
        rolling_restart_batches="1,25%",
        rolling_restart_stop_after=1,
    )
    done = awx.job(45, "rolling_restart", given)
    assert (done.status, done.code) == ("successful", 0), done.output
    told = done.told["rolling_restart"]
    assert (told["outcome"], told["hosts"]) == ("paused", {"reloaded": ["p19"], "not_touched": ["t14"]})
    assert told["remaining"] == ["t14"]
    assert done.stats["failures"] == {}
    assert done.stats["dark"] == {}
    assert done.stats["changed"] == {"p19": 1}
    assert done.tasks("runner_on_ok", RELOAD) == ["p19"]
    assert re.search(r"^ROLL [\d:]{8} \S", done.output, re.MULTILINE), done.output
    assert re.search(r"p19 +reloaded +[\d.]+ s  workers [\d,]+ -> workers [\d,]+", done.output)
    assert fleet.processes("p19")[0] == before["p19"][0]
    assert fleet.processes("p19") != before["p19"]
    assert fleet.processes("t14") == before["t14"]
    assert locked(fleet, "p19") is None


@pytest.mark.thorough
def test_diagnostics_tell_what_they_found(awx: Awx, fleet: Fleet) -> None:
    given = answers("diagnostics", diagnostics_hosts="p19", diagnostics_samples=2, diagnostics_interval=0.5)
    with held(fleet, "p19", "diagnosed"):
        done = awx.job(46, "diagnostics", given)
    assert (done.status, done.code) == ("successful", 0), done.output
    told = json.dumps(done.told)
    assert "lab_slow" in told or "/lab/hold" in told, told
    # The folder is gone with the container of the job.
    assert done.told["diagnostics"]["report_html"].lstrip().lower().startswith("<!doctype html>")
    assert "AWX removes this folder with the job" in re.sub(r"\s+", " ", done.output)


def test_fleet_info_fills_the_fact_cache(awx: Awx) -> None:
    done = awx.job(47, "fleet_info", answers("fleet_info", fleet_info_hosts="p19,p14"))
    assert (done.status, done.code) == ("successful", 0), done.output
    assert done.told["fleet_info"]["hosts"] == {"done": ["p19", "p14"]}
    assert done.told["fleet_info"]["by_version"] == {"19.0": ["p19"], "14.0": ["p14"]}
    # ansible-core puts s1_ before the name from 2.19 on.
    kept = {path.name.removeprefix("s1_"): path for path in (done.artifacts / "fact_cache").iterdir()}
    assert set(kept) == {"p19", "p14"}
    assert "odoo_prefork" in kept["p19"].read_text(encoding="utf-8")


def test_a_cancelled_roll_is_plainly_marked_and_release_puts_it_right(awx: Awx, fleet: Fleet) -> None:
    def is_out() -> bool:
        return balancer(fleet)["p19"][0] != "ready"

    given = answers("rolling_restart", rolling_restart_hosts="p19", rolling_restart_policy="always")
    with held(fleet, "p19", "cancelled"):
        done = awx.job(48, "rolling_restart", {**HAPROXY, **given}, cancel_at=RELOAD)
    assert done.status == "canceled", done.output
    assert done.code != 0
    # Before it was cancelled, because it could not say it afterwards.
    hint = "launch the template Odoo - release with awx-job-48 in the question Locks to take over"
    assert hint in re.sub(r"\s+", " ", done.output)
    assert is_out()
    mark = locked(fleet, "p19")
    assert (mark["id"], mark["out"]) == ("awx-job-48", True)
    assert mark["owner"] == "operator (AWX)"
    fleet.settle("p19")
    # A job in another container cannot know that this one is dead, so its lock must be named.
    released = awx.job(
        49,
        "release",
        {
            **HAPROXY,
            **answers(
                "release",
                rolling_restart_hosts="p19",
                rolling_restart_take_over="awx-job-48",
                rolling_restart_release_fails="true",
            ),
        },
    )
    # As at the end of the workflow.
    assert (released.status, released.code) == ("failed", 2), released.output
    assert "[roll.released_as_failed]" in re.sub(r"\s+", " ", released.output)
    assert released.told["release"] == {**done_of("p19"), "released": ["p19"]}
    eventually(lambda: all_in(fleet))
    assert locked(fleet, "p19") is None


def test_a_slice_is_refused(awx: Awx, fleet: Fleet) -> None:
    before = fleet.processes("p19")
    given = answers("rolling_restart", rolling_restart_hosts="p19", rolling_restart_policy="always")
    name = "Odoo - rolling restart"
    sliced = {"awx_workflow_job_id": 51, "awx_workflow_job_name": name, "awx_job_template_name": name}
    done = awx.job(52, "rolling_restart", {**given, **sliced})
    assert (done.status, done.code) == ("failed", 2)
    said = re.sub(r"\s+", " ", done.output)
    assert "[roll.sliced]" in said
    assert fleet.processes("p19") == before


@pytest.mark.thorough
def test_what_surveys_send_is_understood(awx: Awx, fleet: Fleet) -> None:
    """Texts for booleans and numbers, and empty ones, by every template that has not run above; for real."""
    before = fleet.processes("p19")

    def told(number: int, template: str, **given: str) -> t.Any:
        done = awx.job(number, template, every_answer(template, **given))
        assert (done.status, done.code) == ("successful", 0), done.output
        return done.told[{"undrain": "graceful_drain", "drain": "graceful_drain"}.get(template, template)]

    hosts = {"graceful_drain_hosts": "t19"}
    assert told(60, "drain", **hosts, graceful_drain_http_timeout="60.0") == done_of("t19")
    assert fleet.module("t19", "master_info").result["masters"] == []
    assert told(61, "undrain", **hosts) == done_of("t19")
    fleet.settle("t19")
    assert told(62, "release", rolling_restart_hosts="t19") == {**done_of("t19"), "released": []}
    for number, count in ((63, "3"), (64, "2")):
        given = {"scale_workers_hosts": "p19", "scale_workers_count": count}
        assert told(number, "scale_workers", **given) == done_of("p19")
        assert fleet.master("p19")["workers"]["http"] == int(count)
    given = {"recycle_workers_hosts": "p19", "recycle_workers_older_than": "0"}
    assert told(65, "recycle_workers", **given) == done_of("p19")
    after = fleet.processes("p19")
    # The master, and processes that are neither http workers nor new.
    assert after[0] == before[0]
    assert len(set(before) - set(after)) == 2
    report = told(66, "cache_report", cache_report_hosts="p19,p14", cache_report_top="3")
    assert 1 <= len(report.pop("caches")) <= 3
    # The folder is gone with the container of the job.
    assert report.pop("report_html").lstrip().lower().startswith("<!doctype html>")
    assert report == done_of("p19", "p14")


def test_a_workflow_whose_approval_was_denied_ends_with_what_is_done_and_what_is_not(awx: Awx) -> None:
    """The job of the canary has handed on what it did."""
    told = {"outcome": "paused", "hosts": {"reloaded": ["p19"], "not_touched": ["t14"]}, "remaining": ["t14"]}
    done = awx.job(67, "not_approved", {"rolling_restart": told})
    assert (done.status, done.code) == ("failed", 2), done.output
    output = re.sub(r"\s+", " ", done.output)
    assert "denied or timed out. Done: p19. Not done: t14." in output, done.output
    assert "[awx.not_approved]" in output
    # It fails on one host of the roll; which one depends on the order of the keys.
    assert list(done.stats["failures"].values()) == [1]


def test_the_archive_is_what_jobs_run(awx: Awx) -> None:
    made = pathlib.Path(awx.folder / "requirements_collections/ansible_collections/fleetops/odoo")
    assert (made / "playbooks/awx_setup.yml").is_file()
    assert (made / "docs/awx-project/collections/requirements.yml").is_file()
