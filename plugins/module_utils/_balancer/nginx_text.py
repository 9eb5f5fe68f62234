# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""nginx's configuration as nginx reads it: directives and blocks, each with its place in the text. Pure.

The rules are those of nginx's own reader (ngx_conf_read_token): a comment, a quote or a closing brace counts only where
a word begins, ``${`` opens no block, and a backslash takes the next character as it is.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._messages import roll
from .._system.errors import Refused

_BLANKS = " \t\r\n"
#: Blocks within blocks; no configuration has so many.
_DEEPEST = 50


@dataclass(frozen=True)
class Directive:
    """One directive.

    :ivar words: its name and arguments, without quotes.
    :ivar end: where its semicolon or opening brace stands in the text.
    :ivar block: the directives of its block; None without one.
    """

    words: t.Tuple[str, ...]
    line: int
    end: int
    block: t.Optional[t.Tuple[Directive, ...]] = None

    @property
    def name(self) -> str:
        """Return the first word of the directive."""
        return self.words[0]


@dataclass
class _Reader:
    text: str
    path: str
    at: int = 0
    line: int = 1
    depth: int = 0
    words: t.List[str] = field(default_factory=list)

    def refuse(self, what: str) -> t.NoReturn:
        raise Refused(roll.NGINX_NOT_UNDERSTOOD(path=self.path, line=self.line, what=what))

    def next(self) -> str:
        """Return the next character, or an empty text at the end."""
        character = self.text[self.at : self.at + 1]
        self.at += 1
        if character == "\n":
            self.line += 1
        return character

    def block(self) -> t.Tuple[Directive, ...]:
        """Read directives up to the end of the block, or of the text."""
        found: t.List[Directive] = []
        while True:
            line, stop = self.words_until()
            words, self.words = tuple(self.words), []
            if stop in ("", "}"):
                if words:
                    self.refuse("a directive without an end")
                if bool(stop) != bool(self.depth):
                    self.refuse("one closing brace too many" if stop else "a closing brace is missing")
                return tuple(found)
            if not words:
                self.refuse("unexpected %r" % stop)
            end = self.at - 1
            if stop == ";":
                found.append(Directive(words, line, end))
                continue
            # What is in such a block is another language, with braces of its own.
            if words[0].endswith("_block"):
                self.refuse("the block of %s is not in the language of nginx" % words[0])
            self.depth += 1
            if self.depth > _DEEPEST:
                self.refuse("too many blocks within blocks")
            inner = self.block()
            self.depth -= 1
            found.append(Directive(words, line, end, inner))

    def words_until(self) -> t.Tuple[int, str]:
        """Read words up to ``;``, ``{``, ``}`` or the end; return the line of the first one, and what ended them."""
        first = 0
        while True:
            character = self.next()
            if not character:
                return first, ""
            if character in _BLANKS:
                continue
            if character == "#":
                while character not in ("", "\n"):
                    character = self.next()
                continue
            if character in ";{" or (character == "}" and not self.words):
                return first or self.line, character
            if character == "}":
                self.refuse("unexpected '}'")
            first = first or self.line
            stop = self.quoted(character) if character in "\"'" else self.plain(character)
            if stop:
                return first, stop

    def quoted(self, quote: str) -> str:
        """Read a quoted word; return ``;`` or ``{`` where one follows it at once."""
        word: t.List[str] = []
        while True:
            character = self.next()
            if not character:
                self.refuse("a quote without an end")
            if character == "\\":
                word += [character, self.next()]
                continue
            if character == quote:
                break
            word.append(character)
        self.words.append("".join(word))
        after = self.next()
        if after and after not in _BLANKS + ";{)":
            self.refuse("unexpected %r after a quote" % after)
        if after == ")":
            self.at -= 1
        return after if after and after in ";{" else ""

    def plain(self, character: str) -> str:
        """Read a word without quotes; return ``;`` or ``{`` where that ends it."""
        word: t.List[str] = []
        variable = False
        while True:
            if character == "\\":
                word += [character, self.next()]
                variable = False
            elif not character or character in _BLANKS + ";" or (character == "{" and not variable):
                self.words.append("".join(word))
                return character if character and character in ";{" else ""
            else:
                variable = character == "$" or (variable and character == "{")
                word.append(character)
            character = self.next()


def parse(text: str, path: str) -> t.Tuple[Directive, ...]:
    """Parse a file of nginx's configuration.

    :param path: what messages call it.
    :raises Refused: it is not understood.
    """
    return _Reader(text, path).block()
