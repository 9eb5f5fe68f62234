# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cache statistics over captured moments, with a log that is a real file."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.cache_stats import (
    CacheOrder,
    CacheQuestion,
    ask_all,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._log.follow import FileFollower
from ansible_collections.fleetops.odoo.plugins.module_utils._log.place import FILE, LogPlace
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import Look, look
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Gone, Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import parse_thread
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.release import Release

from .. import build
from ..scene import PREFORK_19
from .stage import Stage

HEAD = "2026-11-24 10:30:22,111 {pid} INFO {db} odoo.tools.cache: "
BEGUN = HEAD.replace("{db}", "?") + "Processing database p19 (1/1) \n"
TABLE = (
    HEAD.replace("{db}", "?") + "Caches stats:\nDatabase p19:\n * default: 1/81920\nDetails:\n"
    "  Cache Name,  Entry,   Hit,  Miss,  Method\n     default,      1,     3,     1,  IrRule._compute_domain \n"
)
STOPPED = HEAD.replace("{db}", "?") + "Stopping logging ORM cache stats \n"
LINE = (
    HEAD.replace("{db}", "p14") + "     1 entries,      3 hit,      1 miss,      0 err, 75.0% ratio, for ir.rule.f \n"
)
ROW = ("IrRule", "_compute_domain", 3, 1)

Threads = t.Dict[int, t.Tuple[str, int]]
ASLEEP: Threads = {1: ("S", 5), 2: ("S", 9)}


class Play(Stage):
    """The stage of the stacks, whose processes write statistics at each USR1 or USR2."""

    def __init__(self, moment: str, folder: pathlib.Path) -> None:
        super().__init__(moment, folder)
        self.version = "19.0"
        self.answer = BEGUN + TABLE
        #: what each look at the threads of a process shows, the last one from then on
        self.threads: list[Threads] = [ASLEEP]
        setattr(self.scene, "threads", self.look_at_threads)  # noqa: B010  # a capture has no threads

    def look_at_threads(self, _pid: int) -> Threads:
        return self.threads.pop(0) if len(self.threads) > 1 else self.threads[0]

    def seen(self) -> Look:
        found = look(self.scene)
        releases = {identity: Release(self.version) for identity in found.releases}
        return dataclasses.replace(found, releases=releases)

    def ask(self, *, check_mode: bool = False, memory: bool = False, **fields: t.Any) -> dict[str, t.Any]:
        seen = self.seen()
        identities = [i.identity for i in seen.instances]
        order = CacheOrder(memory, 5.0, **fields)
        (found,) = ask_all(self.host, seen, identities, order, check_mode=check_mode)
        return found.told()


Staged = t.Callable[[str], Play]


@pytest.fixture
def play(tmp_path: pathlib.Path) -> Staged:
    return lambda moment: Play(moment, tmp_path)


def test_every_process_but_the_gevent_one_is_asked(play: Staged) -> None:
    on = play(PREFORK_19[-1])
    found = on.ask()
    assert (found["did"], found["signals"], found["missing"]) == ("signalled", ["USR1"], [])
    assert [one["role"] for one in found["statistics"]] == ["master", "http", "http", "cron"]
    assert [one["pid"] for one in found["statistics"]] == [one["pid"] for one in found["asked"]] == on.sent
    (gevent,) = found["left_out"]
    assert (gevent["role"], gevent["code"]) == ("gevent", "dump.gevent")
    for one in found["statistics"]:
        (row,) = one["caches"]
        assert (row["model"], row["method"], row["hits"], row["misses"]) == ROW
        assert (one["usage"][0]["size"], one["other"], one["time"]) == (8192, [], "2026-11-24T10:30:22.111Z")
    assert (found["version"], found["log_source"], found["after"]) == ("19.0", "/odoo.log", None)
    assert (found["code"], found["warnings"]) == (None, [])


def test_with_memory_usr2_is_sent_where_it_is_caught(play: Staged) -> None:
    on = play(PREFORK_19[-1])
    found = on.ask(memory=True)
    assert (found["signals"], set(on.signals)) == (["USR2"], {"USR2"})
    assert {one["signal"] for one in found["statistics"]} == {"USR2"}


@pytest.mark.parametrize(
    ("caught", "version", "signal"),
    [
        (build.WORKER, "19.0", "USR2"),
        ([name for name in build.WORKER if name != "USR2"], "19.0", "USR1"),
        (build.WORKER, "saas~18.3", "USR1"),
        (build.WORKER, None, "USR1"),
    ],
)
def test_which_signal(caught: t.Sequence[str], version: str | None, signal: str) -> None:
    assert CacheQuestion(Proc(), version, memory=True).signal(build.process(7, caught=caught)) == signal
    assert CacheQuestion(Proc(), version, memory=False).signal(build.process(7, caught=caught)) == "USR1"


class Threaded(Proc):
    """A process with these threads."""

    def __init__(self, *looks: Threads) -> None:
        super().__init__(root="/nonexistent")
        self._looks = list(looks)

    def threads(self, pid: int) -> Threads:
        if not self._looks:
            raise Gone(str(pid))
        return self._looks.pop(0)


OLD = [name for name in build.WORKER if name != "USR2"]


@pytest.mark.parametrize(
    ("looks", "safe"),
    [
        ([ASLEEP, ASLEEP], [False, True]),
        ([ASLEEP, {**ASLEEP, 2: ("S", 10)}, {**ASLEEP, 2: ("S", 10)}], [False, False, True]),
        ([{**ASLEEP, 2: ("R", 9)}] * 3, [False] * 3),
        ([{**ASLEEP, 2: ("D", 9)}] * 2, [False] * 2),
        ([ASLEEP, {1: ("S", 5)}], [False, True]),
        ([{1: ("R", 5)}], [True]),
        ([], [True]),
    ],
)
def test_before_19_it_is_asked_while_all_its_threads_sleep(looks: list[Threads], safe: list[bool]) -> None:
    question = CacheQuestion(Threaded(*looks), "14.0", memory=False)
    assert [question.is_safe(build.process(7, caught=OLD)) for _look in safe] == safe


def test_19_counts_over_copies_and_may_be_asked_at_any_time() -> None:
    assert CacheQuestion(Threaded({1: ("R", 1), 2: ("R", 1)}), "19.0", memory=False).is_safe(
        build.process(7, caught=build.WORKER)
    )
    # A process that the door refuses is not looked at.
    assert CacheQuestion(Threaded({1: ("R", 1), 2: ("R", 1)}), "14.0", memory=False).is_safe(
        build.process(7, caught=[])
    )


def test_one_that_is_at_work_all_the_time_is_not_asked(play: Staged) -> None:
    on = play("hup-19-threaded-done")
    on.version, on.answer = "14.0", LINE
    on.threads = [{**ASLEEP, 2: ("R", 9)}]
    found = on.ask()
    assert (on.sent, found["did"], found["signals"], found["statistics"]) == ([], "refused", [], [])
    assert [one["code"] for one in found["missing"]] == ["dump.at_work"]
    assert (found["code"], [one["code"] for one in found["warnings"]]) == ("dump.none_asked", ["dump.none_asked"])
    assert on.clock.now - 1000 == pytest.approx(5.0, abs=0.05)


def test_one_that_comes_to_rest_is_asked_then(play: Staged) -> None:
    on = play("hup-19-threaded-done")
    on.version, on.answer = "14.0", LINE + LINE.replace("rule.f", "rule.g")
    on.threads = [{**ASLEEP, 2: ("R", 9)}] * 50 + [ASLEEP]
    found = on.ask()
    assert (found["missing"], [row["method"] for row in found["statistics"][0]["caches"]]) == ([], ["f", "g"])
    assert on.clock.now - 1000 > 1.5


def test_one_that_counts_is_not_asked_again(play: Staged) -> None:
    on = play("hup-19-threaded-done")
    on.answer = BEGUN
    found = on.ask()
    assert on.signals == ["USR1"]
    assert [one["code"] for one in found["missing"]] == ["dump.unfinished"]
    assert (found["code"], [one["code"] for one in found["warnings"]]) == (None, ["dump.incomplete"])


def test_statistics_that_another_signal_has_cut_off_are_missing(play: Staged) -> None:
    on = play("hup-19-threaded-done")
    on.answer = BEGUN + STOPPED
    assert on.ask()["missing"][0]["code"] == "dump.count_stopped"
    assert on.clock.now - 1000 < 1


@pytest.mark.parametrize(("version", "code"), [("19.0", "dump.not_written"), ("14.0", "dump.no_statistics")])
def test_one_that_is_silent_is_asked_again_and_named(play: Staged, version: str, code: str) -> None:
    on = play("hup-19-threaded-done")
    on.version, on.deaf = version, 2
    found = on.ask()
    (missing,) = found["missing"]
    assert missing["code"] == code
    assert [one["signals"] for one in found["asked"]] == [2]


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_server_whose_log_hides_statistics_is_not_signalled(play: Staged, check_mode: bool) -> None:  # noqa: FBT001
    on = play(PREFORK_19[-1])
    on.host.place = LogPlace(FILE, "/odoo.log", shows_dumps=True, shows_statistics=False)
    found = on.ask(check_mode=check_mode)
    assert (found["did"], found["asked"], on.sent) == ("refused", [], [])
    assert found["code"] == "dump.level"
    assert "odoo.tools.cache" in found["reason"]
    assert [(one["role"], one["code"]) for one in found["missing"]] == [
        (role, "dump.level") for role in ("master", "http", "http", "cron")
    ]
    assert [one["code"] for one in found["warnings"]] == ["dump.level"]
    assert len(found["left_out"]) == 1


def test_check_mode_sends_no_signal(play: Staged) -> None:
    on = play(PREFORK_19[-1])
    found = on.ask(check_mode=True, memory=True)
    assert (on.sent, found["statistics"], found["missing"], on.clock.slept) == ([], [], [], [])
    assert (found["did"], found["signals"], found["reason"]) == (
        "signalled",
        ["USR2"],
        "4 processes would be asked",
    )


@pytest.mark.parametrize("moment", PREFORK_19[:-1])
@pytest.mark.parametrize("check_mode", [False, True])
def test_a_process_without_a_handler_is_named_and_not_signalled(play: Staged, moment: str, check_mode: bool) -> None:  # noqa: FBT001
    on = play(moment)
    found = on.ask(check_mode=check_mode)
    instance = on.instance
    deaf = {p.pid for p in [instance.master, *(c.process for c in instance.children if c.role != "gevent")]
            if not p.catches("USR1")}  # fmt: skip
    assert deaf <= {one["pid"] for one in found["missing"]}
    assert not deaf & set(on.sent)
    assert not {one["role"] for one in found["asked"]} & {"gevent", "shepherd", "unknown"}


def test_only_these_roles(play: Staged) -> None:
    assert [one["role"] for one in play(PREFORK_19[-1]).ask(roles=("cron",))["asked"]] == ["cron"]


def test_no_process_of_these_roles_is_nothing_to_do(play: Staged) -> None:
    found = play("hup-19-threaded-done").ask(roles=("http",))
    assert (found["did"], found["code"], found["warnings"]) == ("nothing", None, [])


def test_too_much_is_left_out(play: Staged) -> None:
    found = play(PREFORK_19[-1]).ask(most=800)
    assert (len(found["statistics"]), len(found["missing"])) == (2, 2)
    assert {one["code"] for one in found["missing"]} == {"dump.too_large"}


def test_the_threads_of_a_real_process() -> None:
    import os  # noqa: PLC0415
    import threading  # noqa: PLC0415

    ready = threading.Event()
    thread = threading.Thread(target=ready.wait, daemon=True)
    thread.start()
    try:
        found = Proc().threads(os.getpid())
        assert {os.getpid(), thread.native_id} <= set(found)
        assert all(state in "RSD" for state, _stops in found.values())
        assert all(stops >= 0 for _state, stops in found.values())
    finally:
        ready.set()
    assert parse_thread("") == ("", 0)
    assert parse_thread("State:\tS (sleeping)\nvoluntary_ctxt_switches:\t3\nnonvoluntary_ctxt_switches:\t4\n") == (
        "S",
        7,
    )
    with pytest.raises(Gone):
        Proc().threads(2**22 + 1)


@pytest.mark.parametrize("may_drop", [True, False])
def test_statistics_without_their_last_lines_are_in_doubt_where_the_log_may_drop_lines(
    play: Staged, monkeypatch: pytest.MonkeyPatch, *, may_drop: bool
) -> None:
    on = play(PREFORK_19[-1])
    on.answer = BEGUN + TABLE.partition("Details:")[0]
    monkeypatch.setattr(FileFollower, "may_drop", may_drop)
    found = on.ask()
    assert (found["missing"], len(found["statistics"])) == ([], 4)
    codes = [one["code"] for one in found["warnings"]]
    assert codes == (["dump.statistics_cut"] * 4 if may_drop else [])
    said = "4 of 4 answers with cache statistics are incomplete or cannot be parsed"
    assert (found["reason"] == said) is may_drop
