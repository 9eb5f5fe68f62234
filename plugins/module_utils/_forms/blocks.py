# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Put together records with a line for each of their values: indented JSON, journalctl -o export and verbose. Pure."""

from __future__ import annotations

import json
import re
import typing as t

from .line import RECORD

#: Where a document of JSON begins: alone, or behind the host, as Ansible shows it.
_DOCUMENT = re.compile(r"(?P<indent>\s*)(?:[\w-]{1,20}: \[[^\]]{1,80}\](?: => \([^)]{0,80}\))? => )?\{$")
#: An entry of journalctl, in its format verbose, and fields in it and in the format export.
_VERBOSE = re.compile(r"\S+ \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S* .{0,40}\[s=[0-9a-f]+;i=[0-9a-f]+;.{0,200}\]$")
_FIELD = re.compile(r"(?P<indent> {4})?(?P<name>_{0,2}[A-Z][A-Z0-9_]{0,63})=(?P<value>.*)$", re.DOTALL)
#: A value of several lines in the format export: its name, then eight bytes of its length, the last of which are 0.
_NAME = re.compile(r"_{0,2}[A-Z][A-Z0-9_]{0,63}$")
#: Lines and characters of a block.
_MOST, _LONGEST = 100_000, 8 << 20

Values = t.Dict[str, t.Any]


class Blocks:
    """Collects the lines of such a record. ``is_open``: a record has begun."""

    def __init__(self) -> None:
        self.is_open = False
        self._lines: t.List[str] = []
        self._size = 0
        #: how a line begins with which the record ends; None for the journal's
        self._end: t.Optional[str] = None

    def begin(self, line: str) -> bool:
        """Return whether a record begins with this line. It is kept then."""
        document = _DOCUMENT.match(line) if line.endswith("{") else None
        if document is None and not line.startswith("__CURSOR=") and not (line.endswith("]") and _VERBOSE.match(line)):
            return False
        self.is_open, self._lines, self._size = True, [line], len(line)
        self._end = document.group("indent") + "}" if document else None
        return True

    def ends_before(self, line: str) -> bool:
        """Return whether a record is over with the line before this one."""
        if not self.is_open or self._end is not None:
            return False
        if self._lines[0].startswith("__CURSOR="):
            return line.startswith("__CURSOR=")
        return bool(line) and not line.startswith("    ")

    def take(self, line: str) -> t.Tuple[t.List[Values], t.List[str]]:
        """Take the next line. Returns the record that it completes, if there is one, and lines that need a reader."""
        self._lines.append(line)
        self._size += len(line)
        if len(self._lines) > _MOST or self._size > _LONGEST:
            return [], self.close()
        if self._end is None:
            # In a value of several lines one may be blank, too.
            if line or not self._lines[0].startswith("__CURSOR=") or not _FIELD.match(self._lines[-2]):
                return [], []
            self._lines.pop()
            return self.rest()
        if line.startswith(self._end):
            lines = self.close()
            text = "\n".join(lines)
            try:
                return [json.loads(text[text.index("{") :].rstrip().rstrip(","))], lines
            except (ValueError, RecursionError):
                return [], lines
        return ([], self.close()) if RECORD.match(line) else ([], [])

    def close(self) -> t.List[str]:
        """Return the lines so far, as they are."""
        lines, self._lines, self.is_open = self._lines, [], False
        return lines

    def rest(self) -> t.Tuple[t.List[Values], t.List[str]]:
        """Return the record that the end of a log completes, if there is one, and its lines."""
        journal, lines = self._end is None, self.close()
        found = _fields(lines) if journal else {}
        return ([found], lines) if "MESSAGE" in found else ([], lines)


def _fields(lines: t.Sequence[str]) -> Values:
    """Return the fields of an entry of the journal."""
    found: Values = {}
    name, indent, begins = "", 0, False
    for line in lines:
        field = _FIELD.match(line)
        if begins:
            found[name] = line[line.rfind("\0", 0, 48) + 1 :]
            begins = False
        elif field:
            name = field.group("name")
            indent = len(name) + 5 if field.group("indent") else 0
            found.setdefault(name, field.group("value"))
        elif _NAME.match(line):
            name, indent, begins = line, 0, True
        elif name:
            found[name] += "\n" + (line[indent:] if line[:indent].isspace() else line)
    return found
