# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Run one step of a roll on a host, and return the state of the lock with every result."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from .common import start_as
from .lock_option import LOCK_SPEC, LockFailed, take_lock


class RollModule(AnsibleModule):  # type: ignore[misc]  # ansible-core has no types
    """A module whose result has ``known`` besides what it ends with."""

    #: what is in every result, also in that of a failure
    known: t.Mapping[str, t.Any] = {}

    def exit_json(self, **result: t.Any) -> t.NoReturn:
        """End well."""
        super().exit_json(**{**self.known, **result})
        raise AssertionError  # it has left the process

    def fail_json(self, msg: str, **result: t.Any) -> t.NoReturn:
        """End with a failure."""
        super().fail_json(msg, **{**self.known, **result})
        raise AssertionError  # it has left the process


def start_step(spec: t.Mapping[str, t.Any], **keywords: t.Any) -> RollModule:
    """Make the module."""
    return start_as(RollModule, {**LOCK_SPEC, **spec}, **keywords)


def hold_lock(module: RollModule) -> None:
    """Take or renew the lock of the host. The lock of another owner ends the module.

    From then on each result has ``taken``, ``lock``, ``was`` and ``place``.
    """
    module.known = {"taken": False}
    try:
        told = take_lock(module)
    except LockFailed as exc:
        module.fail_json(exc.problem.message, code=exc.problem.code, changed=False, **exc.result)
    # Taking the lock does not change the host.
    module.known = {"taken": True, "lock": told["lock"], "was": told["was"], "place": told["place"]}
