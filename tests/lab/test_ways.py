# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways Odoo is started, for real: its parent, its cgroup, its output, and what a HUP does to it."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Iterator

import pytest
from labkit import lifecycle, machine, network, state, ways
from labkit.fleet import Host, Server
from labkit.health import http_status
from labkit.paths import Lab
from testkit import new_name, tool, until, why_not

# Every other test here runs in the lab and would notice.
pytestmark = [
    pytest.mark.skipif(bool(why_not()), reason=why_not()),
    pytest.mark.timeout(900),
    pytest.mark.thorough,
]

SERVERS = ("many-prod", "many-test", "superv", "term", "pod", "podone", "pod14")
_HUP = 1 << 0


@pytest.fixture(name="lab", scope="module")
def _lab() -> Iterator[Lab]:
    lab = Lab(new_name())
    try:
        tool(lab.name, "up", "ways")
        yield lab
    finally:
        tool(lab.name, "down")
    assert lifecycle.leftovers(lab) == []


def _find(lab: Lab, label: str) -> tuple[Host, Server]:
    current = state.read(lab)
    assert current is not None
    (found,) = [(h, s) for h in current.fleet.hosts for s in h.servers if h.label(s) == label]
    return found


def _master(lab: Lab, label: str) -> int:
    host, server = _find(lab, label)
    return ways.masters(lab, host.name)[server.config]


def _sh(lab: Lab, host: str, script: str) -> str:
    """A shell's output on a host, as root, over ssh."""
    return tool(lab.name, "ssh", host, script).stdout.strip()


def _answers(lab: Lab, label: str) -> bool:
    host, server = _find(lab, label)
    current = state.read(lab)
    assert current is not None
    return http_status(current.address(host.name), server.port, host.health_path) == 200


def _generation(lab: Lab, label: str) -> tuple[str, bool]:
    """Return the stack of the present exec, and whether a HUP would be caught."""
    host, _server = _find(lab, label)
    pid = _master(lab, label)
    stat = machine.inside(lab, host.name, ["cat", f"/proc/{pid}/stat"]).stdout
    status = machine.inside(lab, host.name, ["cat", f"/proc/{pid}/status"]).stdout
    caught = int(re.search(r"SigCgt:\t(\w+)", status)[1], 16)  # type: ignore[index]
    return stat.rpartition(") ")[2].split()[25], bool(caught & _HUP)


def _cgroup(lab: Lab, label: str) -> str:
    host, _server = _find(lab, label)
    return _sh(lab, host.name, f"tail -n 1 /proc/{_master(lab, label)}/cgroup").removeprefix("0::")


def test_every_server_is_healthy(lab: Lab) -> None:
    rows = [line.split() for line in tool(lab.name, "status").stdout.splitlines()]
    assert [row[0] for row in rows] == ["host", "db", *SERVERS]
    assert all(row[-2] == "200" and row[-1].isdigit() for row in rows[2:])


@pytest.mark.parametrize("label", SERVERS)
def test_a_real_hup_from_the_host_keeps_the_pid_and_loads_anew(lab: Lab, label: str) -> None:
    host, _server = _find(lab, label)
    pid, (before, catches) = _master(lab, label), _generation(lab, label)
    assert catches
    _sh(lab, host.name, f"kill -HUP {pid}")

    def reloaded() -> bool:
        # During its exec a process shows no arguments, so it is not found.
        with contextlib.suppress(KeyError):
            return _generation(lab, label) != (before, True) and _generation(lab, label)[1] and _answers(lab, label)
        return False

    until(reloaded)
    assert _master(lab, label) == pid
    assert _generation(lab, label)[0] != before


def test_instances_are_units_of_one_template(lab: Lab) -> None:
    assert re.fullmatch(r"/system.slice/.*/odoo@prod\.service", _cgroup(lab, "many-prod"))
    assert re.fullmatch(r"/system.slice/.*/odoo@test\.service", _cgroup(lab, "many-test"))
    assert _sh(lab, "many", "systemctl is-enabled odoo odoo@prod || true").split() == ["disabled", "enabled"]


def test_an_instance_has_a_user_a_log_and_a_database_of_its_own(lab: Lab) -> None:
    users = _sh(lab, "many", f"ps -o user= -p {_master(lab, 'many-prod')},{_master(lab, 'many-test')}")
    assert users.split() == ["odoo", "odootest"]
    logs = _sh(lab, "many", "cd /var/log/odoo && stat -c '%n %U' *.log && grep -c many-prod prod.log test.log || true")
    assert logs.splitlines()[:2] == ["prod.log odoo", "test.log odootest"]
    assert re.fullmatch(r"prod.log:[1-9]\d*\ntest.log:0", "\n".join(logs.splitlines()[2:]))


def test_supervisord_is_the_parent_and_writes_the_log(lab: Lab) -> None:
    pid = _master(lab, "superv")
    assert "supervisord" in _sh(lab, "superv", f"ps -o args= -p $(ps -o ppid= -p {pid})")
    assert _cgroup(lab, "superv") == "/system.slice/supervisor.service"
    assert _sh(lab, "superv", f"readlink /proc/{pid}/fd/2").startswith("pipe:")
    assert "odoo: Odoo version 19.0" in _sh(lab, "superv", "cat /var/log/supervisor/odoo.log")


def test_supervisord_starts_a_killed_odoo_again(lab: Lab) -> None:
    before = _master(lab, "superv")
    _sh(lab, "superv", f"kill -KILL {before}; sleep 0.1; pkill -KILL -u odoo || true")
    until(lambda: _answers(lab, "superv"))
    assert _master(lab, "superv") != before


def test_a_terminal_is_a_login_session_without_a_unit(lab: Lab) -> None:
    pid = _master(lab, "term")
    assert re.fullmatch(r"/user.slice/user-0.slice/session-\w+\.scope", _cgroup(lab, "term"))
    assert _sh(lab, "term", f"ps -o tty= -p {pid}") == "pts/0"
    parents = _sh(lab, "term", f"ps -o comm= -p $(ps -o ppid= -p {pid})")
    assert parents == "runuser"
    assert "odoo: Odoo version 19.0" in _sh(lab, "term", "cat /root/odoo.typescript")


@pytest.mark.parametrize(("label", "inner"), [("pod", "6"), ("podone", "1"), ("pod14", "6")])
def test_a_container_has_pids_of_its_own(lab: Lab, label: str, inner: str) -> None:
    pid = _master(lab, label)
    assert _sh(lab, label, f"grep NSpid /proc/{pid}/status").split() == ["NSpid:", str(pid), inner]
    assert re.fullmatch(r"/machine.slice/libpod-[0-9a-f]{64}\.scope", _cgroup(lab, label))
    seen = _sh(lab, label, f"podman exec odoo cat /proc/{inner}/cmdline").split("\0")
    assert seen[1:4] == ["/usr/bin/odoo", "--config", "/etc/odoo/odoo.conf"]


@pytest.mark.parametrize("label", ["pod", "podone", "pod14"])
def test_a_container_logs_to_its_conmon(lab: Lab, label: str) -> None:
    path = _sh(lab, label, "podman inspect --format '{{.HostConfig.LogConfig.Path}}' odoo")
    lines = _sh(lab, label, f"cat {shlex.quote(path)}").splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00 std(out|err) [FP] ", line) for line in lines)
    assert any("odoo: Odoo version" in line for line in lines)


def test_a_host_with_containers_has_no_odoo_of_its_own(lab: Lab) -> None:
    script = "python3 -c 'import odoo' 2>&1 | tail -n 1; ls /usr/bin/odoo /lib/systemd/system/odoo.service 2>&1"
    assert "No module named 'odoo'" in _sh(lab, "pod", f"{script}; true")
    # The number is from the container: on the host it belongs to another user or to none.
    assert _sh(lab, "pod14", f"ps -o uid= -p {_master(lab, 'pod14')}") == "105"


def test_restart_policies_of_containers(lab: Lab) -> None:
    before = _master(lab, "pod")
    for host in ("pod", "pod14"):
        _sh(lab, host, f"kill -TERM {_master(lab, host)}")
    until(lambda: _sh(lab, "pod14", "podman inspect --format '{{.State.Status}}' odoo") == "exited")
    until(lambda: ways.masters(lab, "pod") != {} and _answers(lab, "pod"))
    assert _master(lab, "pod") != before
    assert ways.masters(lab, "pod14") == {}


def test_all_of_them_come_back_with_the_lab(lab: Lab) -> None:
    tool(lab.name, "reboot", "superv", "term", "pod14")
    assert _answers(lab, "superv")
    assert _answers(lab, "term")
    assert _answers(lab, "pod14")
    tool(lab.name, "restore", "pod")
    assert _answers(lab, "pod")
    # What a person started in a terminal is not there after a reboot from inside, until the person comes again.
    before = machine.init_pid(lab, "term")
    machine.inside(lab, "term", ["systemctl", "reboot"], check=False)
    until(lambda: machine.init_pid(lab, "term") not in (None, before))
    until(lambda: "ready" in tool(lab.name, "ssh", "term", "echo ready", check=False).stdout)
    assert ways.masters(lab, "term") == {}
    tool(lab.name, "up", "ways")
    assert _answers(lab, "term")


def test_the_first_process_of_a_container_is_not_taken_for_the_hosts(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = machine.init_pid(lab, "podone")
    pids = network.pids
    # As after the machine's pids have begun again: the container's have lower numbers than the host's.
    monkeypatch.setattr(network, "pids", lambda *words: sorted(pids(*words), reverse=True))
    assert expected is not None
    assert machine.init_pid(lab, "podone") == expected
