# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of codes: names, sentences, placeholders, and that every call of a code fills in what it needs."""

from __future__ import annotations

import ast
import importlib
import pathlib
import re
import string
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import code as code_file
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.code import Code, Problem

MESSAGES = pathlib.Path(code_file.__file__).parent
PLUGINS = MESSAGES.parents[1]
GROUPS = sorted(path.stem for path in MESSAGES.glob("*.py") if path.stem != "code")


def table() -> t.Iterator[tuple[str, str, Code]]:
    """Every code: the group it stands in, the name of its constant, and itself."""
    for group in GROUPS:
        module = importlib.import_module(f"{code_file.__package__}.{group}")
        for name, value in vars(module).items():
            if isinstance(value, Code):
                yield group, name, value


TABLE = list(table())
BY_CONSTANT = {(group, name): code for group, name, code in TABLE}


def placeholders(code: Code) -> set[str]:
    """Names of the values that a code needs."""
    fields = [field for text in (code.sentence, code.remedy) for _l, field, _s, _c in string.Formatter().parse(text)]
    return {field for field in fields if field is not None}


def test_no_two_codes_have_the_same_name() -> None:
    names = [code.name for _group, _name, code in TABLE]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("group", "constant", "code"), TABLE, ids=[code.name for _g, _n, code in TABLE])
def test_a_code_is_well_formed(group: str, constant: str, code: Code) -> None:
    prefix, _dot, what = code.name.partition(".")
    # The groups of the controller share a file: balancer.* stands with roll.*.
    assert re.fullmatch(r"[a-z]+", prefix)
    assert prefix == group or group in ("roll", "bundle", "dump")
    assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", what)
    assert constant.isupper()
    assert not code.sentence.endswith((".", " ", ":"))
    assert code.sentence == code.sentence.strip()
    assert not code.remedy or code.remedy == "{remedy}" or code.remedy.endswith((".", "daemon-reload"))
    assert all(re.fullmatch(r"[a-z_]+", name) for name in placeholders(code))


#: Patterns of words to avoid in sentences: a process is not a person, and the remedy is an instruction.
AVOIDED = re.compile(
    r"\b(right is|right are|is no|is none|whoever|nobody|somebody|him|who)\b|still waiting for|goes well", re.IGNORECASE
)


@pytest.mark.parametrize("code", [code for _g, _n, code in TABLE], ids=lambda code: code.name)
def test_a_sentence_avoids_riddles(code: Code) -> None:
    assert not AVOIDED.search(code.sentence)
    assert not AVOIDED.search(code.remedy)


def calls() -> t.Iterator[tuple[str, int, tuple[str, str], set[str] | None]]:
    """Every call of a code in the collection: where, which code, and the values that it gives."""
    for path in sorted(PLUGINS.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        files: dict[str, str] = {}
        names: dict[str, tuple[str, str]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and "_messages" in (node.module or ""):
                group = (node.module or "").rpartition("_messages")[2].strip(".")
                for alias in node.names:
                    if group:
                        names[alias.asname or alias.name] = (group, alias.name)
                    else:
                        files[alias.asname or alias.name] = alias.name
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            function = node.func
            key = None
            if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
                key = (files.get(function.value.id, ""), function.attr)
            elif isinstance(function, ast.Name):
                key = names.get(function.id)
            if key in BY_CONSTANT:
                given = None if any(one.arg is None for one in node.keywords) else {str(o.arg) for o in node.keywords}
                yield str(path.relative_to(PLUGINS)), node.lineno, key, given


def test_every_call_fills_in_exactly_the_placeholders() -> None:
    wrong = [
        (path, line, BY_CONSTANT[key].name, sorted(given ^ placeholders(BY_CONSTANT[key])))
        for path, line, key, given in calls()
        if given is not None and given != placeholders(BY_CONSTANT[key])
    ]
    assert wrong == []


def test_every_code_is_used() -> None:
    sources = [path.read_text(encoding="utf-8") for path in PLUGINS.rglob("*.py") if path.parent != MESSAGES]
    root = PLUGINS.parent
    files = [path for folder in ("roles", "playbooks") for path in (root / folder).rglob("*.yml")]
    tasks = [path.read_text(encoding="utf-8") for path in files]
    text = "\n".join(sources + tasks)
    unused = [code.name for _g, name, code in TABLE if not re.search(rf"\b{name}\b", text) and code.name not in text]
    assert unused == []


def test_values_are_filled_in_and_kept() -> None:
    problem = Code("option.x", "{option} must be {least:d}", "Set {option}.")(option="count", least=1)
    assert problem == Problem("option.x", "count must be 1", "Set count.")
    assert str(problem) == "count must be 1. Set count."
    assert problem.values == {"option": "count", "least": 1}
    assert problem.told() == {"code": "option.x", "message": "count must be 1. Set count."}


def test_a_value_of_another_type_is_an_error() -> None:
    with pytest.raises(ValueError, match="format code 'd'"):
        Code("option.x", "{least:d}")(least="one")


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        (Code("host.x", "the host is gone", "Start it."), "The host is gone. Start it."),
        (Code("option.x", "timeout must be greater than 0"), "timeout must be greater than 0"),
        (Code("roll.x", "rolling_restart_hosts has no host"), "rolling_restart_hosts has no host"),
        (Code("bundle.x", "https://files.example.com/ answered 403"), "https://files.example.com/ answered 403"),
    ],
)
def test_a_message_begins_with_a_capital_letter_or_with_a_name(sentence: Code, message: str) -> None:
    assert sentence().message == message
