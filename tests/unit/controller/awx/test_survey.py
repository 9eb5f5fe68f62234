# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions as AWX takes them, and those that it would refuse."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.plugin_utils._awx.survey import BadSurvey, survey_spec


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({"variable": "a b", "type": "text"}, "needs a variable of its own"),
        ({"variable": "a", "type": "string"}, "has the type 'string'; right are text"),
        ({"variable": "a", "type": "text", "hint": "x"}, "has hint; right are"),
        ({"variable": "a", "type": "float", "default": 300}, "has the default 300; right is a value of the type float"),
        ({"variable": "a", "type": "integer", "default": True}, "right is a value of the type int"),
        ({"variable": "a", "type": "text", "default": 1}, "right is a value of the type str"),
        ({"variable": "a", "type": "yes_no", "default": "yes"}, "which is none of its choices"),
        ({"variable": "a", "type": "choice", "default": "x"}, "which is none of its choices"),
        ({"variable": "a", "type": "choices", "choices": ["x"], "default": ["y"]}, "which is none of its choices"),
        ({"variable": "a", "type": "integer", "min": 0.5}, "has min 0.5; right is a whole number"),
        ({"variable": "a", "type": "integer", "min": 1, "max": 3, "default": 4}, "which is not from 1 to 3"),
    ],
)
def test_a_question_that_awx_would_refuse_is_refused(question: dict[str, t.Any], message: str) -> None:
    with pytest.raises(BadSurvey, match=re.escape(message)):
        survey_spec("x", [question])


def test_two_questions_for_one_variable_are_refused() -> None:
    with pytest.raises(BadSurvey, match="variable of its own"):
        survey_spec("x", [{"variable": "a", "type": "text"}] * 2)


@pytest.mark.parametrize(
    ("question", "element"),
    [
        ({"type": "text"}, {"type": "text", "default": "", "min": 0, "max": 1024}),
        ({"type": "text", "default": "x", "max": 8}, {"type": "text", "default": "x", "min": 0, "max": 8}),
        ({"type": "integer", "default": 3, "min": 1}, {"type": "integer", "default": 3, "min": 1}),
        ({"type": "float", "default": 0.5}, {"type": "float", "default": 0.5}),
        (
            {"type": "yes_no", "default": "true"},
            {"type": "multiplechoice", "default": "true", "choices": ["true", "false"]},
        ),
        (
            {"type": "choice", "default": "a", "choices": ["a", 2]},
            {"type": "multiplechoice", "default": "a", "choices": ["a", "2"]},
        ),
        (
            {"type": "choices", "default": ["a", "b"], "choices": ["a", "b"]},
            {"type": "multiselect", "default": "a\nb", "choices": ["a", "b"]},
        ),
    ],
)
def test_a_question_becomes_an_element_of_a_survey(question: dict[str, t.Any], element: dict[str, t.Any]) -> None:
    survey = survey_spec("x", [{"variable": "count", "question": "How many?", "help": "Of all.", **question}])
    common = {"question_name": "How many?", "question_description": "Of all.", "variable": "count", "required": False}
    assert survey == {"name": "", "description": "", "spec": [{**common, **element}]}


def test_a_question_without_a_text_asks_for_its_variable() -> None:
    (element,) = survey_spec("x", [{"variable": "count", "type": "text", "required": True}])["spec"]
    assert (element["question_name"], element["question_description"], element["required"]) == ("count", "", True)
