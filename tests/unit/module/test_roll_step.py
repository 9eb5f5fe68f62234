# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module that runs a step of a roll tells at each of its ends what became of the lock."""

from __future__ import annotations

import typing as t

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import roll
from ansible_collections.fleetops.odoo.plugins.module_utils._module import roll_step
from ansible_collections.fleetops.odoo.plugins.module_utils._module.lock_option import LockFailed
from ansible_collections.fleetops.odoo.plugins.module_utils._module.roll_step import RollModule, hold_lock


class Ended(Exception):
    pass


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> RollModule:
    """A module whose end raises what it returns."""

    def end(_self: t.Any, *message: str, **result: t.Any) -> t.NoReturn:
        raise Ended({**result, **({"msg": message[0]} if message else {})})

    monkeypatch.setattr(AnsibleModule, "exit_json", end)
    monkeypatch.setattr(AnsibleModule, "fail_json", end)
    return RollModule.__new__(RollModule)


def test_both_ends_tell_of_the_lock(module: RollModule, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"changed": True, "lock": {"id": "me"}, "was": None, "place": "here"}
    monkeypatch.setattr(roll_step, "take_lock", lambda _module: told)
    hold_lock(module)
    known = {"taken": True, "lock": {"id": "me"}, "was": None, "place": "here"}
    with pytest.raises(Ended) as ended:
        module.exit_json(changed=False)
    assert ended.value.args[0] == {**known, "changed": False}
    with pytest.raises(Ended) as ended:
        module.fail_json("it died", code="failed.ended")
    assert ended.value.args[0] == {**known, "msg": "it died", "code": "failed.ended"}


def test_the_lock_of_another_owner_ends_the_module(module: RollModule, monkeypatch: pytest.MonkeyPatch) -> None:
    def held(_module: t.Any) -> t.NoReturn:
        raise LockFailed(roll.LOCK_NOT_WRITTEN(error="full"), {"id": "other"})

    monkeypatch.setattr(roll_step, "take_lock", held)
    with pytest.raises(Ended) as ended:
        hold_lock(module)
    assert (ended.value.args[0]["taken"], ended.value.args[0]["code"]) == (False, "roll.lock_not_written")
    assert ended.value.args[0]["lock"] == {"id": "other"}
