# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stack dumps over captured moments, with a log that is a real file."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.ask import ROLES, Asked, chosen, why_silent
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.parse import parse_dumps
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.pyspy import parse_py_spy
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack_dump import DumpOrder, dump_all
from ansible_collections.fleetops.odoo.plugins.module_utils._log.place import FILE, LogPlace
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import dump as codes
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres.connection import NoAnswer
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres.psql import understood
from ansible_collections.fleetops.odoo.plugins.module_utils._postgres.sessions import Postgres
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Role
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import Process, Stat

from .. import build
from ..postgres.answers import HEAD_LINE, ROW, answering
from ..scene import GONE, PREFORK_19
from .dumped import py_spy_output
from .stage import DUMP, Stage

ORDER = DumpOrder(samples=1, interval=1.0, sample_timeout=5.0)


class Play(Stage):
    """The stage of the stacks, with the results of the module. It is its own py-spy."""

    def __init__(self, moment: str, folder: pathlib.Path) -> None:
        super().__init__(moment, folder)
        self.py_spy: str | None = None
        #: what py-spy prints, one text for each process, and of which it was asked
        self.prints: list[str] = []
        self.read: list[tuple[str, int]] = []
        self.postgres: t.Callable[..., Postgres] = Postgres

    def find_py_spy(self) -> str | None:
        """Return the path of the program."""
        return self.py_spy

    def read_stacks(self, _proc: t.Any, program: str, process: Process) -> tuple[str, t.Sequence[t.Any]]:
        """Return the next text, and the threads in it."""
        self.read.append((program, process.pid))
        raw = self.prints.pop(0)
        return raw, parse_py_spy(raw)

    def dump(self, *, check_mode: bool = False, **fields: t.Any) -> dict[str, t.Any]:
        """Return the result of the module."""
        seen = look(self.scene)
        order = dataclasses.replace(ORDER, **fields)
        identities = [i.identity for i in seen.instances]
        (found,) = dump_all(
            self.host, seen, identities, order, check_mode=check_mode, py_spy=self, postgres=self.postgres
        )
        return found.told()


Staged = t.Callable[[str], Play]


@pytest.fixture
def play(tmp_path: pathlib.Path) -> Staged:
    return lambda moment: Play(moment, tmp_path)


def test_every_process_has_its_dump(play: Staged) -> None:
    on = play(PREFORK_19[-1])
    found = on.dump()
    assert (found["did"], found["signals"], found["missing"]) == ("signalled", ["QUIT"], [])
    assert [dump["role"] for dump in found["dumps"]] == ["master", "http", "http", "gevent", "cron"]
    assert [dump["pid"] for dump in found["dumps"]] == [one["pid"] for one in found["asked"]] == on.sent
    first = found["dumps"][0]
    told = {"pid", "log_pid", "role", "sample", "code", "backend", "time", "database", "raw", "threads", "other"}
    assert (set(first), found["python"]) == ({*told, "understood"}, "3.12")
    assert first["time"] == "2026-11-24T10:30:22.111Z"
    assert first["threads"][0]["frames"][0]["function"] == "run_wsgi"
    assert (found["log_source"], found["before"]["mode"], found["after"]) == ("/odoo.log", "prefork", None)


def test_a_master_that_may_end_of_it_is_asked_last_and_once(play: Staged) -> None:
    on = play(PREFORK_19[-1])
    on.python = "311"
    found = on.dump(samples=3)
    assert (found["missing"], found["python"]) == ([], "3.11")
    master = found["before"] and found["pid"]
    assert on.sent.count(master) == 1
    assert on.sent[-1] == master
    assert [dump["sample"] for dump in found["dumps"] if dump["role"] == "master"] == [3]
    assert [dump["sample"] for dump in found["dumps"] if dump["role"] == "cron"] == [1, 2, 3]


def test_a_master_alone_is_asked_as_often_as_is_wished(play: Staged) -> None:
    on = play(PREFORK_19[-1])
    on.python = "311"
    found = on.dump(samples=3, roles=(Role.MASTER,))
    assert [dump["sample"] for dump in found["dumps"]] == [1, 2, 3]


def test_py_spy_reads_a_master_that_may_end_of_a_signal(play: Staged) -> None:
    on = play(PREFORK_19[-1])
    on.python = "311"
    on.py_spy, on.prints = "/usr/bin/py-spy", [py_spy_output()] * 2
    found = on.dump(samples=2)
    assert found["pid"] not in on.sent
    assert on.read == [("/usr/bin/py-spy", found["pid"])] * 2
    assert {dump["backend"] for dump in found["dumps"] if dump["role"] == "master"} == {"py-spy"}
    assert {dump["backend"] for dump in found["dumps"] if dump["role"] != "master"} == {"signal"}


@pytest.mark.parametrize("py_spy", [None, "/usr/bin/py-spy"])
def test_a_process_that_is_never_at_rest_is_read_by_py_spy_or_named(play: Staged, py_spy: str | None) -> None:
    on = play(PREFORK_19[-1])
    on.python, on.restless = "311", {535}
    on.py_spy, on.prints = py_spy, [py_spy_output()] * 2
    found = on.dump()
    assert 535 not in on.sent
    if py_spy:
        assert found["missing"] == []
        assert on.read == [(py_spy, found["pid"]), (py_spy, 535)]
    else:
        (missing,) = found["missing"]
        assert (missing["pid"], missing["code"]) == (535, "dump.not_at_rest")
        assert found["code"] is None


def test_the_risk_is_accepted_and_told(play: Staged) -> None:
    on = play(PREFORK_19[-1])
    on.python, on.restless = "311", {535}
    found = on.dump(accepts_risk=True)
    assert found["missing"] == []
    assert 535 in on.sent
    assert [one["code"] for one in found["warnings"]] == ["dump.risk_accepted"]
    assert "may end the whole server" in found["warnings"][0]["message"]


def test_secrets_are_hidden_and_the_rest_is_as_it_was_written(play: Staged) -> None:
    (dump,) = play("hup-19-threaded-done").dump()["dumps"]
    assert dump["raw"].splitlines()[:4] == [
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
    on.host.place = LogPlace(FILE, "/odoo.log", shows_dumps=False)
    found = on.dump(check_mode=check_mode)
    assert (found["did"], found["signals"], found["asked"], on.sent) == ("refused", [], [], [])
    assert (found["code"], [one["code"] for one in found["missing"]]) == ("dump.level", ["dump.level"] * 5)
    assert [one["code"] for one in found["warnings"]] == ["dump.level", "dump.py_spy_helps"]
    assert found["warnings"][0]["message"] == found["reason"]


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
    assert (found["did"], found["code"]) == ("refused", "dump.none_asked")
    assert [one["code"] for one in found["missing"]] == ["refused.process_ended"]
    assert [one["code"] for one in found["warnings"]] == ["dump.none_asked"]


def test_no_process_of_these_roles_is_nothing_to_do(play: Staged) -> None:
    found = play("hup-19-threaded-done").dump(roles=("http", "cron"))
    assert (found["did"], found["code"], found["warnings"]) == ("nothing", None, [])
    assert (found["asked"], found["missing"], found["log_source"]) == ([], [], None)


def test_a_process_that_writes_no_dump_is_named(play: Staged) -> None:
    on = play("hup-19-threaded-done")
    on.deaf = 2
    found = on.dump()
    (missing,) = found["missing"]
    assert (missing["code"], missing["sample"]) == ("dump.not_written", 1)
    assert (found["did"], found["code"]) == ("signalled", None)
    assert [one["code"] for one in found["warnings"]] == ["dump.incomplete"]
    assert [one["signals"] for one in found["asked"]] == [2]


def test_a_server_that_has_ended_is_named(play: Staged) -> None:
    on = play("hup-19-threaded-done")
    on.scene._names.append(GONE)
    on.clock._on_sleep = lambda seconds: on.scene.go_on() if seconds > 1 else None
    found = on.dump(samples=2, interval=9.0)
    assert len(found["dumps"]) == 1
    assert [(one["sample"], one["code"]) for one in found["missing"]] == [(2, "failed.master_ended")]


def test_too_much_is_left_out(play: Staged) -> None:
    found = play("hup-19-threaded-done").dump(samples=4, most=1000)
    assert len(found["dumps"]) == 2
    assert [one["sample"] for one in found["missing"]] == [3, 4]
    assert {one["code"] for one in found["missing"]} == {"dump.too_large"}


@pytest.mark.parametrize(("backend", "shows"), [("py-spy", True), ("auto", False)])
@pytest.mark.parametrize("check_mode", [False, True])
def test_py_spy_reads_stacks_without_a_signal(
    play: Staged,
    backend: str,
    shows: bool,  # noqa: FBT001
    check_mode: bool,  # noqa: FBT001
) -> None:
    on = play(PREFORK_19[-1])
    on.py_spy, on.host.place = "/usr/bin/py-spy", LogPlace(FILE, "/odoo.log", shows_dumps=shows)
    on.prints = ["no json", *[py_spy_output()] * 4]
    found = on.dump(backend=backend, check_mode=check_mode)
    assert (found["did"], found["backend"], found["signals"], on.sent) == ("nothing", "py-spy", [], [])
    assert len(found["asked"]) == 5
    if check_mode:
        assert (on.read, found["dumps"], found["missing"]) == ([], [], [])
        return
    assert on.read == [("/usr/bin/py-spy", one["pid"]) for one in found["asked"]]
    assert [one["code"] for one in found["missing"]] == ["dump.py_spy_failed"]
    assert len(found["dumps"]) == 4
    (read,) = parse_dumps(found["dumps"][0]["raw"].splitlines())
    assert [stack.frames for stack in read.threads] == [stack.frames for stack in parse_py_spy(py_spy_output())]
    assert found["dumps"][0]["threads"][1]["frames"][-1]["function"] == "_wait_for_tstate_lock"


@pytest.mark.parametrize(("backend", "py_spy"), [("signal", "/usr/bin/py-spy"), ("py-spy", None)])
def test_py_spy_is_not_run_where_it_was_not_asked_for_or_is_not_there(
    play: Staged, backend: str, py_spy: str | None
) -> None:
    on = play(PREFORK_19[-1])
    on.py_spy, on.host.place = py_spy, LogPlace(FILE, "/odoo.log", shows_dumps=False)
    found = on.dump(backend=backend)
    assert (found["did"], found["backend"], found["dumps"]) == ("refused", None, [])
    assert found["code"] == ("dump.no_py_spy" if backend == "py-spy" else "dump.level")


def stat(**fields: t.Any) -> Stat:
    values: dict[str, t.Any] = {"run_state": "S", "ppid": 1, "nice": 0, "threads": 1, "start": 1007, "fingerprint": 1}
    return Stat(**{**values, "rss_pages": 1, "cpu_ticks": 0, **fields})


@pytest.mark.parametrize(
    ("now", "code"),
    [
        (None, "dump.process_ended"),
        (stat(start=1), "dump.process_ended"),
        (stat(run_state="Z"), "dump.process_ended"),
        (stat(run_state="D"), "dump.in_kernel"),
        (stat(run_state="T"), "dump.stopped"),
        (stat(run_state="R", cpu_ticks=480), "dump.not_written"),
        (stat(), "dump.not_written"),
    ],
)
def test_the_reason_why_a_process_wrote_no_dump(now: Stat | None, code: str) -> None:
    assert why_silent(Asked(build.process(7), Role.HTTP, signals=1), now, 5.0).code == code


def test_of_a_silent_process_only_what_was_seen_is_said() -> None:
    asked = Asked(build.process(7), Role.HTTP, signals=2)
    problem = why_silent(asked, stat(run_state="R", cpu_ticks=4.8 * os.sysconf("SC_CLK_TCK")), 5.0)
    assert problem.values == {
        "pid": 7,
        "signals": "2 signals",
        "what": "stacks",
        "seconds": 5.0,
        "state": "R",
        "cpu": pytest.approx(4.8),
        "because": "",
    }
    asked.dropped = "Suppressed 30 messages from odoo.service"
    problem = why_silent(asked, stat(run_state="S", cpu_ticks=0), 5.0)
    assert problem.text.endswith("; journald has dropped entries: Suppressed 30 messages from odoo.service")


def test_a_dump_that_breaks_off_is_told_as_cut(play: Staged) -> None:
    on = play("hup-19-threaded-done")
    # As journald leaves it, which drops the lines of a service that writes too many.
    on.answer = "".join(on.answer.splitlines(keepends=True)[:4])
    found = on.dump()
    (dump,) = found["dumps"]
    assert (dump["code"], len(dump["threads"])) == ("dump.cut", 1)
    assert [one["code"] for one in found["missing"]] == ["dump.cut"]
    assert [one["code"] for one in found["warnings"]] == ["dump.cut", "dump.incomplete"]
    assert found["reason"] == "1 of 1 answers with stacks are missing"


def test_what_comes_in_a_form_that_is_not_understood_is_told_with_its_line(play: Staged) -> None:
    on = play("hup-19-threaded-done")
    on.answer = '<msg pid="{pid}">File: "/usr/bin/odoo"; 6; main</msg>\n'
    (missing,) = on.dump()["missing"]
    assert missing["code"] == "dump.not_understood_line"
    assert 'File: "/usr/bin/odoo"; 6; main' in missing["reason"]


def test_no_process_is_asked_if_its_log_cannot_be_parsed(play: Staged) -> None:
    on = play("hup-19-threaded-done")
    on.log.write_text("".join(f"<r n='{n}'><logger>odoo.http</logger><level>INFO</level>x</r>\n" for n in range(9)))
    found = on.dump()
    assert (on.sent, found["code"]) == ([], "dump.log_form")
    assert [one["code"] for one in found["warnings"]] == ["dump.log_form", "dump.py_spy_helps"]


def test_a_dump_that_is_not_understood_is_returned_with_a_warning(play: Staged) -> None:
    on = play("hup-19-threaded-done")
    on.answer = DUMP.splitlines(keepends=True)[0] + "Stacks of another Odoo\n"
    found = on.dump()
    (dump,) = found["dumps"]
    assert (dump["code"], dump["threads"], dump["other"]) == ("dump.not_understood", [], ["Stacks of another Odoo"])
    assert dump["raw"].endswith("Stacks of another Odoo\n")
    assert [one["code"] for one in found["warnings"]] == ["dump.not_understood"]
    assert found["missing"] == []


def test_each_sample_has_the_rows_of_postgresql(play: Staged) -> None:
    says = understood("\n".join([json.dumps(ROW), HEAD_LINE, '{"system": "77"}']), "")
    on = play(PREFORK_19[-1])
    on.postgres = answering(says, tied=lambda _proc, people, *_more: {7: people[1]})
    found = on.dump(postgres=True, samples=2)
    rows = found["postgres"]["rows"]
    assert (found["postgres"]["code"], found["postgres"]["reason"]) == (None, None)
    assert [row["sample"] for row in rows] == [1, 2]
    assert {(row["server"], row["role"], row["worker"]) for row in rows} == {
        ("77/20261124T090102.1", "http", found["dumps"][1]["pid"])
    }
    assert len(found["dumps"]) == 10


def test_dumps_are_returned_when_postgresql_does_not_answer(play: Staged) -> None:
    on = play(PREFORK_19[-1])
    on.postgres = answering(NoAnswer(codes.NO_PSQL()))
    found = on.dump(postgres=True, samples=2)
    assert (found["postgres"]["rows"], found["postgres"]["code"]) == ([], "dump.no_psql")
    assert (len(found["dumps"]), found["did"], found["missing"]) == (10, "signalled", [])


def test_postgresql_is_not_asked_in_check_mode_or_by_default(play: Staged) -> None:
    on: Play = play(PREFORK_19[-1])
    assert on.dump()["postgres"] is None
    assert on.dump(postgres=True, check_mode=True)["postgres"] == {"rows": [], "code": None, "reason": None}
