# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A restart by the supervisor: asked for, or chosen where a HUP would not do."""

from __future__ import annotations

import contextlib
import http.client
import typing as t

import pytest

from .conftest import HUP, Fleet, plant_killer, pull_out_killer, request, thorough
from .restarts import four_runs, since_now

DROP_INS = "/etc/systemd/system/odoo.service.d"
BROKEN = "/opt/lab/addons/lab_broken"
#: Options of ``reload`` for a new generation of every server, by its supervisor or by the method that works.
RESTART = {"policy": "always", "method": "supervisor"}
EITHER = {"policy": "always", "method": "auto"}


@pytest.mark.parametrize("host", ["p19", *thorough("seed", "t14", "journal")])
def test_four_runs(fleet: Fleet, host: str) -> None:
    run = four_runs(fleet, host, method="supervisor", **since_now())
    assert run.only["reason"].endswith(" by systemd")
    assert run.warned == {}
    assert fleet.module(host, "reload", policy="stale", method="supervisor").outcome == (0, "nothing", None)


@pytest.mark.thorough
def test_auto_restarts_the_virtualenv_that_a_hup_would_kill(fleet: Fleet) -> None:
    run = four_runs(fleet, "venv", method="auto", **since_now())
    way = run.only["reason"].partition(" by systemd")[2]
    assert [word for word in ("HUP", " python3", "/opt/odoo/venv/bin/python") if word not in way] == [], way


@pytest.mark.parametrize("host", ["onpath", *thorough("p19", "t14")])
def test_auto_sends_a_hup_where_that_works(fleet: Fleet, host: str) -> None:
    answer = fleet.module(host, "reload", **EITHER)
    assert (answer.outcome, answer.only["signals"]) == ((0, "signalled", None), ["HUP"])
    assert answer.only["successor"] is None
    assert (answer.only["before"]["health"], answer.only["after"]["health"]) == ("ok", "ok")


@contextlib.contextmanager
def drop_in(fleet: Fleet, host: str, *lines: str) -> t.Iterator[None]:
    """Add a drop-in of the unit while the block runs, without a daemon-reload."""
    path = f"{DROP_INS}/90-method.conf"
    fleet.run(host, "mkdir", "-p", DROP_INS)
    fleet.run(host, "sh", "-c", f"printf '%s\\n' '[Service]' {' '.join(repr(line) for line in lines)} > {path}")
    try:
        yield
    finally:
        fleet.run(host, "sh", "-c", f"rm {path}; systemctl daemon-reload; systemctl restart odoo")
        fleet.settle(host)


@pytest.mark.thorough
def test_auto_restarts_for_a_changed_unit_with_every_policy(fleet: Fleet) -> None:
    with drop_in(fleet, "t14", "Environment=FROM_DROP_IN=yes"):
        run = four_runs(fleet, "t14", method="auto", **since_now())
        assert "90-method.conf" in run.only["reason"].partition(" by systemd, ")[2]


# As above, and as test_staleness.py has it.
@pytest.mark.thorough
@pytest.mark.parametrize("arguments", [{}, {"policy": "stale", "method": "supervisor"}])
def test_a_changed_unit_is_read_anew(fleet: Fleet, arguments: dict[str, str]) -> None:
    with drop_in(fleet, "p19", "Environment=FROM_DROP_IN=yes"):
        hup = fleet.module("p19", "reload", policy="stale", method="hup")
        assert hup.outcome == (2, "refused", "refused.needs_restart")
        assert "90-method.conf" in hup.result["msg"]
        # The defaults are policy stale and method auto.
        run = four_runs(fleet, "p19", **arguments)
        changed, _by, left_out = run.only["reason"].partition(" by systemd")
        assert "90-method.conf" in changed
        assert "left out" in left_out
        pid = run.only["successor"].split(":")[0]
        assert "FROM_DROP_IN=yes" in fleet.run("p19", "sh", "-c", f"tr '\\0' '\\n' < /proc/{pid}/environ")


@pytest.mark.parametrize(
    ("lines", "code", "said"),
    [
        (["ExecStart="], "supervisor.command_failed", "restart -- odoo.service"),
        pytest.param(
            ["ExecStart=", "ExecStart=/opt/nothing"],
            "supervisor.program_gone",
            " /opt/nothing",
            marks=pytest.mark.thorough,
        ),
        pytest.param(
            ["ExecStart=", "ExecStart=nothing"],
            "supervisor.program_gone",
            " nothing",
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_a_unit_that_cannot_start_is_refused_and_the_server_goes_on(
    fleet: Fleet, lines: list[str], code: str, said: str
) -> None:
    with drop_in(fleet, "p19", *lines):
        old = fleet.processes("p19")
        answer = fleet.module("p19", "reload", **RESTART)
        assert (answer.outcome, answer.result["changed"]) == ((2, "refused", code), False)
        assert [word for word in (said, "odoo.service") if word not in answer.result["msg"]] == []
        assert fleet.processes("p19") == old


@pytest.mark.parametrize(
    ("mode", "path", "status"),
    [
        pytest.param("mixed", "/lab/sleep/4", 200, marks=pytest.mark.thorough),
        ("control-group", "/lab/hold/cut-off", None),
    ],
)
def test_what_a_restart_does_to_requests_under_way(fleet: Fleet, mode: str, path: str, status: int | None) -> None:
    with drop_in(fleet, "p19", f"KillMode={mode}"):
        fleet.run("p19", "systemctl", "daemon-reload")
        got: int | None = None
        with (
            contextlib.suppress(http.client.HTTPException, ConnectionError),
            request(fleet, "p19", path) as r,
        ):
            answer = fleet.module("p19", "reload", **RESTART)
        got = r.status
        assert answer.code == 0, answer.output
        assert got == status
        assert list(answer.warned) == ([] if status else ["supervisor.kill_mode"])
        assert status or all(word in answer.warned["supervisor.kill_mode"] for word in (mode, "odoo.service"))


@pytest.mark.parametrize("method", ["auto", *thorough("supervisor")])
@pytest.mark.parametrize(
    ("host", "break_it", "code", "expected"),
    [
        # As test_reload.py has it, with a HUP.
        pytest.param(
            "p19",
            f"mkdir -p {BROKEN}; echo 'def f(:' > {BROKEN}/__init__.py",
            "rehearsal.syntax_error",
            f"({BROKEN}/__init__.py:1)",
            marks=pytest.mark.thorough,
        ),
        pytest.param(
            "venv",
            f"mkdir -p {BROKEN}; echo 'def f(:' > {BROKEN}/__init__.py",
            "rehearsal.syntax_error",
            f"({BROKEN}/__init__.py:1)",
            marks=pytest.mark.thorough,
        ),
        (
            "t14",
            "sed -i 's/^db_name.*/&\\nworkers = abc/; /^workers = [0-9]/d' /etc/odoo/odoo.conf",
            "rehearsal.bad_configuration",
            "workers",
        ),
    ],
)
def test_what_is_broken_is_refused_with_every_method(
    fleet: Fleet, host: str, break_it: str, code: str, expected: str, method: str
) -> None:
    fleet.run(host, "cp", "-p", "/etc/odoo/odoo.conf", "/etc/odoo/good.conf")
    old = fleet.processes(host)
    fleet.run(host, "sh", "-c", break_it)
    try:
        for options in (["--check"], []):
            answer = fleet.module(host, "reload", *options, policy="always", method=method)
            assert (answer.outcome, answer.result["changed"]) == ((2, "refused", code), False)
            assert expected in answer.result["msg"]
    finally:
        fleet.run(host, "sh", "-c", f"rm -rf {BROKEN}; mv /etc/odoo/good.conf /etc/odoo/odoo.conf")
    assert fleet.processes(host) == old


@pytest.mark.parametrize("host", ["p19", *thorough("t14")])
def test_two_at_the_same_moment_restart_once(fleet: Fleet, host: str) -> None:
    old = fleet.master(host)["identity"]
    answers = [wait() for wait in [fleet.begin(host, "reload", **RESTART) for attempt in range(2)]]
    assert [answer.code for answer in answers] == [0, 0], [answer.output for answer in answers]
    assert sorted(answer.only["did"] for answer in answers) == ["nothing", "restarted"]
    new = fleet.master(host)["identity"]
    assert new != old
    assert new in [answer.only["successor"] for answer in answers]


# With Restart=always systemd gives up after five starts in ten seconds, or the deadline passes before.
@pytest.mark.parametrize(
    ("host", "groups"),
    [("p19", ["failed"]), pytest.param("journal", ["failed", "timeout"], marks=pytest.mark.thorough)],
)
def test_a_server_that_does_not_come_back(fleet: Fleet, host: str, groups: list[str]) -> None:
    plant_killer(fleet, host)
    try:
        answer = fleet.module(host, "reload", timeout=15, **RESTART)
        code = str(answer.result["code"])
        assert (answer.outcome, answer.result["changed"]) == ((2, "restarted", code), True)
        assert code.partition(".")[0] in groups
        if code.startswith("failed"):
            assert code == "failed.not_back"
            assert "odoo.service is failed" in answer.result["msg"]
        assert "the end, db_password=********" in answer.result["msg"]
        assert any("the end, db_password=********" in line for line in answer.only["log"])
        assert answer.only["after"] is None
    finally:
        pull_out_killer(fleet, host)


@pytest.mark.parametrize(
    ("command", "change", "code", "why"),
    [
        # In prefork mode such a server is never complete: its gevent process dies of the same import.
        pytest.param(
            "/usr/bin/python3 -m odoo --workers 0",
            ":",
            "rehearsal.started_as_package",
            " -m,",
            marks=pytest.mark.thorough,
        ),
        pytest.param(
            "/usr/bin/python3 odoo-bin",
            "mv /srv/releases/1 /srv/releases/2; ln -sfn /srv/releases/2 /srv/current",
            None,
            None,
            marks=pytest.mark.thorough,
        ),
        pytest.param(
            "/usr/bin/python3 odoo-bin",
            "cp -a /srv/releases/1 /srv/releases/2; ln -sfn /srv/releases/2 /srv/current; rm -r /srv/releases/1",
            "rehearsal.directory_gone",
            " /srv/releases/1 ",
            marks=pytest.mark.thorough,
        ),
        (
            "/usr/bin/odoo",
            "cp -p /usr/bin/python3.11 /usr/bin/new; mv /usr/bin/new /usr/bin/python3.11",
            "rehearsal.interpreter_replaced",
            " /usr/bin/python3",
        ),
    ],
)
def test_auto_where_a_hup_cannot_work(
    fleet: Fleet, command: str, change: str, code: str | None, why: str | None
) -> None:
    fleet.run("p19", "sh", "-c", "mkdir -p /srv/releases/1; ln -s /usr/bin/odoo /srv/releases/1/odoo-bin")
    fleet.run("p19", "ln", "-sfn", "/srv/releases/1", "/srv/current")
    start = f"ExecStart={command} --config /etc/odoo/odoo.conf --logfile /var/log/odoo/odoo-server.log"
    try:
        with drop_in(fleet, "p19", "WorkingDirectory=/srv/current", "ExecStart=", start):
            fleet.run("p19", "sh", "-c", "systemctl daemon-reload; systemctl restart odoo")
            fleet.settle("p19")
            fleet.run("p19", "sh", "-c", change)
            if why is None:
                # Only moved: a HUP finds everything from where it stands.
                assert fleet.module("p19", "reload", **EITHER).outcome == (0, "signalled", None)
            else:
                assert fleet.module("p19", "reload", **HUP).outcome == (2, "refused", code)
                run = four_runs(fleet, "p19", method="auto", **since_now())
                assert why in run.only["reason"].partition(" by systemd, ")[2]
    finally:
        fleet.run("p19", "rm", "-rf", "/srv/releases", "/srv/current")


def test_a_file_that_is_gone_is_refused(fleet: Fleet) -> None:
    fleet.run("venv", "mv", "/opt/odoo/src/odoo-bin", "/opt/odoo/src/kept")
    try:
        answer = fleet.module("venv", "reload", **EITHER)
        assert answer.outcome == (2, "refused", "refused.no_way")
        # It stands in the way of either, and both are told.
        assert answer.result["msg"].count(" /opt/odoo/src/odoo-bin ") == 2
    finally:
        fleet.run("venv", "mv", "/opt/odoo/src/kept", "/opt/odoo/src/odoo-bin")


def test_too_little_memory_is_refused_unless_forced(fleet: Fleet) -> None:
    """The machine has enough of it, so the host is told something else."""
    old = fleet.processes("p19")
    little = "s/^(MemAvailable|MemFree|SwapFree):.*/\\1:  20000 kB/"
    fleet.run(
        "p19", "sh", "-c", f"sed -E '{little}' /proc/meminfo > /run/meminfo; mount --bind /run/meminfo /proc/meminfo"
    )
    try:
        for options in (["--check"], []):
            answer = fleet.module("p19", "reload", *options, **HUP)
            assert answer.outcome == (2, "refused", "rehearsal.little_room")
            assert " 39 MiB " in answer.result["msg"]
        assert fleet.processes("p19") == old
        # A restart has no second generation beside the first.
        assert fleet.module("p19", "reload", "--check", **RESTART).outcome == (0, "restarted", None)
        forced = fleet.module("p19", "reload", "--check", force=True, **HUP)
        assert forced.outcome == (0, "signalled", None)
        assert " 39 MiB " in forced.warned["rehearsal.little_room"]
    finally:
        fleet.run("p19", "umount", "/proc/meminfo")


@pytest.mark.parametrize("method", ["hup", *thorough("supervisor")])
def test_a_full_disk_is_refused_unless_forced(fleet: Fleet, method: str) -> None:
    data = fleet.master("p19")["options"]["data_dir"]
    old = fleet.processes("p19")
    fleet.run("p19", "mount", "-t", "tmpfs", "-o", "size=8m,mode=0777", "none", data)
    try:
        for options in (["--check"], []):
            answer = fleet.module("p19", "reload", *options, policy="always", method=method)
            assert answer.outcome == (2, "refused", "rehearsal.little_room")
            assert [word for word in (f" {data} ", " 8.0 MiB ", " 16 MiB") if word not in answer.result["msg"]] == []
        assert fleet.processes("p19") == old
        forced = fleet.module("p19", "reload", "--check", policy="always", method=method, force=True)
        assert (forced.code, forced.result["changed"]) == (0, True)
        assert f" {data} " in forced.warned["rehearsal.little_room"]
    finally:
        fleet.run("p19", "umount", data)


def test_health_before_anything_is_done(fleet: Fleet) -> None:
    sick = fleet.module("p19", "reload", "--check", health={"path": "/nowhere"}, **HUP)
    assert sick.outcome == (2, "refused", "refused.health_not_accepted")
    assert "/nowhere answers 404" in sick.only["before"]["health"]
    off = fleet.module("p19", "reload", "--check", health={"enabled": False}, **HUP)
    assert (off.code, off.only["before"]["health"]) == (0, None)
    pid = fleet.pid("p19")
    fleet.run("p19", "kill", "-HUP", str(pid))
    # A server that is not at rest is not asked, and its state is told.
    busy = fleet.module("p19", "reload", "--check", **HUP)
    assert (busy.outcome, busy.only["before"]["health"]) == ((0, "nothing", None), None)
    assert busy.only["before"]["state"] in ("booting", "reloading")
    fleet.settle("p19")


def test_only_root_restarts(fleet: Fleet) -> None:
    become = ["--become", "--become-method", "sudo", "--become-user", "odoo"]
    answer = fleet.module("p19", "reload", *become, **RESTART)
    assert answer.outcome == (2, "refused", "supervisor.needs_root")
    assert " systemd " in answer.result["msg"]
