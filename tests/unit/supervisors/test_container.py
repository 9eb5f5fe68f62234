# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test whether the runtime of a container would start its server again."""

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors import container as _container
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.container import (
    checked,
    policy_of,
    restart_policy,
)

from .. import build
from ..build import failing


@pytest.mark.parametrize("policy", ["", "no", "on-failure"])
def test_a_container_that_stays_down(policy: str) -> None:
    assert checked("podman", "abc", policy) == (policy or "no")


@pytest.mark.parametrize(
    ("policy", "code", "remedy"),
    [
        ("always", "supervisor.container_starts_again", "docker update --restart=no 0123456789ab"),
        ("unless-stopped", "supervisor.container_starts_again", "docker update --restart=no 0123456789ab"),
        (None, "supervisor.container_unknown", "external"),
    ],
)
def test_a_container_that_comes_back_is_refused_with_its_policy(policy: str | None, code: str, remedy: str) -> None:
    with failing(code) as caught:
        checked("docker", "0123456789abcdef", policy)
    assert remedy in caught.value.problem.remedy


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
        policy_of(one.master)


@pytest.mark.parametrize(
    ("said", "policy", "code"),
    [
        ("always <no value>\n", "always", None),
        (" <no value>\n", "", None),
        ("no \n", "no", None),
        (" shop_odoo\n", None, "supervisor.swarm_task"),
    ],
)
def test_a_task_of_swarm_has_no_policy_of_its_own(
    said: str, policy: str | None, code: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_container, "container_program", lambda _runtime: "/usr/bin/docker")
    monkeypatch.setattr(_container, "run", lambda _command, _timeout: said)
    with failing(code) if code else contextlib.nullcontext():
        assert restart_policy("docker", "abc") == policy
