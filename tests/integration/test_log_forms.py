# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stacks and statistics of real servers whose logs have other forms and other places than a plain file."""

from __future__ import annotations

import typing as t

import pytest

from .conftest import Fleet, thorough

DROP_IN = "/run/systemd/system/odoo.service.d/form.conf"
LOG = "/var/log/odoo/form.log"
ODOO = "/usr/bin/odoo --config /etc/odoo/odoo.conf"
#: A server-wide addon that gives the log another form, as logging_json of camptocamp and OCA does.
ADDON = """
import json, logging, os
FORM = os.environ["LAB_FORM"]
class Form(logging.Formatter):
    def format(self, record):
        text, pid, clock = record.getMessage(), os.getpid(), self.formatTime(record)
        if FORM == "xml":
            return "<e><l>%s</l><n>%s</n><m>%s</m></e>" % (record.levelname, record.name, text.replace("\\n", "&#10;"))
        if FORM == "columns":
            return "%s [%d] %-8s %s - %s" % (clock, pid, record.levelname, record.name, text)
        if FORM == "events":
            entry = {"event": text, "logger": record.name, "level": record.levelname.lower(), "extra": {"pid": pid}}
            return json.dumps({**entry, "timestamp": record.created}, indent=2)
        return json.dumps({"@timestamp": clock, "severity": record.levelname, "logger": record.name,
                           "process": {"pid": pid}, "msg": text})
for handler in logging.getLogger().handlers:
    handler.setFormatter(Form())
"""
#: As rsyslog takes the place of systemd's socket, and writes what it gets to a file.
DAEMON = """
import os, re, socket, sys, time
os.path.lexists("/dev/log") and os.unlink("/dev/log")
taken = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
taken.bind("/dev/log")
os.chmod("/dev/log", 0o666)
out = open("/var/log/syslog", "a", buffering=1)
while True:
    text = re.sub(r"^<[0-9]+>", "", taken.recv(1 << 20).decode().rstrip("\\0"))
    out.write("%s p19 %s\\n" % (time.strftime("%b %d %H:%M:%S", time.gmtime()), text.replace("\\n", "#012")))
"""
JSON = f"{ODOO} --load base,web,lab_form"


@pytest.fixture
def started(fleet: Fleet) -> t.Iterator[t.Callable[..., None]]:
    """Start the server of p19 again, with another command and other lines in its unit."""

    def start(command: str, *lines: str) -> None:
        unit = ["[Service]", "ExecStart=", f"ExecStart={command}", *lines]
        fleet.run("p19", "sh", "-c", f'mkdir -p "$(dirname {DROP_IN})"; printf "%s\\n" "$@" > {DROP_IN}', "-", *unit)
        fleet.run("p19", "sh", "-c", "systemctl daemon-reload; systemctl restart odoo")
        assert fleet.module("p19", "wait_healthy", timeout=60).code == 0

    folder = "/opt/lab/addons/lab_form"
    fleet.run("p19", "sh", "-c", f'mkdir -p {folder}; printf "%s" "$1" > {folder}/__init__.py', "-", ADDON)
    fleet.run("p19", "sh", "-c", f'echo \'{{"name": "form"}}\' > {folder}/__manifest__.py')
    yield start
    fleet.run("p19", "sh", "-c", f"rm -r {DROP_IN} {folder}; systemctl daemon-reload; systemctl restart odoo")


@pytest.mark.parametrize(
    ("command", "line", "kind"),
    [
        (f"{JSON} --logfile {LOG}", "Environment=LAB_FORM=json", "file"),
        (f"{ODOO} --logfile /dev/stdout", "LogNamespace=erp", "journal"),
        *(
            pytest.param(*one, marks=pytest.mark.thorough)
            for one in (
                (JSON, "Environment=LAB_FORM=json", "journal"),
                (f"{JSON} --logfile {LOG}", "Environment=LAB_FORM=columns", "file"),
                (f"{JSON} --logfile {LOG}", "Environment=LAB_FORM=events", "file"),
                (f"{ODOO} --logfile {LOG}", "Environment=ODOO_PY_COLORS=1", "file"),
                (f"{ODOO} --syslog", "", "journal"),
                (f"{ODOO} --logfile /nowhere/odoo.log", "", "journal"),
                (f"{ODOO} --logfile {LOG} --log-level=debug --log-handler=:WARNING", "", "file"),
            )
        ),
    ],
)
def test_answers_are_found(fleet: Fleet, started: t.Callable[..., None], command: str, line: str, kind: str) -> None:
    started(command, line)
    assert fleet.master("p19")["log"]["kind"] == kind
    stacks = fleet.module("p19", "stack_dump").only
    # On Python 3.11 a process that is at work, as with a health check, is not asked.
    assert {one["code"] for one in stacks["missing"]} <= {"dump.not_at_rest"}
    assert len(stacks["dumps"]) + len(stacks["missing"]) == 5
    assert [(dump["understood"], dump["code"]) for dump in stacks["dumps"]] == [(True, None)] * len(stacks["dumps"])
    assert {"gevent", "cron"} <= {dump["role"] for dump in stacks["dumps"]}
    statistics = fleet.module("p19", "cache_stats").only
    assert (len(statistics["statistics"]), statistics["missing"], statistics["warnings"]) == (4, [], [])


def test_no_process_is_asked_whose_log_is_in_a_form_that_is_not_understood(
    fleet: Fleet, started: t.Callable[..., None]
) -> None:
    log = "/var/log/odoo/xml.log"
    started(f"{JSON} --logfile {log}", "Environment=LAB_FORM=xml")
    # Until an addon sets its own form, a server writes Odoo's. A few lines later the new form counts.
    ask = "import urllib.request as u; [u.urlopen('http://127.0.0.1:8069/web/health').read() for _n in range(15)]"
    fleet.run("p19", "python3", "-c", ask)
    before = fleet.run("p19", "wc", "-l", log)
    found = fleet.module("p19", "stack_dump", roles=["cron"]).only
    assert (found["did"], found["code"], found["asked"]) == ("refused", "dump.log_form", [])
    assert "odoo.tools.misc" not in fleet.run("p19", "cat", log)
    assert int(before.split()[0]) <= int(fleet.run("p19", "wc", "-l", log).split()[0])


@pytest.fixture
def syslog(fleet: Fleet) -> t.Iterator[str]:
    """Put a syslog daemon in the place of the journal, which writes no pids."""
    fleet.run("p19", "sh", "-c", 'printf "%s" "$1" > /run/syslog.py', "-", DAEMON)
    fleet.run("p19", "systemd-run", "--quiet", "--unit=lab-syslog", "python3", "/run/syslog.py")
    yield "/var/log/syslog"
    back = "systemctl stop lab-syslog; rm -f /dev/log /var/log/syslog; ln -s /run/systemd/journal/dev-log /dev/log"
    fleet.run("p19", "sh", "-c", back)


@pytest.mark.usefixtures("syslog")
def test_stacks_are_found_in_the_file_of_a_syslog_daemon(fleet: Fleet, started: t.Callable[..., None]) -> None:
    started(f"{ODOO} --syslog", "")
    log = fleet.master("p19")["log"]
    assert (log["kind"], log["path"]) == ("file", "/var/log/syslog")
    found = fleet.module("p19", "stack_dump").only
    assert {one["code"] for one in found["missing"]} <= {"dump.not_at_rest"}
    assert {"gevent", "cron"} <= {dump["role"] for dump in found["dumps"]}
    assert all(dump["understood"] for dump in found["dumps"])
    # The log has no pids: a thread names its process.
    assert all(f"({dump['pid']}) workthread" in dump["raw"] for dump in found["dumps"] if dump["role"] == "cron")


# journald multiplies it where the disk has room (journald.conf(5)).
@pytest.mark.parametrize("burst", thorough(12))
def test_a_dump_of_which_journald_drops_lines_is_told_as_cut(
    fleet: Fleet, started: t.Callable[..., None], burst: int
) -> None:
    started(ODOO, "LogRateLimitIntervalSec=300s", f"LogRateLimitBurst={burst}")
    found = fleet.module("p19", "stack_dump", sample_timeout=6).only
    assert "every process" not in found["reason"]
    told = {one["code"] for one in [*found["dumps"], *found["missing"]]} - {None, "dump.not_at_rest"}
    assert told <= {"dump.cut", "dump.not_understood", "dump.not_written"}
    assert told
