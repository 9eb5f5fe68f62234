# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Secrets never leave the host: what an argument vector, a log line or an error message shows of them."""

from __future__ import annotations

import re
import typing as t

HIDDEN = "********"

#: Options of Odoo whose value is a secret. optparse takes any unambiguous beginning of a long option.
_SECRET_OPTIONS = ("--db_password", "--smtp-password")
_SHORTEST = {"--db_password": len("--db_pa"), "--smtp-password": len("--smtp-pa")}

_NAMES = "passw(?:or)?d|passphrase|secret|token|api[_-]?key|private[_-]?key|session_id|cookie|authorization"
_WORD = r"[\w.-]*(?:%s)[\w.-]*" % _NAMES
_ASSIGNED = re.compile(r"(?i)(\b%s['\"]?\s*[=:]\s*)(?:(?:bearer|basic)\s+)?('[^']*'|\"[^\"]*\"|[^\s,;&'\")]+)" % _WORD)
_IN_URL = re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+(@)")


def redact_text(text: str) -> str:
    """``text`` with the values of secrets hidden: assignments (``db_password = x``) and URLs (``//user:x@host``)."""
    return _ASSIGNED.sub(lambda m: m.group(1) + HIDDEN, _IN_URL.sub(r"\1" + HIDDEN + r"\2", text))


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
        elif word.startswith("-w") and not word.startswith("--"):
            shown.append("-w" + HIDDEN if len(word) > 2 else word)
            hide_next = len(word) == 2
        else:
            shown.append(redact_text(word))
    return shown


def _is_secret(name: str) -> bool:
    if not name.startswith("--"):
        return False
    if any(option.startswith(name) and len(name) >= _SHORTEST[option] for option in _SECRET_OPTIONS):
        return True
    return re.search(r"(?i)passw|secret|token", name) is not None
