# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Into another's namespaces and user: what is done, and in which order, since in any other it would not work."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes import run_as as _become
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import Process, parse_stat
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.run_as import becoming
from ansible_collections.fleetops.odoo.plugins.module_utils._system import namespaces as _namespaces
from ansible_collections.fleetops.odoo.plugins.module_utils._system.namespaces import (
    MOUNTS,
    NETWORK,
    differs,
    enter,
    forbid_new_privileges,
    network_of,
)

from .. import build

USER = [("setgroups", (102, 4)), ("setgid", 102), ("setuid", 102)]


@pytest.fixture
def master() -> Process:
    """This very process, with the IDs of somebody else."""
    start = parse_stat(Proc().text(os.getpid(), "stat")).start
    return build.process(os.getpid(), start=start, groups=(102, 4))


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[t.Any, ...]]:
    """What would be done, without doing it. A descriptor is what it leads to."""
    done: list[tuple[t.Any, ...]] = []

    def note(name: str) -> t.Callable[..., None]:
        def told(argument: t.Any) -> t.Any:
            return os.readlink(f"/proc/self/fd/{argument}") if name in ("fchdir", "enter") else argument

        return lambda *arguments: done.append((name, *map(told, arguments)))

    for name in ("setgroups", "setgid", "setuid", "fchdir", "chroot", "chdir"):
        monkeypatch.setattr(os, name, note(name))
    monkeypatch.setattr(resource, "setrlimit", lambda *arguments: done.append(("setrlimit", *arguments)))
    monkeypatch.setattr(_become, "enter_held", note("enter"))
    monkeypatch.setattr(_become, "forbid_new_privileges", note("forbid"))
    monkeypatch.setattr(_become, "differs", lambda _root, _pid, _kind: True)
    return done


LIMIT = ("setrlimit", resource.RLIMIT_FSIZE, (7, 7))


@pytest.mark.parametrize(
    ("spaces", "entered"), [((MOUNTS,), ["mnt"]), ((MOUNTS, NETWORK), ["net", "mnt"]), ((NETWORK,), ["net"]), ((), [])]
)
def test_as_root(
    monkeypatch: pytest.MonkeyPatch, steps: list[t.Any], master: Process, spaces: tuple[str, ...], entered: list[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with becoming(Proc(), master, "/usr", 7, spaces) as become:
        become()
    # The way into its mounts leads through ours; a group cannot be changed any more by who is no longer root. The
    # directory is entered by its user.
    spots = [("enter", os.readlink(f"/proc/self/ns/{kind}")) for kind in entered]
    assert steps == [*spots, LIMIT, *USER, ("fchdir", "/usr"), ("forbid",)]


def test_as_somebody_else(monkeypatch: pytest.MonkeyPatch, steps: list[t.Any], master: Process) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 102)
    with becoming(Proc(), master, "/usr", 7) as become:
        become()
    assert steps == [LIMIT, ("fchdir", "/usr"), ("forbid",)]


def test_where_it_lives_where_we_do(monkeypatch: pytest.MonkeyPatch, steps: list[t.Any], master: Process) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(_become, "differs", lambda _root, _pid, kind: kind == NETWORK)
    with becoming(Proc(), master, "/usr", 7) as become:
        become()
    assert steps == [LIMIT, *USER, ("fchdir", "/usr"), ("forbid",)]


def test_another_root_is_entered(monkeypatch: pytest.MonkeyPatch, steps: list[t.Any], master: Process) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(_become, "differs", lambda *_arguments: False)
    with becoming(Proc(), master, "/usr", 7) as become:
        monkeypatch.setattr(os, "fstat", lambda _descriptor: os.stat("/usr"))
        become()
    assert steps == [("fchdir", "/"), ("chroot", "."), LIMIT, *USER, ("fchdir", "/usr"), ("forbid",)]


def test_no_descriptor_stays_open(monkeypatch: pytest.MonkeyPatch, steps: list[t.Any], master: Process) -> None:
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


def test_namespaces_are_told_apart(tmp_path: pathlib.Path) -> None:
    assert differs("/proc", os.getpid(), MOUNTS) is False
    other = tmp_path / "7" / "ns"
    other.mkdir(parents=True)
    (other / MOUNTS).touch()
    assert differs(str(tmp_path), 7, MOUNTS) is True
    # What we may not see is no reason to go there.
    assert differs(str(tmp_path), 8, MOUNTS) is False


def test_what_is_no_namespace_cannot_be_entered(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "file"
    path.touch()
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="Invalid argument") as caught:
        enter(str(path))
    assert (caught.value.errno, caught.value.filename) == (errno.EINVAL, str(path))
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("fails", [False, True])
def test_out_of_a_network_we_come_back(monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:  # noqa: FBT001
    entered: list[str] = []
    monkeypatch.setattr(_namespaces, "differs", lambda _root, _pid, kind: kind == NETWORK)

    def note(path: str) -> None:
        entered.append(os.readlink(path) if path.startswith("/proc/self/fd/") else path)

    monkeypatch.setattr(_namespaces, "enter", note)
    home = os.readlink("/proc/self/ns/net")
    with contextlib.suppress(ConnectionError), network_of("/proc", 472):
        assert entered == ["/proc/472/ns/net"]
        if fails:
            raise ConnectionError
    assert entered == ["/proc/472/ns/net", home]


def test_in_our_own_network_nothing_is_entered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_namespaces, "enter", pytest.fail)
    with network_of("/proc", os.getpid()):
        pass


def test_no_new_privileges_for_what_is_executed() -> None:
    # In a process of its own, since there is no way back.
    shown = subprocess.run(
        [sys.executable, "-c", "print([l for l in open('/proc/self/status') if 'NoNewPrivs' in l])"],
        preexec_fn=forbid_new_privileges,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shown.strip() == r"['NoNewPrivs:\t1\n']"


def test_who_cannot_forbid_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_namespaces, "_PR_SET_NO_NEW_PRIVS", -1)
    with pytest.raises(OSError, match="prctl") as caught:
        forbid_new_privileges()
    assert caught.value.errno == errno.EINVAL
