# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which tracebacks and which answers end the wait for a new generation, and which do not."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._log.follow import Unreachable
from ansible_collections.fleetops.odoo.plugins.module_utils._log.tracebacks import Traceback
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import dump
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Generation
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._reload.decide import Policy
from ansible_collections.fleetops.odoo.plugins.module_utils._reload.failing import Sick, conclude, find_cause
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import OperationFailed

from ..build import failing
from ..conftest import CAPTURES
from ..scene import PREFORK_14, PREFORK_19
from .stage import Stage, Staged, stage

__all__ = ["stage"]

ANSWERS_500 = "http://127.0.0.1:8069/web/health answers 500 instead of 200"
SILENT = "http://127.0.0.1:8069/web/health does not answer (timed out after 10 s)"
LOAD = Traceback(7, "ModuleNotFoundError: No module named 'x'", "/a.py:9", loads=True)
OWN = Traceback(8, "AttributeError: y", "/b.py:2", loads=False, path="/web/health")
OTHERS = Traceback(9, "KeyError: 'z'", "/c.py:2", loads=False, path="/web/dataset/call_kw")


@pytest.mark.parametrize(
    ("answer", "tracebacks", "one_database", "cause"),
    [
        (ANSWERS_500, [LOAD, OTHERS], False, LOAD),
        (ANSWERS_500, [OWN, LOAD, OTHERS], False, OWN),
        (ANSWERS_500, [OTHERS], True, None),
        (ANSWERS_500, [], True, None),
        (SILENT, [LOAD], True, None),
        (SILENT, [LOAD, LOAD], True, LOAD),
        # It may be another database that users ask for, while the one of the health check is still being loaded.
        (SILENT, [LOAD, LOAD], False, None),
        (SILENT, [LOAD, LOAD._replace(error="another")], True, None),
        (SILENT, [OWN, OWN], True, None),
        ("http://x answers 404 instead of 200", [LOAD, LOAD], True, None),
    ],
)
def test_the_cause_is_a_failed_load_or_the_traceback_of_the_health_check(
    answer: str,
    tracebacks: list[Traceback],
    one_database: bool,  # noqa: FBT001
    cause: Traceback | None,
) -> None:
    assert find_cause(Sick(answer, 1, complete=True), tracebacks, ["/web/health"], one_database=one_database) == cause


@pytest.mark.parametrize(
    ("answer", "seconds", "complete", "cause", "code"),
    [
        (ANSWERS_500, 4.9, True, LOAD, None),
        (ANSWERS_500, 5, True, LOAD, "failed.load"),
        (ANSWERS_500, 5, False, LOAD, "failed.load"),
        (SILENT, 5, True, LOAD, "failed.load"),
        (ANSWERS_500, 9.9, True, None, None),
        (ANSWERS_500, 10, True, None, "failed.unhealthy"),
        (ANSWERS_500, 10, False, None, None),
        (SILENT, 100, True, None, None),
        ("http://x answers 503 instead of 200", 100, True, None, None),
        # PostgreSQL may come back.
        (ANSWERS_500, 100, True, LOAD._replace(error="psycopg2.OperationalError: could not connect"), None),
        (ANSWERS_500, 100, True, LOAD._replace(error="psycopg2.errors.LockNotAvailable: no"), None),
        (ANSWERS_500, 100, True, LOAD._replace(error="odoo.sql_db.PoolError: full"), None),
        # A column that is missing stays missing.
        (ANSWERS_500, 5, True, LOAD._replace(error="psycopg2.errors.UndefinedColumn: no"), "failed.load"),
    ],
)
def test_the_wait_ends_for_what_does_not_go_away(
    answer: str,
    seconds: float,
    complete: bool,  # noqa: FBT001
    cause: Traceback | None,
    code: str | None,
) -> None:
    problem = conclude(Sick(answer, seconds, complete=complete), cause, "/odoo.log")
    assert (problem and problem.code) == code


class Log:
    """A log that has new lines when it is read."""

    source = "/odoo.log"

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.opened = self.closed = 0

    def follow_server(self, *_arguments: object) -> Log:
        """Open it."""
        self.opened += 1
        return self

    def read(self) -> list[tuple[str, bytes]]:
        """Return the next piece."""
        return [("", line) for line in self.pieces.pop(0).splitlines(keepends=True)] if self.pieces else []

    def close(self) -> None:
        """Close it."""
        self.closed += 1


def broken(on: Stage, name: str, pid: int) -> bytes:
    """Return a captured log of failed loads as that of a process of the stage."""
    text = (CAPTURES / "broken" / name).read_bytes()
    assert b" %d " % pid in text
    on.scene.go_to(on.scene._names[-1])
    children = look(on.scene).instances[0].children
    child = next(child.process.shown_pid for child in children if child.generation == Generation.CURRENT)
    on.scene.go_to(on.scene._names[0])
    return text.replace(b" %d " % pid, b" %d " % child)


@pytest.mark.parametrize(
    ("kind", "moments", "name", "pid"),
    [
        ("19-prefork", PREFORK_19, "19-prefork-import.log", 654),
        ("14-prefork", PREFORK_14, "14-prefork-import.log", 556),
    ],
)
def test_a_broken_addon_fails_the_reload_within_seconds(
    stage: Staged, kind: str, moments: list[str], name: str, pid: int
) -> None:
    on = stage(kind, moments)
    log = on.host.logs = Log(broken(on, name, pid))
    # Before the signal the server is healthy.
    on.sick = ["", *[ANSWERS_500] * 1000]
    with failing("failed.load", OperationFailed) as caught:
        on.reload(timeout=180)
    assert on.clock.now < 1015
    (result,) = caught.value.results
    assert (result.did, result.signals, result.code) == ("signalled", ["HUP"], "failed.load")
    assert "ModuleNotFoundError: No module named 'does_not_exist'" in caught.value.message.splitlines()[0]
    assert "/odoo.log" in caught.value.message
    assert any("wrote a traceback that ends with ModuleNotFoundError" in step["what"] for step in result.steps)
    assert (log.opened, log.closed) == (1, 1)


def test_tracebacks_of_other_processes_do_not_count(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.host.logs = Log((CAPTURES / "broken/19-prefork-import.log").read_bytes())
    on.sick = ["", *[ANSWERS_500] * 1000]
    with failing("failed.unhealthy"):
        on.reload(timeout=180)


def test_a_server_that_becomes_healthy_is_reloaded_in_spite_of_tracebacks(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.host.logs = Log(broken(on, "19-prefork-import.log", 654))
    on.sick = ["", *[ANSWERS_500] * 5]
    assert on.reload(timeout=180).did == "signalled"


def test_an_unreadable_log_leaves_the_repeated_500(stage: Staged) -> None:
    class Hidden(Log):
        def follow_server(self, *_arguments: object) -> Log:
            raise Unreachable(dump.TERMINAL())

    on = stage("19-prefork", PREFORK_19)
    on.host.logs = Hidden()
    on.sick = ["", *[ANSWERS_500] * 1000]
    with failing("failed.unhealthy"):
        on.reload(timeout=180)
    assert on.clock.now == pytest.approx(1012, abs=3)


def test_a_server_that_does_not_answer_is_waited_for_until_the_timeout(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.host.logs = Log()
    on.sick = ["", *[SILENT] * 1000]
    with failing("timeout.healthy"):
        on.reload(timeout=60)


def test_a_broken_generation_is_asked_while_the_old_one_works(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[:4])
    on.host.logs = Log(broken(on, "19-prefork-import.log", 654))
    on.sick = ["", *[ANSWERS_500] * 1000]
    with failing("failed.load"):
        on.reload(timeout=180)
    assert on.clock.now < 1015


def test_a_new_generation_that_is_healthy_is_not_asked_again_while_the_old_one_works(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[:4])
    with failing("timeout.old_master"):
        on.reload(timeout=60)
    # Before the signal, and once while the old master works.
    assert on.asked == 2


def test_what_the_earlier_generation_wrote_does_not_count(stage: Staged) -> None:
    reexecuted, done = PREFORK_19[1], PREFORK_19[-1]
    on = stage("19-prefork", [reexecuted, *[done] * 5, reexecuted, done])
    # A HUP keeps the pid of the master.
    text = (CAPTURES / "broken/19-prefork-import.log").read_bytes()
    log = on.host.logs = Log(text.replace(b" 91 ", b" %d " % on.scene.master))
    on.sick = [*[ANSWERS_500] * 3, "", *[ANSWERS_500] * 1000]
    with failing("failed.unhealthy", OperationFailed) as caught:
        on.reload(Policy.SINCE, since=2e9, timeout=180)
    assert log.opened == 2
    assert [signal for signal, _moment in on.sent] == ["HUP"]
    assert any("traceback" in step["what"] for step in caught.value.results[0].steps)


def test_an_old_generation_that_answers_500_does_not_end_the_wait(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[:4])
    on.host.logs = Log()
    on.sick = ["", *[ANSWERS_500] * 1000]
    with failing("timeout.old_master"):
        on.reload(timeout=60)
