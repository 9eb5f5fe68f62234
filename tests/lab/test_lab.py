# SPDX-License-Identifier: GPL-3.0-or-later
"""A real lab: hosts come up, behave like servers, and go without a trace."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from labkit import lifecycle, machine, state
from labkit.paths import Lab
from testkit import TOOL, new_name, tool, until, why_not

# Every other test here runs in the lab and would notice.
pytestmark = [
    pytest.mark.skipif(bool(why_not()), reason=why_not()),
    pytest.mark.timeout(900),
    pytest.mark.thorough,
]


@pytest.fixture(name="lab", scope="module")
def _lab() -> Iterator[Lab]:
    lab = Lab(new_name())
    try:
        tool(lab.name, "up", "kinds", "--hosts", "p19,t14")
        yield lab
    finally:
        tool(lab.name, "down")


def _get(lab: Lab, host: str, path: str) -> str:
    current = state.read(lab)
    assert current is not None
    with urllib.request.urlopen(f"http://{current.address(host)}:8069{path}", timeout=30) as answer:
        text: str = answer.read().decode()
    return text


def _master(lab: Lab, host: str) -> int:
    shown = machine.inside(lab, host, ["systemctl", "show", "odoo", "--property=MainPID", "--value"])
    return int(shown.stdout)


def _hang_up(lab: Lab, host: str) -> None:
    machine.inside(lab, host, ["kill", "-HUP", str(_master(lab, host))])


def _starts(lab: Lab, host: str) -> int:
    """Return how often the master has logged its version: once for each exec."""
    log = (lab.root(host) / "var/log/odoo/odoo-server.log").read_text(encoding="utf-8")
    return sum(f" {_master(lab, host)} INFO " in line and "odoo: Odoo version" in line for line in log.splitlines())


def test_every_host_is_healthy(lab: Lab) -> None:
    table = tool(lab.name, "status").stdout.splitlines()
    assert [line.split()[0] for line in table] == ["host", "db", "p19", "t14"]
    assert all("active (running)" in line for line in table[1:]), "\n".join(table)
    assert all(" 200 " in line for line in table[2:]), "\n".join(table)


@pytest.mark.parametrize("host", ["p19", "t14"])
@pytest.mark.parametrize(
    ("path", "word"),
    [("pid", "pid"), ("sleep/0.2", "slept"), ("sql/0.2", "queried"), ("cpu/0.1", "burnt"), ("lock/0.1", "locked")],
)
def test_slow_requests(lab: Lab, host: str, path: str, word: str) -> None:
    assert _get(lab, host, f"/lab/{path}").split()[0] == word


def test_ssh_as_root_and_as_a_user_without_rights(lab: Lab) -> None:
    assert tool(lab.name, "ssh", "p19", "id", "-un").stdout == "root\n"
    assert tool(lab.name, "ssh", "--user", "ops", "t14", "id", "-un").stdout == "ops\n"
    assert tool(lab.name, "ssh", "--user", "ops", "p19", "sudo", "-n", "true", check=False).returncode != 0


@pytest.mark.parametrize("host", ["p19", "t14"])
def test_a_real_hup_keeps_the_pid_and_loads_anew(lab: Lab, host: str) -> None:
    before, starts = _master(lab, host), _starts(lab, host)
    _hang_up(lab, host)
    until(lambda: _starts(lab, host) == starts + 1)
    assert _master(lab, host) == before


def test_up_again_changes_nothing(lab: Lab) -> None:
    before = {host: machine.init_pid(lab, host) for host in ("db", "p19", "t14")}
    tool(lab.name, "up", "kinds", "--hosts", "p19,t14")
    assert {host: machine.init_pid(lab, host) for host in before} == before


def test_a_reboot_from_inside_comes_back(lab: Lab) -> None:
    before = machine.init_pid(lab, "t14")
    machine.inside(lab, "t14", ["systemctl", "reboot"], check=False)
    until(lambda: machine.init_pid(lab, "t14") not in (None, before))
    tool(lab.name, "up", "kinds", "--hosts", "t14")
    assert "200" in tool(lab.name, "status").stdout.splitlines()[-1]


def test_a_virtualenv_by_full_path_dies_of_a_hup_and_is_restored(lab: Lab) -> None:
    tool(lab.name, "up", "venv", "--hosts", "v19,w19")
    kept = _master(lab, "w19")
    starts = _starts(lab, "w19")
    for host in ("v19", "w19"):
        _hang_up(lab, host)
    until(lambda: _master(lab, "v19") == 0)
    until(lambda: _starts(lab, "w19") == starts + 1)
    assert _master(lab, "w19") == kept
    tool(lab.name, "restore", "v19")
    assert _master(lab, "v19") > 0


def test_an_odoo_that_does_not_start_is_told_with_its_log_and_taken_away(tmp_path: Path) -> None:
    lab = Lab(new_name())
    file = tmp_path / "bad.yml"
    file.write_text("hosts: [{name: bad, conf: {limit_time_real: abc}}]\n", encoding="utf-8")
    done = tool(lab.name, "up", str(file), check=False)
    assert done.returncode == 1
    assert "lab: Odoo on bad does not answer /web/health: " in done.stderr
    assert "ValueError: invalid literal for int() with base 10: 'abc'" in done.stderr.splitlines()[-1]
    assert lifecycle.leftovers(lab) == []


@pytest.mark.parametrize("seconds", [0.4, 1.5, 3.0])
def test_an_interrupted_up_leaves_nothing(seconds: float) -> None:
    lab = Lab(new_name())
    child = subprocess.Popen([TOOL, "--lab", lab.name, "up", "demo"], stderr=subprocess.PIPE, text=True)
    # Its first word: it has begun, and heeds the signal, however long a busy machine took to start it.
    assert child.stderr is not None
    assert "booting" in child.stderr.readline()
    time.sleep(seconds)
    child.send_signal(signal.SIGINT)
    _output, errors = child.communicate(timeout=60)
    assert child.returncode == 130, errors
    assert lifecycle.leftovers(lab) == []


def _arguments() -> str:
    """Return the arguments of all processes of this machine."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_text(encoding="utf-8", errors="replace"))
    return "\n".join(found)


def test_down_leaves_nothing_and_can_be_said_twice() -> None:
    lab = Lab(new_name())
    tool(lab.name, "up", "demo", "--hosts", "h1")
    tool(lab.name, "ssh", "h1", "true")
    assert lab.machine("h1") in Path("/proc/mounts").read_text(encoding="utf-8")
    for _twice in range(2):
        tool(lab.name, "down")
        assert lifecycle.leftovers(lab) == []
    assert f"/{lab.name}/" not in Path("/proc/mounts").read_text(encoding="utf-8")
    assert lab.machine("") not in _arguments()
