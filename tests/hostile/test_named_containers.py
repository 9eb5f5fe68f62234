# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user names its cgroup like the container of a tenant: root neither asks a runtime about it nor starts it."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet

from .conftest import SERVICE, THIRD, attack, send_file

ID = "0123456789abcdef" * 4
#: A docker that writes down what it is asked, and says that the container of the tenant has ended.
DOCKER = f"""#!/bin/sh
echo "$*" >> /run/asked
echo "id={ID} name=/tenant running=false status=0 oom=false removed=false policy=no service="
"""
USERS = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice"
#: A service that manages its own cgroups (Delegate=).
DELEGATED = "/sys/fs/cgroup/system.slice/delegated.service"


@pytest.fixture
def docker(fleet: Fleet) -> t.Iterator[None]:
    """Install the docker."""
    send_file(fleet, "many", DOCKER, "/usr/bin/docker")
    fleet.run("many", "sh", "-c", ": > /run/asked")
    yield
    fleet.run("many", "sh", "-c", "rm -f /usr/bin/docker /run/asked /run/fleetops-odoo/drain-*")


@pytest.mark.parametrize(("user", "place", "asks"), [(THIRD, USERS, 0), (SERVICE, DELEGATED, 0), (SERVICE, "", 1)])
@pytest.mark.usefixtures("docker")
def test_root_asks_no_runtime_about_a_container_that_a_user_names(
    fleet: Fleet, user: str, place: str, asks: int
) -> None:
    # The last one is where the system puts the containers of docker: the witness.
    folder = f"{place or '/sys/fs/cgroup/system.slice'}/docker-{ID}.scope"
    with attack(fleet, "many", user, "catches_signals.py", "--no-http", "--workers", "2") as (forged,):
        fleet.run("many", "sh", "-c", f"mkdir -p {folder}; echo {forged} > {folder}/cgroup.procs")
        given: dict[str, t.Any] = {"match": {"pid": str(forged)}}
        for module, options in (("evidence", {"timeout": 1}), ("stack_dump", {"sample_timeout": 1}), ("drain", {})):
            answer = fleet.module("many", module, **given, **options, **({"timeout": 5} if module == "drain" else {}))
            assert "module_stderr" not in answer.output, answer.output
        # The module signals nothing that might be started again.
        if not asks:
            assert answer.only["code"] == "supervisor.container_unknown", answer.output
        back = fleet.module("many", "drain", state="undrained", timeout=5, allow_none=True)
        assert "module_stderr" not in back.output
    fleet.run("many", "rmdir", folder, check=False)
    asked = fleet.run("many", "cat", "/run/asked")
    assert (ID in asked) is bool(asks), asked
    if not asks:
        assert asked == ""
