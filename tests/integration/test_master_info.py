# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
import typing as t

import pytest

from .conftest import HUP, KINDS, Fleet, release

EXPECTED = {
    "p19": (release("p19"), "prefork", {"http": 2, "cron": 1, "gevent": 1, "other": 0}),
    "t19": (release("t19"), "threaded", {"http": 0, "cron": 0, "gevent": 0, "other": 0}),
    "p14": (release("p14"), "prefork", {"http": 2, "cron": 1, "gevent": 1, "other": 0}),
    "t14": (release("t14"), "threaded", {"http": 0, "cron": 0, "gevent": 0, "other": 0}),
}


@pytest.mark.versions
@pytest.mark.parametrize("host", KINDS)
def test_the_four_kinds(fleet: Fleet, host: str) -> None:
    answer = fleet.module(host, "master_info")
    assert answer.result["changed"] is False
    (master,) = answer.result["masters"]
    assert (master["version"], master["mode"], master["workers"]) == EXPECTED[host]
    assert master["state"] == "running"
    assert master["user"] == "odoo"
    assert master["config_file"] == "/etc/odoo/odoo.conf"
    assert master["databases"] == [host]
    assert master["supervisor"] == {"kind": "systemd", "unit": "odoo.service", "restart": "no", "kill_mode": "mixed"}
    assert master["log"] == {"kind": "file", "path": "/var/log/odoo/odoo-server.log", "shows_dumps": True}
    assert master["container"] is None
    assert 30 << 20 < master["rss"] < 300 << 20
    assert 0 < master["cpu_seconds"] < master["uptime"]
    assert {"address": "0.0.0.0", "port": 8069} in master["listening"]
    assert master["hidden"] is False
    assert ("USR2" in master["caught"]) == host.endswith("19")
    assert all(child["generation"] == "current" for child in master["children"])


def test_the_seed_case_and_no_grep(fleet: Fleet) -> None:
    decoys = [
        "grep -r odoo-bin /dev/zero",
        "tail -f /var/log/odoo/odoo-server.log",
        "bash -c 'sleep 20; : /usr/bin/odoo --config /etc/odoo/odoo.conf'",
        "python3 -c 'import time; time.sleep(20)  # odoo-bin'",
    ]
    script = " ".join(f"timeout 20 {decoy} >/dev/null 2>&1 &" for decoy in decoys)
    fleet.run("seed", "bash", "-c", script)
    answer = fleet.module("seed", "master_info")
    (master,) = answer.result["masters"]
    assert master["workers"] == {"http": 5, "cron": 2, "gevent": 1, "other": 0}
    assert len(master["children"]) == 8
    assert answer.result["one_off"] == []


def test_a_shell_is_listed_apart(fleet: Fleet) -> None:
    shell = "(sleep 15 | runuser -u odoo -- odoo shell -c /etc/odoo/odoo.conf -d p19 --no-http) >/dev/null 2>&1 &"
    fleet.run("p19", "bash", "-c", shell)
    one_off: list[dict[str, t.Any]] = []
    for _attempt in range(10):
        answer = fleet.module("p19", "master_info")
        assert len(answer.result["masters"]) == 1
        one_off = answer.result["one_off"]
        if one_off:
            break
    assert [(run["cmdline"][2], run["kind"]) for run in one_off] == [("shell", "shell")]


def test_booting_is_told_from_running(fleet: Fleet) -> None:
    # A Python that starts slowly, so that there is time to look.
    fleet.run("t19", "mkdir", "-p", "/run/systemd/system/odoo.service.d", "/run/slow")
    fleet.run("t19", "bash", "-c", "echo 'import time; time.sleep(10)' > /run/slow/sitecustomize.py")
    drop_in = "/run/systemd/system/odoo.service.d/slow.conf"
    fleet.run("t19", "bash", "-c", rf"printf '[Service]\nEnvironment=PYTHONPATH=/run/slow\n' > {drop_in}")
    try:
        fleet.run("t19", "systemctl", "daemon-reload")
        fleet.run("t19", "systemctl", "restart", "--no-block", "odoo")
        # In its first moments it has not even the handler that is Python's own.
        until = time.monotonic() + 8
        while (booting := fleet.settle("t19", "booting"))["caught"] != ["INT"]:
            assert time.monotonic() < until, booting
        # A reload that comes now waits for the start, and sends nothing: a HUP would kill it.
        answer = fleet.module("t19", "reload", **HUP)
        assert answer.outcome == (0, "nothing", None)
        assert answer.only["signals"] == []
        assert "booting" in answer.only["reason"]
        assert answer.only["after"]["state"] == "running"
        assert answer.only["pid"] == booting["pid"]
    finally:
        fleet.run("t19", "rm", "-f", drop_in)
        fleet.run("t19", "systemctl", "daemon-reload")
        fleet.run("t19", "systemctl", "restart", "odoo")
        fleet.settle("t19")


def test_without_root_it_sees_less_and_says_so(fleet: Fleet) -> None:
    answer = fleet.module("p19", "master_info", "-e", "ansible_user=ops")
    assert [one["code"] for one in answer.result["unseen"]] == ["host.hidden_sockets"]
    (master,) = answer.result["masters"]
    assert master["hidden"] is True
    assert (master["mode"], master["state"], master["workers"]["cron"]) == ("prefork", "running", 1)


def test_a_proc_that_hides_other_users_is_named(fleet: Fleet) -> None:
    fleet.run("seed", "mount", "-o", "remount,hidepid=2", "/proc")
    try:
        answer = fleet.module("seed", "master_info", "-e", "ansible_user=ops")
        assert fleet.master("seed")["state"] == "running"
    finally:
        fleet.run("seed", "mount", "-o", "remount,hidepid=0", "/proc")
    assert answer.result["masters"] == []
    assert [one["code"] for one in answer.result["unseen"]] == ["host.hidden_processes"]
    assert "hidepid" in answer.result["unseen"][0]["reason"]


def test_an_interpreter_without_psutil_hands_over_to_one_of_root_that_has_it(fleet: Fleet) -> None:
    fleet.run("seed", "mkdir", "-p", "/opt/bare/bin")
    fleet.run("seed", "ln", "-sf", "/usr/bin/python3", "/opt/bare/bin/python3")
    fleet.run("seed", "sh", "-c", "echo home = /usr/bin > /opt/bare/pyvenv.cfg")
    bare = ["-e", "ansible_python_interpreter=/opt/bare/bin/python3"]
    assert len(fleet.module("seed", "master_info", *bare).result["masters"]) == 1
    fleet.run("seed", "sh", "-c", "mkdir -p /opt/away; mv /usr/lib/python3/dist-packages/psutil* /opt/away/")
    try:
        answer = fleet.module("seed", "master_info", *bare)
    finally:
        fleet.run("seed", "sh", "-c", "mv /opt/away/psutil* /usr/lib/python3/dist-packages/")
    assert (answer.code, answer.result["code"]) == (2, "host.no_psutil")
    assert "python3-psutil" in answer.result["msg"]


def test_match(fleet: Fleet) -> None:
    assert (
        len(
            fleet.module("p19", "master_info", match={"unit": "odoo.service", "version": ["19.0", "18.0"]}).result[
                "masters"
            ]
        )
        == 1
    )
    assert fleet.module("p19", "master_info", match={"mode": "threaded"}).result["masters"] == []
    wrong = fleet.module("p19", "master_info", match={"modes": "threaded"})
    assert (wrong.code, wrong.result["code"]) == (2, "option.unknown_match_key")
    assert "'modes'" in wrong.result["msg"]
