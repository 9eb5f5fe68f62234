# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Texts of queries, without what they must not show. Pure."""

from __future__ import annotations

import re

from .._system.redact import redact_text, smells

#: Characters of a query that are kept.
_LONGEST = 1000

#: A query may be cut anywhere, so that every string and comment may end with the text.
_PARTS = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))"
    r"|(?P<name>\"[^\"]*(?:\"|\Z))"
    r"|(?P<string>[eE]'(?:[^'\\]|\\.|'')*(?:'|\\?\Z)|'(?:[^']|'')*(?:'|\Z)"
    r"|\$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z))"
    r"|(?P<number>(?<![\w.$])\d[\d.]*(?:[eE][+-]?\d+)?(?!\w))",
    re.DOTALL,
)
_LIST = re.compile(r"\?(?:\s*,\s*\?)+")


def shown_query(text: str, *, hide_literals: bool = False) -> str:
    """Return a query in one line, in a form that may be shown.

    Everything after the name of a secret is hidden, as in a log. If such a name occurs anywhere, the values may
    be elsewhere (``INSERT INTO t (login, password) VALUES …``), so all of them are hidden.

    :param hide_literals: hide every string and number, and the comments, in any query.
    """
    if hide_literals or smells(text):
        text = without_literals(text)
    shown = " ".join(redact_text(text).split())
    return shown if len(shown) <= _LONGEST else shown[:_LONGEST] + " …"


def without_literals(text: str) -> str:
    """Return a query with ``?`` for every string and number, without comments."""

    def replace(found: re.Match[str]) -> str:
        if found.group("comment") is not None:
            return " "
        return found.group() if found.group("name") is not None else "?"

    return _LIST.sub("?, …", _PARTS.sub(replace, text))
