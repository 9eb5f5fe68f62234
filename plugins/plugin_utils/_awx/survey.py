# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Questions as a site writes them, as AWX wants its surveys. Pure.

AWX refuses a survey with a short sentence and half of the job done, so what it would refuse is refused here.

AWX passes the default of an unanswered question as an extra variable, and an extra variable beats the inventory (seen
on AWX 24.6.1). So a question that the inventory may decide has no default; ``otherwise`` says in its help what the role
takes where neither decides.
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
KEYS = frozenset(["variable", "question", "type", "default", "otherwise", "choices", "required", "help", "min", "max"])
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
        "question_description": _help(question),
        "variable": question["variable"],
        "type": TYPES[kind][0],
        "required": bool(question.get("required", False)),
    }
    if _value(question) is not None:
        value = _checked(where, question)
        if "default" in question:
            element["default"] = value
    choices = YES_NO if kind == "yes_no" else [str(one) for one in question.get("choices") or []]
    if kind in ("yes_no", "choice", "choices"):
        given = _value(question) or []
        wrong = [one for one in (given if isinstance(given, list) else [given]) if one not in choices]
        if not choices or wrong:
            values = {"value": _value(question), "choices": ", ".join(choices) or "its choices"}
            raise Refused(_codes.NOT_A_CHOICE(where=where, **values))
        element["choices"] = choices
    element.update(_limits(where, question))
    return element


def _value(question: Question) -> t.Any:
    """Return the default, or what the role takes otherwise; None where the question names neither."""
    return question.get("default", question.get("otherwise"))


def _help(question: Question) -> str:
    """Return the help of a question; without a default it says what an empty answer means."""
    text = str(question.get("help") or "")
    if question.get("default") is not None or question.get("required"):
        return text
    value = question.get("otherwise")
    shown = ", ".join(value) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else value
    rest = "" if value in (None, "", []) else f", or {shown}"
    return f"{text.rstrip('.')}. If empty: the value of the inventory{rest}".lstrip(". ")


def _checked(where: str, question: Question) -> t.Any:
    """Return a default as AWX wants it: a text, a number of exactly the type, or a text with a line for each choice."""
    value, wanted = _value(question), TYPES[question["type"]][1]
    # True is an int for Python, and a float without a fraction is an int for YAML.
    if isinstance(value, bool) or not isinstance(value, wanted):
        raise Refused(_codes.BAD_DEFAULT(where=where, wanted=wanted.__name__, value=value))
    return "\n".join(value) if isinstance(value, list) else value


def _limits(where: str, question: Question) -> dict[str, int]:
    # AWX's column of a variable's value has no limit, its form has. AWX leaves an empty text out of a launch from a
    # browser; a launch by the API that gives one would hide the inventory's value, so AWX is told to refuse it.
    limits = {"min": 0 if question.get("default") == "" else 1, "max": 1024} if question["type"] == "text" else {}
    for key in ("min", "max"):
        value = question.get(key, limits.get(key))
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            raise Refused(_codes.BAD_LIMIT(where=where, key=key, value=value))
        limits[key] = value
    default = _value(question)
    if limits and isinstance(default, (int, float)):
        low, high = limits.get("min", default), limits.get("max", default)
        if not low <= default <= high:
            raise Refused(_codes.DEFAULT_OUT_OF_RANGE(where=where, low=low, high=high, value=default))
    return limits
