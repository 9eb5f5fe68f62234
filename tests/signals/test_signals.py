# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every signal to every role, in each state, on a real server, against what was recorded of that version.

FLEETOPS_VERSIONS names the versions (19 and 14 else); FLEETOPS_RECORD=1 writes what is seen in place of comparing.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import datetime
import json
import os
import pathlib
import subprocess
import typing as t

import pytest
import yaml
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet, lab_up, login

from . import cases

VERSIONS = os.environ.get("FLEETOPS_VERSIONS", "19 14").split()
HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="module", params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """The version under test, as a fleet file calls it."""
    return str(request.param)


@pytest.fixture(scope="module")
def record(version: str, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[cases.Row]:
    """Run all trials of a version, both modes side by side, on hosts of their own."""
    hosts = {"prefork": "p", "threaded": "t"}
    rows = [{"name": name, "version": version, "mode": mode} for mode, name in hosts.items()]
    place = tmp_path_factory.mktemp("signals") / "signals.yml"
    place.write_text(yaml.safe_dump({"hosts": rows}), encoding="utf-8")
    lab = contextlib.contextmanager(lab_up)(os.environ.get("FLEETOPS_TEST_LAB", "signals"), str(place))
    with lab as fleet:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            done = list(pool.map(lambda mode: _run(fleet, hosts[mode], mode), hosts))
        yield {**_what(fleet, version), "rows": [row for rows in done for row in rows]}


def _run(fleet: Fleet, host: str, mode: str) -> t.List[cases.Row]:
    agent = (HERE / "agent.py").read_text(encoding="utf-8")
    words = [*login(fleet.inventory, host), f"python3 - '{json.dumps(cases.trials(mode))}'"]
    done = subprocess.run(words, input=agent, capture_output=True, text=True, check=False, timeout=3600)
    raw = HERE.parent / "output" / f"signals-{host}.jsonl"
    raw.parent.mkdir(exist_ok=True)
    raw.write_text(done.stdout, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return [{"mode": mode, **json.loads(line)} for line in done.stdout.splitlines()]


def _what(fleet: Fleet, version: str) -> cases.Row:
    """Return what runs: the version of the server, its Python, and the commit or the Debian package."""
    told = fleet.master("p")
    cache = pathlib.Path(os.environ.get("FLEETOPS_LAB_CACHE", "/var/cache/fleetops-lab"), f"source-{version}.json")
    if cache.exists():
        tree = json.loads(cache.read_text(encoding="utf-8"))
        origin = (
            f"commit {tree['commit'][:12]} of {tree['date']}"
            if tree["commit"]
            else f"a tree without git, {tree['digest']}"
        )
    else:
        package = fleet.run("p", "dpkg-query", "-W", "-f", "${Package} ${Version}\\n", "odoo*").strip().splitlines()[-1]
        origin = f"Debian's {package}"
    python = fleet.run("p", "sh", "-c", f"/proc/{told['pid']}/exe -V").split()[-1]
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    return {"version": told["version"], "python": python, "tree": origin, "date": today}


@pytest.mark.timeout(3600)
def test_each_signal_does_what_was_recorded_of_the_version(version: str, record: cases.Row) -> None:
    failed = [row for row in record["rows"] if "failed" in row]
    assert not failed, failed
    assert {row["mode"] for row in record["rows"]} == {"prefork", "threaded"}
    known = cases.records()
    place = cases.RECORDED / f"{version}.json"
    if os.environ.get("FLEETOPS_RECORD"):
        cases.write(record, place)
        return
    if place.stem not in known:
        newest = list(known)[-1]
        lines = cases.differences(known[newest]["rows"], record["rows"])
        pytest.fail(f"Nothing is recorded of {version}. Unlike {newest}:\n" + "\n".join(lines))
    lines = cases.differences(known[place.stem]["rows"], record["rows"])
    assert not lines, "\n".join(lines)
