# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The container of a process, told from its cgroup and its pids."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.container import (
    Container,
    find_container,
    runtime_of,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from hypothesis import given
from hypothesis import strategies as st

from .. import build
from ..conftest import KINDS, captured, states

ID = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("cgroup", "runtime", "name"),
    [
        (f"/docker/{ID}", "docker", ID),
        (f"/system.slice/docker-{ID}.scope", "docker", ID),
        (f"/system.slice/docker-{ID}.scope/init.scope", "docker", ID),
        (f"/machine.slice/libpod-{ID}.scope", "podman", ID),
        (f"/libpod_parent/libpod-{ID}", "podman", ID),
        (f"/kubepods.slice/kubepods-pod1.slice/crio-{ID}.scope", "cri-o", ID),
        (f"/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope", "containerd", ID),
        (f"/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:{ID}", "containerd", ID),
        (f"/kubepods/burstable/pod12-34/{ID}", "kubernetes", ID),
        ("/lxc/shop/init.scope", "lxc", "shop"),
        ("/lxc.payload.shop/system.slice/odoo.service", "lxc", "shop"),
        ("/machine.slice/machine-shop.scope/payload/system.slice/odoo.service", "nspawn", "shop"),
    ],
)
def test_the_cgroup_names_the_runtime_and_the_container(cgroup: str, runtime: str, name: str) -> None:
    process = build.process(100, cgroup=cgroup, namespace_pids=(100, 7))
    assert find_container(process) == Container(runtime, name, 7)
    assert runtime_of(process) == (runtime, name)


@pytest.mark.parametrize(
    "cgroup",
    [
        "",
        "/",
        "/system.slice/odoo.service",
        "/system.slice/docker-odoo.service",
        "/system.slice/docker.service",
        # Too short to be an ID, and not hexadecimal.
        "/docker/0123456789a",
        "/system.slice/docker-shop.scope",
        f"/system.slice/docker-{ID}0.scope",
    ],
)
def test_other_cgroups_name_no_container(cgroup: str) -> None:
    process = build.process(100, cgroup=cgroup)
    assert find_container(process) is None
    assert runtime_of(process) == ("unknown", None)


def test_a_process_with_its_own_pid_namespace_is_in_an_unknown_container() -> None:
    process = build.process(100, cgroup="/system.slice/odoo.service", namespace_pids=(100, 1))
    assert find_container(process) == Container("unknown", None, 1)
    assert find_container(build.process(100, namespace_pids=(100,))) is None


@pytest.mark.parametrize("kind", KINDS)
def test_every_captured_process_is_in_the_container_of_its_master(kind: str) -> None:
    for state in states(kind):
        for instance in look(captured(kind, state)).instances:
            found = runtime_of(instance.master)
            assert {runtime_of(child.process) for child in instance.children} <= {found}


@given(st.text(st.sampled_from("/-.:abcdef0123lxcdokermachinkubps")))
def test_find_container_takes_any_cgroup(cgroup: str) -> None:
    found = find_container(build.process(100, cgroup=cgroup))
    assert found is None or (found.id and found.id in cgroup)
