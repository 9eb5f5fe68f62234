# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Remove from a line what terminals, web pages, word processors and exports have done to its characters. Pure."""

from __future__ import annotations

import html
import re
import typing as t

#: How programs show the escape character: as it is, and instead of it.
_ESCAPES = ("\x1b", "^[", "#033", "\\033", "\\x1b", "\\u001b", "\\e", "\u241b", "\ufffd", "<ESC>", "ESC", "<U+001B>")
_COLOUR = re.compile(r"(?:%s)\[[\d;]{0,32}[mK]" % "|".join(map(re.escape, _ESCAPES)))
#: What a terminal is told beside colours: modes, its title.
_TERMINAL = re.compile("\x1b(?:\\[[0-9;?]{0,32}[ -/]?[@-~]|\\][^\x07\x1b]{0,500}(?:\x07|\x1b\\\\)?|[()][AB012]|[=>78])")
#: A colour without the character, beside the level.
_BARE_COLOUR = re.compile(r"\[(?:\d{1,3};?){0,4}m")

_TAG = r"</?(?:html|head|body|main|pre|code|p|div|span|table|tbody|tr|td|th|ol|ul|li|br|tt|font|b|i)\b[^<>]{0,300}>"
_TAGS_BEFORE = re.compile(r"(?:\s*%s(?:\d{1,9}(?=</))?)+" % _TAG)
_TAGS_BEHIND = re.compile(r"(?:\s*%s)+\s*$" % _TAG)
#: Text of a web page whose signs were not put back.
_PAGE = re.compile(r"(?:Thread|Greenlet|File): &(?:lt|quot|#\d{2,3}|#x[0-9a-f]{2});", re.IGNORECASE)
#: Text of a Markdown editor.
_MARKDOWN = re.compile(r"^\\# |# (?:Thread|Greenlet): \\<")
_MARKED = re.compile(r"\\([\\`*_{}\[\]()<>#+.!|~-])")
#: Other blanks than that of the keyboard, and signs without a width.
_BLANKS = {ord(sign): " " for sign in "\xa0\u2007\u202f"}
_BLANKS.update(dict.fromkeys(map(ord, "\u200b\u2060\ufeff"), ""))
#: How quotation marks of a frame were written.
_QUOTES = re.compile(r'File: (?:""|(?P<slashes>\\+)["\']|(?P<smart>[\u201c-\u201f\u00ab\u00bb\u2033]))')
_SMART = {ord(sign): '"' for sign in "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033"}
_SMART.update(dict.fromkeys(map(ord, "\u2018\u2019"), "'"))


class Cleaner:
    """Cleans the lines of one log: what one line shows of the form holds for those behind it."""

    def __init__(self) -> None:
        #: text of a web page, and of a Markdown editor
        self._page = self._markdown = False
        self._unquote: t.Optional[t.Callable[[str], str]] = None

    @property
    def is_odd(self) -> bool:
        """Return whether lines that look like lines of Odoo must be cleaned, too."""
        return self._page or self._markdown or self._unquote is not None

    @staticmethod
    def clean(line: str) -> str:
        """Return the line without colours, and what else was for a terminal or a web page alone."""
        if "[" in line and ("m" in line or "K" in line):
            line = _COLOUR.sub("", line)
        if "\x1b" in line:
            line = _TERMINAL.sub("", line)
        if not line.isascii():
            line = line.translate(_BLANKS)
        return _without_tags(line) if line.endswith(">") or line.lstrip()[:1] == "<" else line

    def restore(self, line: str) -> str:
        """Return a line of text with the signs that it had before."""
        if "&" in line or self._page:
            self._page = self._page or _PAGE.search(line) is not None
            line = html.unescape(line).translate(_BLANKS) if self._page else line
        if "\\" in line:
            self._markdown = self._markdown or _MARKDOWN.search(line) is not None
            line = _MARKED.sub(r"\1", line) if self._markdown else line
        return self._with_quotes(line)

    def _with_quotes(self, line: str) -> str:
        found = _QUOTES.search(line) if "File: " in line else None
        if found:
            self._unquote = _smart if found.group("smart") else _slashed if found.group("slashes") else _doubled
        return self._unquote(line) if self._unquote else line


def without_bare_colours(line: str) -> str:
    """Return the line without colours whose escape character was lost."""
    return _BARE_COLOUR.sub("", line) if "[" in line and "m" in line else line


def _without_tags(line: str) -> str:
    before = _TAGS_BEFORE.match(line)
    line = line[before.end() :] if before else line
    return _TAGS_BEHIND.sub("", line)


def _smart(line: str) -> str:
    return line.translate(_SMART)


def _slashed(line: str) -> str:
    return line.replace('\\"', '"').replace("\\'", "'").replace("\\\\", "\\")


def _doubled(line: str) -> str:
    return line.replace('""', '"')
