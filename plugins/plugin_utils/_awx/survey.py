# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Questions as a site writes them, as AWX wants its surveys. Pure.

AWX refuses a survey with a short sentence and half of the job done, so what it would refuse is refused here.
"""

from __future__ import annotations

import typing as t

from ...module_utils._messages import awx as _codes
from ...module_utils._system.errors import Refused

Question = t.Mapping[str, t.Any]

#: Our type of a question: AWX's, and what a default must be.
TYPES: dict[str, tuple[str, type]] = {
    "text": ("text", str),
    "integer": ("integer", int),
    "float": ("float", float),
    "yes_no": ("multiplechoice", str),
    "choice": ("multiplechoice", str),
    "choices": ("multiselect", list),
}
KEYS = frozenset(["variable", "question", "type", "default", "choices", "required", "help", "min", "max"])
YES_NO = ["true", "false"]


def survey_spec(name: str, questions: t.Sequence[Question]) -> dict[str, t.Any]:
    """Return a survey for AWX.

    :param name: whose survey it is, for messages.
    :raises Refused: AWX would not take a question.
    """
    seen: set[str] = set()
    spec = []
    for question in questions:
        variable = str(question.get("variable") or "")
        where = f"{name}: the question for {variable or question!r}"
        if not variable.isidentifier() or variable in seen:
            raise Refused(_codes.BAD_VARIABLE(where=where))
        seen.add(variable)
        spec.append(_element(where, question))
    # AWX keeps both, and wants them.
    return {"name": "", "description": "", "spec": spec}


def _element(where: str, question: Question) -> dict[str, t.Any]:
    unknown = sorted(set(question) - KEYS)
    if unknown:
        raise Refused(_codes.UNKNOWN_KEY(where=where, keys=", ".join(unknown), known=", ".join(sorted(KEYS))))
    kind = question.get("type")
    if kind not in TYPES:
        raise Refused(_codes.UNKNOWN_TYPE(where=where, known=", ".join(TYPES), value=kind))
    element: dict[str, t.Any] = {
        "question_name": str(question.get("question") or question["variable"]),
        "question_description": str(question.get("help") or ""),
        "variable": question["variable"],
        "type": TYPES[kind][0],
        "required": bool(question.get("required", False)),
        "default": _default(where, question),
    }
    choices = YES_NO if kind == "yes_no" else [str(one) for one in question.get("choices") or []]
    if kind in ("yes_no", "choice", "choices"):
        given = question.get("default") or []
        wrong = [one for one in (given if isinstance(given, list) else [given]) if one not in choices]
        if not choices or wrong:
            values = {"value": question.get("default"), "choices": ", ".join(choices) or "its choices"}
            raise Refused(_codes.NOT_A_CHOICE(where=where, **values))
        element["choices"] = choices
    element.update(_limits(where, question))
    return element


def _default(where: str, question: Question) -> t.Any:
    """What AWX wants there: a text, a number of exactly the type, or a text with a line for each choice."""
    default, wanted = question.get("default"), TYPES[question["type"]][1]
    if default is None:
        return ""
    # True is an int for Python, and a float without a fraction is an int for YAML.
    if isinstance(default, bool) or not isinstance(default, wanted):
        raise Refused(_codes.BAD_DEFAULT(where=where, wanted=wanted.__name__, value=default))
    return "\n".join(default) if isinstance(default, list) else default


def _limits(where: str, question: Question) -> dict[str, int]:
    # What a text may be long: AWX's column of a variable's value has no limit, its form has.
    limits = {"min": 0, "max": 1024} if question["type"] == "text" else {}
    for key in ("min", "max"):
        value = question.get(key, limits.get(key))
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            raise Refused(_codes.BAD_LIMIT(where=where, key=key, value=value))
        limits[key] = value
    default = question.get("default")
    if limits and isinstance(default, (int, float)):
        low, high = limits.get("min", default), limits.get("max", default)
        if not low <= default <= high:
            raise Refused(_codes.DEFAULT_OUT_OF_RANGE(where=where, low=low, high=high, value=default))
    return limits
