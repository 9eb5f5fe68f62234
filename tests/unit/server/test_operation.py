# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the common parts of operations: one loop over servers, and the messages of a refusal, a timeout and an end."""

from __future__ import annotations

import os
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import ServerRecords
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.results import Outcome, StepsResult
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import refused, timeout
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._server.operation import Begin, Operation, run_all
from ansible_collections.fleetops.odoo.plugins.module_utils._server.server import Ended
from ansible_collections.fleetops.odoo.plugins.module_utils._system.clock import Pending
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import OperationFailed, Refused

from ..build import FakeClock, failing

HOST = Host(Proc("/nonexistent"), FakeClock(), ServerRecords("/nonexistent"))


class Polish(Operation[StepsResult]):
    """An operation with a given behaviour."""

    deed, doing = "polish", "polishing"

    def __init__(self, pid: int, do: t.Callable[[Polish], object]) -> None:
        super().__init__(HOST, StepsResult(f"{pid}:1", pid, Outcome.NOTHING, ""), 20.0)
        self._do = do

    def predict(self) -> None:
        self.result.reason = "predicted"

    def act(self) -> None:
        self._do(self)


def begin(pid: int, do: t.Callable[[Polish], object]) -> Begin:
    """A server whose operation does that."""
    return Begin(f"{pid}:1", pid, lambda: Polish(pid, do))


def well(one: Polish) -> None:
    """Succeed."""
    one.result.did, one.result.signals = Outcome.SIGNALLED, ["HUP"]


def refuse(_one: Polish) -> t.NoReturn:
    """Be refused."""
    raise Refused(refused.LOCKED())


def test_every_server_has_a_result_also_those_that_are_not_begun() -> None:
    with failing("refused.locked", OperationFailed) as caught:
        run_all([begin(1, well), begin(2, refuse), begin(3, well)], StepsResult, check_mode=False)
    results = caught.value.results
    assert [(one.pid, str(one.did), one.code) for one in results] == [
        (1, "signalled", None),
        (2, "refused", "refused.locked"),
        (3, "not_reached", "failed.not_reached"),
    ]
    assert str(caught.value).startswith("Not polishing pid 2: ")
    assert results[1].reason == str(caught.value)


def test_check_mode_only_predicts() -> None:
    (result,) = run_all([begin(1, refuse)], StepsResult, check_mode=True)
    assert (result.reason, result.did) == ("predicted", Outcome.NOTHING)


def test_a_refusal_after_something_was_done_is_a_failure() -> None:
    def halfway(one: Polish) -> None:
        well(one)
        refuse(one)

    with failing("refused.locked", OperationFailed) as caught:
        run_all([begin(1, halfway)], StepsResult, check_mode=False)
    assert caught.value.results[0].did == Outcome.SIGNALLED
    assert str(caught.value).startswith("The polish of pid 1 failed: ")


def test_a_timeout_says_how_long_when_and_what_was_missing() -> None:
    def wait(one: Polish) -> None:
        well(one)
        one.wait(lambda: Pending(timeout.LISTENING()))

    with failing("timeout.listening", OperationFailed) as caught:
        run_all([begin(1, wait)], StepsResult, check_mode=False)
    expected = (
        "The polish of pid 1 did not finish within 20 s (after HUP): waiting for the master to listen on its port"
    )
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("error", "code"), [(Ended(), "failed.ended"), (PermissionError(13, "Permission denied", "/x"), "failed.os_error")]
)
def test_an_end_and_an_error_of_the_system_have_codes(error: Exception, code: str) -> None:
    def fail(_one: Polish) -> t.NoReturn:
        raise error

    with failing(code, OperationFailed) as caught:
        run_all([begin(1, fail)], StepsResult, check_mode=False)
    assert caught.value.results[0].code == code


def test_locks_are_released_at_the_end() -> None:
    held: list[int] = []

    def lock(one: Polish) -> None:
        descriptor = os.open("/dev/null", os.O_RDONLY)
        held.append(descriptor)
        assert one.keep(descriptor)
        assert not one.keep(None)
        assert one.locks == 1
        refuse(one)

    with pytest.raises(OperationFailed):
        run_all([begin(1, lock)], StepsResult, check_mode=False)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.close(held[0])


def test_a_warning_is_told_once() -> None:
    def warn(one: Polish) -> None:
        one.warn(refused.ODOO_SH())
        one.warn(refused.ODOO_SH())

    (result,) = run_all([begin(1, warn)], StepsResult, check_mode=False)
    assert [one["code"] for one in result.told()["warnings"]] == ["refused.odoo_sh"]
