# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Find variables that look like those of a role and that the role does not know."""

from __future__ import annotations

import difflib
import pathlib
import re
import typing as t

#: Variables that other roles or their playbooks take, for suggestions.
_SHARED = ("balancer",)
#: From 0 to 1: how alike two names are, without the prefix, before one is taken for the other, misspelt. For
#: "haproxy_host" and "haproxy_hosts" it is 0.96, for "colour" and "order" 0.55.
_ALIKE = 0.75


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
