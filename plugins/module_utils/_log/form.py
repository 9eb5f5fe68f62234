# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Check whether answers of processes can be found in a log of this form. Pure."""

from __future__ import annotations

import re
import typing as t

from .._forms.carrier import Unwrapper
from .._forms.line import NO_PID, head_of
from .._messages import dump
from .._messages.code import Problem
from .._system.redact import redact_text

#: Patterns that occur only in a record of a log: the name of a logger, a level.
_LOGGER = re.compile(r"\b(?:odoo|openerp|werkzeug)\.\w|\bwerkzeug\b", re.IGNORECASE)
_LEVEL = re.compile(r"\b(?:INFO|WARNING|ERROR|CRITICAL)\b", re.IGNORECASE)
#: Foreign lines that make a log strange if it has no head of a record (_ENOUGH), or after its last head (_MANY); heads
#: whose pids are checked (_HEADS); characters of a line that a message shows (_WIDTH).
_ENOUGH, _MANY, _HEADS, _WIDTH = 3, 10, 50, 160
#: How further lines of a record begin: a traceback, a dump.
_WITHIN = (" ", "# Thread: ", "# Greenlet: ", 'File: "')


def strange_form(source: str, lines: t.Sequence[t.Tuple[str, bytes]], unnamed: int, what: str) -> t.Optional[Problem]:
    """Return why answers could not be found in a log, from its last lines; None if they could.

    A log without records is not a reason.

    :param source: what to call the log.
    :param lines: its last lines, each with the process that the log names beside it.
    :param unnamed: number of processes that could not be told apart in a log without pids.
    """
    unwrapper = Unwrapper()
    #: since the last head, and whether one of them has both a logger and a level
    strange: t.List[str] = []
    sure = False
    heads: t.List[bool] = []
    for carrier, inner, line in _unwrapped(unwrapper, lines):
        head = head_of(line)
        # What counts is how it is written now: an addon may have changed the form when it was loaded.
        if head is not None:
            heads.append(head.pid != NO_PID or (carrier or inner).isdigit())
            strange, sure = [], False
        elif not line.startswith(_WITHIN) and (_LOGGER.search(line) or _LEVEL.search(line)):
            strange.append(line)
            sure = sure or bool(_LOGGER.search(line) and _LEVEL.search(line))
    if (heads and sure) or len(strange) >= (_MANY if heads else _ENOUGH):
        return dump.LOG_FORM(source=source, line=redact_text(strange[-1].strip())[:_WIDTH], what=what)
    if heads and not any(heads[-_HEADS:]) and unnamed > 0:
        return dump.LOG_WITHOUT_PIDS(source=source, what=what)
    return None


def _unwrapped(unwrapper: Unwrapper, lines: t.Sequence[t.Tuple[str, bytes]]) -> t.Iterator[t.Tuple[str, str, str]]:
    for carrier, raw in lines:
        for inner, line in unwrapper.lines(raw.decode("utf-8", "replace")):
            yield carrier, inner, line
    for inner, line in unwrapper.end():
        yield "", inner, line
