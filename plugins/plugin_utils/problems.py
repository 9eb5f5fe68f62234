# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.
"""Codes on the controller: how filters, action plugins and tasks of roles tell them."""

from __future__ import annotations

import importlib
import re
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleFilterError

from ..module_utils._messages.code import Code, Problem

_TABLE = "ansible_collections.fleetops.odoo.plugins.module_utils._messages"
#: Where a task of a role, which can return no code, has it: at the end of its message.
_AT_END = re.compile(r"\s*\[([a-z]+\.[a-z0-9_]+)\]\s*\Z")


def code_named(name: str) -> Code:
    """Return a row of the table.

    :raises KeyError: there is no such code.
    """
    group = name.partition(".")[0]
    if not re.fullmatch(r"[a-z]+", group):
        raise KeyError(name)
    try:
        rows = vars(importlib.import_module(f"{_TABLE}.{group}"))
    except ImportError as exc:
        raise KeyError(name) from exc
    for row in rows.values():
        if isinstance(row, Code) and row.name == name:
            return row
    raise KeyError(name)


def marked(problem: Problem) -> str:
    """Return the message with the code behind it, for what can return nothing but a message."""
    return f"{problem.message} [{problem.code}]"


def listed(problems: t.Iterable[Problem]) -> list[dict[str, str]]:
    """Return code and message of several problems, so that their messages can follow each other."""
    return [{"code": one.code, "message": one.message.rstrip(".") + "."} for one in problems]


def split_code(text: str) -> tuple[str, str | None]:
    """Split a message of :func:`marked` into sentence and code; the code is None without one."""
    found = _AT_END.search(text)
    return (text[: found.start()], found.group(1)) if found else (text, None)


def action_failure(problem: Problem, **result: t.Any) -> AnsibleActionFail:
    """Return the error that makes an action plugin fail with a message and a code."""
    return AnsibleActionFail(problem.message, result={"code": problem.code, **result})


def failed(problem: Problem, **result: t.Any) -> dict[str, t.Any]:
    """Return the result of an action plugin that failed."""
    return {"failed": True, "changed": False, "msg": problem.message, "code": problem.code, **result}


def filter_error(problem: Problem) -> AnsibleFilterError:
    """Return the error of a filter, with its code in the message.

    Raise it ``from None``: ansible-core from 2.19 on puts the message of a cause behind the code.
    """
    return AnsibleFilterError(marked(problem))
