# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Learn what tools put in front of the lines of a log, and recognise it. Pure."""

from __future__ import annotations

import re
import typing as t

#: How lines of a dump begin where nothing stands before them, and behind a prefix, where code does, too.
PLAIN = ("# Thread: ", "# Greenlet: ", 'File: "')
_BEHIND = (*PLAIN, "  ")
#: The pid that syslog and the journal put beside a program's name, and RFC 5424 behind it.
PID = re.compile(r"\[(?P<pid>[0-9]{1,10})\]:? ?$|^(?:<\d{1,3}>)?1 \S+ \S+ \S+ (?P<rfc>[0-9]{1,10}) ")

_PIECES = re.compile(r"(?=[0-9a-f]*\d)[0-9a-f]{8,}|\d+(?:[.,]\d+)?|\s+|.", re.DOTALL)
#: A word of a prefix that tells nothing of who wrote the line: times, numbers, signs.
_NO_NAME = re.compile(r"(?:[\W\dTZ_]+|@[0-9a-f]{16,})$")
#: The key of a text of JSON that was broken.
_KEY = re.compile(r"""\s*["'][\w.@-]{1,40}["']\s*:\s*["']$""")
#: Line numbers, as grep -n and cat -n write them.
_NUMBERED = re.compile(r"^\s*\d+(?:[:\t-]|\s)|(?<=[:-])\d+[:-]$")

#: Shapes that are tried on a line, and that are learned of one log; characters of a prefix.
_TRIED, _LEARNED, _LONGEST = 16, 4096, 256


class Prefixes:
    """The prefixes of one log, by their shapes: numbers and times in them differ."""

    def __init__(self) -> None:
        self.shapes: t.Dict[str, t.Pattern[str]] = {}
        self._left = _LEARNED
        #: the shape that matched last, and the carriers of prefixes
        self.latest: t.Optional[t.Pattern[str]] = None
        self._carriers: t.Dict[str, str] = {}

    def latest_of(self, line: str) -> t.Optional[str]:
        """Return the prefix of a line of a dump, if it is of the shape that matched last."""
        known = t.cast("t.Pattern[str]", self.latest).match(line)
        return known.group() if known and _is_of_a_dump(line, known.end()) else None

    def of_a_dump(self, line: str) -> t.Optional[str]:
        """Return the prefix of a line of a dump; None without a known one."""
        for key in reversed(self.shapes):
            known = self.shapes[key].match(line)
            if known and _is_of_a_dump(line, known.end()):
                self.latest = self.shapes[key] = self.shapes.pop(key)
                return known.group()
        return None

    def of(self, line: str) -> str:
        """Return the known prefix of any line; "" without one."""
        found = (shape.match(line) for shape in reversed(list(self.shapes.values())))
        return next((known.group() for known in found if known and known.end()), "")

    def learn(self, prefix: str) -> None:
        """Remember a prefix."""
        # PowerShell marks the lines that match, and not those around them.
        for one in (prefix, "  " + prefix[2:]) if prefix.startswith("> ") and prefix.endswith(":") else (prefix,):
            shape = _shape(one)
            if shape in self.shapes or self._left <= 0:
                continue
            self._left -= 1
            self.latest = self.shapes[shape] = re.compile(shape)
            if len(self.shapes) > _TRIED:
                del self.shapes[next(iter(self.shapes))]

    def forget_blanks(self) -> None:
        """Forget prefixes that are only blanks, because the indented part has ended."""
        for shape in [shape for shape in self.shapes if shape.startswith("(")]:
            del self.shapes[shape]
            self.latest = None

    def carrier(self, prefix: str) -> str:
        """Return what a prefix shows of the writer of the line: a pid, or its words without times and numbers."""
        known = self._carriers.get(prefix)
        if known is None:
            if len(self._carriers) >= _LEARNED:
                self._carriers.clear()
            known = self._carriers[prefix] = _carrier(prefix)
        return known


def may_stand_before(prefix: str) -> bool:
    """Return whether a tool puts this before a line. An indented line of code may look like a part of a dump."""
    if len(prefix) > _LONGEST or _KEY.match(prefix):
        return False
    text = prefix.strip()
    return not prefix.startswith("  ") or not text or text[0] in "0123456789>|[<" or text == "MESSAGE="


def _is_of_a_dump(line: str, begin: int) -> bool:
    return begin == len(line) or line.startswith(_BEHIND, begin)


def _carrier(prefix: str) -> str:
    if not prefix.strip():
        return ""
    found = PID.search(prefix)
    if found:
        return found.group("pid") or found.group("rfc")
    words = (word for word in _NUMBERED.sub("", prefix).split() if not _NO_NAME.match(word))
    return " ".join(word.strip(":-|[]") for word in words)


def _shape(prefix: str) -> str:
    """Return a regular expression for such prefixes: numbers, and the width of blanks between words, may differ."""
    body = prefix.rstrip(" \t")
    blank = prefix[len(body) :]
    # In a table of values with commas, one is in quotation marks only where it must be.
    mark = '"?' if body.endswith((',"', '\t"')) and not blank else ""
    body = body[:-1] if mark else body
    pieces = []
    for piece in _PIECES.findall(body):
        if len(piece) > 1 and piece.isalnum() and not piece.isdigit():
            pieces.append("[0-9a-f]+")
        elif piece[0].isdigit():
            pieces.append(r"\d+(?:[.,]\d+)?")
        else:
            pieces.append(r"\s+" if piece.isspace() else re.escape(piece))
    return "".join(pieces) + mark + ("(?:%s|$)" % re.escape(blank) if blank else "")
