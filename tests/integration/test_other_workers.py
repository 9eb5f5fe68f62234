# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real servers with a worker that an addon adds, of several kinds. Both versions side by side."""

from __future__ import annotations

import io
import pathlib
import tarfile
import time
import typing as t

import pytest

from .conftest import Answer, Fleet, side_by_side

ADDONS = pathlib.Path(__file__).parent / "addons"
BOTH = ("p19", "p14")
CONF = "/etc/odoo/odoo.conf"

pytestmark = pytest.mark.timeout(600)


def put(fleet: Fleet, kind: str, level: str = "info") -> None:
    """Make both servers load the addon, with a worker of this kind, and start them again."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(ADDONS / "lab_runner", "lab_runner", filter=lambda one: None if "__pycache__" in one.name else one)
    lines = f"[options]\\nserver_wide_modules = base,web,lab_runner\\nlog_level = {level}"
    for host in BOTH:
        fleet.feed(host, "tar -C /opt/lab/addons -xzf -", packed.getvalue())
        shell(
            fleet,
            host,
            f"printf {kind} > /opt/lab/addons/lab_runner/kind",
            f"test -e {CONF}.plain || cp -p {CONF} {CONF}.plain",
            f"sed 's/^\\[options\\]/{lines}/' {CONF}.plain > {CONF}",
            "systemctl restart odoo",
        )
    healthy(fleet)
    # A worker without a name needs this long to show what it is.
    time.sleep(11)


def shell(fleet: Fleet, host: str, *commands: str) -> None:
    """Run commands on a host, one after the other."""
    fleet.run(host, "sh", "-ec", "\n".join(commands))


def healthy(fleet: Fleet) -> None:
    """Wait until both servers are complete."""
    for answer in side_by_side(fleet, BOTH, "wait_healthy", timeout=60).values():
        assert answer.code == 0, answer.output


@pytest.fixture(autouse=True)
def _plain(fleet: Fleet) -> t.Iterator[None]:
    yield
    for host in BOTH:
        shell(fleet, host, f"mv {CONF}.plain {CONF}", "rm -r /opt/lab/addons/lab_runner", "systemctl restart odoo")
    healthy(fleet)


def good(answers: dict[str, Answer]) -> dict[str, dict[str, t.Any]]:
    """Return the result of each host; all must succeed."""
    for answer in answers.values():
        assert answer.code == 0, answer.output
    return {host: answer.only for host, answer in answers.items()}


@pytest.mark.parametrize("kind", ["keep", pytest.param("close", marks=pytest.mark.thorough)])
def test_a_worker_of_an_addon_is_not_counted(fleet: Fleet, kind: str) -> None:
    put(fleet, kind)
    at_first = ["cron", "gevent", "http", "http", "other WorkerFeeder"]
    assert [fleet.roles(host) for host in BOTH] == [at_first, at_first]
    for count, signals in ((2, []), (4, ["TTIN", "TTIN"]), (1, ["TTIN", *["TTOU"] * 4, *["INT"] * 4]), (2, ["TTIN"])):
        for done in good(side_by_side(fleet, BOTH, "workers", count=count)).values():
            assert done["signals"] == signals
    for done in good(side_by_side(fleet, BOTH, "recycle_workers", roles=["other"], older_than=0)).values():
        assert [(one["role"], bool(one["replaced_by"])) for one in done["recycled"]] == [("other", True)]
    for done in good(side_by_side(fleet, BOTH, "stack_dump")).values():
        # On Python 3.11 processes that HAProxy's health check wakes are not at rest.
        assert {one["code"] for one in done["missing"]} <= {"dump.not_at_rest"}
        assert "other" in [one["role"] for one in [*done["asked"], *done["missing"]]]
    for done in good(side_by_side(fleet, BOTH, "reload", policy="always")).values():
        assert {child["generation"] for child in done["after"]["children"]} == {"current"}
    assert [fleet.roles(host) for host in BOTH] == [at_first, at_first]


@pytest.mark.thorough
def test_a_subclass_of_the_http_worker_is_counted(fleet: Fleet) -> None:
    put(fleet, "replace")
    for done in good(side_by_side(fleet, BOTH, "workers", count=3)).values():
        assert (done["signals"], done["target"]) == (["TTIN"], 3)


@pytest.mark.thorough
def test_workers_that_nothing_tells_apart_are_left_alone(fleet: Fleet) -> None:
    put(fleet, "plain", "warn")
    for answer in side_by_side(fleet, BOTH, "workers", count=2).values():
        assert (answer.code, answer.only["code"], answer.only["signals"]) == (2, "refused.not_told_apart", [])
    put(fleet, "keep", "warn")
    assert fleet.roles("p19") == fleet.roles("p14") == ["cron", "gevent", "http", "http", "other"]


@pytest.mark.thorough
def test_a_target_that_another_program_lowered_is_corrected(fleet: Fleet) -> None:
    put(fleet, "keep")
    for host in BOTH:
        pid, worker = fleet.master(host)["pid"], fleet.master(host)["children"][0]["pid"]
        shell(
            fleet, host, f"for i in 1 2 3 4 5; do kill -TTOU {pid}; sleep 0.3; done", f"kill -INT {worker}", "sleep 6"
        )
        assert fleet.master(host)["workers"]["http"] == 1
    for done in good(side_by_side(fleet, BOTH, "workers", count=2)).values():
        assert (done["signals"], done["target"]) == (["TTIN"] * 5, 2)
