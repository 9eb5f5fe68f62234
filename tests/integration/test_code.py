# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes of code that no time of a file tells, code that is reached by odd ways, and other commands of Odoo."""

from __future__ import annotations

import contextlib
import pathlib
import re
import time
import typing as t

import pytest

from .conftest import HUP, Fleet, thorough
from .rolls import Roll

CONF = "/etc/odoo/odoo.conf"
TOP = "/srv/odd"
DROP_IN = "/etc/systemd/system/odoo.service.d/95-odd.conf"
HOME = "/var/lib/odoo"


def sh(fleet: Fleet, host: str, *lines: str) -> str:
    """Run lines of a shell on a host, up to the first that fails."""
    return fleet.run(host, "sh", "-ec", "\n".join(lines))


def addon(folder: str) -> str:
    """Return the lines that make an addon in a folder of addons."""
    name = "lab_" + folder.rpartition("/")[2]
    place = f'"{folder}/{name}"'
    return f'mkdir -p {place}; echo "{{}}" > {place}/__manifest__.py; touch {place}/__init__.py {place}/a.py'


@contextlib.contextmanager
def odd(fleet: Fleet, host: str) -> t.Iterator[None]:
    """Leave a host as it was, with a server that was reloaded or restarted."""
    sh(fleet, host, f"cp -p {CONF} {CONF}.before; mkdir -p {TOP}")
    try:
        yield
    finally:
        sh(
            fleet,
            host,
            f"umount {TOP}/bound 2>/dev/null || true; rm -rf {TOP} {DROP_IN} {HOME}/odd {HOME}/odd.conf {HOME}/.odoorc",
            f"rm -f /opt/lab/addons/lab_odd /usr/local/bin/odoo-bin; mv {CONF}.before {CONF}",
            "systemctl daemon-reload; systemctl restart odoo",
        )
        fleet.settle(host)


def needs(fleet: Fleet, host: str) -> tuple[str, list[str]]:
    """Return what a server needs, and the files that tell."""
    master = fleet.master(host)
    return master["needs"], master["stale_files"]


@pytest.mark.thorough
@pytest.mark.timeout(600)
@pytest.mark.parametrize("host", ["p19", *thorough("p14")])
def test_a_change_without_a_later_file_is_noticed_and_its_undoing_too(fleet: Fleet, host: str) -> None:
    with odd(fleet, host):
        made = [addon(f"{TOP}/{name}") for name in ("live/shop", "staged/shop", "1/odd", "2/odd", "bound")]
        links = [f"ln -s 1 {TOP}/current", f"ln -s {TOP}/current/odd/lab_odd /opt/lab/addons/lab_odd"]
        folders = f"{TOP}/live/shop,{TOP}/bound"
        sh(fleet, host, *made, *links, f"sed -i 's|^addons_path.*|&,{folders}|' {CONF}", f"touch {TOP}/live/shop/b.py")
        assert fleet.module(host, "reload", **HUP).code == 0
        # Other files do not count, wherever they are put.
        sh(fleet, host, f"cd {TOP}/live/shop; echo > new; mv new README.md; mkdir __pycache__; rmdir __pycache__")
        assert needs(fleet, host) == ("none", [])
        # rsync sets the time of a folder back from which it removes a file.
        sh(fleet, host, f"cd {TOP}/live/shop; mv b.py /tmp/b.py; touch -d 2020-01-01 .")
        assert needs(fleet, host) == ("reload", [f"{TOP}/live/shop/"])
        assert fleet.module(host, "reload").outcome == (0, "signalled", None)
        sh(fleet, host, f"cd {TOP}; mv live old; mv staged live")
        assert needs(fleet, host) == ("reload", [f"{TOP}/live/shop/"])
        sh(fleet, host, f"cd {TOP}; mv live staged; mv old live; mount --bind 2/odd bound")
        assert needs(fleet, host) == ("reload", [f"{TOP}/bound/"])
        sh(fleet, host, f"umount {TOP}/bound; ln -sfn 2 {TOP}/current")
        assert needs(fleet, host) == ("reload", ["/opt/lab/addons/lab_odd/"])
        sh(fleet, host, f"ln -sfn 1 {TOP}/current")
        again = fleet.module(host, "reload")
        assert (again.outcome, again.result["changed"]) == ((0, "nothing", None), False)


def start_with(fleet: Fleet, host: str, *settings: str) -> None:
    """Restart a server with other settings of its unit, so that only its log tells of the load."""
    text = "\n".join(["[Service]", *settings, ""])
    begin = f'mkdir -p $(dirname {DROP_IN}) && printf %s "$0" > {DROP_IN} && systemctl daemon-reload'
    fleet.run(host, "sh", "-c", f"{begin} && systemctl restart odoo", text)
    fleet.settle(host)


LOG = "--logfile=/var/log/odoo/odoo-server.log"
#: Options in odoo.conf, settings of the unit, and the folders that Odoo takes for these.
SPELLINGS = {
    "file": (
        ["addons_path = ~/odd/home, ${SUB}/sub ,$TOP/x,rel/y,/srv/odd/b b/z,/srv/odd/link"],
        ["Environment=SUB=~/odd TOP=/srv/../srv/odd", f"WorkingDirectory={TOP}"],
        [f"{HOME}/odd/home", f"{HOME}/odd/sub", f"{TOP}/x", f"{TOP}/rel/y", f"{TOP}/b b/z", f"{TOP}/real"],
    ),
    "arguments": (
        [],
        [
            f"WorkingDirectory={TOP}",
            "ExecStart=",
            f"ExecStart=/usr/bin/odoo -c ./odd.conf {LOG} --addons-p=rel/../rel/y,{HOME}/../odoo/odd/home,./link",
        ],
        [f"{TOP}/rel/y", f"{HOME}/odd/home", f"{TOP}/real"],
    ),
    "environment": (
        [f"addons_path = ~/odd/home,{TOP}/rel/y"],
        [
            f"WorkingDirectory={TOP}",
            f"Environment=ODOO_RC={HOME}/odd.conf",
            "ExecStart=",
            f"ExecStart=/usr/bin/odoo {LOG}",
        ],
        [f"{HOME}/odd/home", f"{TOP}/rel/y"],
    ),
}


@pytest.mark.thorough
@pytest.mark.timeout(600)
@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("host", ["p19", "p14"])
def test_addons_are_watched_in_every_spelling(fleet: Fleet, host: str, spelling: str) -> None:
    lines, settings, folders = SPELLINGS[spelling]
    with odd(fleet, host):
        sh(fleet, host, *map(addon, folders), f"ln -s {TOP}/real {TOP}/l; ln -s l {TOP}/link || true")
        # One odoo.conf for each way to name it.
        remove = "sed -i '/^addons_path/d'" if lines or spelling == "arguments" else "true"
        for conf in (CONF, f"{TOP}/odd.conf", f"{HOME}/odd.conf"):
            sh(fleet, host, f"test -e {conf} || cp -p {CONF}.before {conf}; {remove} {conf}; chown odoo: {conf}")
            fleet.run(host, "sh", "-c", f'printf "%s\\n" "$0" >> {conf}', "\n".join(lines))
        start_with(fleet, host, *settings)
        assert needs(fleet, host) == ("none", [])
        for folder in folders:
            sh(fleet, host, f"touch '{folder}'/*/a.py")
        kind, files = needs(fleet, host)
        assert (kind, len(files)) == ("reload", len(folders)), files
        assert fleet.module(host, "reload").outcome == (0, "signalled", None)
        assert needs(fleet, host) == ("none", [])


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_14_reads_the_file_of_its_user_before_that_of_its_arguments(fleet: Fleet) -> None:
    with odd(fleet, "p14"):
        own = f"{HOME}/.odoorc"
        sh(fleet, "p14", f"echo '[options]' > {own}; echo 'limit_time_cpu = 77' >> {own}")
        assert fleet.module("p14", "reload", **HUP).code == 0
        assert needs(fleet, "p14") == ("none", [])
        fleet.run("p14", "touch", own)
        assert needs(fleet, "p14") == ("reload", [own])
        assert fleet.module("p14", "reload", **HUP).code == 0
        fleet.run("p14", "rm", own)
        assert needs(fleet, "p14") == ("reload", [own])


VENV = "/opt/odoo/venv/lib/python3.11/site-packages"


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_a_virtualenv_is_found_after_a_hup_and_a_script_behind_a_link(fleet: Fleet) -> None:
    host, more = "onpath", VENV + "/odoo/addons/lab_more"
    with odd(fleet, host):
        sh(fleet, host, f"mkdir {TOP}/1; cp -a /opt/odoo/src {TOP}/1/; cp -a {TOP}/1 {TOP}/2; ln -s 1 {TOP}/current")
        sh(fleet, host, f"ln -s {TOP}/current/src/odoo-bin /usr/local/bin/odoo-bin", addon(VENV + "/odoo/addons"))
        try:
            command = f"/opt/odoo/venv/bin/python3 /usr/local/bin/odoo-bin -c {CONF} {LOG}"
            start_with(fleet, host, "ExecStart=", f"ExecStart={command}")
            assert fleet.master(host)["version"] == "19.0"
            assert fleet.module(host, "reload", **HUP).code == 0
            # Its first word is python3 now.
            fleet.run(host, "touch", VENV + "/odoo/addons/lab_addons/a.py")
            assert needs(fleet, host) == ("reload", [VENV + "/odoo/addons/lab_addons/a.py"])
            assert fleet.module(host, "reload", **HUP).code == 0
            sh(fleet, host, f"ln -sfn 2 {TOP}/current")
            assert needs(fleet, host) == ("reload", [f"{TOP}/current"])
        finally:
            sh(fleet, host, f"rm -rf {VENV}/odoo {more}")


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_a_working_directory_that_a_link_left_behind_needs_a_restart(fleet: Fleet) -> None:
    host = "onpath"
    with odd(fleet, host):
        sh(fleet, host, f"mkdir {TOP}/1; cp -a /opt/odoo/src {TOP}/1/; cp -a {TOP}/1 {TOP}/2; ln -s 1 {TOP}/current")
        command = f"/opt/odoo/venv/bin/python3 ./odoo-bin -c {CONF} {LOG}"
        start_with(fleet, host, f"WorkingDirectory={TOP}/current/src", "ExecStart=", f"ExecStart={command}")
        assert needs(fleet, host) == ("none", [])
        for release in ("2", "1"):
            sh(fleet, host, f"ln -sfn {release} {TOP}/current")
            assert needs(fleet, host) == ("restart", [f"{TOP}/current/src"])
            assert fleet.module(host, "reload").outcome == (0, "restarted", None)
            assert needs(fleet, host) == ("none", [])


@pytest.mark.thorough
@pytest.mark.timeout(600)
@pytest.mark.parametrize("host", ["p19", "p14"])
def test_a_folder_of_addons_that_was_moved_to_its_place_is_not_in_the_log_of_the_load(fleet: Fleet, host: str) -> None:
    with odd(fleet, host):
        sh(fleet, host, addon(f"{TOP}/staged"), f"sed -i 's|^addons_path.*|&,{TOP}/late|' {CONF}")
        time.sleep(31)
        fleet.run(host, "systemctl", "restart", "odoo")
        fleet.settle(host)
        time.sleep(31)
        assert fleet.master(host)["loaded"]["evidence"] == "log"
        assert needs(fleet, host) == ("none", [])
        sh(fleet, host, f"mv {TOP}/staged {TOP}/late")
        kind, files = needs(fleet, host)
        assert (kind, set(files)) == ("reload", {f"{TOP}/late/"})
        assert fleet.module(host, "reload").outcome == (0, "signalled", None)
        assert needs(fleet, host) == ("none", [])


@pytest.mark.thorough
def test_a_file_that_is_named_like_a_secret_is_shown_with_its_line(fleet: Fleet) -> None:
    path = "/opt/lab/addons/lab_slow/password.py"
    assert fleet.module("p19", "reload", **HUP).code == 0
    fleet.run("p19", "sh", "-c", f"echo 'x = (' > {path}")
    try:
        answer = fleet.module("p19", "reload")
        assert answer.outcome == (2, "refused", "rehearsal.syntax_error")
        assert f"{path}:1" in answer.result["msg"]
    finally:
        fleet.run("p19", "rm", path)


@contextlib.contextmanager
def command(fleet: Fleet, host: str, *words: str) -> t.Iterator[int]:
    """Run an Odoo command on a host while the block runs; yield its pid."""
    line = (
        f"sleep 600 | setsid runuser -u odoo -- /usr/bin/odoo {' '.join(words)} -c {CONF} --no-http >/dev/null 2>&1 &"
    )
    fleet.run(host, "sh", "-c", f"({line}) >/dev/null 2>&1")
    end = time.monotonic() + 60
    while not (found := fleet.module(host, "master_info", staleness=False).result["one_off"]):
        assert time.monotonic() < end
    pid = int(found[0]["pid"])
    fleet.run(host, "kill", "-STOP", str(pid))
    try:
        yield pid
    finally:
        fleet.run(host, "kill", "-KILL", str(pid))


@pytest.mark.thorough
@pytest.mark.timeout(900)
@pytest.mark.parametrize("host", ["p19", "p14"])
def test_an_update_stops_a_roll_and_a_drain_and_a_shell_is_told(
    fleet: Fleet, host: str, tmp_path: pathlib.Path
) -> None:
    before = fleet.processes(host)
    plain = {"balancer": "none", "policy": "stale"}
    with command(fleet, host, "-u", "lab_slow", "--stop-after-init", "--workers=0") as pid:
        done = Roll(fleet, tmp_path / "update", "-l", host, **plain).end(600)
        assert done.code != 0
        assert done.code_of(host) == "roll.one_off", done
        drained = fleet.playbook("drain", "-l", host, "-e", "balancer=none")
        assert drained.returncode != 0
        assert f"update with pid {pid}" in drained.stdout, drained.stdout
        table = fleet.playbook("fleet_info", "-l", host)
        assert re.search(rf"{host} +pid {pid} .*update", table.stdout), table.stdout
    with command(fleet, host, "shell", "-d", host) as pid:
        done = Roll(fleet, tmp_path / "shell", "-l", host, **plain).end(600)
        assert done.outcomes == {host: "up to date"}, done
        assert f"shell with pid {pid}" in done.output
        done = Roll(fleet, tmp_path / "refuse", "-l", host, one_off="refuse", **plain).end(600)
        assert done.code_of(host) == "roll.one_off", done
    assert fleet.processes(host) == before
