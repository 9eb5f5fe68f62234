# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the variables of a role before it touches a host. No host is contacted."""

from __future__ import annotations

import pathlib
import time
import typing as t

import yaml
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import option
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.code import Problem
from ansible_collections.fleetops.odoo.plugins.plugin_utils.outcomes import first_line
from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import failed, marked
from ansible_collections.fleetops.odoo.plugins.plugin_utils.variables import (
    Spec,
    own_values,
    unknown_variables,
    wrong_values,
)

Variables = t.Mapping[str, t.Any]

_SPEC: dict[str, dict[str, t.Any]] = {
    "entry_point": {"type": "str", "default": "main"},
    "with_roles": {"type": "list", "elements": "str", "default": []},
    "checks": {"type": "list", "elements": "str", "default": []},
}


class ActionModule(ActionBase):
    """Work in this process, without an interpreter or rights on any host."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Entry point."""
        super().run(tmp, task_vars)
        del tmp
        variables = task_vars or {}
        _result, given = self.validate_argument_spec(argument_spec=_SPEC)
        if "role_path" not in variables:
            return failed(option.NOT_IN_A_ROLE(module="role_variables"))
        role = pathlib.Path(str(variables["role_path"]))
        entries = [(role, given["entry_point"]), *((role.parent / name, "") for name in given["with_roles"])]
        return (
            self._unknown(str(role), variables)
            or self._wrong(entries, variables)
            or self._unmet(given["checks"], variables)
            or {"changed": False, "run": f"{time.time():.3f}"}
        )

    def _unknown(self, role: str, variables: Variables) -> dict[str, t.Any] | None:
        names = {name for host in _hosts(variables) for name in variables["hostvars"][host]}
        found = unknown_variables({*names, *variables}, role)
        if not found:
            return None
        told = ", ".join(f"{name} (did you mean {alike}?)" if alike else name for name, alike in found.items())
        return _refused(option.UNKNOWN_VARIABLE(variables=told, role=pathlib.Path(role).name))

    def _wrong(self, entries: t.Sequence[tuple[pathlib.Path, str]], variables: Variables) -> dict[str, t.Any] | None:
        errors: list[str] = []
        for role, entry in entries:
            spec = _spec_of(role, entry)
            used, broken = self._evaluated(spec, variables)
            found = {**wrong_values({name: spec[name] for name in spec if name not in broken}, used), **broken}
            errors += found.values()
            errors += self._of_others(spec, used, set(found), variables)
        return _refused(option.WRONG_VARIABLES(errors="; ".join(errors))) if errors else None

    def _evaluated(self, spec: Spec, variables: Variables) -> tuple[dict[str, t.Any], dict[str, str]]:
        """Return the variables of a specification as tasks of the role use them, and why others have no value."""
        used, broken = {}, {}
        for name in spec:
            if name in variables:
                try:
                    used[name] = self._templar.template(variables[name])
                except AnsibleError as exc:
                    broken[name] = f"{name} cannot be evaluated: {first_line(str(exc))}"
        return used, broken

    def _of_others(self, spec: Spec, used: Variables, told: t.Collection[str], variables: Variables) -> list[str]:
        """Return what is wrong with the variables of the other hosts of the play."""
        first = variables["inventory_hostname"]
        shown = _shown(variables["hostvars"][first], spec)
        errors = []
        for host in _hosts(variables):
            if host != first:
                values = own_values(spec, used, shown, _shown(variables["hostvars"][host], spec))
                wrong = wrong_values({name: spec[name] for name in values if name not in told}, values)
                errors += [f"{sentence} (host {host})" for sentence in wrong.values()]
        return errors

    def _unmet(self, checks: t.Sequence[str], variables: Variables) -> dict[str, t.Any] | None:
        for name in checks:
            for check in self._templar.template(variables[name]):
                # A template may have made a text of a truth value.
                if check["that"] not in (True, "True"):
                    told = check["otherwise"]
                    return {"failed": True, "changed": False, "msg": told["msg"], "code": told["code"]}
        return None


def _refused(problem: Problem) -> dict[str, t.Any]:
    # As every failure of a role, the message ends with the code.
    return {**failed(problem), "msg": marked(problem)}


def _hosts(variables: Variables) -> list[str]:
    return list(variables.get("ansible_play_hosts_all") or [variables["inventory_hostname"]])


def _spec_of(role: pathlib.Path, entry: str) -> dict[str, dict[str, t.Any]]:
    """Return the options of an entry point; of its first entry point if it has no name."""
    specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    return dict((specs[entry] if entry else next(iter(specs.values()))).get("options") or {})


def _shown(variables: Variables, spec: Spec) -> dict[str, t.Any]:
    """Return the variables of a host in ``hostvars``, without those that only a task of the role can evaluate."""
    return {name: value for name in spec if (value := _value(variables, name)) is not None}


def _value(variables: Variables, name: str) -> t.Any:
    """Return a variable in ``hostvars``; None if it refers to one that is not there, such as a default of the role."""
    try:
        value = variables.get(name)
    except Exception:  # each release of ansible-core raises another one
        return None
    # ansible-core before 2.19 returns the template then.
    return None if isinstance(value, str) and "{{" in value else value
