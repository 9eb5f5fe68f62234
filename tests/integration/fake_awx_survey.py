# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check surveys and answers as AWX 24 does, and return the variables of a launch."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.fleetops.odoo.tests.integration.fake_awx_fields import Record


class Refused(Exception):
    """A request that AWX would answer with status 400."""

    def __init__(self, **errors: t.Any) -> None:
        super().__init__(str(errors))
        self.errors = errors


_DEFAULT_TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "textarea": (str,),
    "password": (str,),
    "multiplechoice": (str,),
    "multiselect": (str,),
    "integer": (int,),
    "float": (float, int),
}
#: What may be given when a template is launched, and what allows it. (AWX knows more; the modules and tests do not.)
_PROMPTS = {
    name: f"ask_{name}_on_launch" for name in ("inventory", "limit", "job_type", "verbosity", "diff_mode", "scm_branch")
}


def check_survey(survey: Record) -> None:
    """POST of a survey."""
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


def _is(value: t.Any, kinds: tuple[type, ...]) -> bool:
    """Return whether a value has a type; true and false are not numbers here, which is stricter than AWX."""
    return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def _check_question(number: int, one: Record) -> None:
    for field in ("type", "question_name", "variable", "required"):
        if not isinstance(one.get(field), bool if field == "required" else str):
            raise Refused(error=f"'{field}' in survey question {number} is missing or of another type.")
    if one["type"] not in _DEFAULT_TYPES:
        raise Refused(error=f"'{one['type']}' in survey question {number} is not an allowed question type.")
    default = one.get("default", "")
    if default != "" and not _is(default, _DEFAULT_TYPES[one["type"]]):
        raise Refused(error=f"Default value {default} in survey question {number} is of another type.")
    if isinstance(default, str) and default.startswith("$encrypted$"):
        raise Refused(error=f"$encrypted$ is a reserved keyword; survey question {number}.")
    for limit in ("min", "max"):
        if one.get(limit) is not None and not _is(one[limit], (int,)):
            raise Refused(error=f"The {limit} limit in survey question {number} expected to be integer.")
    if one["type"].startswith("multi"):
        _check_choices(number, one, default)


def _check_choices(number: int, one: Record, default: str) -> None:
    if "choices" not in one:
        raise Refused(error=f"Survey question {number} of type {one['type']} must specify choices.")
    # Empty lines are taken out before it is kept, so that what is read is not what was written.
    for field in ("choices", "default"):
        if isinstance(one.get(field), str):
            one[field] = "\n".join(line for line in one[field].splitlines() if line.strip())
    if one["type"] == "multiplechoice" and len(default.splitlines()) > 1:
        raise Refused(error="Multiple Choice (Single Select) can only have one default value.")
    if any(item not in one["choices"] for item in default.splitlines()):
        raise Refused(error="Default choice must be answered from the choices listed.")


def wrong(question: Record, data: Record, *, needed: bool = True) -> list[str]:
    """Return the errors of AWX for an answer.

    :param needed: whether a missing answer to a question that must be answered counts; not so for nodes.
    """
    name, kind = question["variable"], question["type"]
    if name not in data:
        return [f"'{name}' value missing"] if needed and question["required"] else []
    value = data[name]
    if kind == "multiselect":
        if not isinstance(value, list):
            return [f"'{name}' value is expected to be a list."]
        return [f"Value {one} for '{name}' is none of the choices." for one in value if one not in question["choices"]]
    if kind == "multiplechoice":
        return [] if value in question["choices"] else [f"Value {value} for '{name}' is none of the choices."]
    kinds: dict[str, tuple[type, ...]] = {"integer": (int,), "float": (float, int)}
    if type(value) not in kinds.get(kind, (str,)):
        return [f"Value {value!r} for '{name}' is of another type."]
    size = value if kind in kinds else len(value)
    low, high = question.get("min"), question.get("max")
    found = []
    if low not in ("", None) and size < low:
        found.append(f"'{name}' value {value} is too small (must be at least {low}).")
    if high not in ("", None) and size > high:
        found.append(f"'{name}' value {value} is too large (must be no more than {high}).")
    return found


def sort_out(template: Record, spec: t.Sequence[Record], given: Record, *, node: bool = False) -> Record:
    """The variables that a template takes of those that are given. The others are left out, where nothing is wrong.

    :param node: a node of a workflow is refused for what a launch of a job template ignores.
    """
    known = spec if template["survey_enabled"] else []
    errors = [error for one in known for error in wrong(one, given, needed=not node)]
    if errors:
        raise Refused(variables_needed_to_start=errors)
    taken = {one["variable"]: given[one["variable"]] for one in known if one["variable"] in given}
    strangers = {name: value for name, value in given.items() if name not in taken}
    if template["ask_variables_on_launch"]:
        return {**taken, **strangers}
    if strangers and (node or "job_type" not in template):
        raise Refused(extra_vars=[f"Variables {', '.join(strangers)} are not allowed on launch."])
    return taken


def filled(spec: t.Sequence[Record], given: Record) -> Record:
    """The variables of a job: defaults of the questions, but for those that would be no answer, and what is given.

    The default of a question with several choices is a text with a line for each, and its answer a list; so it is left
    out, and the role has its own.
    """
    defaults = {}
    for one in spec:
        default = one.get("default")
        if default is not None and not wrong(one, {one["variable"]: default}):
            defaults[one["variable"]] = default
    return {**defaults, **given}


def launch(template: Record, spec: t.Sequence[Record], body: Record) -> tuple[Record, Record]:
    """Return the variables of a job, and the ignored ones of the request."""
    given = body.get("extra_vars") or {}
    taken = sort_out(template, spec, given)
    ignored: Record = {}
    left = {name: value for name, value in given.items() if name not in taken}
    if left:
        ignored["extra_vars"] = left
    job = {name: template.get(name) for name in _PROMPTS if name in template}
    for name, ask in _PROMPTS.items():
        if name not in body or body[name] == template.get(name):
            continue
        if template.get(ask):
            job[name] = body[name]
        elif "job_type" in template:
            ignored[name] = body[name]
        else:
            raise Refused(**{name: "Field is not configured to prompt on launch."})
    own = json.loads(template["extra_vars"] or "{}")
    job["extra_vars"] = {**own, **filled(spec if template["survey_enabled"] else [], taken)}
    return job, ignored
