# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the questions to the runtime of a container: whether it starts a server again, its end, and a start."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import supervisor as codes
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors import container as _container
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.container import (
    Facts,
    HeldContainer,
    bad_end_of,
    check_stays_down,
    facts_of,
    held_container,
    parse_facts,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused

from .. import build
from ..build import failing

ID = "aef004153708c74d22ef66d90cd6c41b410d3a542cd8b44a6cdbda939a06f099"
FACTS = Facts(ID, "odoo", running=True, status=0, oom_killed=False, is_removed=False, policy="no")
HELD = HeldContainer("docker", ID, "odoo")
#: Of docker 20.10 and of podman 4.3.
DOCKER = f"id={ID} name=/odoo running=true status=0 oom=false removed=false policy=no service=<no value>"
PODMAN = f"id={ID} name=odoo running=true status=0 oom=false removed=false policy=no service="
TASK = DOCKER.replace("policy=no service=<no value>", "policy= service=shop_odoo")


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        (DOCKER, FACTS),
        (PODMAN, FACTS),
        ("WARN[0000] The cgroups are of a kind id=x " + PODMAN, FACTS),
        (TASK, dataclasses.replace(FACTS, policy="", service="shop_odoo")),
        (
            f"id={ID} name=/odoo running=false status=137 oom=true removed=true policy=always service=<no value>",
            Facts(ID, "odoo", running=False, status=137, oom_killed=True, is_removed=True, policy="always"),
        ),
    ],
)
def test_an_answer_is_parsed(said: str, facts: Facts) -> None:
    assert parse_facts(said + "\n") == facts


def test_another_answer_is_not_parsed() -> None:
    with pytest.raises(ValueError, match="no such thing"):
        parse_facts("no such thing")


class Runtime:
    """Docker or podman: what it answers, and what it was asked."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.said: str | None = DOCKER
        self.commands: list[tuple[str, ...]] = []
        patch.setattr(_container, "container_program", lambda name: f"/usr/bin/{name}" if name == "docker" else None)
        patch.setattr(_container, "run", self.run)

    def run(self, command: tuple[str, ...], _timeout: float) -> str:
        self.commands.append(command)
        if self.said is None:
            raise Refused(codes.COMMAND_FAILED(command="docker", said="No such container"))
        return self.said


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Runtime:
    """A docker."""
    return Runtime(monkeypatch)


def test_a_container_is_asked_about_by_its_name_or_id(runtime: Runtime) -> None:
    assert facts_of("docker", "odoo") == FACTS
    assert runtime.commands[0][:3] == ("/usr/bin/docker", "container", "inspect")
    assert runtime.commands[0][-1] == "odoo"
    assert (facts_of("containerd", "odoo"), facts_of(None, "odoo"), facts_of("docker", None)) == (None, None, None)
    for said in (None, "what?"):
        runtime.said = said
        assert facts_of("docker", "odoo") is None


@pytest.mark.parametrize("policy", ["", "no", "on-failure"])
def test_a_container_that_stays_down(policy: str) -> None:
    check_stays_down("podman", dataclasses.replace(FACTS, policy=policy))


@pytest.mark.parametrize("policy", ["always", "unless-stopped", "unknown-word"])
def test_a_container_that_comes_back_is_refused_with_its_policy(policy: str) -> None:
    with failing("supervisor.container_starts_again") as caught:
        check_stays_down("docker", dataclasses.replace(FACTS, policy=policy))
    assert f"docker update --restart=no {ID[:12]}" in caught.value.problem.remedy
    assert policy in caught.value.problem.text


def test_a_task_of_swarm_has_no_policy_of_its_own() -> None:
    with failing("supervisor.swarm_task"):
        check_stays_down("docker", parse_facts(TASK))


@pytest.mark.parametrize("said", [DOCKER, None])
def test_the_container_of_a_server_is_held_where_its_runtime_is_known(runtime: Runtime, said: str | None) -> None:
    one = build.instance(build.prefork(cgroup=f"/system.slice/docker-{ID}.scope"))
    runtime.said = said
    if said is None:
        with failing("supervisor.container_unknown"):
            held_container(one.master)
    else:
        assert held_container(one.master) == (HELD, FACTS)


@pytest.mark.parametrize(
    ("status", "oom", "running", "why"),
    [
        (0, False, False, None),
        (1, False, False, None),
        (130, False, False, None),
        (137, False, False, "status 137"),
        (137, True, False, "out of memory"),
        (139, False, False, "status 139"),
        (137, False, True, None),
    ],
)
def test_the_end_of_a_container_is_judged(status: int, *, oom: bool, running: bool, why: str | None) -> None:
    assert bad_end_of(dataclasses.replace(FACTS, status=status, oom_killed=oom, running=running)) == why


def test_a_container_is_awaited_until_it_has_ended(runtime: Runtime) -> None:
    waits = HELD.lacking()
    assert waits is not None
    assert waits.code == "timeout.container_ends"
    assert HELD.bad_end() is None
    runtime.said = DOCKER.replace("running=true status=0", "running=false status=137")
    assert HELD.lacking() is None
    bad = HELD.bad_end()
    assert bad is not None
    assert bad.code == "failed.container_bad_end"
    runtime.said = None
    assert (HELD.lacking(), HELD.bad_end(), HELD.id_now(), HELD.why_down()) == (None, None, None, None)


def test_a_container_is_started_by_its_name(runtime: Runtime) -> None:
    for said, code in ((DOCKER, "supervisor.container_goes_on"), (None, "supervisor.container_gone")):
        runtime.said = said
        with failing(code):
            HELD.check_startable()
    runtime.said = DOCKER.replace("running=true", "running=false").replace(ID, "ab" * 32)
    HELD.check_startable()
    assert HELD.id_now() == "ab" * 32
    down = HELD.why_down()
    assert down is not None
    assert (down.code, down.values["status"]) == ("supervisor.container_down", 0)
    HELD.start()
    assert runtime.commands[-1] == ("/usr/bin/docker", "start", "odoo")
    runtime.said = DOCKER
    assert HELD.why_down() is None
    with failing("supervisor.container_not_started"):
        dataclasses.replace(HELD, runtime="containerd").start()


@pytest.mark.parametrize(
    ("cgroup", "code"),
    [
        ("/", "supervisor.container_inside"),
        ("/lxc.payload.web/system.slice/odoo.service", "supervisor.guest"),
        ("/machine.slice/machine-web.scope/payload/system.slice/odoo.service", "supervisor.guest"),
        ("/kubepods/burstable/pod1/" + "ab" * 32, "supervisor.kubernetes_pod"),
        (
            "/kubepods-pod1.slice:cri-containerd:" + "ab" * 32,
            "supervisor.kubernetes_pod",
        ),
    ],
)
def test_containers_that_are_refused_by_what_they_are(cgroup: str, code: str) -> None:
    one = build.instance(build.prefork(cgroup=cgroup))
    with failing(code):
        held_container(one.master)
