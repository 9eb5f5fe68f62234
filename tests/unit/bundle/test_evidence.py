# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gathering evidence over captured moments, with a log that is a real file."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._bundle.evidence import Evidence, EvidenceOrder, gather
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import ServerRecords
from ansible_collections.fleetops.odoo.plugins.module_utils._log.place import FILE, NOWHERE, LogPlace
from ansible_collections.fleetops.odoo.plugins.module_utils._log.read import _LARGEST_TAIL
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Door
from ansible_collections.fleetops.odoo.plugins.module_utils._signals import send as door
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rules import Objection, Target

from ..build import FakeClock
from ..dumps.stage import LogHost
from ..scene import PREFORK_19, THREADED_19, Scene

HEADER = (
    '2026-11-24 08:17:03,692 %d INFO p19 odoo.tools.misc: \n# Thread: <x> (db:p19)\nFile: "x", line 6, in <module>\n'
)
SECRET = "Q7zX9w"


class Stage:
    """One server with a log; each process that is signalled writes a dump there, unless it is dumb. It is the door."""

    def __init__(self, kind: str, moment: str, folder: pathlib.Path) -> None:
        self.scene = Scene(kind, [moment], folder / "proc")
        self.clock = FakeClock()
        self.sent: list[tuple[str, int, str]] = []
        self.dumb = False
        root, fds = (folder / "proc" / str(self.scene.master) / name for name in ("root", "fd"))
        fds.mkdir()
        self.log = root / "odoo.log"
        self.log.write_text("".join(f"line {n}\n" for n in range(20)) + f"db_password = {SECRET}\n")
        (fds / "3").symlink_to(self.log)
        #: what every process writes behind its dump
        self.more = ""
        self.host = LogHost(self.scene, self.clock, ServerRecords("/nonexistent"), door=t.cast(Door, self))

    def send(self, proc: t.Any, name: str, target: Target, *, force: bool = False) -> list[Objection]:
        """Ask the rules, and write what the process would."""
        lifted = door.check(proc, name, target, force=force)
        self.sent.append((name, target.process.pid, target.role))
        if not self.dumb:
            pid = target.process.namespace_pids[-1] if target.process.namespace_pids else target.process.pid
            with self.log.open("a") as file:
                file.write(HEADER % pid + self.more)
        return lifted

    def gather(self, *, dumps: bool = True, timeout: float = 3, lines: int = 10) -> Evidence:
        """Gather it of the only instance."""
        seen = look(self.scene)
        order = EvidenceOrder(dumps, timeout, lines)
        (found,) = gather(self.host, seen, [i.identity for i in seen.instances], order)
        return found


Staged = t.Callable[[str, str], Stage]


def code_of(found: Evidence) -> str | None:
    """Return why dumps were not seen."""
    return found.problem.code if found.problem else None


@pytest.fixture
def stage(tmp_path: pathlib.Path) -> Staged:
    """Make a stage; there can be one in a test."""
    return lambda kind, moment: Stage(kind, moment, tmp_path)


def test_every_process_gets_one_quit_and_nothing_else(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[-1])
    found = on.gather()
    assert {name for name, _pid, _role in on.sent} == {"QUIT"}
    assert sorted(role for _name, _pid, role in on.sent) == ["cron", "gevent", "http", "http", "master"]
    assert (found.signalled, found.seen, found.refused, found.problem) == (5, 5, [], None)
    assert 0.1 <= sum(on.clock.slept) < 0.2


def test_a_threaded_server_is_one_process(stage: Staged) -> None:
    on = stage("19-threaded", THREADED_19[0])
    assert on.gather().seen == 1
    assert [role for _name, _pid, role in on.sent] == ["master"]


@pytest.mark.parametrize("moment", PREFORK_19[:-1])
def test_a_process_without_a_handler_gets_no_signal_and_is_named(stage: Staged, moment: str) -> None:
    on = stage("19-prefork", moment)
    (instance,) = look(on.scene).instances
    everybody = [instance.master, *(child.process for child in instance.children)]
    deaf = {process.pid for process in everybody if not process.catches("QUIT")}
    found = on.gather()
    assert not deaf & {pid for _name, pid, _role in on.sent}
    assert found.signalled + len(found.refused) == len(everybody)
    assert deaf <= {one["pid"] for one in found.refused}
    assert all(one["code"].startswith("refused.") for one in found.refused)
    assert "shepherd" not in {role for _name, _pid, role in on.sent}


def test_without_dumps_nothing_is_signalled(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[-1])
    found = on.gather(dumps=False, lines=3)
    assert on.sent == []
    assert (found.signalled, found.seen, found.problem) == (0, 0, None)
    assert found.log == ["line 18", "line 19", "db_password = ********"]
    assert found.log_source == "/odoo.log"
    assert on.clock.slept == []


def test_what_stood_before_the_dumps_is_kept(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[-1])
    found = on.gather(lines=2)
    assert found.log[:2] == ["line 19", "db_password = ********"]
    assert len(found.log) == 2 + 5 * 3
    assert len(on.gather(lines=0).log) == 5 * 3


def test_dumps_that_do_not_come_are_waited_for_and_told(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[-1])
    on.dumb = True
    found = on.gather(timeout=3)
    assert (found.signalled, found.seen, code_of(found)) == (5, 0, "dump.evidence")
    told = found.told()["dumps"]
    assert (told["code"], told["signalled"], told["seen"]) == ("dump.evidence", 5, 0)
    assert sum(on.clock.slept) == pytest.approx(3, abs=0.05)


def test_dumps_that_cannot_be_seen_are_not_waited_for(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[-1])
    on.host.place = LogPlace(FILE, "/odoo.log", shows_dumps=False)
    assert code_of(on.gather()) == "dump.level"
    on.host.place = LogPlace(NOWHERE, None, shows_dumps=True)
    found = on.gather()
    assert (found.signalled, found.seen, found.log, found.log_source) == (5, 0, [], None)
    assert code_of(found) == "dump.no_log"
    assert on.clock.slept == []


def test_dumps_of_others_and_of_before_do_not_count(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[-1])
    on.dumb = True
    with on.log.open("a") as file:
        file.write(HEADER % on.scene.master + HEADER % 99999)
    assert on.gather(timeout=1).seen == 0


def test_the_log_of_many_processes_is_searched_beyond_the_usual_tail(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[-1])
    on.more = (HEADER % 1 + "x" * 400 + "\n") * 100
    assert on.gather().seen == 5
    assert on.log.stat().st_size > _LARGEST_TAIL
