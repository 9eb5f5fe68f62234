# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which supervisord is above a server, how to ask it, and its name of the server."""

from __future__ import annotations

import os
import pathlib
import types
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import supervisor as codes
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Gone, Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import Process
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors import find as _find
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors import supervisord
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.find import (
    Supervisor,
    SupervisorKind,
    supervisor_of,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.restart import plan_restart
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.rpc import Daemon
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.supervisord import (
    config_of,
    daemon_above,
    daemon_of,
    is_supervisord,
    parse_listening_unix,
    supervisord_above,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused

from .. import build
from ..build import failing
from .daemon import FAULT, FakeSupervisord, answer, program

STAT = "{} (x) S {} " + " ".join(["0"] * 50)
STATUS = "Uid:\t{0}\t{0}\t{0}\t{0}\nGid:\t0\t0\t0\t0\nGroups:\t0 4\nSigCgt:\t0\n"
UNIX = """Num       RefCount Protocol Flags    Type St Inode Path
0000000000000001: 00000002 00000000 00010000 0001 01 101 /run/other.sock
0000000000000002: 00000002 00000000 00010000 0001 01 102 {}
0000000000000003: 00000003 00000000 00000000 0001 03 103 /run/sup-b/sock.634
0000000000000004: 00000003 00000000 00000000 0001 03 104
"""
TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2329 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 105 1 0 100 0 0 10 0
"""
ARGV = "/opt/venv/bin/python3\0/opt/venv/bin/supervisord\0-c\0etc/s.conf\0"


class Files(Proc):
    """A supervisord with pid 50, its launcher with pid 60 and its server with pid 100."""

    def __init__(self, path: str = "/run/sup.sock.49", sockets: t.Collection[int] = (102, 103)) -> None:
        super().__init__("/nonexistent")
        self.open = frozenset(sockets)
        self.files = {
            "100/stat": STAT.format(100, 60),
            "60/stat": STAT.format(60, 50),
            "60/cmdline": "su\0odoo\0",
            "50/stat": STAT.format(50, 1),
            "50/cmdline": ARGV,
            "50/status": STATUS.format(os.geteuid()),
            "50/cwd": "/opt",
            "50/net/unix": UNIX.format(path),
            "50/net/tcp": TCP,
            "1/cmdline": "/sbin/init\0",
            **{f"{pid}/cgroup": "0::/\n" for pid in (50, 60, 100)},
        }

    def read(self, pid: int, name: str) -> bytes:
        if f"{pid}/{name}" not in self.files:
            raise Gone(str(pid))
        return self.files[f"{pid}/{name}"].encode()

    def link(self, pid: int, name: str) -> str:
        return self.read(pid, name).decode()

    def sockets(self, _pid: int) -> frozenset[int]:
        return self.open


def server(**fields: t.Any) -> t.Any:
    """The master of a server."""
    return build.instance(build.prefork(100, ppid=60, **fields)).master


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        ("/usr/bin/python3 /usr/bin/supervisord -n", True),
        ("/srv/erp/venv/bin/supervisord", True),
        ("python3 -u -m supervisor.supervisord -n", True),
        ("python3 /opt/venv/bin/supervisorctl start supervisord", False),
        ("vi a /etc/supervisord", False),
        ("", False),
    ],
)
def test_what_is_a_supervisord(argv: str, found: bool) -> None:  # noqa: FBT001
    assert is_supervisord(argv.split()) is found


def test_the_nearest_supervisord_above_is_the_one() -> None:
    files = Files()
    assert supervisord_above(files, 100) == 50
    files.files["60/cmdline"] = ARGV
    assert supervisord_above(files, 100) == 60


def test_a_supervisord_may_be_the_first_process_of_a_container() -> None:
    files = Files()
    files.files["50/cmdline"] = "sh\0"
    assert supervisord_above(files, 100) is None
    files.files["1/cmdline"] = ARGV
    assert supervisord_above(files, 100) == 1


def test_a_unix_socket_is_named_without_what_it_is_bound_by() -> None:
    daemon = daemon_above(Files(), server())
    assert (daemon.address, daemon.config) == ("unix:///run/sup.sock", "/opt/etc/s.conf")
    assert (daemon.uid, daemon.gid, daemon.groups) == (os.geteuid(), 0, (0, 4))
    assert parse_listening_unix(UNIX.format("/a b")) == {101: "/run/other.sock", 102: "/a b"}


def test_a_tcp_socket_is_asked_where_there_is_no_other() -> None:
    assert daemon_above(Files(sockets=[105]), server()).address == "http://127.0.0.1:9001"


def test_a_supervisord_that_cannot_be_asked() -> None:
    with failing("supervisor.supervisord_without_socket"):
        daemon_above(Files(sockets=[]), server())
    files = Files()
    files.files["50/cmdline"] = "sh\0"
    with failing("supervisor.no_supervisord"):
        daemon_above(files, server())
    files = Files()
    files.files["50/status"] = STATUS.replace("{0}", "102", 1).format(0)
    with failing("supervisor.no_supervisord"):
        daemon_above(files, server())
    files = Files()
    del files.files["50/status"]
    with failing("supervisor.no_supervisord"):
        daemon_above(files, server())


def test_a_supervisord_of_another_user_is_asked_by_root_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    files = Files()
    files.files["50/status"] = STATUS.format(4321)
    monkeypatch.setattr(os, "geteuid", lambda: 102)
    with failing("supervisor.supervisord_not_ours"):
        daemon_above(files, server())
    # Its name of the server is not known then, and that is not said to be no supervisor.
    unnamed = Supervisor(SupervisorKind.SUPERVISORD)
    with failing("supervisor.supervisord_not_ours"):
        plan_restart(files, build.instance(build.prefork(100, ppid=60)), unnamed, None, 0.0)
    monkeypatch.setattr(os, "geteuid", lambda: 4321)
    assert daemon_above(files, server()).uid == 4321


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        ("supervisord -n -c /a", "/a"),
        ("supervisord --configuration a", "{cwd}/a"),
        ("supervisord --configuration=/a -n", "/a"),
        ("supervisord -c/a", "/a"),
        ("supervisord", "{cwd}/supervisord.conf"),
        ("python3 {cwd}/venv/bin/supervisord", "{cwd}/venv/etc/supervisord.conf"),
    ],
)
def test_the_configuration_of_supervisord(tmp_path: pathlib.Path, argv: str, found: str) -> None:
    (tmp_path / "supervisord.conf").touch()
    (tmp_path / "venv/etc").mkdir(parents=True)
    (tmp_path / "venv/etc/supervisord.conf").touch()
    words = argv.format(cwd=tmp_path).split()
    assert config_of(words, str(tmp_path)) == found.format(cwd=tmp_path)


@pytest.mark.parametrize("pid", [100, 60])
def test_a_program_is_known_by_the_server_or_its_launcher(tmp_path: pathlib.Path, pid: int) -> None:
    fake = FakeSupervisord(tmp_path, answer([program("RUNNING", 7, "x"), program("STOPPED"), program("RUNNING", pid)]))
    files = Files(f"{tmp_path}/sock")
    assert daemon_of(files, server(), "odoo:odoo").address == fake.daemon.address
    for name in ("odoo:shop", None):
        with failing("supervisor.other_program") as caught:
            daemon_of(files, server(), name)
        assert caught.value.problem.values["named"] == "odoo:odoo"


def test_a_server_that_is_not_one_of_its_programs(tmp_path: pathlib.Path) -> None:
    FakeSupervisord(tmp_path, answer([program("RUNNING", 7)]))
    with failing("supervisor.other_program") as caught:
        daemon_of(Files(f"{tmp_path}/sock"), server(), "odoo:odoo")
    assert caught.value.problem.values["named"] == "no program"


def test_two_supervisords_with_programs_of_one_name_are_told_apart() -> None:
    marks = {"SUPERVISOR_ENABLED": "1", "SUPERVISOR_PROCESS_NAME": "odoo"}
    one, two = (
        supervisor_of(server(marks={**marks, "SUPERVISOR_SERVER_URL": url})) for url in ("unix:///a", "unix:///b")
    )
    assert (one.unit, two.unit) == ("odoo:odoo", "odoo:odoo")
    assert one != two


def test_a_supervisord_is_found_where_the_environment_does_not_name_it(tmp_path: pathlib.Path) -> None:
    fake = FakeSupervisord(tmp_path, answer([program("RUNNING", 60)]))
    files = Files(f"{tmp_path}/sock")
    found = supervisor_of(server(cgroup="/system.slice/supervisor.service"), files)
    assert (found.kind, found.unit, found.address) == ("supervisord", "odoo:odoo", fake.daemon.address)
    # It runs a console, in which the server was started.
    fake.answers = [answer([program("RUNNING", 7)])]
    assert supervisor_of(server(cgroup="/system.slice/supervisor.service"), files).kind == "systemd"
    fake.answers = [answer("no")]
    found = supervisor_of(server(cgroup="/system.slice/supervisor.service"), files)
    assert (found.kind, found.unit) == ("supervisord", None)


@pytest.mark.parametrize("told", [1, "x", [1], [{"pid": 7}], {"group": "a"}, [{**program("RUNNING"), "pid": "x"}]])
def test_an_answer_that_is_not_a_state_of_a_program_is_refused(tmp_path: pathlib.Path, told: object) -> None:
    fake = FakeSupervisord(tmp_path, answer([told] if told == "x" else told))
    with failing("supervisor.supervisord_silent"):
        daemon_of(Files(f"{tmp_path}/sock"), server(), "odoo:odoo")
    with failing("supervisor.supervisord_silent"):
        supervisord.state_of(fake.daemon, "odoo:odoo")


def test_supervisords_that_do_not_answer_take_ten_seconds_in_all(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Files(f"{tmp_path}/sock")
    asked: list[float] = []
    now = iter(range(0, 100, 4))
    monkeypatch.setattr(_find, "time", types.SimpleNamespace(monotonic=lambda: float(next(now))))

    def silent(_proc: Proc, _daemon: Daemon, _master: Process, seconds: float) -> None:
        asked.append(seconds)
        raise Refused(codes.NO_SUPERVISORD())

    monkeypatch.setattr(_find, "program_of", silent)
    found = [supervisor_of(server(cgroup="/"), files) for _server in range(5)]
    assert asked == [10.0, 6.0, 2.0]
    assert {(one.kind, one.unit) for one in found} == {("supervisord", None)}


def test_a_program_is_asked_for_started_and_stopped(tmp_path: pathlib.Path) -> None:
    fake = FakeSupervisord(tmp_path, answer(program("EXITED")), answer(1))
    assert supervisord.state_of(fake.daemon, "odoo:odoo") == "EXITED"
    supervisord.stop(fake.daemon, "odoo:odoo")
    supervisord.start(fake.daemon, "odoo:odoo")
    assert fake.called[1:] == [
        ("supervisor.stopProcess", ("odoo:odoo", False)),
        ("supervisor.startProcess", ("odoo:odoo", False)),
    ]


def test_the_refusal_of_supervisord_is_in_the_message(tmp_path: pathlib.Path) -> None:
    fake = FakeSupervisord(tmp_path, answer(FAULT))
    with failing("supervisor.supervisord_says") as caught:
        supervisord.start(fake.daemon, "no:no")
    assert caught.value.problem.values["said"] == "BAD_NAME: no:no"


@pytest.mark.parametrize("state", ["STARTING", "RUNNING", "BACKOFF", "STOPPING", "EXITED", "FATAL", "STOPPED"])
def test_when_no_server_comes_of_a_program(tmp_path: pathlib.Path, state: str) -> None:
    fake = FakeSupervisord(tmp_path, answer(program(state, description="Exited too quickly")))
    problem = supervisord.why_down(fake.daemon, "odoo:odoo")
    down = state in ("EXITED", "FATAL", "STOPPED")
    assert (problem and problem.values["said"]) == (f"odoo:odoo is {state} (Exited too quickly)" if down else None)
