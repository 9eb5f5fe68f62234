# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWX 24 says of a survey, and of an answer to a question of it."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.odoo.tests.integration.fake_awx_fields import Record


class Refused(Exception):
    """A request that AWX would answer with status 400."""

    def __init__(self, **errors: t.Any) -> None:
        super().__init__(str(errors))
        self.errors = errors


_DEFAULT_TYPES: dict[str, type] = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": str,
    "integer": int,
    "float": float,
}


def check_survey(survey: Record) -> None:
    for field, wanted in (("name", str), ("description", str), ("spec", list)):
        if not isinstance(survey.get(field), wanted):
            raise Refused(error=f"'{field}' missing from survey spec.")
    if not survey["spec"]:
        raise Refused(error="'spec' doesn't contain any items.")
    seen = set()
    for number, one in enumerate(survey["spec"]):
        _check_question(number, one)
        if one["variable"] in seen:
            raise Refused(error=f"'variable' '{one['variable']}' duplicated in survey question {number}.")
        seen.add(one["variable"])


def _check_question(number: int, one: Record) -> None:
    for field in ("type", "question_name", "variable", "required"):
        if not isinstance(one.get(field), bool if field == "required" else str):
            raise Refused(error=f"'{field}' in survey question {number} is missing or of another type.")
    if one["type"] not in _DEFAULT_TYPES:
        raise Refused(error=f"'{one['type']}' in survey question {number} is not an allowed question type.")
    default = one.get("default", "")
    if default != "" and type(default) is not _DEFAULT_TYPES[one["type"]]:
        raise Refused(error=f"Default value {default} in survey question {number} is of another type.")
    for limit in ("min", "max"):
        if one.get(limit) is not None and type(one[limit]) is not int:
            raise Refused(error=f"The {limit} limit in survey question {number} expected to be integer.")
    if one["type"].startswith("multi"):
        if "choices" not in one:
            raise Refused(error=f"Survey question {number} of type {one['type']} must specify choices.")
        if any(item not in one["choices"] for item in default.splitlines()):
            raise Refused(error="Default choice must be answered from the choices listed.")


def answer(question: Record, value: t.Any) -> None:
    """A value that is given to a question, such as in a node."""
    wanted: t.Any = {"integer": int, "float": (int, float), "multiselect": list}.get(question["type"], str)
    if not isinstance(value, wanted):
        raise Refused(variables_needed_to_start=[f"Value {value!r} for '{question['variable']}' is of another type."])
    if question["type"] == "multiplechoice" and value not in question["choices"]:
        raise Refused(variables_needed_to_start=[f"Value {value!r} is none of the choices."])
