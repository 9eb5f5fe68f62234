# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Becoming the user of a process in its namespaces: the steps and their order, because no other order works."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import resource
import subprocess
import tempfile
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes import run_as
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import Process, parse_stat
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.run_as import becoming
from ansible_collections.fleetops.odoo.plugins.module_utils._system.namespaces import (
    MOUNTS,
    NETWORK,
)

from .. import build

USER = [("setgroups", (102, 4)), ("setgid", 102), ("setuid", 102)]


@pytest.fixture
def master() -> Process:
    """Return this process, with the IDs of another user."""
    start = parse_stat(Proc().text(os.getpid(), "stat")).start
    return build.process(os.getpid(), start=start, groups=(102, 4))


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[t.Any, ...]]:
    """Return the planned steps without doing them. A descriptor is shown as its target."""
    done: list[tuple[t.Any, ...]] = []

    def note(name: str) -> t.Callable[..., None]:
        def told(argument: t.Any) -> t.Any:
            return os.readlink(f"/proc/self/fd/{argument}") if name in ("fchdir", "enter") else argument

        return lambda *arguments: done.append((name, *map(told, arguments)))

    for name in ("setgroups", "setgid", "setuid", "fchdir", "chroot", "chdir"):
        monkeypatch.setattr(os, name, note(name))
    monkeypatch.setattr(resource, "setrlimit", lambda *arguments: done.append(("setrlimit", *arguments)))
    monkeypatch.setattr(run_as, "enter_held", note("enter"))
    monkeypatch.setattr(run_as, "forbid_new_privileges", note("forbid"))
    monkeypatch.setattr(run_as, "differs", lambda _root, _pid, _kind: True)
    return done


LIMIT = ("setrlimit", resource.RLIMIT_FSIZE, (7, 7))


@pytest.mark.parametrize(
    ("spaces", "entered"), [((MOUNTS,), ["mnt"]), ((MOUNTS, NETWORK), ["net", "mnt"]), ((NETWORK,), ["net"]), ((), [])]
)
def test_becoming_as_root_enters_namespaces_and_gives_up_privileges(
    monkeypatch: pytest.MonkeyPatch, steps: list[t.Any], master: Process, spaces: tuple[str, ...], entered: list[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with becoming(Proc(), master, "/usr", 7, spaces) as become:
        become()
    # The way into its mounts leads through ours; only root can change a group. The
    # directory is entered by its user.
    spots = [("enter", os.readlink(f"/proc/self/ns/{kind}")) for kind in entered]
    assert steps == [*spots, LIMIT, *USER, ("fchdir", "/usr"), ("forbid",)]


def test_becoming_without_root_sets_limits_and_folder_only(
    monkeypatch: pytest.MonkeyPatch, steps: list[t.Any], master: Process
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 102)
    with becoming(Proc(), master, "/usr", 7) as become:
        become()
    assert steps == [LIMIT, ("fchdir", "/usr"), ("forbid",)]


def test_becoming_a_process_in_our_mounts_enters_none(
    monkeypatch: pytest.MonkeyPatch, steps: list[t.Any], master: Process
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(run_as, "differs", lambda _root, _pid, kind: kind == NETWORK)
    with becoming(Proc(), master, "/usr", 7) as become:
        become()
    assert steps == [LIMIT, *USER, ("fchdir", "/usr"), ("forbid",)]


def test_becoming_enters_another_root(monkeypatch: pytest.MonkeyPatch, steps: list[t.Any], master: Process) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(run_as, "differs", lambda *_arguments: False)
    with becoming(Proc(), master, "/usr", 7) as become:
        monkeypatch.setattr(os, "fstat", lambda _descriptor: os.stat("/usr"))
        become()
    assert steps == [("fchdir", "/"), ("chroot", "."), LIMIT, *USER, ("fchdir", "/usr"), ("forbid",)]


def test_becoming_leaves_no_descriptor_open(
    monkeypatch: pytest.MonkeyPatch, steps: list[t.Any], master: Process
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    before = os.listdir("/proc/self/fd")
    with becoming(Proc(), master, "/usr", 7, (MOUNTS, NETWORK)):
        assert len(os.listdir("/proc/self/fd")) == len(before) + 4
    with pytest.raises(FileNotFoundError), becoming(Proc(), master, "/nonexistent", 7, (MOUNTS, NETWORK)):
        pytest.fail("it was entered")
    earlier = dataclasses.replace(master, start=master.start - 1)
    with pytest.raises(ProcessLookupError), becoming(Proc(), earlier, "/usr", 7):
        pytest.fail("it was entered")
    assert os.listdir("/proc/self/fd") == before
    assert steps == []


@pytest.mark.borrows
@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_a_directory_that_only_root_may_enter_is_not_entered() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        (folder / "open").mkdir(mode=0o755)
        (folder / "private/inside").mkdir(parents=True)
        (folder / "private").chmod(0o700)
        (folder / "link").symlink_to("open")
        start = parse_stat(Proc().text(os.getpid(), "stat")).start
        server = build.process(os.getpid(), start=start, uid=54321, gid=54321, groups=())
        for closed in ("private", "private/inside"):
            with pytest.raises((PermissionError, subprocess.SubprocessError)):  # noqa: SIM117
                with becoming(Proc(), server, str(folder / closed), 7) as become:
                    subprocess.run(["/bin/pwd", "-P"], preexec_fn=become, check=True)
        # The very directory that the server is in is entered as it is.
        beside = subprocess.Popen(["/bin/sleep", "60"], cwd=folder / "private")
        while os.readlink(f"/proc/{beside.pid}/cwd") != str(folder / "private"):
            pass
        begun = parse_stat(Proc().text(beside.pid, "stat")).start
        inside = dataclasses.replace(server, pid=beside.pid, start=begun, cwd=str(folder / "private"))
        with becoming(Proc(), inside, str(folder / "private"), 7) as become:
            done = subprocess.run(
                ["/bin/sh", "-c", "id -u; ls /proc/self/cwd/ 2>&1 | wc -l"],
                preexec_fn=become,
                check=True,
                capture_output=True,
                text=True,
            )
        beside.kill()
        beside.wait()
        assert done.stdout.split() == ["54321", "1"]
        with becoming(Proc(), server, str(folder / "link"), 7) as become:
            # The user leads the path elsewhere in between.
            (folder / "link").unlink()
            (folder / "link").symlink_to("private")
            done = subprocess.run(
                ["/bin/sh", "-c", "pwd -P; id -u"], preexec_fn=become, check=True, capture_output=True, text=True
            )
        assert done.stdout.split() == [str(folder / "open"), "54321"]
