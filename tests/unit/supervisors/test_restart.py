# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which supervisor is asked for a restart, and which requests are refused."""

from __future__ import annotations

import contextlib
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
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.rpc import Daemon
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.systemd import Unit

from .. import build
from ..build import failing
from .daemon import FakeSupervisord, answer, program

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
    """Return the requests of plan_restart to the machine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.instances: tuple[Instance, ...] = (SERVER,)
        self.changed = False
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        monkeypatch.setattr(_restart, "look", lambda _proc: Look(self.instances, (), {}, {}, frozenset()))
        monkeypatch.setattr(_restart, "systemctl_words", lambda _uid=None: (SYSTEMCTL,))
        monkeypatch.setattr(_restart, "changed_since", lambda *_arguments: self.changed)


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
def test_a_restart_without_a_supervisor_is_refused(by: Supervisor, code: str) -> None:
    with failing(code):
        plan(by=by)


@pytest.mark.usefixtures("machine")
def test_a_system_container_is_not_restarted() -> None:
    guest = build.instance(build.prefork(cgroup="/lxc.payload.web/system.slice/odoo.service"))
    with failing("supervisor.guest"):
        plan(instance=guest, by=Supervisor(SupervisorKind.CONTAINER, "web"))


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


def test_by_supervisord(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = Daemon("unix:///run/s", 0, 0)
    known = {"odoo:odoo": daemon}
    monkeypatch.setattr(_supervisord, "daemon_of", lambda _proc, _master, program: known[program])
    assert plan(by=BY_SUPERVISORD) == Plan(BY_SUPERVISORD, daemon=daemon)
    # A program of the same name, of another supervisord.
    marks = {"SUPERVISOR_ENABLED": "1", "SUPERVISOR_PROCESS_NAME": "odoo", "SUPERVISOR_SERVER_URL": "unix:///run/t"}
    machine.instances = (SERVER, build.instance(build.prefork(200, marks=marks)))
    assert plan(by=BY_SUPERVISORD).daemon is daemon


def test_another_user_that_names_the_program_in_its_environment_is_not_counted(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = Daemon("unix:///run/s", 0, 0)
    monkeypatch.setattr(_supervisord, "daemon_of", lambda *_arguments: daemon)
    marks = {"SUPERVISOR_ENABLED": "1", "SUPERVISOR_GROUP_NAME": "odoo", "SUPERVISOR_PROCESS_NAME": "odoo"}
    ours = build.instance(build.prefork(100, marks=marks))
    machine.instances = (ours, build.instance(build.prefork(200, marks=marks, uid=1001)))
    assert plan(instance=ours, by=BY_SUPERVISORD).daemon is daemon
    machine.instances = (ours, build.instance(build.prefork(200, marks=marks)))
    with failing("supervisor.several_servers"):
        plan(instance=ours, by=BY_SUPERVISORD)


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


@pytest.mark.parametrize("state", ["FATAL", "STOPPED", "BACKOFF", "STARTING"])
@pytest.mark.parametrize("stopped", [True, False])
@pytest.mark.parametrize("fault", [None, "SPAWN_ERROR: odoo:odoo"])
def test_supervisord_tells_that_nothing_comes(
    tmp_path: pathlib.Path,
    fault: str | None,
    stopped: bool,  # noqa: FBT001
    state: str,
) -> None:
    results = [True, {"faultCode": 50, "faultString": fault} if fault else True]
    fake = FakeSupervisord(tmp_path, answer(results), answer(program(state)))
    asked = Job(Plan(BY_SUPERVISORD, daemon=fake.daemon), 5.0)
    assert asked._errand is not None
    asked._errand.reader.wait()
    # What it starts again may come up nevertheless.
    goes_on = stopped and state in ("BACKOFF", "STARTING")
    problem = asked.problem(stopped=stopped)
    assert (problem and problem.values["said"]) == (None if goes_on else fault)
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
