# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Let a module fail with a problem."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._messages.code import Problem


def fail(module: AnsibleModule, problem: Problem, **result: t.Any) -> t.NoReturn:
    """End the module with a problem: its sentence, its remedy and its code."""
    text = str(problem).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    module.fail_json(msg=text[:1].upper() + text[1:], code=problem.code, **result)
    raise AssertionError  # fail_json has left the process
