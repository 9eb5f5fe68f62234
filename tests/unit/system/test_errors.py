# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The error of a reload or restart that would leave no running server."""

from __future__ import annotations

from ansible_collections.fleetops.odoo.plugins.module_utils._messages.code import Code
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Failure, OperationFailed, Refused

PROBLEM = Code("refused.x", "{path} cannot be read", "Run the task as root.")(path="odoo.conf")


def test_a_failure_has_the_text_and_the_code_of_its_problem() -> None:
    failure = Failure(PROBLEM)
    assert (str(failure), failure.code) == ("odoo.conf cannot be read. Run the task as root.", "refused.x")


def test_a_restart_does_not_help_unless_the_refusal_says_so() -> None:
    assert not Refused(PROBLEM).restart_helps
    assert Refused(PROBLEM, restart_helps=True).restart_helps


def test_a_failed_operation_has_a_message_of_its_own() -> None:
    failed = OperationFailed("Not reloading pid 7: x", PROBLEM, ("result",))
    assert (str(failed), failed.code, failed.results) == ("Not reloading pid 7: x", "refused.x", ["result"])
