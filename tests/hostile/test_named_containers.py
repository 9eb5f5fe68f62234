# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user names its cgroup like the container or the unit of a tenant: root neither asks about those nor starts them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet

from .conftest import HERE, SERVICE, THIRD, attack, send_file

ID = "0123456789abcdef" * 4
#: A docker that writes down what it is asked, and says that the container of the tenant has ended.
DOCKER = f"""#!/bin/sh
echo "$*" >> /run/asked
echo "id={ID} name=/tenant running=false status=0 oom=false removed=false policy=no service="
"""
USERS = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice"
#: A service that manages its own cgroups (Delegate=).
DELEGATED = "/sys/fs/cgroup/system.slice/delegated.service"


#: A unit of the system that is active without a main process.
WITHOUT_PROCESS = "systemd-user-sessions.service"


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
        owned = f"chown {user}: {place};" if place else ""
        fleet.run("many", "sh", "-c", f"mkdir -p {folder}; {owned} echo {forged} > {folder}/cgroup.procs")
        given: dict[str, t.Any] = {"match": {"pid": str(forged)}}
        for module, options in (("evidence", {"timeout": 1}), ("stack_dump", {"sample_timeout": 1}), ("drain", {})):
            answer = fleet.module("many", module, **given, **options, **({"timeout": 5} if module == "drain" else {}))
            assert "module_stderr" not in answer.output, answer.output
        # The module signals nothing that might be started again.
        if not asks:
            assert answer.only["code"] == "supervisor.container_unknown", answer.output
        back = fleet.module("many", "drain", state="undrained", timeout=5, allow_none=True)
        assert "module_stderr" not in back.output
    fleet.run("many", "sh", "-c", f"rmdir {folder} {place}", check=False)
    asked = fleet.run("many", "cat", "/run/asked")
    assert (ID in asked) is bool(asks), asked
    if not asks:
        assert asked == ""


@pytest.fixture
def delegated(fleet: Fleet) -> t.Iterator[t.Callable[[str], int]]:
    """Start a service that manages its cgroups (Delegate=), with a server in one that has the given name."""
    send_file(fleet, "many", (HERE / "delegated.py").read_text(encoding="utf-8"), "/tmp/attack-delegated.py")

    def start(name: str) -> int:
        properties = ("Delegate=yes", f"User={SERVICE}", "StandardOutput=truncate:/run/delegated", "KillSignal=SIGKILL")
        words = [word for one in properties for word in ("-p", one)]
        program = ("/usr/bin/python3", "/tmp/attack-delegated.py", name, "--no-http")
        fleet.run("many", "systemd-run", "-q", "--collect", "--unit=delegated", *words, *program)
        for _attempt in range(50):
            pid = fleet.run("many", "cat", "/run/delegated").strip()
            if pid and "odoo" in fleet.run("many", "cat", f"/proc/{pid}/cmdline"):
                return int(pid)
        raise AssertionError(fleet.run("many", "journalctl", "-u", "delegated", "-n", "20"))

    yield start
    fleet.run("many", "systemctl", "stop", "delegated", check=False)
    fleet.run("many", "sh", "-c", "rm -f /run/delegated /run/fleetops-odoo/drain-*")


@pytest.mark.usefixtures("docker")
@pytest.mark.parametrize("name", [f"libpod-payload-{ID}", f"docker.service/docker/{ID}"])
def test_a_service_that_manages_its_cgroups_names_no_container(
    fleet: Fleet, delegated: t.Callable[[str], int], name: str
) -> None:
    fleet.run("many", "cp", "/usr/bin/docker", "/usr/bin/podman")
    try:
        match = {"pid": str(delegated(name))}
        drain = {"timeout": 3, "force": True}
        calls: list[tuple[str, dict[str, t.Any]]] = [("evidence", {"timeout": 1}), ("drain", drain)]
        for module, options in calls:
            answer = fleet.module("many", module, match=match, **options)
            assert "module_stderr" not in answer.output, answer.output
        back = fleet.module("many", "drain", state="undrained", timeout=3, match=match, allow_none=True)
        assert "module_stderr" not in back.output, back.output
        assert fleet.run("many", "cat", "/run/asked") == ""
    finally:
        fleet.run("many", "rm", "-f", "/usr/bin/podman")


@pytest.mark.parametrize("name", [WITHOUT_PROCESS, f"user@1000.service/{WITHOUT_PROCESS}"])
def test_a_service_that_manages_its_cgroups_is_in_no_other_unit(
    fleet: Fleet, delegated: t.Callable[[str], int], name: str
) -> None:
    before = state_of(fleet)
    match = {"pid": str(delegated(name))}
    (seen,) = fleet.module("many", "master_info", match=match).result["masters"]
    assert (seen["supervisor"]["kind"], seen["supervisor"]["unit"]) == ("systemd", "delegated.service")
    drained = fleet.module("many", "drain", match=match, timeout=3, force=True)
    assert drained.only["hold"]["unit"] == "delegated.service", drained.output
    options = {"method": "supervisor", "policy": "always", "force": True, "timeout": 5}
    restarted = fleet.module("many", "reload", match=match, **options)
    assert WITHOUT_PROCESS not in restarted.output.replace(name, "")
    assert state_of(fleet) == before


def state_of(fleet: Fleet) -> str:
    """Return when the unit of the system was started, and its drop-ins."""
    return fleet.run("many", "systemctl", "show", "-p", "ActiveEnterTimestampMonotonic,DropInPaths", WITHOUT_PROCESS)
