# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Check whether answers of processes can be found in a log of this form. Pure."""

from __future__ import annotations

import re
import typing as t

from .._messages import dump
from .._messages.code import Problem
from .._system.redact import redact_text
from .._forms.carrier import Unwrapper
from .._forms.line import NO_PID, head_of

#: What only a record of a log has, how many lines with it are too many for a log of Odoo that has none of its heads,
#: and how many heads are enough. Characters of a line that are shown.
_SIGN = re.compile(r"\b(?:odoo|openerp|werkzeug)\.\w|\b(?:INFO|WARNING|ERROR|CRITICAL)\b", re.IGNORECASE)
_ENOUGH, _HEADS, _WIDTH = 3, 50, 160
#: This number of lines after the last head does not belong to its record.
_MANY = 10
#: How further lines of a record begin: a traceback, a dump.
_WITHIN = (" ", "# Thread: ", "# Greenlet: ", 'File: "')


def strange_form(source: str, lines: t.Sequence[t.Tuple[str, bytes]], processes: int, what: str) -> t.Optional[Problem]:
    """Return why answers could not be found in a log, from its last lines; None if they could.

    A log without records is not a reason.

    :param source: what to call the log.
    :param lines: its last lines, each with the process that the log names beside it.
    :param processes: number of processes that will be asked.
    """
    unwrapper = Unwrapper()
    strange: t.List[str] = []
    heads: t.List[bool] = []
    for carrier, raw in reversed(lines):
        for inner, line in unwrapper.lines(raw.decode("utf-8", "replace")):
            head = head_of(line)
            if head is not None:
                heads.append(head.pid != NO_PID or (carrier or inner).isdigit())
            elif _SIGN.search(line) and not line.startswith(_WITHIN):
                strange.append(line)
        # What counts is how it is written now: an addon may have changed the form when it was loaded.
        if len(heads) >= _HEADS or (not heads and len(strange) >= _MANY):
            break
    if heads:
        return None if any(heads) or processes == 1 else dump.LOG_WITHOUT_PIDS(source=source, what=what)
    if len(strange) < _ENOUGH:
        return None
    return dump.LOG_FORM(source=source, line=redact_text(strange[0].strip())[:_WIDTH], what=what)
