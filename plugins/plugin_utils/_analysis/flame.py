# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""All stacks of all samples for a flame graph, each name, frame and stack once. Pure.

The form is described in docs/dumps.md.
"""

from __future__ import annotations

import re
import typing as t
from collections import Counter

from ...module_utils._dumps.stack import Frame
from .place import module_of, shown
from .sentences import path_of
from .work import Work, frames_key

#: How many different stacks there are at most: a page must be able to draw them.
_STACKS = 2000
#: What differs between two requests for the same thing.
_QUERY = re.compile(r"[?#].*$", re.DOTALL)


class _Table:
    """Texts by number, each once."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """Return the index of a text, and add a new text."""
        return self.numbers.setdefault(text, len(self.numbers))


def flame(work: t.Iterable[Work], addons: t.Sequence[str] = ()) -> dict[str, t.Any]:
    """Return the merged stacks of all work with their counts, by host, database and path of the url.

    :param addons: as for :func:`place_of`.
    """
    stacks: dict[t.Any, tuple[Frame, ...]] = {}
    seen: Counter[t.Any] = Counter()
    weights: Counter[tuple[t.Any, str, str, str]] = Counter()
    for one in work:
        names = (one.server.host, one.database or "", _asked_for(one))
        for place in one.places:
            key = frames_key(place)
            stacks.setdefault(key, place.frames)
            seen[key] += 1
            weights[(key, *names)] += 1

    frames, hosts, databases, paths, modules = _Table(), _Table(), _Table(), _Table(), _Table()
    kinds: dict[int, int | None] = {}
    numbers: dict[t.Any, int] = {}
    numbered: list[list[int]] = []
    for key, _count in seen.most_common(_STACKS):
        numbers[key] = len(numbered)
        numbered.append([])
        for frame in stacks[key]:
            number = frames.number(shown(frame))
            numbered[-1].append(number)
            if number not in kinds:
                module = module_of(frame.file, tuple(addons))
                kinds[number] = None if module is None else modules.number(module)
    samples = [
        [numbers[key], hosts.number(host), databases.number(database), paths.number(path), count]
        for (key, host, database, path), count in weights.items()
        if key in numbers
    ]
    return {
        "frames": list(frames.numbers),
        "modules": list(modules.numbers),
        "frame_modules": [kinds[number] for number in range(len(kinds))],
        "stacks": numbered,
        "hosts": list(hosts.numbers),
        "databases": list(databases.numbers),
        "paths": list(paths.numbers),
        "samples": samples,
        "left_out": sum(seen.values()) - sum(one[-1] for one in samples),
    }


def _asked_for(work: Work) -> str:
    """Return the path of a request, without server name and query, or the name of a job."""
    if work.url is None:
        return " or ".join(work.jobs)
    return _QUERY.sub("", path_of(work.url)) or "/"
