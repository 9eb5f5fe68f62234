# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions as AWX takes them, and those that it would refuse."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from ansible_collections.fleetops.odoo.plugins.plugin_utils._awx.survey import survey_spec


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ({"variable": "a b", "type": "text"}, "awx.bad_variable"),
        ({"variable": "a", "type": "string"}, "awx.unknown_type"),
        ({"variable": "a", "type": "text", "hint": "x"}, "awx.unknown_key"),
        ({"variable": "a", "type": "float", "default": 300}, "awx.bad_default"),
        ({"variable": "a", "type": "integer", "default": True}, "awx.bad_default"),
        ({"variable": "a", "type": "text", "default": 1}, "awx.bad_default"),
        ({"variable": "a", "type": "float", "otherwise": 300}, "awx.bad_default"),
        ({"variable": "a", "type": "yes_no", "default": "yes"}, "awx.not_a_choice"),
        ({"variable": "a", "type": "choice", "default": "x"}, "awx.not_a_choice"),
        ({"variable": "a", "type": "choices", "choices": ["x"], "default": ["y"]}, "awx.not_a_choice"),
        ({"variable": "a", "type": "integer", "min": 0.5}, "awx.bad_limit"),
        ({"variable": "a", "type": "integer", "min": 1, "max": 3, "default": 4}, "awx.default_out_of_range"),
    ],
)
def test_a_question_that_awx_would_refuse_is_refused(question: dict[str, t.Any], code: str) -> None:
    with pytest.raises(Refused) as caught:
        survey_spec("x", [question])
    assert caught.value.code == code


def test_two_questions_for_one_variable_are_refused() -> None:
    with pytest.raises(Refused) as caught:
        survey_spec("x", [{"variable": "a", "type": "text"}] * 2)
    assert caught.value.code == "awx.bad_variable"


@pytest.mark.parametrize(
    ("question", "element"),
    [
        ({"type": "text", "default": ""}, {"type": "text", "default": "", "min": 0, "max": 1024}),
        ({"type": "text", "default": "x", "max": 8}, {"type": "text", "default": "x", "min": 1, "max": 8}),
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


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ({"type": "text"}, "Of all. If empty: the value of the inventory"),
        ({"type": "text", "otherwise": ""}, "Of all. If empty: the value of the inventory"),
        ({"type": "text", "otherwise": "UTC"}, "Of all. If empty: the value of the inventory, or UTC"),
        ({"type": "float", "otherwise": 300.0}, "Of all. If empty: the value of the inventory, or 300"),
        ({"type": "integer", "otherwise": 0}, "Of all. If empty: the value of the inventory, or 0"),
        (
            {"type": "choices", "choices": ["a", "b"], "otherwise": ["a", "b"]},
            "Of all. If empty: the value of the inventory, or a, b",
        ),
        ({"type": "text", "required": True}, "Of all."),
    ],
)
def test_without_a_default_the_help_says_what_an_empty_answer_means(question: dict[str, t.Any], told: str) -> None:
    (element,) = survey_spec("x", [{"variable": "count", "help": "Of all.", **question}])["spec"]
    assert element["question_description"] == told
    assert "default" not in element
    assert element.get("min", 1) == 1


def test_a_question_without_a_text_asks_for_its_variable() -> None:
    (element,) = survey_spec("x", [{"variable": "count", "type": "text", "required": True}])["spec"]
    assert (element["question_name"], element["question_description"], element["required"]) == ("count", "", True)
