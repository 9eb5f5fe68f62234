# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nginx's language, against a configuration of many files that nginx itself accepts (tests/unit/captures/nginx)."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.nginx_text import Directive, parse
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from hypothesis import given
from hypothesis import strategies as st

from .nginx_files import folder

CORPUS = sorted(path for path in folder().rglob("*") if path.is_file())


def words(directives: t.Sequence[Directive]) -> list[t.Any]:
    """Directives as lists of words, blocks within them."""
    return [[*one.words, words(one.block)] if one.block is not None else list(one.words) for one in directives]


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_each_directive_ends_where_its_semicolon_or_brace_stands(path: t.Any) -> None:
    text = path.read_bytes().decode("utf-8", "surrogateescape")

    def check(directives: t.Sequence[Directive]) -> int:
        for one in directives:
            assert text[one.end] == (";" if one.block is None else "{")
            assert one.line == text.count("\n", 0, text.rindex(one.words[0].strip("\"'"), 0, one.end)) + 1
            check(one.block or ())
        return len(directives)

    assert check(parse(text, str(path)))


def test_quotes_comments_variables_and_backslashes() -> None:
    text = r"""a 'b # ; { }' "c\"d" e#f; # g ; {
        set $x ${y}z{w;}
        b \; \{ \  c\;d;
        if ($a ~ "}") { c; }
        ''{'' x;}"""
    assert words(parse(text, "x")) == [
        ["a", "b # ; { }", 'c\\"d', "e#f"],
        ["set", "$x", "${y}z", [["w"]]],
        ["b", "\\;", "\\{", "\\ ", "c\\;d"],
        ["if", "($a", "~", "}", ")", [["c"]]],
        ["", [["", "x"]]],
    ]


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a", 1, "a directive without an end"),
        ("a;\nb {\n c;\n", 4, "a closing brace is missing"),
        ("a;\n}\n", 2, "one closing brace too many"),
        ("a { b }", 1, "unexpected '}'"),
        (";", 1, "unexpected ';'"),
        ("\n{ a; }", 2, "unexpected '{'"),
        ("a 'b\nc", 2, "a quote without an end"),
        ("a 'b'c;", 1, "unexpected 'c' after a quote"),
        ("a {" * 60, 1, "too many blocks within blocks"),
        ("http {\n content_by_lua_block {\n if a then b = '}' end\n }\n}", 2, "content_by_lua_block"),
        ("init_by_lua_block{ x = [[ } ]] }", 1, "init_by_lua_block"),
    ],
)
def test_what_nginx_would_not_take_and_other_languages_are_refused(text: str, line: int, what: str) -> None:
    with pytest.raises(Refused, match="cannot parse") as raised:
        parse(text, "/etc/nginx/x.conf")
    assert raised.value.code == "nginx.not_understood"
    assert raised.value.problem.values["line"] == line
    assert what in raised.value.problem.values["what"]


@given(st.text(alphabet="ab ;{}#\"'$\\\n\t\r()", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse(text, "x")
    except Refused:
        return

    def places(directives: t.Sequence[Directive]) -> t.Iterator[int]:
        for one in directives:
            yield one.end
            yield from places(one.block or ())

    ends = list(places(found))
    assert ends == sorted(set(ends))
    assert all(text[end] in ";{" for end in ends)
