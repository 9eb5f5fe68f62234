# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The text of odoo.conf: its settings as configparser takes them, its lines, and the text without secrets."""

from __future__ import annotations

import configparser
import re
import typing as t

from .._system.redact import HIDDEN, is_plain, redact_text, smells

_LONG_BLANK = re.compile(r"[^\S\n]{257}")
_MOST_LINES = 10000


def section_of_options(text: str) -> t.Dict[str, str]:
    """Return the options of the section ``options`` of odoo.conf, with those of its section ``DEFAULT``.

    :raises configparser.Error: Odoo cannot read the file either, or it was not written for Odoo.
    """
    # configparser takes the square of a run of blanks, and of the number of lines that it does not understand: with a
    # megabyte of either it would take minutes to hours.
    if _LONG_BLANK.search(text):
        raise configparser.Error("a line has more than 256 blanks in a row")
    if text.count("\n") > _MOST_LINES:
        raise configparser.Error("it has more than %d lines" % _MOST_LINES)
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    return dict(parser.items("options")) if parser.has_section("options") else {}


class Entry(t.NamedTuple):
    """A line of odoo.conf: all before the value, and the value. ``key``: None for the head of a section."""

    head: str
    key: t.Optional[str]
    value: str


def conf_entries(text: str) -> t.Iterator[Entry]:
    """Yield the lines of odoo.conf as configparser reads them, without comments; also of a file that it cannot parse.

    A continuation line has the key of its first line. Other lines become values without a key (``""``).
    """
    key: t.Optional[str] = None
    for line in text.splitlines():
        bare = line.strip()
        if not bare or bare.startswith(("#", ";")):
            continue
        if line[0].isspace() and key is not None:
            yield Entry(line[: len(line) - len(line.lstrip())], key, bare)
            continue
        if bare.startswith("[") and bare.endswith("]"):
            key = None
            yield Entry(bare, None, "")
            continue
        found = re.match(r"([^=:]{1,200})[=:]\s*", bare)
        key = found.group(1).strip().lower() if found else ""
        yield Entry(found.group() if found else "", key, bare[found.end() :] if found else bare)


def redact_conf(text: str, known: t.Collection[str]) -> str:
    """Return odoo.conf without comments and secrets. Of unknown options it shows only the names.

    :param known: names of Odoo's own options.
    """
    shown = []
    for entry in conf_entries(text):
        harmless = entry.key is None or (not smells(entry.key) and (entry.key in known or is_plain(entry.value)))
        shown.append(entry.head + (redact_text(entry.value) if harmless else HIDDEN))
    return "\n".join(shown)
