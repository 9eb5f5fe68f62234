# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault that a roll may meet, injected for real.

For each: the hosts that were touched, that no later batch began, what the balancer says, and what the next run does.
"""

from __future__ import annotations

import os
import pathlib
import re
import signal
import subprocess
import time

import psutil
import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet, free, lab, login, plant_killer
from ansible_collections.fleetops.odoo.tests.integration.rolls import Roll, all_in, balancer, locked

from .conftest import HOSTS, link, release, stopped_at_h2

OUT = ("drain", "DRAIN")


def test_a_master_that_dies_on_its_hup(whole: Fleet, folder: pathlib.Path) -> None:
    before = whole.processes("h3")
    plant_killer(whole, "h2")
    done = Roll(whole, folder).end()
    stopped_at_h2(done, whole, before)
    assert done.code_of("h2") == "failed.ended"
    # It stays out, with a reason, and the lock that says so has expired.
    assert balancer(whole)["h2"][0] == "drain"
    assert re.search(r"out of its load balancer: .*\[roll\.not_proved\]", done.output, re.DOTALL), done.output
    assert done.report["stats"]["out_of_balancer"] == ["h2"]
    lock = locked(whole, "h2")
    assert lock
    assert (lock["out"], lock["expired"]) == (True, True)
    evidence = (done.folder / "h2" / "evidence.txt").read_text()
    assert "the end, db_password=" in evidence
    # The next run finds the dead server before it touches a host.
    again = Roll(whole, folder).end()
    assert again.code == 2
    assert again.outcomes == {"h1": "not touched", "h2": "failed", "h3": "not touched"}
    assert again.code_of("h2") == "host.no_master"


@pytest.mark.parametrize("batches", ["1", "2"])
def test_a_host_that_is_unreachable_before_its_batch(whole: Fleet, folder: pathlib.Path, batches: str) -> None:
    before = whole.processes("h3")
    roll = Roll(whole, folder, batches="1," + batches)
    roll.wait_for_turn("h1")
    link(whole, "h2", "down")
    done = roll.end()
    assert done.code == 2, done.output
    assert done.outcomes["h1"] == "reloaded"
    assert done.outcomes["h2"] == "unreachable", done.output
    # Its mate's turn had begun at the same moment, and succeeds.
    assert done.outcomes["h3"] == ("not touched" if batches == "1" else "reloaded"), done.output
    link(whole, "h2", "up")
    if batches == "1":
        assert whole.processes("h3") == before
    # It was found missing before the balancer was touched: there it is in, and the balancer's own checks found it down.
    assert balancer(whole)["h2"][0] == "ready"
    again = Roll(whole, folder, policy="since", since=str(time.time() - 60), batches="3").end()
    assert again.code == 0, again.output
    assert all_in(whole)


# It waits for ssh to give up.
@pytest.mark.timeout(240)
def test_a_host_that_becomes_unreachable_in_the_middle(whole: Fleet, folder: pathlib.Path) -> None:
    before = whole.processes("h3")
    # A request of its own, which no cut ends, keeps the reload waiting for the old generation.
    url = "http://127.0.0.1:8069/lab/hold/cut"
    get = f"import urllib.request as r; r.urlopen({url!r}, timeout=200)"
    whole.run("h2", "systemd-run", "--quiet", "python3", "-c", get)
    complete = in_log(whole, "h2", "Evented Service .* running on")
    roll = until_the_hup(whole, folder)
    # The new one has to have its database: a server that is cut off from it while it starts would end of that. The
    # gevent process begins last, and where it ends for want of the database, Odoo 19 ends as a whole.
    while in_log(whole, "h2", "Evented Service .* running on") == complete:
        assert roll.process.poll() is None, roll.output
    time.sleep(1)
    link(whole, "h2", "down")
    done = roll.end()
    link(whole, "h2", "up")
    free(whole, "h2", "cut")
    stopped_at_h2(done, whole, before, "unreachable")
    whole.settle("h2")
    assert release(whole).returncode == 0
    assert all_in(whole)
    assert locked(whole, "h2") is None


def test_ssh_that_is_cut_while_the_module_waits(whole: Fleet, folder: pathlib.Path) -> None:
    before, old = whole.processes("h3"), whole.processes("h2")
    roll = until_the_hup(whole, folder)
    for process in ssh_of(whole):
        if process.info["cmdline"][0].endswith("[mux]"):
            process.kill()
    done = roll.end()
    stopped_at_h2(done, whole, before, "unreachable")
    # The work on the host was finished nevertheless, with its marker: nothing is left to do there.
    whole.settle("h2")
    assert whole.processes("h2")[1:] != old[1:]
    assert whole.master("h2")["loaded"]["evidence"] == "marker"
    again = Roll(whole, folder, policy="since", since=str(time.time() - 60)).end()
    assert again.code == 0, again.output
    assert again.outcomes["h2"] == "up to date"
    assert all_in(whole)


def test_a_reload_whose_answer_is_lost(whole: Fleet, folder: pathlib.Path) -> None:
    """Ansible's own ssh is killed, as by a lack of memory: to Ansible that is a failure without results."""
    before = whole.processes("h3")
    roll = until_the_hup(whole, folder)
    for process in ssh_of(whole):
        if not process.info["cmdline"][0].endswith("[mux]"):
            process.kill()
    done = roll.end()
    stopped_at_h2(done, whole, before)
    # Nothing tells whether it was signalled, so it stays out until a person has looked.
    assert balancer(whole)["h2"][0] == "drain"
    assert re.search(r"out of its load balancer: .*\[roll\.not_proved\]", done.output, re.DOTALL), done.output
    assert release(whole).returncode == 0
    assert all_in(whole)


def until_the_hup(fleet: Fleet, folder: pathlib.Path) -> Roll:
    """A roll in the moment after the HUP to h2; before it there would be nothing to finish."""

    reloads = in_log(fleet, "h2", "Reloading server")
    roll = Roll(fleet, folder)
    roll.wait_for_turn("h2")
    while in_log(fleet, "h2", "Reloading server") == reloads:
        assert roll.process.poll() is None, roll.output
    return roll


def in_log(fleet: Fleet, host: str, pattern: str) -> str:
    """Count the lines of a server's log that match, without the connection that the test cuts."""
    return lab(fleet.name, "exec", host, "sh", "-c", f"grep -c '{pattern}' /var/log/odoo/odoo-server.log || true")


def ssh_of(fleet: Fleet) -> list[psutil.Process]:
    """Return the connections to the hosts of this lab only: they name its sockets. [mux] is what holds one open."""
    sockets = re.search(r"ControlPath=(\S+)/", " ".join(login(fleet.inventory, "h2")))
    assert sockets
    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == "ssh" and any(sockets[1] in word for word in process.info["cmdline"])
    ]


def test_a_broken_odoo_conf(whole: Fleet, folder: pathlib.Path) -> None:
    before = {host: whole.processes(host) for host in HOSTS}
    whole.run("h2", "cp", "-p", "/etc/odoo/odoo.conf", "/etc/odoo/good.conf")
    whole.run("h2", "sh", "-c", "echo 'workers = abc' >> /etc/odoo/odoo.conf")
    done = Roll(whole, folder).end()
    whole.run("h2", "mv", "/etc/odoo/good.conf", "/etc/odoo/odoo.conf")
    assert (done.code, done.outcomes["h1"], done.outcomes["h2"]) == (2, "not touched", "failed"), done.output
    assert "/etc/odoo/odoo.conf:" in done.reason("h2")
    assert {host: whole.processes(host) for host in HOSTS} == before
    assert all_in(whole)
    assert locked(whole, "h1") is None


def test_a_syntax_error_in_an_addon(whole: Fleet, folder: pathlib.Path) -> None:
    before = {host: whole.processes(host) for host in HOSTS}
    whole.run("h3", "sh", "-c", "echo 'def broken(:' > /opt/lab/addons/lab_slow/broken.py")
    done = Roll(whole, folder, policy="stale").end()
    whole.run("h3", "rm", "/opt/lab/addons/lab_slow/broken.py")
    assert (done.code, done.outcomes["h3"]) == (2, "failed"), done.output
    assert not {"reloaded", "restarted"} & set(done.outcomes.values())
    assert "/opt/lab/addons/lab_slow/broken.py:1" in done.reason("h3")
    assert {host: whole.processes(host) for host in HOSTS} == before


@pytest.mark.timeout(300)
def test_a_server_that_needs_longer_than_a_minute(whole: Fleet, folder: pathlib.Path) -> None:
    """Odoo itself gives up waiting after 60 s and stops the old workers. The host is out of the balancer by then."""
    code = "import sys, time; time.sleep(0 if sys.flags.dont_write_bytecode else 65)"
    whole.run("h2", "mkdir", "-p", "/opt/lab/addons/lab_late")
    whole.run("h2", "sh", "-c", "echo \"{'name': 'k'}\" > /opt/lab/addons/lab_late/__manifest__.py")
    whole.run("h2", "sh", "-c", f'echo "{code}" > /opt/lab/addons/lab_late/__init__.py')
    whole.run("h2", "sh", "-c", "echo 'server_wide_modules = base,web,lab_late' >> /etc/odoo/odoo.conf")
    short = Roll(whole, folder, "-l", "h2", timeout=20).end()
    assert (short.code, short.outcomes) == (2, {"h2": "failed"}), short.output
    assert (short.code_of("h2") or "").startswith("timeout."), short.output
    assert balancer(whole)["h2"][0] == "drain"
    # The next run waits for the same reload, and does not begin once more.
    again = Roll(whole, folder, "-l", "h2", policy="stale").end()
    assert again.code == 0, again.output
    assert all_in(whole)


def test_health_that_goes_bad_under_traffic(whole: Fleet, folder: pathlib.Path) -> None:
    before = whole.processes("h3")
    roll = Roll(whole, folder, min_healthy_time=6, timeout=15, health={"path": "/web/login"})
    roll.wait_for_turn("h2", "End the turn of the host")
    time.sleep(1)
    try:
        sql(whole, "ALTER DATABASE h2 ALLOW_CONNECTIONS false")
        sql(whole, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'h2'")
        done = roll.end()
    finally:
        sql(whole, "ALTER DATABASE h2 ALLOW_CONNECTIONS true")
    stopped_at_h2(done, whole, before)
    assert "/web/login" in done.reason("h2")


def sql(fleet: Fleet, statement: str) -> None:
    """Ask the database server."""
    fleet.run("db", "runuser", "-u", "postgres", "--", "psql", "-qc", statement, "postgres")


def test_postgresql_restarted_in_the_middle(whole: Fleet, folder: pathlib.Path) -> None:
    roll = Roll(whole, folder)
    roll.wait_for_turn("h2")
    time.sleep(0.3)
    whole.run("db", "systemctl", "restart", "postgresql")
    done = roll.end()
    # It kills prefork servers of Odoo 19 wherever they are; the roll must not go on as if nothing had been.
    if done.code == 0:
        assert set(done.outcomes.values()) == {"reloaded"}
    else:
        assert done.outcomes["h3"] != "reloaded", done.output
    for host in HOSTS:
        whole.run(host, "systemctl", "start", "odoo")
        whole.settle(host)
    assert Roll(whole, folder, policy="since", since=str(time.time() - 90), batches="3").end().code == 0
    assert all_in(whole)


def test_a_balancer_whose_socket_is_gone(whole: Fleet, folder: pathlib.Path) -> None:
    before = whole.processes("h2")
    roll = Roll(whole, folder)
    roll.wait_for_turn("h1")
    whole.run("lb", "sh", "-c", "mv /run/haproxy/admin.sock /run/haproxy/gone.sock")
    done = roll.end()
    whole.run("lb", "sh", "-c", "mv /run/haproxy/gone.sock /run/haproxy/admin.sock")
    assert done.code == 2, done.output
    # h1 has reloaded, and could not be put back.
    assert (done.outcomes["h2"], done.outcomes["h3"]) == ("not touched", "not touched"), done.output
    assert done.outcomes["h1"] == "failed"
    assert whole.processes("h2") == before
    found = Roll(whole, folder, "-l", "h2,h3", balancer_haproxy_socket="/run/haproxy/nowhere.sock").end()
    assert found.code_of("h2") == "roll.balancer_not_asked"
    assert whole.processes("h2") == before
    again = Roll(whole, folder, policy="since", since=str(time.time() - 60)).end()
    assert (again.code, again.outcomes["h1"]) == (0, "up to date"), again.output
    assert all_in(whole)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ansible_that_is_ended_in_the_middle(whole: Fleet, folder: pathlib.Path, number: signal.Signals) -> None:
    before = whole.processes("h3")
    roll = Roll(whole, folder)
    roll.wait_for_turn("h2")
    os.killpg(roll.process.pid, number)
    done = roll.end()
    assert done.code != 0
    assert whole.processes("h3") == before
    assert balancer(whole)["h2"][0] == "drain"
    if number == signal.SIGINT:
        # A playbook of its own corrects what is left behind...
        done_again = release(whole)
        assert done_again.returncode == 0, done_again.stdout
        assert "h2: released from the roll" in done_again.stdout
        once_more = release(whole)
        assert "h2: nothing to release" in once_more.stdout
        assert once_more.stdout.count("changed=0") == len(HOSTS)
    else:
        # ... or by the next run.
        again = Roll(whole, folder, policy="since", since=str(time.time() - 60)).end()
        assert again.code == 0, again.output
    assert all_in(whole)
    assert locked(whole, "h2") is None


def test_a_full_disk_under_the_marker(whole: Fleet, folder: pathlib.Path) -> None:
    before = {host: whole.processes(host) for host in HOSTS}
    whole.run("h2", "mkdir", "-p", "-m", "0700", "/run/fleetops-odoo")
    whole.run("h2", "mount", "-t", "tmpfs", "-o", "size=16k,mode=0700", "tmpfs", "/run/fleetops-odoo")
    whole.run("h2", "sh", "-c", "dd if=/dev/zero of=/run/fleetops-odoo/fill bs=1k count=64 2>/dev/null; true")
    try:
        done = Roll(whole, folder).end()
    finally:
        whole.run("h2", "umount", "/run/fleetops-odoo")
    assert done.code == 2, done.output
    assert done.outcomes == {"h1": "not touched", "h2": "failed", "h3": "not touched"}, done.output
    assert "No space left on device" in done.reason("h2")
    assert {host: whole.processes(host) for host in HOSTS} == before


def test_a_full_disk_in_the_middle(whole: Fleet, folder: pathlib.Path) -> None:
    """The signal has been sent, so the roll waits for the reload; only when it loaded cannot be written down."""
    whole.run("h2", "mkdir", "-p", "-m", "0700", "/run/fleetops-odoo")
    whole.run("h2", "mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", "/run/fleetops-odoo")
    roll = Roll(whole, folder)
    try:
        roll.wait_for_turn("h2")
        whole.run("h2", "sh", "-c", "dd if=/dev/zero of=/run/fleetops-odoo/fill bs=1k count=99 2>/dev/null; true")
        done = roll.end()
    finally:
        whole.run("h2", "umount", "/run/fleetops-odoo")
    assert done.outcomes["h2"] == "reloaded", done.output
    assert all_in(whole)


#: The kernel's clock is the whole machine's, and the machine's is not ours to set. So it is set for the modules.
STEPPED = """
import time
real = time.time
def stepped():
    with open("/opt/fake/offset") as file:
        return real() + float(file.read())
time.time = stepped
"""


def test_a_clock_that_is_set_in_the_middle(whole: Fleet, folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """The modules' clock jumps by a day while they wait: deadlines and locks use clocks that cannot be set."""
    (tmp_path / "sitecustomize.py").write_text(STEPPED, encoding="utf-8")
    (tmp_path / "python3").write_text('#!/bin/sh\nPYTHONPATH=/opt/fake exec /usr/bin/python3 "$@"\n', encoding="utf-8")
    whole.run("h2", "mkdir", "-p", "/opt/fake")
    for name in ("sitecustomize.py", "python3"):
        copy_in(whole, "h2", str(tmp_path / name), "/opt/fake/" + name)
    whole.run("h2", "sh", "-c", "chmod 755 /opt/fake/python3; echo 0 > /opt/fake/offset")
    more = tmp_path / "more.ini"
    more.write_text("h2 ansible_python_interpreter=/opt/fake/python3\n", encoding="utf-8")
    for step in ("86400", "-86400"):
        whole.run("h2", "sh", "-c", "echo 0 > /opt/fake/offset")
        roll = Roll(whole, folder, "-l", "h2", "-i", str(more), timeout=60)
        roll.wait_for_turn("h2")
        time.sleep(0.7)
        whole.run("h2", "sh", "-c", f"echo {step} > /opt/fake/offset")
        done = roll.end()
        # By a clock that was set back, files look younger than the process, and then it is restarted.
        assert (done.code, done.outcomes["h2"] in ("reloaded", "restarted")) == (0, True), done.output
        # It cannot have jumped before or after: the module itself saw it.
        assert 0 < done.report["hosts"][0]["seconds"] < 60, done.output
    whole.run("h2", "rm", "-r", "/opt/fake")


def copy_in(fleet: Fleet, host: str, source: str, target: str) -> None:
    """Copy a file to a host."""
    subprocess.run(
        ["ansible", "-i", fleet.inventory, host, "-m", "ansible.builtin.copy", "-a", f"src={source} dest={target}"],
        check=True,
        capture_output=True,
    )
