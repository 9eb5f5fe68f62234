# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""``select``: masters chosen by a JMESPath expression, on the controller."""

from __future__ import annotations

import typing as t

from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils._messages import option
from ..module_utils._messages.host import NONE_SELECTED
from ..module_utils._system.errors import Refused
from .problems import action_failure
from .remote import ActionModule as Base

try:
    import jmespath
    from jmespath.exceptions import JMESPathError
except ImportError:
    jmespath = None

_INFO = "fleetops.odoo.master_info"


def select_masters(expression: str, masters: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    """Return the identities of the masters that an expression selects. Pure.

    :param masters: what ``master_info`` returns.
    :raises Refused: the expression cannot be parsed or evaluated, or returns neither masters nor identities.
    """
    try:
        found = jmespath.search(expression, masters)
    except (JMESPathError, TypeError, ValueError, AttributeError) as exc:
        raise Refused(option.BAD_SELECT(expression=expression, error=exc)) from exc
    if found is None:
        return []
    known = [master["identity"] for master in masters]
    several = found if isinstance(found, list) else [found]
    chosen = [one.get("identity") if isinstance(one, dict) else one for one in several]
    for one, identity in zip(several, chosen, strict=True):
        if identity not in known:
            raise Refused(option.SELECT_RETURNS(expression=expression, value=_short(one)))
    return [identity for identity in known if identity in chosen]


def _short(value: t.Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


class ActionModule(Base):
    """Runs the module of the same name; with ``select`` it looks first and hands on the identities."""

    #: what the option of this name is where a task does not say
    allow_none = False

    def _run(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        expression = arguments.pop("select", None)
        if expression is None or expression == "":
            return super()._run(arguments, task_vars)
        if jmespath is None:
            raise action_failure(option.NO_JMESPATH())
        if not isinstance(expression, str):
            raise action_failure(
                option.WRONG_TYPE(option="select", wanted="a JMESPath expression (a text)", value=repr(expression))
            )
        return self._selected(expression, arguments, task_vars)

    def _selected(self, expression: str, arguments: dict[str, t.Any], task_vars: t.Any) -> dict[str, t.Any]:
        users = {"users": arguments["users"]} if arguments.get("users") else {}
        look = self._call(_INFO, {"match": arguments.get("match") or {}, **users}, task_vars)
        if look.get("failed") or look.get("unreachable"):
            return look
        chosen = self._identities(expression, look["masters"])
        if not chosen:
            if boolean(arguments.get("allow_none", self.allow_none), strict=False):
                return self._none(arguments, task_vars)
            raise action_failure(NONE_SELECTED(count=len(look["masters"]), expression=expression), results=[])
        # The rest of `match` has done its work; a master that has gone meanwhile is found missing by the module.
        return self._call(self._task.action, {**arguments, "match": {"identity": chosen}}, task_vars)

    def _none(self, _arguments: dict[str, t.Any], _task_vars: t.Any) -> dict[str, t.Any]:
        return {"changed": False, "results": []}

    def _identities(self, expression: str, masters: t.Any) -> list[str]:
        try:
            return select_masters(expression, masters)
        except Refused as exc:
            raise action_failure(exc.problem) from None
