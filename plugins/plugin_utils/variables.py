# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Check the variables of a role: unknown names, and values that its argument specification refuses."""

from __future__ import annotations

import difflib
import pathlib
import re
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import ArgumentTypeError, ArgumentValueError, ElementError, RequiredError

from ..module_utils._messages import option as _codes
from ..module_utils._system.redact import redact_text

Spec = t.Mapping[str, t.Mapping[str, t.Any]]

#: Variables that other roles or their playbooks take, for suggestions.
_SHARED = ("balancer",)
#: From 0 to 1: how alike two names are, without the prefix, before one is taken for the other, misspelt. For
#: "haproxy_host" and "haproxy_hosts" it is 0.96, for "colour" and "order" 0.55.
_ALIKE = 0.75
#: Types of argument specifications, as sentences name them.
_TYPES = {
    "bool": "yes or no",
    "dict": "a dictionary",
    "float": "a number",
    "int": "an integer",
    "list": "a list",
    "path": "a path",
    "str": "a text",
}
#: Characters of a wrong value that a message shows.
_SHOWN = 60


def unknown_variables(names: t.Iterable[str], role_path: str) -> dict[str, str]:
    """Return unknown variables with the prefix of a role, each with the known name that is most like it, or "".

    A role knows what any of its files mentions, and the variable that names the hosts of its playbook. The prefix
    ``balancer_`` may be in use for other things, so only names that are nearly right count there.

    :param names: names of variables of any kind.
    :param role_path: folder of the role; its name is the prefix.
    """
    role = pathlib.Path(role_path)
    prefix = role.name + "_"
    wanted = re.compile(rf"\b{re.escape(prefix)}\w+")
    files = (path for path in role.rglob("*") if path.suffix in (".yml", ".j2"))
    known = {name for path in files for name in wanted.findall(path.read_text(encoding="utf-8"))} | {prefix + "hosts"}
    options = set(wanted.findall((role / "meta/argument_specs.yml").read_text(encoding="utf-8")))
    found = {}
    for name in sorted(set(names)):
        if name.startswith(prefix) and name not in known:
            alike = _most_like(name, prefix, options)
            if alike or role.name not in _SHARED:
                found[name] = alike
    return found


def _most_like(name: str, prefix: str, options: t.Iterable[str]) -> str:
    """Return the option that is most like a name, or ""."""
    rest = name[len(prefix) :]
    if rest.startswith(_SHARED):
        return rest
    known = sorted(option[len(prefix) :] for option in options)
    return next((prefix + one for one in difflib.get_close_matches(rest, known, n=1, cutoff=_ALIKE)), "")


def wrong_values(spec: Spec, values: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Return what is wrong with the values of variables, a sentence by name.

    :param spec: the options of an entry point in ``meta/argument_specs.yml``.
    :param values: evaluated variables; a name that is missing is not set.
    """
    found = {}
    for name, one in spec.items():
        given = {name: values[name]} if name in values else {}
        errors = ArgumentSpecValidator({name: dict(one)}).validate(given).errors.errors
        if errors:
            found[name] = redact_text(_sentence(name, one, given.get(name), errors[0]))
    return found


def _sentence(name: str, one: t.Mapping[str, t.Any], value: t.Any, error: Exception) -> str:
    shown = repr(value)
    shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "..."
    kind = str(one.get("type", "str"))
    if isinstance(error, RequiredError):
        return f"{name} must be set"
    if isinstance(error, ArgumentValueError) and one.get("choices"):
        return _codes.NOT_A_CHOICE(option=name, choices=", ".join(map(str, one["choices"])), value=value).text
    if isinstance(error, ElementError):
        wanted = f"a list, each element {_TYPES.get(str(one.get('elements')), 'of the right type')}"
        return _codes.WRONG_TYPE(option=name, wanted=wanted, value=shown).text
    if isinstance(error, ArgumentTypeError) and kind in _TYPES:
        return _codes.WRONG_TYPE(option=name, wanted=_TYPES[kind], value=shown).text
    return f"{name}: {error}"


def own_values(
    spec: Spec, used: t.Mapping[str, t.Any], shown: t.Mapping[str, t.Any], others: t.Mapping[str, t.Any]
) -> dict[str, t.Any]:
    """Return the variables of another host that can be other than those that the first host of a play uses.

    A variable of the play, of the task or of the command line overrides what the inventory has for a host, and only
    the task of a host itself has them.

    :param spec: as for :func:`wrong_values`.
    :param used: evaluated variables of the first host as its task has them.
    :param shown: those of the inventory and the command line for the first host (``hostvars``).
    :param others: the same for the other host.
    """

    def is_free(name: str) -> bool:
        before = shown[name] if name in shown else spec[name].get("default")
        return name not in used or bool(used[name] == before)

    return {name: others[name] for name in spec if name in others and is_free(name)}
