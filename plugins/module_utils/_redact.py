# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Secrets never leave the host: what an argument vector, a log line or an error message shows of them."""

from __future__ import annotations

import re
import typing as t

HIDDEN = "********"

#: Options of Odoo whose value is a secret, and how short they may be written: optparse and argparse take any
#: unambiguous beginning of a long option.
_SECRET_OPTIONS = {"--db_password": len("--db_pa"), "--smtp-password": len("--smtp-pa"), "--password": len("--pa")}

# Every repetition has an end, so that a line of any length costs no more than its length.
_NAMES = (
    r"pass(?:wd|word|phrase|code)?|pwd|\bpw\b|secret|token|api[_-]?key|private[_-]?key|session[_-]?id|cookie"
    r"|authorization"
)
_SMELL = re.compile(r"(?i)%s" % _NAMES)
_NAME = r"(?:%s)[\w.-]{0,40}" % _NAMES
#: A name and a value, to the end of the line: where a value ends, nobody can tell without knowing its language.
_ASSIGNED = re.compile(r"(?im)(%s[\\'\"]{0,2}[ \t]{0,8}[=:][ \t]{0,8}).+$" % _NAME)
#: A line that is quoted because nobody could parse it.
_QUOTED = re.compile(r"(?im)(['\"][\w-]{0,40}%s(?:[ \t]|\\t){1,8}).+$" % _NAME)
#: All that stands before the host, names too: a token may be one.
_IN_URL = re.compile(r"(://)[^\s]{1,2000}@")


#: -w, also behind -s, the one short option that takes no value.
_SHORT_PASSWORD = re.compile(r"^(-s*w)(.*)$", re.DOTALL)


def redact_text(text: str) -> str:
    """``text`` with the values of secrets hidden: assignments (``db_password = x``) and URLs (``//user:x@host``)."""
    text = _IN_URL.sub(lambda m: m.group(1) + HIDDEN + "@", text)
    return _QUOTED.sub(lambda m: m.group(1) + HIDDEN, _ASSIGNED.sub(lambda m: m.group(1) + HIDDEN, text))


def smells(text: str) -> bool:
    """Whether a name that is one of a secret stands anywhere in a text."""
    return _SMELL.search(text) is not None


def redact_argv(argv: t.Sequence[str]) -> t.List[str]:
    """``argv`` with the values of secret options hidden, whether they stand in the same word or in the next."""
    shown: t.List[str] = []
    hide_next = False
    for word in argv:
        if hide_next:
            shown.append(HIDDEN)
            hide_next = False
            continue
        name, equals, _value = word.partition("=")
        if _is_secret(name):
            shown.append(name + "=" + HIDDEN if equals else name)
            hide_next = not equals
        elif _SHORT_PASSWORD.match(word):
            flags, password = t.cast("re.Match[str]", _SHORT_PASSWORD.match(word)).groups()
            shown.append(flags + HIDDEN if password else word)
            hide_next = not password
        else:
            shown.append(redact_text(word))
    return shown


def _is_secret(name: str) -> bool:
    if not name.startswith("--"):
        return False
    if any(option.startswith(name) and len(name) >= shortest for option, shortest in _SECRET_OPTIONS.items()):
        return True
    return re.search(r"(?i)passw|secret|token", name) is not None
