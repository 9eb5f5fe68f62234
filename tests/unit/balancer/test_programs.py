# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs of the system: exit code and words."""

from __future__ import annotations

from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.programs import first_of, run


def test_output_and_complaints_come_back_with_the_exit_code() -> None:
    assert run(("/bin/sh", "-c", "echo one; echo two >&2; exit 3"), 10) == (3, "one\ntwo\n", "one two")


def test_a_program_that_takes_too_long_is_ended() -> None:
    assert run(("/bin/sleep", "60"), 0.2) == (-1, "", "no answer within 0.2 s")


def test_a_program_that_is_not_there() -> None:
    assert run(("/nowhere/nft",), 1) == (-1, "", "No such file or directory")
    assert first_of(["/nowhere/nft", "/bin/sh"]) == "/bin/sh"
    assert first_of(["/nowhere/nft"]) is None
