# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the check of words: every pattern, which parts of a file it reads, and its list of exceptions."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.fleetops.odoo.tests import words

ROOT = pathlib.Path(__file__).parents[3]


def patterns(path: str, text: str) -> list[str]:
    """Return the names of the patterns that the check finds in a file."""
    return [finding.pattern for finding in words.check(path, text)]


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("right is", "-1 cannot be used; right is a number above 0."),
        ("is no", "'yesterday' is no moment."),
        ("is none", "Return the unit; None where it is none."),
        ("person", "What keeps him from it."),
        ("person", "Nobody answers."),
        ("whatever", "Whatever py-spy prints is accepted."),
        ("who clause", "Read it. Who knows it, knows the code."),
        ("clause first", "Containers are refused. So are pods."),
        ("said", "Where that is not possible it is said why."),
        ("goes well", "The reload goes well."),
        ("comes through", "A server that comes through."),
        ("lets go", "The call lets go of the lock."),
        ("speaks", "The balancer speaks against it."),
        ("is lost", "The host is lost."),
        ("put right", "The fault is put right."),
        ("without a word", "It ended without a word."),
        ("bears", "An error is borne."),
        ("need not", "The server need not run."),
        ("is to", "The host is to be drained."),
        ("let it", "The role sees to it."),
        ("waited for", "The requests are waited for."),
        ("to its end", "The reload came to its end."),
        ("nevertheless", "It runs all the same."),
        ("anew", "The server starts anew."),
        ("takes away", "The boot takes away the drop-in."),
        ("since", "The server is left out, since it drains."),
        ("and so", "A boot removes the lock, and so does a release."),
        ("asked for", "The server does what it was asked for."),
    ],
)
def test_a_sentence_with_a_pattern_is_found(pattern: str, sentence: str) -> None:
    assert patterns("docs/guide.md", f"# A guide\n\n{sentence}\n") == [pattern]


def test_every_pattern_but_that_of_docstrings_has_a_sentence() -> None:
    marks = next(iter(vars(test_a_sentence_with_a_pattern_is_found)["pytestmark"]))
    assert {name for name, _sentence in marks.args[1]} == set(words.PATTERNS) - {"docstring"}


@pytest.mark.parametrize(
    "sentence",
    [
        "There is no public release.",
        "It is no longer there.",
        "The lock has been there since it was taken at 10:00.",
        "The user who runs the playbook.",
        "Write `nobody` for it.",
        "    nobody reads code\n",
        "```\nhe\n```\n",
        "See the section Where it lives.",
    ],
)
def test_a_plain_sentence_and_code_are_not_found(sentence: str) -> None:
    assert patterns("docs/guide.md", f"# A guide\n\n{sentence}\n") == []


@pytest.mark.parametrize("word", ["What", "Whether", "Who", "How", "Why", "Where", "Which", "It", "Have"])
def test_a_docstring_that_begins_with_a_clause_is_found(word: str) -> None:
    assert patterns("plugins/x.py", f'def f():\n    """{word} a server does."""\n') == ["docstring"]


def test_a_docstring_in_the_imperative_is_not_found() -> None:
    assert patterns("plugins/x.py", 'def f():\n    """Return what a server does."""\n') == []


def test_a_pattern_across_two_lines_of_a_comment_is_found_at_the_last() -> None:
    found = words.check("plugins/x.py", "x = 1\n# The name is\n# no name.\n")
    assert [(one.line, one.pattern) for one in found] == [(3, "is no")]


def test_a_text_of_a_plugin_is_read_and_one_of_a_test_is_not() -> None:
    text = 'x = "this is no path"\n'
    assert patterns("plugins/x.py", text) == ["is no"]
    assert patterns("tests/x.py", text) == []


def test_a_name_of_a_test_is_read() -> None:
    assert patterns("tests/x.py", "def test_a_link_is_no_lock():\n    pass\n") == ["is no"]


def test_names_descriptions_and_comments_of_yaml_are_read_and_expressions_are_not() -> None:
    text = """
- name: Ask whoever answers
  when: x is none
- name: Ask {{ 'a' if x is none }}
- description: >-
    A text that
    is none.
# He may.
"""
    found = words.check("roles/x/tasks/main.yml", text)
    assert [(one.line, one.pattern) for one in found] == [(2, "person"), (7, "is none"), (8, "person")]


def test_a_template_is_read_without_its_tags() -> None:
    assert patterns("plugins/x.html.j2", "<p>{{ a if b is none }}\n<p>nobody") == ["person"]


def test_a_finding_names_place_words_and_what_to_write() -> None:
    (finding,) = words.check("docs/guide.md", "a\nThe host is lost.\n")
    assert str(finding).startswith("docs/guide.md:2: [is lost] 'host is lost': write 'cannot be reached'")


def test_an_exception_counts_for_its_pattern_path_and_line_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "EXCEPTIONS", (("person", "docs/a.md", "user nobody", "its name"),))
    text = "The user nobody.\nNobody.\n"
    assert [one.line for one in words.check("docs/a.md", text)] == [2]
    assert [one.line for one in words.check("docs/b.md", text)] == [1, 2]


def test_every_exception_has_a_reason_and_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    exceptions = words.EXCEPTIONS
    monkeypatch.setattr(words, "EXCEPTIONS", ())
    for pattern, where, part, reason in exceptions:
        assert reason
        paths = [path for path in words.files(ROOT) if path.startswith(where)]
        texts = {path: (ROOT / path).read_text(encoding="utf-8") for path in paths}
        assert any(
            one.pattern == pattern and part in texts[path].splitlines()[one.line - 1]
            for path in paths
            for one in words.check(path, texts[path])
        ), (pattern, where, part)
