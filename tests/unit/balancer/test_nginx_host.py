# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nginx on a host: its files, its processes in a /proc of our own, and its connections."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer import nginx_host
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.nginx_host import (
    Nginx,
    RealFiles,
    Worker,
    ends_of,
    parse_version,
    write_file,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused

from .. import build

#: nginx 1.22.1 of Debian 12, shortened.
VERSION = """nginx version: nginx/1.22.1
built with OpenSSL 3.0.8 7 Feb 2023 (running with OpenSSL 3.0.15 3 Sep 2024)
configure arguments: --with-cc-opt='-g -O2' --prefix=/usr/share/nginx --conf-path=/etc/nginx/nginx.conf \
--http-log-path=/var/log/nginx/access.log --lock-path=/var/lock/nginx.lock --pid-path=/run/nginx.pid --with-compat
"""
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


@pytest.fixture
def asked() -> list[tuple[str, ...]]:
    """The programs that were run."""
    return []


@pytest.fixture
def nginx(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, asked: list[tuple[str, ...]]) -> Nginx:
    """An nginx with a master of pid 41, a worker, and one that is shutting down, below a unit of systemd."""

    def run(command: t.Sequence[str], _seconds: float) -> tuple[int, str, str]:
        asked.append(tuple(command))
        if command[1] == "show":
            return 0, "MainPID=41\nCanReload=yes\n", ""
        return (0, VERSION, "") if command[1] == "-V" else (1, "", "[emerg] it is wrong")

    monkeypatch.setattr(nginx_host, "run", run)
    monkeypatch.setattr(nginx_host, "first_of", lambda paths: paths[0])
    process(tmp_path, 41, "nginx: master process /usr/sbin/nginx -g daemon on;", 1)
    process(tmp_path, 42, "nginx: worker process", 41)
    process(tmp_path, 43, "nginx: worker process is shutting down", 41)
    process(tmp_path, 44, "nginx: cache manager process", 41)
    process(tmp_path, 45, "nginx: worker process", 7)
    process(tmp_path, 46, "nginx: worker process", 41, "Z")
    (tmp_path / "pid").write_text("41\n")
    monkeypatch.setattr(Nginx, "_owner", lambda _self, _pid: 0)
    return Nginx("/usr/sbin/nginx", None, str(tmp_path))


def process(root: pathlib.Path, pid: int, title: str, parent: int, state: str = "S") -> None:
    """Write what the kernel tells of a process."""
    folder = root / str(pid)
    (folder / "fd").mkdir(parents=True)
    (folder / "net").mkdir()
    (folder / "cmdline").write_bytes(title.encode() + b"\0\0\0")
    (folder / "stat").write_text(f"{pid} (nginx: (x) y) {state} {parent} 1 1 0" + " 0" * 14 + f" {pid}00 0 0")
    (folder / "cgroup").write_text("0::/system.slice/nginx.service\n")
    for name in ("tcp", "tcp6"):
        (folder / "net" / name).write_text(HEAD)


def test_what_it_was_built_with() -> None:
    assert parse_version(VERSION) == {
        "prefix": "/usr/share/nginx",
        "conf-path": "/etc/nginx/nginx.conf",
        "pid-path": "/run/nginx.pid",
    }


def test_places(nginx: Nginx) -> None:
    assert nginx.config == "/etc/nginx/nginx.conf"
    assert nginx.pid_file(None) == "/run/nginx.pid"
    assert nginx.pid_file("/run/other.pid") == "/run/other.pid"
    assert nginx.pid_file("logs/x.pid") == "/usr/share/nginx/logs/x.pid"


def test_master_and_workers(nginx: Nginx, tmp_path: pathlib.Path) -> None:
    assert nginx.master(str(tmp_path / "pid")) == 41
    found = sorted(nginx.workers(41), key=lambda one: one.pid)
    assert found == [Worker(42, 4200, leaving=False), Worker(43, 4300, leaving=True)]


@pytest.mark.parametrize("text", ["42\n", "4711\n", "", "x"])
def test_a_pid_file_of_another_program_does_not_count_as_nginx(nginx: Nginx, tmp_path: pathlib.Path, text: str) -> None:
    (tmp_path / "pid").write_text(text)
    with build.failing("nginx.not_running", Refused):
        nginx.master(str(tmp_path / "pid"))


def test_a_title_of_another_user_does_not_count_as_nginx(
    nginx: Nginx, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Nginx, "_owner", lambda _self, _pid: 1000)
    with build.failing("nginx.not_running", Refused):
        nginx.master(str(tmp_path / "pid"))


def test_connections_of_a_worker(nginx: Nginx, tmp_path: pathlib.Path) -> None:
    for number, inode in enumerate((7, 8, 9)):
        (tmp_path / f"43/fd/{number}").symlink_to(f"socket:[{inode}]")
    (tmp_path / "43/fd/9").symlink_to("/dev/null")
    end = "00000000:00000000 00:00000000 00000000 33 0"
    rows = [
        f"0: 0303D50A:D000 0B03D50A:1F85 01 {end} 7 1",
        f"1: 0303D50A:D001 0B03D50A:1F88 01 {end} 8 1",
        f"2: 0303D50A:D002 0B03D50A:1F85 06 {end} 9 1",
        f"3: 0303D50A:D003 0B03D50A:1F85 01 {end} 10 1",
    ]
    (tmp_path / "43/net/tcp").write_text(HEAD + "\n".join(rows) + "\n")
    worker = Worker(43, 4300, leaving=True)
    assert nginx.connections(worker, {("10.213.3.11", 8069)}) == 1
    assert nginx.connections(worker, {("10.213.3.11", 8069), ("10.213.3.11", 8072)}) == 2
    assert nginx.connections(worker, set()) == 0
    assert nginx.connections(Worker(4711, 1, leaving=True), {("10.213.3.11", 8069)}) == 0


def test_systemd_reloads_what_it_runs(nginx: Nginx, asked: list[tuple[str, ...]]) -> None:
    assert nginx.reload(41) == "[emerg] it is wrong"
    assert asked[-1] == ("/usr/bin/systemctl", "reload", "nginx.service")


def test_nginx_reloads_itself_where_systemd_does_not_run_it(
    nginx: Nginx, asked: list[tuple[str, ...]], tmp_path: pathlib.Path
) -> None:
    assert nginx.reload(42) == "[emerg] it is wrong"  # the unit has another main process
    assert asked[-1] == ("/usr/sbin/nginx", "-s", "reload", "-c", "/etc/nginx/nginx.conf")
    (tmp_path / "41/cgroup").write_text("0::/user.slice/user-0.slice/session-1.scope\n")
    asked.clear()
    nginx.reload(41)
    assert [command[1] for command in asked] == ["-s"]


def test_a_configuration_that_nginx_refuses(nginx: Nginx, asked: list[tuple[str, ...]]) -> None:
    assert nginx.test() == "[emerg] it is wrong"
    assert asked[-1] == ("/usr/sbin/nginx", "-t", "-c", "/etc/nginx/nginx.conf")


@pytest.mark.parametrize("program", ["/nowhere/nginx", "/bin/false"])
def test_no_nginx(program: str) -> None:
    with build.failing("nginx.no_program", Refused):
        Nginx(program, None)


def test_unreadable_files(tmp_path: pathlib.Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with build.failing("nginx.unreadable", Refused):
            RealFiles().read(str(path))
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate((8 << 20) + 1)
    with build.failing("nginx.unreadable", Refused):
        RealFiles().read(str(large))


def test_an_include_with_wildcards_takes_what_is_there_in_order(tmp_path: pathlib.Path) -> None:
    for name in ("b.conf", "a.conf", ".c.conf", "d.txt"):
        (tmp_path / name).touch()
    found = RealFiles().matching(f"{tmp_path}/*.conf")
    assert [os.path.basename(path) for path in found] == ["a.conf", "b.conf"]
    assert RealFiles().matching("/nowhere/x") == ["/nowhere/x"]
    assert RealFiles().matching("/nowhere/*") == []


def test_a_file_keeps_its_mode_and_a_link_stays_one(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nginx_host, "is_roots", lambda _path: True)
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to("real")
    write_file(str(link), "new \udcff")
    assert link.is_symlink()
    assert real.read_bytes() == b"new \xff"
    assert real.stat().st_mode & 0o7777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


def test_a_file_that_others_can_change_is_not_written(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    path.chmod(0o666)
    with build.failing("nginx.not_roots", Refused):
        write_file(str(path), "new")
    assert path.read_text() == "old"


def test_a_failed_write_leaves_nothing_behind(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(nginx_host, "is_roots", lambda _path: True)
    monkeypatch.setattr(os, "fsync", full)
    path = tmp_path / "x"
    path.write_text("old")
    with build.failing("nginx.not_written", Refused):
        write_file(str(path), "new")
    assert [one.name for one in tmp_path.iterdir()] == ["x"]
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    ("address", "ends"),
    [
        ("127.0.0.1:8069", {("127.0.0.1", 8069)}),
        ("[::1]:8069", {("::1", 8069)}),
        ("127.0.0.1", {("127.0.0.1", 80)}),
        ("unix:/run/o.sock", None),
        ("no such name:8069", set()),
    ],
)
def test_ends_of_an_address(address: str, ends: set[tuple[str, int]] | None) -> None:
    assert ends_of(address) == ends
