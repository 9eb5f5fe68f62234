# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The container of a process, told from its cgroup and its pids."""

from __future__ import annotations

import os
import pathlib

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.container import (
    Container,
    find_container,
    is_in_container,
    is_named_by_root,
    provable_container,
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
    ],
)
def test_the_cgroup_names_the_runtime_and_the_container(cgroup: str, runtime: str, name: str) -> None:
    process = build.process(100, cgroup=cgroup, namespace_pids=(100, 7))
    assert find_container(process) == Container(runtime, name, 7)
    assert runtime_of(process) == (runtime, name)


@pytest.mark.parametrize(
    ("cgroup", "runtime", "name"),
    [
        ("/lxc/shop/init.scope", "lxc", "shop"),
        ("/lxc.payload.shop/system.slice/odoo.service", "lxc", "shop"),
        (f"/lxc.payload.shop/docker/{ID}", "lxc", "shop"),
        ("/machine.slice/machine-shop.scope/payload/system.slice/odoo.service", "nspawn", "shop"),
        ("/machine.slice/machine-my\\x2dshop.scope/payload/init.scope", "nspawn", "my-shop"),
        ("/machine.slice/systemd-nspawn@shop.service/payload/system.slice/odoo.service", "nspawn", "shop"),
        ("/system.slice/shop.service/payload/system.slice/odoo.service", "nspawn", "shop"),
        ("/lab-shop/payload/system.slice/odoo.service", "nspawn", "lab-shop"),
    ],
)
def test_the_cgroup_names_a_system_of_its_own(cgroup: str, runtime: str, name: str) -> None:
    process = build.process(100, cgroup=cgroup, namespace_pids=(100, 7))
    assert find_container(process) == Container(runtime, name, 7, is_guest=True)


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


@pytest.mark.parametrize(
    ("cgroup", "euid", "uid", "asked"),
    [
        (f"/user.slice/user-1000.slice/user@1000.service/app.slice/docker-{ID}.scope", 0, 1000, False),
        (f"/system.slice/odoo.service/docker-{ID}.scope", 0, 1000, False),
        (f"/system.slice/odoo.service/libpod-{ID}.scope", 0, 1000, False),
        # Of podman without root, which its user asks.
        (f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope", 1000, 1000, True),
        (f"/user.slice/user-1000.slice/session-1.scope/docker-{ID}.scope", 0, 0, True),
        (f"/system.slice/docker-{ID}.scope", 0, 1000, True),
        (f"/system.slice/docker.service/docker/{ID}", 0, 1000, True),
        (f"/system.slice/erp.service/libpod-payload-{ID}", 0, 1000, True),
        (f"/machine.slice/libpod-{ID}.scope", 0, 1000, True),
    ],
)
def test_root_asks_no_runtime_about_a_container_whose_cgroup_a_user_can_make(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, cgroup: str, euid: int, uid: int, *, asked: bool
) -> None:
    # The folders are not to be seen, as from within a container.
    monkeypatch.setattr(os, "geteuid", lambda: euid)
    process = build.process(100, uid=uid, cgroup=cgroup, namespace_pids=(100, 7))
    found = provable_container(process, str(tmp_path))
    assert found == (find_container(process) if asked else Container("unknown", None, 7))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes folders of other users")
@pytest.mark.parametrize("hierarchy", ["", "unified", "systemd"])
@pytest.mark.parametrize(
    ("cgroup", "of_user", "mode", "asked"),
    [
        (f"system.slice/docker-{ID}.scope", None, 0o755, True),
        # A quadlet of root, and a service with Delegate= that makes a cgroup with the name of one.
        (f"system.slice/erp.service/libpod-payload-{ID}", None, 0o755, True),
        (f"system.slice/erp.service/libpod-payload-{ID}", "system.slice/erp.service", 0o755, False),
        (f"system.slice/erp.service/libpod-payload-{ID}", None, 0o777, False),
        (f"system.slice/erp.scope/docker/{ID}", "system.slice/erp.scope", 0o755, False),
        (f"system.slice/erp.service/a/docker.service/docker/{ID}", "system.slice/erp.service", 0o755, False),
        # Its owner may be a user within the container.
        (f"system.slice/docker-{ID}.scope", f"system.slice/docker-{ID}.scope", 0o755, True),
    ],
)
def test_a_container_is_proved_by_the_owner_of_the_folders_above_its_cgroup(
    tmp_path: pathlib.Path, hierarchy: str, cgroup: str, of_user: str | None, mode: int, *, asked: bool
) -> None:
    folder = tmp_path / hierarchy / cgroup
    folder.mkdir(parents=True)
    folder.parent.chmod(mode)
    if of_user:
        os.chown(tmp_path / hierarchy / of_user, 1000, 1000)
    process = build.process(100, uid=1000, cgroup="/" + cgroup, namespace_pids=(100, 7))
    found = provable_container(process, str(tmp_path))
    assert found == (find_container(process) if asked else Container("unknown", None, 7))
    assert is_named_by_root(process, str(tmp_path)) is asked


@pytest.mark.parametrize(
    ("cgroup", "runtime", "name"),
    [
        (f"/machine.slice/libpod-{ID}.scope/container/docker-{ID[::-1]}.scope", "podman", ID),
        (f"/system.slice/docker-{ID}.scope/a/payload", "docker", ID),
        (f"/kubepods/pod1/{ID}/{ID[::-1]}", "kubernetes", ID),
    ],
)
def test_a_cgroup_that_a_container_makes_does_not_name_it(cgroup: str, runtime: str, name: str) -> None:
    found = find_container(build.process(100, cgroup=cgroup))
    assert found is not None
    assert (found.runtime, found.id, found.is_guest) == (runtime, name, False)


def test_a_process_in_no_container_is_named_by_nothing() -> None:
    assert is_named_by_root(build.process(100, cgroup="/system.slice/odoo.service")) is False


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


def test_a_container_of_a_quadlet_lies_within_its_unit() -> None:
    cgroup = "/system.slice/erp.service/libpod-payload-" + "ab" * 32
    found = find_container(build.process(100, cgroup=cgroup))
    assert found == Container("podman", "ab" * 32, 100, within_unit=True)


@pytest.mark.parametrize(
    ("files", "namespace", "first", "inside"),
    [
        # A machine that was made from an image.
        ([".dockerenv"], "pid:[4026531836]", "init", False),
        ([".dockerenv"], "pid:[4026532000]", "odoo", True),
        (["run/.containerenv"], "pid:[4026532000]", "tini", True),
        # Kubernetes leaves no file.
        ([], "pid:[4026532000]", "odoo", True),
        # A whole system in LXC or nspawn.
        ([], "pid:[4026532000]", "init", False),
        ([".dockerenv", "run/systemd/system/x"], "pid:[4026532000]", "systemd", False),
        ([], "pid:[4026531836]", "systemd", False),
    ],
)
def test_whether_we_are_in_a_container(
    tmp_path: pathlib.Path,
    files: list[str],
    namespace: str,
    first: str,
    inside: bool,  # noqa: FBT001
) -> None:
    for name in [*files, "proc/1/comm", "proc/self/ns/none"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(first + "\n")
    (tmp_path / "proc/self/ns/pid").symlink_to(namespace)
    assert is_in_container(str(tmp_path)) is inside
