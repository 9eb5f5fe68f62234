# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Having a server write its stacks, with a log that is a real file."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils import _stacks
from ansible_collections.fleetops.odoo.plugins.module_utils._busy import workers
from ansible_collections.fleetops.odoo.plugins.module_utils._instances import Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._logplace import FILE, JOURNAL, NOWHERE, LogPlace
from ansible_collections.fleetops.odoo.plugins.module_utils._look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._rules import Refusal
from ansible_collections.fleetops.odoo.plugins.module_utils._send import Refused, Target, check
from ansible_collections.fleetops.odoo.plugins.module_utils._stacks import Stacks

from .build import FakeClock
from .test_reload import PREFORK_19, Scene

DUMP = (
    "2026-11-24 10:30:22,111 {pid} INFO p19 odoo.tools.misc: \n"
    "# Thread: <T> (db:p19) (uid:1) (url:http://h/x?access_token=S3cret) (qc:1 qt:1.0 pt:2.0)\n"
    'File: "/w.py", line 1, in run_wsgi\n  work()\n'
)
STARTING = "2026-11-24 10:30:16,444 7 INFO p19 odoo.addons.base.models.ir_cron: Job 'x' (3) starting \n"


class Stage:
    """A captured server whose processes write a dump at each QUIT, or are deaf to the first of them."""

    def __init__(self, moment: str, folder: pathlib.Path) -> None:
        kind = "19-threaded" if "threaded" in moment else "19-prefork"
        self.scene = Scene(kind, [moment], folder / "proc")
        self.clock = FakeClock()
        self.sent: list[int] = []
        self.deaf = 0
        self.ended: set[int] = set()
        root, fds = (folder / "proc" / str(self.scene.master) / name for name in ("root", "fd"))
        fds.mkdir()
        self.log = root / "odoo.log"
        self.log.write_text(STARTING)
        (fds / "3").symlink_to(self.log)

    @property
    def instance(self) -> Instance:
        return look(self.scene).instances[0]

    def stacks(self, kind: str = FILE, *, shows: bool = True) -> Stacks:
        return Stacks(self.scene, self.clock, LogPlace(kind, "/odoo.log", shows), "odoo.service")

    def send(self, proc: t.Any, name: str, target: Target, *, force: bool = False) -> list[Refusal]:
        assert name == "QUIT"
        if target.process.pid in self.ended:
            raise Refused(Refusal("identity", "it has ended"))
        lifted = check(proc, name, target, force=force)
        self.sent.append(target.process.pid)
        if self.deaf:
            self.deaf -= 1
        else:
            with self.log.open("a") as file:
                file.write(DUMP.format(pid=target.process.namespace_pids[-1]))
        return lifted


@pytest.fixture
def stage(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> t.Callable[[str], Stage]:
    def make(moment: str) -> Stage:
        made = Stage(moment, tmp_path)
        monkeypatch.setattr(_stacks, "send", made.send)
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


@pytest.mark.parametrize(("kind", "shows"), [(FILE, False), (NOWHERE, True), (NOWHERE, False)])
def test_nobody_is_asked_where_nothing_would_be_seen(stage: t.Callable[[str], Stage], kind: str, shows: bool) -> None:  # noqa: FBT001
    on = stage("hup-19-threaded-done")
    stacks = on.stacks(kind, shows=shows)
    assert stacks.hidden(on.instance) in (
        "its log level hides stack dumps, or its log goes nowhere",
        "its log cannot be read from here",
    )
    assert (stacks.take(on.instance), on.sent) == (({}, []), [])
    assert on.stacks().hidden(on.instance) is None


def test_in_the_journal_one_is_asked_after_the_other(
    stage: t.Callable[[str], Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    on = stage(PREFORK_19[-1])
    asked: list[int] = []

    class Mark:
        source = "the journal of odoo.service"

        def __init__(self, *_arguments: object) -> None: ...
        def close(self) -> None: ...

        def tail(self, *_arguments: object) -> list[str]:
            asked.append(len(on.sent))
            return on.log.read_text().splitlines()

        last = tail

    monkeypatch.setattr(_stacks, "LogMark", Mark)
    found, _lines = on.stacks(JOURNAL).take(on.instance)
    assert len(found) == len(workers(on.instance))
    # What has come is looked at before the next one is asked.
    assert set(range(1, len(found) + 1)) <= set(asked)
