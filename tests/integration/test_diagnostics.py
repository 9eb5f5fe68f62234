# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why is it slow? Asked of real servers."""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet, held, lab, no_secrets, run_of

HOSTS = "p19,t19,p14,t14"


def diagnose(fleet: Fleet, folder: pathlib.Path, hosts: str, *options: str, **values: t.Any) -> tuple[int, str]:
    """Run the playbook; its exit code, and what it printed with single spaces."""
    given = {"hosts": hosts, "report_dir": str(folder), "interval": 0.5, **values}
    done = fleet.playbook(
        "diagnostics", "-e", json.dumps({f"diagnostics_{key}": value for key, value in given.items()}), *options
    )
    return done.returncode, re.sub(r"\s+", " ", done.stdout)


def test_all_kinds_answer_and_the_culprit_comes_first(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    with held(fleet, "p19", "one"), held(fleet, "p19", "two"):
        # As a job with a limit has it.
        code, said = diagnose(fleet, tmp_path, "all", "--limit", HOSTS)
    assert code == 0, said
    # Tasks that run once show the first host.
    assert said.count("skipping: [") == 0, said
    assert max(len(re.findall(rf"(?:ok|changed): \[{host}\]", said)) for host in HOSTS.split(",")[1:]) <= 6, said
    # Tasks after the run do not belong to it.
    assert [word for word in ("Notify", "Run diagnostics_after") if word in said] == []
    folder = run_of(tmp_path)
    assert {path.name for path in folder.iterdir()} == {
        *(f"{host}{end}" for host in HOSTS.split(",") for end in ("", ".log", ".postgres.json")),
        "manifest.json",
        "report.json",
        "report.html",
    }
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    first = report["findings"][0]["sentence"]
    assert first.startswith("p19 has no http worker left for new requests"), first
    assert "lab_slow.hold" in first
    assert report["postgres"]["unsaid"] == {}
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        no_secrets(path.read_text(encoding="utf-8"))


def test_a_host_that_does_not_answer_does_not_lose_the_others(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    lab(fleet.name, "exec", "t19", "sh", "-c", "systemctl stop ssh.socket ssh.service; pkill -9 sshd; true")
    try:
        code, said = diagnose(fleet, tmp_path, "t19,p14", samples=1)
    finally:
        lab(fleet.name, "exec", "t19", "systemctl", "start", "ssh")
    assert code == 2, said
    assert "t19 did not answer" in said
    assert re.search(r"t19: no dump: .{0,200}(refused|reset)", said), said
    assert "[bundle.not_complete]" in said
    folder = run_of(tmp_path)
    names = {path.name for path in folder.iterdir()}
    assert names == {"p14", "p14.log", "p14.postgres.json", "manifest.json", "report.json", "report.html"}
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert "bundle" in manifest["hosts"]["p14"]
    assert manifest["hosts"]["t19"]["failure"]["code"] == "host.unreachable"
    (silent,) = json.loads((folder / "report.json").read_text(encoding="utf-8"))["silent"]
    assert (silent["host"], silent["pid"]) == ("t19", None)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<b>1</b> <span>did not answer" in page
    assert 'href="p14.log"' in page
    fleet.settle("t19")


@pytest.mark.parametrize(
    ("options", "values", "message"),
    [
        (["--check"], {}, "Check mode sends no signal"),
        ([], {"report_dir": "here"}, "[option.not_a_path]"),
        # As max_size has it.
        pytest.param([], {"samples": "many"}, "[option.wrong_variables]", marks=pytest.mark.thorough),
        ([], {"deliver": "nobody:/srv"}, "[bundle.unknown_host]"),
        ([], {"min_free": "99999999"}, "[bundle.no_room]"),
        ([], {"max_size": 9}, "[option.out_of_range]"),
        ([], {"host": "p19"}, "[option.set_by_role]"),
    ],
)
def test_what_cannot_be_done_is_said(
    fleet: Fleet, tmp_path: pathlib.Path, options: list[str], values: dict[str, t.Any], message: str
) -> None:
    code, said = diagnose(fleet, tmp_path, "p19", *options, **values)
    assert code != 0
    assert message in said, said
    assert list(tmp_path.iterdir()) == []


def test_where_there_is_no_server_the_host_itself_is_told(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    code, said = diagnose(fleet, tmp_path, "p19", match={"unit": "none.service"})
    assert code == 2
    assert "No Odoo master was found that matches" in said
    assert "p19 did not answer" in said
    assert {path.name for path in run_of(tmp_path).iterdir()} == {"p19", "manifest.json"}
    assert (run_of(tmp_path) / "p19" / "host" / "memory.json").exists()
