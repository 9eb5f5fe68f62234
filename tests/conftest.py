# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of all tests."""

from __future__ import annotations

import os
import typing as t

import pytest

#: Files that take minutes, the longest first: three run side by side, and one that began last would end alone.
LONG = (
    "test_rolling_restart.py",
    "test_graceful_drain.py",
    "test_method.py",
    "test_drain.py",
    "test_gate.py",
    "test_workers.py",
    "test_doctor.py",
    "test_ways.py",
    "test_releases.py",
    "test_quit.py",
    "test_supervisors.py",
    "test_broken_addon.py",
    "test_reload.py",
    "test_send_signal.py",
    "test_watch.py",
    "test_runner.py",
    "test_applied.py",
    "test_other_workers.py",
    "test_log_forms.py",
    "test_staleness.py",
    "test_docs.py",
    "test_awx_setup.py",
    "test_cache_stats.py",
    "test_stack_dump.py",
    "test_bundle.py",
    "test_diagnostics.py",
)

#: Files whose tests use one fleet. One worker runs them one after the other, and starts the fleet once.
TOGETHER = {
    **dict.fromkeys(("test_roll_balancers.py", "test_gate.py", "test_nginx.py"), "balancers"),
    **dict.fromkeys(("test_notifications.py", "test_doctor.py", "test_balancer_info.py"), "first_hour"),
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: t.Any) -> t.Any:
    """Hand the tests out by file, as ``--dist loadfile`` does, and files that share a fleet together."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling  # noqa: PLC0415  # nox runs unit tests without it

    class ByFleet(LoadFileScheduling):  # type: ignore[misc,unused-ignore]
        def _split_scope(self, nodeid: str) -> str:
            file = str(super()._split_scope(nodeid))
            return TOGETHER.get(file.rpartition("/")[2], file)

    return ByFleet(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The gate has twenty minutes: what is like another test runs in `make thorough` (FLEETOPS_ALL=1)."""
    place = {f"integration/{name}": number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get("/".join(item.path.parts[-2:]), len(LONG)))
    if not os.environ.get("FLEETOPS_ALL"):
        for item in items:
            if item.get_closest_marker("thorough"):
                item.add_marker(pytest.mark.skip(reason="make thorough runs it"))
