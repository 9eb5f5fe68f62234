# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom a restart is asked of, and what is not asked of anybody."""

from __future__ import annotations

import contextlib
import itertools
import os
import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._facts import gather as _survey
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.gather import find_successor
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import Look
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Gone, Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors import restart as _restart
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors import supervisord as _supervisord
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.find import Supervisor, SupervisorKind
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.restart import Job, Plan, plan_restart
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.supervisord import config_of
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.systemd import Unit

from .. import build
from ..build import failing

CGROUP: dict[str, t.Any] = {"cgroup": "/system.slice/odoo.service"}
SERVER = build.instance(build.prefork(100, **CGROUP))
UNIT = Unit(main_pid=100, kill_mode="mixed", working_directory="/srv")
BY_SYSTEMD = Supervisor(SupervisorKind.SYSTEMD, "odoo.service")
SYSTEMCTL = "/usr/bin/systemctl"


class Files(Proc):
    """Some files of /proc."""

    def __init__(self, files: dict[str, str] | None = None) -> None:
        super().__init__("/nonexistent")
        self.files = dict(files or {})

    def read(self, pid: int, name: str) -> bytes:
        if f"{pid}/{name}" not in self.files:
            raise Gone(str(pid))
        return self.files[f"{pid}/{name}"].encode()

    def link(self, pid: int, name: str) -> str:
        return self.read(pid, name).decode()


class Machine:
    """What plan_restart asks the machine for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.instances: tuple[Instance, ...] = (SERVER,)
        self.changed = False
        self.roots: t.Callable[[str], bool] = lambda _path: True
        self.pid = "100"
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        monkeypatch.setattr(_supervisord, "run", lambda _command, _timeout: self.pid)
        monkeypatch.setattr(_restart, "look", lambda _proc: Look(self.instances, (), {}, {}, frozenset()))
        monkeypatch.setattr(_restart, "systemctl_words", lambda _uid=None: (SYSTEMCTL,))
        monkeypatch.setattr(_restart, "changed_since", lambda *_arguments: self.changed)
        monkeypatch.setattr(_supervisord, "is_roots", self.is_roots)

    def is_roots(self, path: str) -> bool:
        """Whether root owns a file here."""
        return self.roots(path)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine on which root restarts SERVER."""
    return Machine(monkeypatch)


def plan(
    proc: Proc | None = None, instance: Instance = SERVER, by: Supervisor = BY_SYSTEMD, unit: Unit | None = UNIT
) -> Plan:
    """Plan a restart of a server that was started long ago."""
    return plan_restart(proc or Files(), instance, by, unit, 0.0)


def test_by_systemd(machine: Machine) -> None:
    made = plan()
    assert made.commands == (
        (SYSTEMCTL, "--no-pager", "--no-ask-password", "--no-block", "restart", "--", "odoo.service"),
    )
    assert (made.cwd, made.unit_changed, made.warnings) == ("/srv", False, ())
    machine.changed = True
    changed = plan()
    assert changed.unit_changed
    assert changed.commands == ((SYSTEMCTL, "--no-ask-password", "daemon-reload"), *made.commands)


@pytest.mark.parametrize(
    ("mode", "cut_off"), [("mixed", False), ("process", False), ("control-group", True), ("none", True), (None, True)]
)
@pytest.mark.usefixtures("machine")
def test_what_is_cut_off_is_said(mode: str | None, cut_off: bool) -> None:  # noqa: FBT001
    warnings = plan(unit=Unit(main_pid=100, kill_mode=mode)).warnings
    assert [one.code for one in warnings] == ["supervisor.kill_mode"] * cut_off


@pytest.mark.parametrize(
    ("by", "code"),
    [
        (Supervisor(SupervisorKind.CONTAINER, "abc"), "supervisor.container_not_restarted"),
        (Supervisor(SupervisorKind.NONE), "supervisor.none"),
        (Supervisor(SupervisorKind.SYSTEMD, None), "supervisor.none"),
    ],
)
@pytest.mark.usefixtures("machine")
def test_nobody_to_ask(by: Supervisor, code: str) -> None:
    with failing(code):
        plan(by=by)


@pytest.mark.usefixtures("machine")
def test_only_root_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 102)
    with failing("supervisor.needs_root"):
        plan()


@pytest.mark.parametrize(("main", "exe"), [(None, None), (7, None), (1, "/usr/sbin/cron"), (1, "/usr/bin/java")])
@pytest.mark.usefixtures("machine")
def test_a_unit_that_is_more_than_the_server_is_left_alone(main: int | None, exe: str | None) -> None:
    files = Files({"1/exe": exe} if exe else {})
    with failing("supervisor.other_main_process"):
        plan(files, unit=Unit(main_pid=main, kill_mode="mixed"))


@pytest.mark.usefixtures("machine")
def test_a_shell_around_the_server_is_no_more_than_it() -> None:
    assert plan(Files({"1/exe": "/usr/bin/dash"}), unit=Unit(main_pid=1, kill_mode="mixed")).commands


def test_several_servers_of_one_unit(machine: Machine) -> None:
    machine.instances = (SERVER, build.instance(build.prefork(200, **CGROUP)))
    with failing("supervisor.several_servers") as caught:
        plan()
    assert caught.value.problem.values["pids"] == "100, 200"


@pytest.mark.usefixtures("machine")
def test_a_unit_that_systemd_does_not_know() -> None:
    with failing("supervisor.unit_unknown"):
        plan(unit=None)


BY_SUPERVISORD = Supervisor(SupervisorKind.SUPERVISORD, "odoo:odoo")
STAT = "{} (x) S {} " + " ".join(["0"] * 50)
SUPERVISORD_FILES = {
    "1/cmdline": "/usr/bin/python3\0/usr/bin/supervisord\0-n\0-c\0etc/s.conf\0",
    "1/status": "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nSigCgt:\t0\n",
    "1/cwd": "/",
    "1/stat": STAT.format(1, 0),
}


@pytest.mark.usefixtures("machine")
def test_by_supervisord() -> None:
    files = Files(SUPERVISORD_FILES)
    assert plan(files, by=BY_SUPERVISORD).commands == (
        ("/usr/bin/supervisorctl", "-c", "/etc/s.conf", "restart", "odoo:odoo"),
    )
    files.files["1/cmdline"] = "/usr/bin/supervisord\0"
    assert plan(files, by=BY_SUPERVISORD).commands == (("/usr/bin/supervisorctl", "restart", "odoo:odoo"),)
    wrapped = build.instance(build.prefork(100, ppid=50))
    files.files.update({"50/cmdline": "sh\0", "50/stat": STAT.format(50, 1)})
    assert plan(files, wrapped, by=BY_SUPERVISORD).commands


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("1/cmdline", "/sbin/init\0", "supervisor.no_supervisord"),
        ("1/status", "Uid:\t7\t7\t7\t7\nGid:\t0\t0\t0\t0\nSigCgt:\t0\n", "supervisor.supervisord_not_root"),
    ],
)
@pytest.mark.usefixtures("machine")
def test_a_supervisord_that_is_not_asked(name: str, text: str, code: str) -> None:
    with failing(code):
        plan(Files({**SUPERVISORD_FILES, name: text}), by=BY_SUPERVISORD)


def test_only_what_root_owns(machine: Machine) -> None:
    machine.roots = lambda path: "conf" not in path
    with failing("supervisor.configuration_not_root"):
        plan(Files(SUPERVISORD_FILES), by=BY_SUPERVISORD)
    machine.roots = lambda _path: False
    with failing("supervisor.no_supervisorctl"):
        plan(Files(SUPERVISORD_FILES), by=BY_SUPERVISORD)


@pytest.mark.parametrize("pid", ["101", "0", "", "100 101"])
def test_a_program_that_is_another_process(machine: Machine, pid: str) -> None:
    machine.pid = pid
    with failing("supervisor.other_program"):
        plan(Files(SUPERVISORD_FILES), by=BY_SUPERVISORD)


@pytest.mark.parametrize("name", ["odoo:*", "a:b c:d", "-x:y", "a:b;shutdown", "a:b\nshutdown", "a:", "all"])
@pytest.mark.usefixtures("machine")
def test_a_name_that_means_more_than_one_program(name: str) -> None:
    with failing("supervisor.bad_program_name"):
        plan(Files(SUPERVISORD_FILES), by=Supervisor(SupervisorKind.SUPERVISORD, name))


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        ("supervisord", None),
        ("supervisord -n -c /a", "/a"),
        ("supervisord --configuration /a", "/a"),
        ("supervisord --configuration=/a -n", "/a"),
        ("supervisord -c/a", "/a"),
        ("supervisord -c", None),
    ],
)
def test_the_configuration_of_supervisord(argv: str, found: str | None) -> None:
    assert config_of(argv.split()) == found


def job(by: Supervisor, *commands: t.Sequence[str]) -> Job:
    """Ask for a restart by these commands."""
    return Job(Plan(by, tuple(tuple(command) for command in commands)), 5.0)


@pytest.mark.parametrize(
    ("command", "code", "value"),
    [
        (
            ["/bin/sh", "-c", "echo no, db_password=x; exit 3"],
            "supervisor.command_failed",
            ("said", "no, db_password=********"),
        ),
        (["/bin/false"], "supervisor.command_failed", ("said", "code 1")),
        (["/nonexistent/program"], "supervisor.command_not_run", ("error", "No such file or directory")),
        (["/bin/sleep", "20"], "supervisor.command_timeout", ("seconds", 1.0)),
    ],
)
def test_a_supervisor_that_does_not_want_to(command: list[str], code: str, value: tuple[str, object]) -> None:
    for commands in ([command], [command, ["/bin/true"]]):
        with failing(code) as caught:
            Job(Plan(BY_SYSTEMD, tuple(map(tuple, commands))), 0.1)
        assert caught.value.problem.values[value[0]] == value[1]


@pytest.mark.parametrize(
    ("program", "refused"), [("/usr/bin/env", False), ("/nothing", True), ("env", True), (None, False)]
)
def test_what_a_changed_unit_starts_must_be_there(
    program: str | None,
    refused: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: pathlib.Path,
) -> None:
    monkeypatch.setattr(_restart, "show_units", lambda _names, _uid=None: {"odoo.service": Unit(program=program)})
    done = tmp_path / "done"
    made = Plan(BY_SYSTEMD, (("/bin/true",), ("/bin/touch", str(done))), unit_changed=True)
    with failing("supervisor.program_gone") if refused else contextlib.nullcontext():
        Job(made, 5.0)
    assert done.exists() != refused


@pytest.mark.parametrize(
    ("unit", "over"),
    [
        (None, False),
        (Unit(active_state="active"), False),
        (Unit(active_state="activating"), False),
        (Unit(active_state="inactive", has_job=True), False),
        (Unit(active_state="failed"), True),
        (Unit(active_state="inactive"), True),
    ],
)
def test_systemd_tells_that_nothing_comes(
    unit: Unit | None,
    over: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_restart, "show_units", lambda _names, _uid=None: {"odoo.service": unit} if unit else {})
    assert bool(job(BY_SYSTEMD, ["/bin/true"]).problem(stopped=True)) == over


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo odoo: started", None),
        ("echo 'odoo: ERROR (spawn error)'; exit 7", "odoo: ERROR (spawn error)"),
        ("echo 'odoo: ERROR (no such process)'", "odoo: ERROR (no such process)"),
        ("exit 4", "nothing, with code 4"),
    ],
)
def test_supervisorctl_tells_that_nothing_comes(script: str, said: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = job(BY_SUPERVISORD, ["/bin/sh", "-c", script])
    assert asked._popen is not None
    asked._popen.wait()
    for stopped, status in itertools.product(
        [True, False], ["FATAL", "STOPPED", "no such process", "BACKOFF", "STARTING"]
    ):
        monkeypatch.setattr(_restart, "capture", lambda _command, _timeout, status=status: (3, status))
        # What it starts again may come up all the same.
        goes_on = stopped and status in ("BACKOFF", "STARTING")
        problem = asked.problem(stopped=stopped)
        assert (problem and problem.values["said"]) == (None if goes_on else said)
    asked.close()


def test_supervisorctl_is_not_waited_for() -> None:
    asked = job(BY_SUPERVISORD, ["/bin/sleep", "5"])
    assert asked.problem(stopped=True) is None
    assert asked._popen is not None
    assert os.getsid(asked._popen.pid) != os.getsid(0)
    asked._popen.kill()
    asked._popen.wait()
    asked.close()


def options(port: int) -> t.Any:
    """Options of which only these matter here."""
    return type("Options", (), {"config_file": "/etc/odoo/odoo.conf", "http_port": port})()


def test_the_successor(monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = build.instance(build.prefork(500))
    young, other = (build.instance(build.prefork(pid, **CGROUP)) for pid in (300, 400))

    def seen(*instances: Instance) -> Look:
        ports = {i.identity: options(8169 if i is other else 8069) for i in instances}
        return Look(instances, (), ports, {}, frozenset())

    def found(*instances: Instance) -> Instance | None:
        monkeypatch.setattr(_survey, "look", lambda _proc: seen(*instances))
        answer = find_successor(Files(), SERVER, seen(SERVER), BY_SYSTEMD)
        return answer and answer[1]

    assert found() is None
    assert found(SERVER, stranger) is None
    assert found(SERVER, stranger, young) is young
    assert found(other, young) is young
    assert found(other) is other
    assert find_successor(Files(), SERVER, seen(SERVER), Supervisor(SupervisorKind.NONE)) is None
