# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random process trees: no decoy is a master, no child has two masters, and no rule allows a fatal signal.

FLEETOPS_FUZZ says how many trees; ``make fuzz`` runs 100,000.
"""

from __future__ import annotations

import os
import random
import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance, Role, find_instances
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import ODOO_SIGNALS, Process
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rules import objections, sift

from .. import build

TREES = int(os.environ.get("FLEETOPS_FUZZ", "3000"))

DECOYS: tuple[tuple[str, ...], ...] = (
    ("bash", "-c", "/usr/bin/odoo --config /etc/odoo/odoo.conf"),
    ("grep", "-r", "odoo-bin"),
    ("tail", "-f", "/var/log/odoo/odoo-server.log"),
    ("sudo", "-u", "odoo", "/usr/bin/odoo"),
    ("timeout", "60", "odoo"),
    ("postgres: odoo prod [local] idle",),
    ("python3", "-c", "# /usr/bin/odoo"),
    ("python3", "/root/odoo-exporter.py", "--odoo", "/usr/bin/odoo"),
    ("python3", "/usr/bin/poetry", "run", "odoo"),
    ("odoo", "40"),
    ("vim", "odoo.conf"),
)
ONE_OFFS = (
    ("/usr/bin/python3", "/usr/bin/odoo", "shell", "-d", "prod"),
    ("/usr/bin/python3", "/usr/bin/odoo", "-u", "all", "--stop-after-init"),
)
SERVERS = (
    build.SERVER_ARGV,
    ("python3", *build.SERVER_ARGV[1:]),
    ("/opt/venv/bin/python3", "odoo-bin", "-c", "x.conf"),
    ("python3", "-m", "odoo"),
)
OTHERS = (build.GEVENT_ARGV, ("odoo: WorkerHTTP 12", "", ""), ("odoo: WorkerCron 13",), ())
MASKS = (
    build.PREFORK_MASTER,
    build.THREADED_MASTER,
    build.WORKER,
    build.GEVENT,
    build.BOOTING,
    (),
    tuple(name for name in build.PREFORK_MASTER if name != "USR2"),
)


def tree(dice: random.Random) -> list[Process]:
    """A tree of up to 14 processes, each of them anything, below each other in any way."""
    pids = dice.sample(range(2, 200), dice.randint(1, 14))
    argv: t.Sequence[t.Sequence[str]] = [*DECOYS, *ONE_OFFS, *SERVERS, *SERVERS, *SERVERS, *OTHERS]
    return [
        build.process(
            pid,
            dice.choice([1, *pids]),
            dice.choice(MASKS) if dice.random() < 0.8 else dice.sample(ODOO_SIGNALS, dice.randint(0, 10)),
            argv=tuple(dice.choice(argv)),
            start=dice.randint(0, 5000),
            run_state=dice.choice("SSSSRDTZ"),
            nice=dice.choice([0, 0, 0, 10, 19]),
            fingerprint=dice.choice([7000, 7000, 8000, None]),
            sockets=dice.choice([None, frozenset(), frozenset([build.SOCKET])]),
            marks=dice.choice([{}, {}, {"ODOO_READY_SIGHUP_PID": str(dice.choice(pids))}, {"ODOO_STAGE": "staging"}]),
        )
        for pid in pids
    ]


def fatal(signal_name: str, process: Process, role: Role, instance: Instance) -> bool:
    """The signals that kill a process, lose requests or have no effect, as seen on real servers."""
    if not process.catches(signal_name):
        return True
    if role == "master":
        at_rest = signal_name in ("QUIT", "USR1", "USR2")
        return (instance.state != "running" and not at_rest) or signal_name in ("XCPU", "TERM", "CHLD")
    if role == "gevent":
        return signal_name not in ("INT", "QUIT")
    return role not in ("http", "cron", "other") or signal_name not in ("INT", "QUIT", "USR1", "USR2", "XCPU")


def test_random_trees() -> None:
    dice = random.Random(20261124)
    allowed = 0
    for _tree in range(TREES):
        processes = tree(dice)
        found = find_instances(processes, build.PORTS, 6000)
        masters = [i.master.pid for i in found.instances]
        children = [c.process.pid for i in found.instances for c in i.children]
        assert len(set(masters)) == len(masters)
        assert len(set(children)) == len(children)
        assert not set(masters) & (set(children) | {process.pid for process in found.one_off})
        by_pid = {process.pid: process for process in processes}
        for pid in masters:
            assert by_pid[pid].argv in SERVERS
            assert by_pid[pid].run_state != "Z"
        for instance in found.instances:
            for process, role in instance.everybody:
                for name in ODOO_SIGNALS:
                    against = objections(name, process, role, instance.mode, instance.state)
                    if not against:
                        allowed += 1
                        assert not fatal(name, process, role, instance), (name, process, role, instance)
                        assert "ODOO_STAGE" not in process.marks
                    holding, _lifted = sift(against, force=True)
                    assert holding or process.catches(name)
    # It would prove nothing if everything were refused.
    assert allowed > TREES / 10
