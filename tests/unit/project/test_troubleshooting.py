# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/troubleshooting.md is made from the table of codes, and what users are told comes from that table."""

from __future__ import annotations

import ast
import pathlib
import re

import yaml
from ansible_collections.fleetops.odoo.tests.docs import troubleshooting

ROOT = pathlib.Path(__file__).parents[3]
#: Calls whose text reaches a user as a failure or a warning.
TELLING = frozenset(["fail_json", "warn", "warning", "AnsibleActionFail", "AnsibleFilterError", "AnsibleError"])
#: Keys of tasks whose text is a failure.
FAILING = ("fail_msg",)


def test_the_page_is_made_from_the_table() -> None:
    assert troubleshooting.TARGET.read_text(encoding="utf-8") == troubleshooting.page(), "run make docs"


def test_every_group_of_the_table_is_on_the_page() -> None:
    groups = {path.stem for path in (ROOT / "plugins/module_utils/_messages").glob("*.py")} - {"code"}
    assert groups == set(troubleshooting.GROUPS)


def literal(node: ast.expr) -> str | None:
    """The words of a text that stands in the code, without what is filled in; None for what is worked out elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
    if isinstance(node, ast.BinOp):
        parts = [literal(node.left), literal(node.right) if isinstance(node.op, ast.Add) else None]
        return "".join(filter(None, parts)) or None
    return None


def test_failures_and_warnings_of_plugins_have_no_words_of_their_own() -> None:
    guilty = []
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name not in TELLING:
                continue
            texts = [*node.args, *(one.value for one in node.keywords if one.arg in ("msg", "message"))]
            words = [word for one in texts for word in re.findall(r"[A-Za-z]{4,}", literal(one) or "")]
            if words:
                guilty.append(f"{path.relative_to(ROOT)}:{node.lineno}: {' '.join(words)}")
    assert guilty == []


def tasks(node: object) -> list[dict[str, object]]:
    """Every dictionary in a file of tasks."""
    if isinstance(node, dict):
        return [node, *(one for value in node.values() for one in tasks(value))]
    return [one for value in node for one in tasks(value)] if isinstance(node, list) else []


def test_failures_of_roles_come_from_the_table() -> None:
    guilty = []
    for folder in ("roles", "playbooks"):
        for path in sorted((ROOT / folder).rglob("tasks/*.yml")) + sorted((ROOT / folder).glob("*.yml")):
            for one in tasks(yaml.safe_load(path.read_text(encoding="utf-8"))):
                failing = [one[key] for key in FAILING if key in one]
                failing += [one["ansible.builtin.fail"]] if "ansible.builtin.fail" in one else []
                for text in failing:
                    said = str(text.get("msg", "") if isinstance(text, dict) else text)
                    outside = re.sub(r"\{\{.*?\}\}", "", said, flags=re.DOTALL)
                    if re.search(r"[A-Za-z]{4,} [a-z]{2,} ", outside):
                        guilty.append(f"{path.relative_to(ROOT)}: {' '.join(said.split())[:80]}")
    assert guilty == []
