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
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.work import workers
from ansible_collections.fleetops.odoo.plugins.module_utils._log.follow import Follower
from ansible_collections.fleetops.odoo.plugins.module_utils._log.place import FILE, NOWHERE
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rules import Refusal
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.send import Target

from .. import build
from ..build import FakeClock
from ..scene import PREFORK_19
from .stage import DUMP, Stage


@pytest.fixture
def stage(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> t.Callable[[str], Stage]:
    def make(moment: str) -> Stage:
        made = Stage(moment, tmp_path)
        monkeypatch.setattr(ask, "send", made.send)
        return made

    return make


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
    ("kind", "shows", "why"),
    [
        (FILE, False, "its log level hides stack dumps, which are written at level info"),
        (NOWHERE, True, "its log goes nowhere that can be read"),
    ],
)
def test_processes_are_not_signalled_when_the_log_hides_dumps(
    stage: t.Callable[[str], Stage],
    kind: str,
    shows: bool,  # noqa: FBT001
    why: str,
) -> None:
    on = stage("hup-19-threaded-done")
    stacks = on.stacks(kind, shows=shows)
    assert stacks.hidden(on.instance) == why
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


class Party:
    """A made-up server, who was asked when, and what they answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, whole: bool) -> None:
        self.clock = FakeClock()
        self.log = Told(whole=whole)
        self.instance = build.instance(build.prefork())
        self.sent: list[tuple[int, float]] = []
        #: lines in the log that nobody had read yet when a signal was sent
        self.unread: list[int] = []
        #: how many of its signals a process does not hear
        self.deaf: dict[int, int] = {}
        self.dead: set[int] = set()
        monkeypatch.setattr(ask, "send", self.send)
        monkeypatch.setattr(ask, "is_alive", lambda _proc, process: process.pid not in self.dead)

    def send(self, _proc: t.Any, _name: str, target: Target) -> list[Refusal]:
        pid = target.process.pid
        self.sent.append((pid, round(self.clock.now - 1000, 2)))
        self.unread.append(len(self.log.lines))
        if self.deaf.get(pid, 0):
            self.deaf[pid] -= 1
        else:
            self.log.dump(pid)
        return []

    def ask(self, seconds: float = 5.0) -> list[Asked]:
        asking = Asking(Proc(), self.clock, self.instance, workers(self.instance), self.log)
        collect(self.clock, [asking], seconds)
        return asking.finish()


def test_where_lines_are_mixed_one_is_asked_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    on = Party(monkeypatch, whole=False)
    asked = on.ask()
    assert [pid for pid, _when in on.sent] == [101, 102, 150, 160]
    assert on.unread == [0, 0, 0, 0]
    assert all(one.raw == DUMP.format(pid=one.process.pid).encode() for one in asked)


def test_a_process_that_does_not_answer_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    on = Party(monkeypatch, whole=False)
    on.deaf = {101: 99}
    asked = on.ask()
    assert [one.process.pid for one in asked if one.raw is None] == [101]
    assert [pid for pid, _when in on.sent] == [101, 102, 150, 160, 101]
    assert on.sent[1][1] == pytest.approx(ask._TURN, abs=0.1)
    assert on.sent[-1][1] == pytest.approx(2.0, abs=0.1)
    assert on.clock.now - 1000 == pytest.approx(5.0, abs=0.05)


def test_a_process_that_does_not_answer_is_signalled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    on = Party(monkeypatch, whole=True)
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


def test_one_that_ends_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    on = Party(monkeypatch, whole=True)
    on.deaf, on.dead = {102: 1}, {102}
    asked = on.ask()
    assert [one.process.pid for one in asked if one.raw is None] == [102]
    assert on.clock.now - 1000 < 0.5


def test_a_dump_is_waited_for_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    on = Party(monkeypatch, whole=True)
    more = [b"# Thread: <U>\n", *[b'File: "/x.py", line 1, in f\n'] * 20]

    def slowly(_seconds: float) -> None:
        if more:
            on.log.lines.append(("", more.pop(0)))

    on.clock = FakeClock(slowly)
    on.log.lines = []
    *_others, last = on.ask()
    assert not more
    assert len((last.raw or b"").splitlines()) == 4 + 21
