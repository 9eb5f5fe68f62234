# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Having a server write its stacks, with a log that is a real file."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps import ask
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.ask import Asked, Asking, collect
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.work import find_busy, workers
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import ServerRecords
from ansible_collections.fleetops.odoo.plugins.module_utils._log.follow import Follower
from ansible_collections.fleetops.odoo.plugins.module_utils._log.place import FILE, NOWHERE, TERMINAL
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import Process
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Door, Host
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rules import Objection, Target

from .. import build
from ..build import FakeClock
from ..scene import PREFORK_19
from .stage import DUMP, Stage


@pytest.fixture
def stage(tmp_path: pathlib.Path) -> t.Callable[[str], Stage]:
    return lambda moment: Stage(moment, tmp_path)


def test_every_worker_is_asked_and_the_master_is_not(stage: t.Callable[[str], Stage]) -> None:
    on = stage(PREFORK_19[-1])
    found, lines = on.stacks().take(on.instance)
    assert sorted(found) == sorted(on.sent) == sorted(process.pid for process, _role in workers(on.instance))
    assert on.scene.master not in found
    assert any("starting" in line for line in lines)
    thread = next(iter(found.values())).threads[0]
    assert (thread.work, thread.url) == ("http", "http://h/x?access_token=********")


def test_a_threaded_server_is_asked_itself_and_again_if_it_is_deaf(stage: t.Callable[[str], Stage]) -> None:
    on = stage("hup-19-threaded-done")
    on.deaf = 1
    found, _lines = on.stacks().take(on.instance)
    assert (list(found), on.sent) == ([on.scene.master], [on.scene.master] * 2)
    on.deaf = 2
    assert on.stacks().take(on.instance)[0] == {}
    assert len(on.sent) == 4


def test_a_worker_that_has_ended_is_left_out(stage: t.Callable[[str], Stage]) -> None:
    on = stage(PREFORK_19[-1])
    on.ended = {workers(on.instance)[0][0].pid}
    found, _lines = on.stacks().take(on.instance)
    assert set(found) == {process.pid for process, _role in workers(on.instance)} - on.ended


@pytest.mark.parametrize(
    ("kind", "shows", "code"),
    [(FILE, False, "dump.level"), (NOWHERE, True, "dump.no_log"), (TERMINAL, True, "dump.terminal")],
)
def test_processes_are_not_signalled_when_the_log_hides_dumps(
    stage: t.Callable[[str], Stage],
    kind: str,
    shows: bool,  # noqa: FBT001
    code: str,
) -> None:
    on = stage("hup-19-threaded-done")
    stacks = on.stacks(kind, shows=shows)
    hidden = stacks.hidden(on.instance)
    assert hidden is not None
    assert hidden.code == code
    assert (stacks.take(on.instance), on.sent) == (({}, []), [])
    assert on.stacks().hidden(on.instance) is None


class Told(Follower):
    """A log whose lines the test gives."""

    def __init__(self, *, whole: bool = True) -> None:
        self.whole = whole
        self.lines: list[tuple[str, bytes]] = []

    def read(self) -> t.Iterator[tuple[str, bytes]]:
        lines, self.lines = self.lines, []
        yield from lines

    def dump(self, pid: int, carrier: str = "") -> None:
        self.lines += [(carrier, line) for line in DUMP.format(pid=pid).encode().splitlines(keepends=True)]


class Party(Host):
    """A host with a made-up server; which processes were asked when, and what they answer. It is its own door."""

    def __init__(self, *, whole: bool) -> None:
        super().__init__(Proc(), FakeClock(), ServerRecords("/nonexistent"), door=t.cast(Door, self))
        self.log = Told(whole=whole)
        self.instance = build.instance(build.prefork())
        self.sent: list[tuple[int, float]] = []
        #: lines in the log that were not read yet when a signal was sent
        self.unread: list[int] = []
        #: how many of its signals a process does not hear
        self.deaf: dict[int, int] = {}
        self.dead: set[int] = set()

    @property
    def now(self) -> float:
        """Seconds since the begin."""
        return self.clock.monotonic() - 1000

    def is_alive(self, process: Process) -> bool:
        return process.pid not in self.dead

    def send(self, _proc: t.Any, _name: str, target: Target) -> list[Objection]:
        pid = target.process.pid
        self.sent.append((pid, round(self.now, 2)))
        self.unread.append(len(self.log.lines))
        if self.deaf.get(pid, 0):
            self.deaf[pid] -= 1
        else:
            self.log.dump(pid)
        return []

    def ask(self, seconds: float = 5.0) -> list[Asked]:
        asking = Asking(self, self.instance, workers(self.instance), self.log)
        collect(self.clock, [asking], seconds)
        return asking.finish()


@pytest.mark.parametrize(
    "answer",
    [
        DUMP.splitlines(keepends=True)[0],
        "".join(DUMP.splitlines(keepends=True)[:2]),
        DUMP + "# Thread: <U>\n",
        DUMP.splitlines(keepends=True)[0] + "Stacks of another Odoo\n  work()\n",
    ],
)
def test_a_dump_that_does_not_tell_what_is_done_counts_as_none(stage: t.Callable[[str], Stage], answer: str) -> None:
    on = stage("hup-19-threaded-done")
    on.answer = answer
    found, lines = on.stacks().take(on.instance)
    assert (found, on.sent) == ({}, [on.scene.master])
    (busy,) = find_busy(on.instance, found, lines, 3.0, leaving=False)
    assert (busy.pid, busy.url, busy.stack) == (on.scene.master, None, ())


def test_where_lines_are_mixed_one_is_asked_after_the_other() -> None:
    on = Party(whole=False)
    asked = on.ask()
    assert [pid for pid, _when in on.sent] == [101, 102, 150, 160]
    assert on.unread == [0, 0, 0, 0]
    assert all(one.raw == DUMP.format(pid=one.process.pid).encode() for one in asked)


def test_a_process_that_does_not_answer_does_not_hold_up_the_others() -> None:
    on = Party(whole=False)
    on.deaf = {101: 99}
    asked = on.ask()
    assert [one.process.pid for one in asked if one.raw is None] == [101]
    assert [pid for pid, _when in on.sent] == [101, 102, 150, 160, 101]
    assert on.sent[1][1] == pytest.approx(ask._TURN, abs=0.1)
    assert on.sent[-1][1] == pytest.approx(2.0, abs=0.1)
    assert on.now == pytest.approx(5.0, abs=0.05)


def test_a_process_that_does_not_answer_is_signalled_again() -> None:
    on = Party(whole=True)
    on.deaf = {102: 1, 160: 2}
    asked = on.ask(3.0)
    assert {one.process.pid: (one.signals, one.raw is None) for one in asked} == {
        101: (1, False),
        102: (2, False),
        150: (1, False),
        160: (2, True),
    }
    assert [pid for pid, _when in on.sent[4:]] == [102, 160]
    assert [when for _pid, when in on.sent[4:]] == pytest.approx([1.2, 1.2], abs=0.1)


def test_one_that_ends_is_not_waited_for() -> None:
    on = Party(whole=True)
    on.deaf, on.dead = {102: 1}, {102}
    asked = on.ask()
    assert [one.process.pid for one in asked if one.raw is None] == [102]
    assert on.now < 0.5


def test_a_dump_is_waited_for_to_its_end() -> None:
    on = Party(whole=True)
    more = [b"# Thread: <U>\n", *[b'File: "/x.py", line 1, in f\n'] * 20]

    def slowly(_seconds: float) -> None:
        if more:
            on.log.lines.append(("", more.pop(0)))

    on.clock = FakeClock(slowly)
    on.log.lines = []
    *_others, last = on.ask()
    assert not more
    assert len((last.raw or b"").splitlines()) == 7 + 21


def test_a_dump_that_has_not_come_to_its_end_is_unfinished() -> None:
    on = Party(whole=True)
    clock = FakeClock(lambda _seconds: on.log.lines.append(("", b'File: "/x.py", line 1, in f\n')))
    on.clock = clock
    *others, last = on.ask(1.0)
    assert [one.unfinished for one in others] == [False] * 3
    assert (last.unfinished, last.understood) == (True, None)
    assert last.dump is not None
    assert all(one.understood for one in others)
