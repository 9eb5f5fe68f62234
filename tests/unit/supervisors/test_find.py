# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which supervisor runs a server."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.find import find_supervisor

from .. import build

CONTAINER = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("cgroup", "kind", "unit"),
    [
        ("/system.slice/odoo.service", "systemd", "odoo.service"),
        ("/system.slice/system-odoo.slice/odoo@prod.service", "systemd", "odoo@prod.service"),
        ("/system.slice/odoo.service/workers", "systemd", "odoo.service"),
        # Names that no unit has, and users can give to cgroups.
        ("/system.slice/odoo.service/{{ 7 * 7 }}.service", "systemd", "odoo.service"),
        ("/user.slice/user-1000.slice/user@1000.service/a\x1b.service", "none", None),
        ("/user.slice/user-1000.slice/user@1000.service/odoo.service\n", "none", None),
        # A user who manages its cgroups (Delegate=) may name them like units.
        ("/system.slice/odoo.service/other.service", "systemd", "odoo.service"),
        ("/system.slice/odoo.service/user@1001.service/app.slice/other.service", "systemd", "odoo.service"),
        ("/system.slice/odoo.scope/other.service", "none", None),
        ("/user.slice/user-1000.slice/session-3.scope/other.service", "none", None),
        ("/user.slice/user-1000.slice/session-3.scope/user@1001.service/app.slice/other.service", "none", None),
        ("/system.slice/odoo.service/workers/other.scope", "systemd", "odoo.service"),
        ("/user.slice/user-1000.slice/session-3.scope", "none", None),
        ("/user.slice/user-1000.slice/user@1000.service/init.scope", "none", None),
        ("/", "none", None),
        ("", "none", None),
    ],
)
def test_by_cgroup(cgroup: str, kind: str, unit: str | None) -> None:
    found = find_supervisor(build.process(100, cgroup=cgroup))
    assert (found.kind, found.unit) == (kind, unit)


@pytest.mark.parametrize(
    "cgroup",
    [
        f"/docker/{CONTAINER}",
        f"/system.slice/docker-{CONTAINER}.scope",
        f"/machine.slice/libpod-{CONTAINER}.scope",
    ],
)
def test_a_container(cgroup: str) -> None:
    assert find_supervisor(build.process(100, cgroup=cgroup)).kind == "container"


def test_supervisord() -> None:
    marks = {"SUPERVISOR_ENABLED": "1", "SUPERVISOR_GROUP_NAME": "shop", "SUPERVISOR_PROCESS_NAME": "odoo"}
    found = find_supervisor(build.process(100, cgroup="/system.slice/supervisor.service", marks=marks))
    assert (found.kind, found.unit) == ("supervisord", "shop:odoo")


def test_a_unit_that_is_only_called_after_a_container() -> None:
    found = find_supervisor(build.process(100, cgroup="/system.slice/docker-odoo.service"))
    assert (found.kind, found.unit) == ("systemd", "docker-odoo.service")


@pytest.mark.parametrize(
    "cgroup",
    [
        "/user.slice/user-1000.slice/user@1000.service/app.slice/odoo.service",
        "/user.slice/user-1000.slice/user@1000.service/user.slice/odoo.service",
    ],
)
def test_a_unit_of_a_user_is_not_the_systems_unit_of_the_same_name(cgroup: str) -> None:
    found = find_supervisor(build.process(100, cgroup=cgroup))
    assert (found.kind, found.unit) != ("systemd", "odoo.service")


def test_a_quadlet_is_kept_by_its_unit() -> None:
    found = find_supervisor(build.process(100, cgroup=f"/system.slice/erp.service/libpod-payload-{CONTAINER}"))
    assert (found.kind, found.unit) == ("systemd", "erp.service")


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/odoo.service", "odoo.service"),
        (
            "/user.slice/user-1000.slice/user@1000.service/app.slice/app-odoo.slice/odoo@prod.service",
            "odoo@prod.service",
        ),
        ("/user.slice/user-1000.slice/user@1000.service/odoo.service", "odoo.service"),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/odoo.service/other.service", "odoo.service"),
    ],
)
def test_a_unit_of_the_systemd_of_a_user(cgroup: str, unit: str) -> None:
    found = find_supervisor(build.process(100, cgroup=cgroup))
    assert (found.kind, found.unit, found.uid, found.systemd_unit) == ("systemd-user", unit, 1000, None)
