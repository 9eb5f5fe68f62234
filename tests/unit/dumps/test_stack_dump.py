# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stack dumps over captured moments, with a log that is a real file."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps import ask, pyspy, stack_dump
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.ask import ROLES, Asked, chosen, why_silent
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack_dump import DumpOrder, dump_all
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import ServerRecords
from ansible_collections.fleetops.odoo.plugins.module_utils._log.place import FILE, LogPlace
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres import sessions
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres.connection import NoAnswer
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres.psql import understood
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Role
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import Stat
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Host

from .. import build
from ..postgres.answers import HEAD_LINE, ROW, answer_with
from ..scene import GONE, PREFORK_19
from .dumped import py_spy_output
from .stage import Stage

ORDER = DumpOrder(samples=1, interval=1.0, timeout=5.0)


class Play(Stage):
    """The stage of the stacks, with the results of the module."""

    def __init__(self, moment: str, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(moment, folder)
        self.place = LogPlace(FILE, "/odoo.log", shows_dumps=True)
        monkeypatch.setattr(ask, "send", self.send)
        monkeypatch.setattr(stack_dump, "log_place", lambda *_arguments: self.place)
        self.py_spy: str | None = None
        monkeypatch.setattr(stack_dump, "find_py_spy", lambda: self.py_spy)

    def dump(self, *, check_mode: bool = False, **fields: t.Any) -> dict[str, t.Any]:
        seen = look(self.scene)
        host = Host(self.scene, self.clock, ServerRecords("/nonexistent"))
        identities = [i.identity for i in seen.instances]
        (found,) = dump_all(host, seen, identities, dataclasses.replace(ORDER, **fields), check_mode=check_mode)
        return found.told()


Staged = t.Callable[[str], Play]


@pytest.fixture
def play(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Staged:
    return lambda moment: Play(moment, tmp_path, monkeypatch)


def test_every_process_has_its_dump(play: Staged) -> None:
    on = play(PREFORK_19[-1])
    found = on.dump()
    assert (found["did"], found["signals"], found["missing"]) == ("signalled", ["QUIT"], [])
    assert [dump["role"] for dump in found["dumps"]] == ["master", "http", "http", "gevent", "cron"]
    assert [dump["pid"] for dump in found["dumps"]] == [one["pid"] for one in found["asked"]] == on.sent
    first = found["dumps"][0]
    assert set(first) == {"pid", "log_pid", "role", "sample", "time", "database", "raw", "threads", "other"}
    assert first["time"] == "2026-11-24T10:30:22.111Z"
    assert first["threads"][0]["frames"][0]["function"] == "run_wsgi"
    assert (found["log_source"], found["before"]["mode"], found["after"]) == ("/odoo.log", "prefork", None)


def test_secrets_are_hidden_and_the_rest_is_as_it_was_written(play: Staged) -> None:
    (dump,) = play("hup-19-threaded-done").dump()["dumps"]
    assert dump["raw"].splitlines() == [
        f"2026-11-24 10:30:22,111 {dump['log_pid']} INFO p19 odoo.tools.misc: ",
        "# Thread: <T> (db:p19) (uid:1) (url:http://h/x?access_token=********",
        'File: "/w.py", line 1, in run_wsgi',
        "  work()",
    ]
    assert dump["threads"][0]["url"] == "http://h/x?access_token=********"


def test_samples_come_at_their_interval(play: Staged) -> None:
    on = play("hup-19-threaded-done")
    found = on.dump(samples=3, interval=2.0)
    assert [dump["sample"] for dump in found["dumps"]] == [1, 2, 3]
    assert [one["signals"] for one in found["asked"]] == [3]
    assert sum(on.clock.slept) == pytest.approx(4.1, abs=0.1)


def test_only_these_roles(play: Staged) -> None:
    found = play(PREFORK_19[-1]).dump(roles=("http",))
    assert [one["role"] for one in found["asked"]] == ["http", "http"]


def test_check_mode_sends_no_signal(play: Staged) -> None:
    on = play(PREFORK_19[-1])
    found = on.dump(check_mode=True, samples=3)
    assert (on.sent, found["dumps"], found["missing"], on.clock.slept) == ([], [], [], [])
    assert (found["did"], found["signals"], found["reason"]) == (
        "signalled",
        ["QUIT"],
        "5 processes would be asked",
    )
    assert {one["signals"] for one in found["asked"]} == {3}


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_server_whose_log_hides_dumps_is_not_signalled(play: Staged, check_mode: bool) -> None:  # noqa: FBT001
    on = play(PREFORK_19[-1])
    on.place = LogPlace(FILE, "/odoo.log", shows_dumps=False)
    found = on.dump(check_mode=check_mode)
    assert (found["did"], found["signals"], found["asked"], on.sent) == ("refused", [], [], [])
    why = "its log level hides stack dumps, which are written at level info"
    assert found["reason"] == (
        f"nobody was asked: {why}; py-spy, installed there, would show the stacks without a signal"
    )
    assert {one["reason"] for one in found["missing"]} == {why + ", so it was not asked"}
    assert len(found["missing"]) == 5


@pytest.mark.parametrize("moment", PREFORK_19[:-1])
@pytest.mark.parametrize("check_mode", [False, True])
def test_a_process_without_a_handler_is_named_and_not_signalled(play: Staged, moment: str, check_mode: bool) -> None:  # noqa: FBT001
    on = play(moment)
    instance = on.instance
    deaf = {p.pid for p, _role in chosen(instance, ROLES) if not p.catches("QUIT")}
    found = on.dump(check_mode=check_mode)
    missing = {one["pid"] for one in found["missing"]}
    assert deaf <= missing
    assert not missing & {one["pid"] for one in found["asked"]}
    assert "shepherd" not in {one["role"] for one in found["asked"]}
    assert found["did"] == ("signalled" if found["asked"] else "refused")


def test_a_rule_may_keep_everybody_from_it(play: Staged) -> None:
    on = play("hup-19-threaded-done")
    on.ended = {on.scene.master}
    found = on.dump()
    assert (found["did"], found["reason"]) == ("refused", "a rule keeps every process from its signal")
    assert [one["reason"] for one in found["missing"]] == ["it has ended"]


def test_no_process_of_these_roles_is_nothing_to_do(play: Staged) -> None:
    found = play("hup-19-threaded-done").dump(roles=("http", "cron"))
    assert (found["did"], found["reason"]) == ("nothing", "it has no process of these roles")
    assert (found["asked"], found["missing"], found["log_source"]) == ([], [], None)


def test_a_process_that_writes_no_dump_is_named(play: Staged) -> None:
    on = play("hup-19-threaded-done")
    on.deaf = 2
    found = on.dump()
    (missing,) = found["missing"]
    assert missing["reason"].startswith("it was asked twice and wrote nothing within 5 s: ")
    assert found["reason"] == "0 dumps were written, 1 are missing"
    assert [one["signals"] for one in found["asked"]] == [2]


def test_a_server_that_has_ended_is_named(play: Staged) -> None:
    on = play("hup-19-threaded-done")
    on.scene._names.append(GONE)
    on.clock._on_sleep = lambda seconds: on.scene.go_on() if seconds > 1 else None
    found = on.dump(samples=2, interval=9.0)
    assert len(found["dumps"]) == 1
    assert [(one["sample"], one["reason"]) for one in found["missing"]] == [(2, "the server has ended")]


def test_too_much_is_left_out(play: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack_dump, "_MOST", 500)
    found = play("hup-19-threaded-done").dump(samples=4)
    assert len(found["dumps"]) == 2
    assert [one["sample"] for one in found["missing"]] == [3, 4]
    assert "may not be larger than" in found["missing"][0]["reason"]


@pytest.mark.parametrize(("backend", "shows"), [("py-spy", True), ("auto", False)])
@pytest.mark.parametrize("check_mode", [False, True])
def test_py_spy_reads_stacks_without_a_signal(
    play: Staged,
    monkeypatch: pytest.MonkeyPatch,
    backend: str,
    shows: bool,  # noqa: FBT001
    check_mode: bool,  # noqa: FBT001
) -> None:
    on = play(PREFORK_19[-1])
    on.py_spy, on.place = "/usr/bin/py-spy", LogPlace(FILE, "/odoo.log", shows_dumps=shows)
    asked: list[tuple[str, ...]] = []

    def output_of(*command: str) -> str:
        asked.append(command)
        return py_spy_output() if len(asked) > 1 else "no json"

    monkeypatch.setattr(pyspy, "output_of", output_of)
    found = on.dump(backend=backend, check_mode=check_mode)
    assert (found["did"], found["backend"], found["signals"], on.sent) == ("nothing", "py-spy", [], [])
    assert len(found["asked"]) == 5
    if check_mode:
        assert (asked, found["reason"]) == ([], "5 processes would be asked (read by py-spy, without a signal)")
        return
    assert [command[-1] for command in asked] == [str(one["pid"]) for one in found["asked"]]
    assert asked[0][:-1] == ("/usr/bin/py-spy", "dump", "--json", "--pid")
    assert [one["reason"] for one in found["missing"]] == ["py-spy could not read it, or it has ended"]
    assert len(found["dumps"]) == 4
    assert found["dumps"][0]["raw"] == py_spy_output()
    assert found["dumps"][0]["threads"][1]["frames"][-1]["function"] == "_wait_for_tstate_lock"


@pytest.mark.parametrize(("backend", "py_spy"), [("signal", "/usr/bin/py-spy"), ("py-spy", None)])
def test_py_spy_is_not_run_where_it_was_not_asked_for_or_is_not_there(
    play: Staged, backend: str, py_spy: str | None
) -> None:
    on = play(PREFORK_19[-1])
    on.py_spy, on.place = py_spy, LogPlace(FILE, "/odoo.log", shows_dumps=False)
    found = on.dump(backend=backend)
    assert (found["did"], found["backend"], found["dumps"]) == ("refused", None, [])
    assert ("py-spy is not installed" in found["reason"]) == (backend == "py-spy")


def stat(**fields: t.Any) -> Stat:
    values: dict[str, t.Any] = {"run_state": "S", "ppid": 1, "nice": 0, "threads": 1, "start": 1007, "fingerprint": 1}
    return Stat(**{**values, "rss_pages": 1, "cpu_ticks": 0, **fields})


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (None, "it has ended since it was asked"),
        (stat(start=1), "it has ended since it was asked"),
        (stat(run_state="Z"), "it has ended since it was asked"),
        (stat(run_state="D"), "nothing within 5 s: it waits in the kernel (state D), where no signal reaches it"),
        (stat(run_state="T"), "nothing within 5 s: it is stopped (state T)"),
        (stat(run_state="R", cpu_ticks=480), ": it used 4.8 s of CPU meanwhile, maybe in code that does not come back"),
        (stat(), "it was asked once and wrote nothing within 5 s: its main thread does not come back to Python"),
    ],
)
def test_the_reason_why_a_process_wrote_no_dump(now: Stat | None, why: str) -> None:
    assert why in why_silent(Asked(build.process(7), Role.HTTP, signals=1), now, 5.0)


def test_each_sample_has_the_rows_of_postgresql(
    play: Staged,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer_with(monkeypatch, understood("\n".join([json.dumps(ROW), HEAD_LINE, '{"system": "77"}']), ""))
    on = play(PREFORK_19[-1])
    monkeypatch.setattr(sessions, "tied", lambda _proc, people, *_more: {7: people[1]})
    found = on.dump(postgres=True, samples=2)
    rows, reason = found["postgres"]["rows"], found["postgres"]["reason"]
    assert reason is None
    assert [row["sample"] for row in rows] == [1, 2]
    assert {(row["server"], row["role"], row["worker"]) for row in rows} == {
        ("77/20261124T090102.1", "http", found["dumps"][1]["pid"])
    }
    assert len(found["dumps"]) == 10


def test_dumps_are_returned_when_postgresql_does_not_answer(
    play: Staged,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer_with(monkeypatch, NoAnswer("psql is not installed there"))
    found = play(PREFORK_19[-1]).dump(postgres=True, samples=2)
    assert found["postgres"] == {"rows": [], "reason": "psql is not installed there"}
    assert (len(found["dumps"]), found["did"], found["missing"]) == (10, "signalled", [])


def test_postgresql_is_not_asked_in_check_mode_or_by_default(play: Staged) -> None:
    on: Play = play(PREFORK_19[-1])
    assert on.dump()["postgres"] is None
    assert on.dump(postgres=True, check_mode=True)["postgres"] == {"rows": [], "reason": None}
