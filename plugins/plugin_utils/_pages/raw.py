# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The dumps themselves, small enough for a page: the lines below a thread's header once for the whole fleet. Pure.

Most threads of a fleet stand at the same few places, so what is left of a host are its headers.
"""

from __future__ import annotations

import typing as t

from ...module_utils._dumps.stack import Dump, Stack
from ...module_utils._system.redact import redact_text
from .._analysis.work import Source
from .render import packed

#: Stands before the number of a block in a line of its own; no line of a log keeps it.
_MARK = "\x01"
#: Characters for all dumps of a page, so that the rest of it has room below 10 MB.
BUDGET = 6_000_000


class _Blocks:
    """The lines below headers, each text once."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        # By identity: the parser gives threads at the same place the same frames.
        self._known: dict[int, tuple[Stack, int]] = {}

    def number(self, stack: Stack) -> int:
        """Return the index of the block of a thread."""
        known = self._known.get(id(stack))
        if known is None:
            text = "\n".join(_block(stack))
            known = self._known[id(stack)] = (stack, self.numbers.setdefault(text, len(self.numbers)))
        return known[1]


def raw_dumps(sources: t.Iterable[Source], first: t.Sequence[str] = (), budget: int = BUDGET) -> dict[str, t.Any]:
    """Return ``blocks``, packed, and the ``hosts`` with the number of their ``dumps`` and their ``text``, packed.

    Secrets in urls and code are hidden. Where the budget is spent, ``text`` is None.

    :param first: the hosts whose dumps come first.
    """
    blocks, texts, dumps = _Blocks(), dict[str, str](), dict[str, int]()
    for source in sources:
        # Packed at once: unpacked, those of a large fleet are hundreds of megabytes.
        texts[source.host] = packed("\n".join(line for dump in source.dumps for line in _lines(dump, blocks)))
        dumps[source.host] = len(source.dumps)
    shared = packed(_MARK.join(blocks.numbers))
    left = budget - len(shared)
    kept: dict[str, str] = {}
    order = {host: number for number, host in enumerate(first)}
    if left >= 0:
        for host in sorted(texts, key=lambda one: (order.get(one, len(order)), one)):
            if len(texts[host]) <= left:
                kept[host] = texts[host]
                left -= len(texts[host])
    return {
        "blocks": shared if kept else "",
        "hosts": [{"host": host, "dumps": dumps[host], "text": kept.get(host)} for host in sorted(texts)],
    }


def _lines(dump: Dump, blocks: _Blocks) -> t.Iterator[str]:
    day, _t, clock = dump.time.partition("T")
    time = f"{day} {clock.rstrip('Z').replace('.', ',')}".strip() or "(at an unknown time)"
    yield f"{time} {dump.pid or '?'} INFO {dump.database or '?'} odoo.tools.misc: "
    yield from (_plain(line) for line in dump.other)
    for stack in dump.threads:
        yield _plain(stack.header)
        yield f"{_MARK}{blocks.number(stack)}"


def _block(stack: Stack) -> t.Iterator[str]:
    for frame in stack.frames:
        yield _plain(f'File: "{frame.file}", line {frame.line}, in {frame.function}')
        if frame.source is not None:
            yield "  " + _plain(frame.source)
    yield from (_plain(line) for line in stack.other)


def _plain(line: str) -> str:
    return redact_text(line.replace(_MARK, "�"))
