# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the tests that use a host of one version, so that `make versions` runs no test of another version."""

from __future__ import annotations

import re
import types
import typing as t

_HOST = re.compile(r"[pt]\d\d")


def hosts_of(function: types.FunctionType) -> set[str]:
    """Return the hosts that the code of a test names, itself or in constants and functions of its module."""
    return _hosts(function, function.__module__, set())


def uses(function: types.FunctionType, parameters: t.Mapping[str, t.Any], number: str) -> bool:
    """Return True if a test runs on a host of a version: its parameters tell it, or else its code.

    :param parameters: the values that pytest hands to the test.
    :param number: ``14`` for p14 and t14.
    """
    if isinstance(parameters.get("host"), str):
        return str(parameters["host"]).endswith(number)
    told = {host for value in parameters.values() for host in _named(value)}
    return any(host.endswith(number) for host in told or hosts_of(function))


def _hosts(function: types.FunctionType, module: str, seen: set[types.CodeType]) -> set[str]:
    found: set[str] = set()
    queue = [function.__code__]
    while queue:
        code = queue.pop()
        if code in seen:
            continue
        seen.add(code)
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                queue.append(constant)
            else:
                found |= _named(constant)
        for name in code.co_names:
            value = function.__globals__.get(name)
            if isinstance(value, types.FunctionType):
                found |= _hosts(value, module, seen) if value.__module__ == module else set()
            else:
                found |= _named(value)
    return found


def _named(value: object) -> set[str]:
    """Return the hosts in a value, or in a list or tuple of values."""
    if isinstance(value, str):
        return {value} if _HOST.fullmatch(value) else set()
    if isinstance(value, (list, tuple, set, frozenset)):
        return {host for one in value for host in _named(one)}
    return set()
