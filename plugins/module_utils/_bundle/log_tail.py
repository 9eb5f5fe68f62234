# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The end of a server's log, wherever it is kept, without what came before it."""

from __future__ import annotations

import os
import typing as t

from .._log.follow import (
    Unreachable,
    container_log,
    entry_of,
    of_container,
)
from .._log.journal import journal
from .._log.place import IN_CONTAINER, LogPlace, nowhere
from .._log.read import LogMark, shown_lines
from .._messages import dump
from .._processes.classify import Instance
from .._processes.container import runtime_of
from .._processes.proc import Proc
from .._system.files import open_regular


def end_of_log(
    proc: Proc, instance: Instance, place: LogPlace, unit: t.Optional[str], most: int, largest: int
) -> t.Tuple[str, t.List[str]]:
    """Return the name of a log and its last lines with secrets hidden.

    :param unit: of systemd, None where the server has none.
    :param most: lines.
    :param largest: bytes of a log that are looked at.
    :raises Unreachable: the log cannot be read.
    """
    master = instance.master
    if place.kind == IN_CONTAINER:
        source, lines = _of_container(*runtime_of(master), most, largest)
        return source, shown_lines(lines, most)
    mark = LogMark(proc, master, place, unit, 0)
    try:
        if mark.source is None:
            raise Unreachable(
                dump.LOG_UNREADABLE(path=place.path) if place.path else nowhere(place) or dump.NO_JOURNALCTL()
            )
        return mark.source, mark.last(most, largest)
    finally:
        mark.close()


def _of_container(runtime: str, name: t.Optional[str], most: int, largest: int) -> t.Tuple[str, t.List[str]]:
    source, driver, path = container_log(runtime, name)
    if driver == "journald":
        return source, journal(largest, "--lines=%d" % most, *of_container(name)).splitlines()
    entry = entry_of(runtime, driver, path)
    try:
        descriptor = open_regular(path, os.O_NOFOLLOW)
    except OSError as exc:
        raise Unreachable(dump.LOG_ERROR(source=source, error=exc.strerror or exc)) from exc
    try:
        end = os.fstat(descriptor).st_size
        begin = max(0, end - largest)
        data = os.pread(descriptor, end - begin, begin)
    finally:
        os.close(descriptor)
    if begin:
        data = data.partition(b"\n")[2]
    return source, joined(data.splitlines(), entry)


def joined(lines: t.Iterable[bytes], entry: t.Callable[[bytes], t.Tuple[str, bytes, bool]]) -> t.List[str]:
    """Join the lines of the entries of a container's log that were cut. Pure."""
    found: t.List[str] = []
    partial: t.Dict[str, bytes] = {}
    for line in lines:
        stream, text, goes_on = entry(line)
        whole = partial.pop(stream, b"") + text
        if goes_on:
            partial[stream] = whole
        else:
            found.append(whole.decode("utf-8", "replace"))
    return found
