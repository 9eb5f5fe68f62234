# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Read on in a file that is held open, line by line, also when it is emptied meanwhile."""

from __future__ import annotations

import os
import typing as t

#: Bytes that are read at a time, and in one call before the caller gets to look at its clock.
CHUNK, AT_ONCE = 1 << 16, 32 << 20
#: Bytes of a line of a log that are kept: where a dump is one line, it may be long.
LONGEST = 1 << 20
#: Bytes before the place where reading goes on, by which a file that was emptied is known though it has grown again.
_REMEMBERED = 64
#: Bytes of the end of a log that tell its form.
LOOKED_AT = 1 << 18


class Lines:
    """Bytes put together to lines, wherever they were cut. Pure.

    :param longest: bytes of a line that are kept; what is behind them is dropped.
    """

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._rest = b""

    def feed(self, chunk: bytes) -> t.List[bytes]:
        """Return the lines that these bytes complete, each with its end."""
        *lines, rest = (self._rest + chunk).split(b"\n")
        self._rest = rest[: self._longest]
        return [line[: self._longest] + b"\n" for line in lines]


class Held:
    """A file that is read on from an offset."""

    def __init__(self, descriptor: int, offset: int) -> None:
        status = os.fstat(descriptor)
        self.descriptor = descriptor
        self.key = (status.st_dev, status.st_ino)
        self._offset = offset
        begin = max(0, offset - _REMEMBERED)
        self._before = os.pread(descriptor, offset - begin, begin)
        self._lines = Lines()

    def before(self) -> t.List[bytes]:
        """Return the last lines before the present position."""
        begin = max(0, self._offset - LOOKED_AT)
        lines = os.pread(self.descriptor, self._offset - begin, begin).splitlines(keepends=True)
        return lines[1:] if begin else lines

    def read(self) -> t.Iterator[bytes]:
        """Return the new lines, at most about 32 MB at a time."""
        left = AT_ONCE
        while left > 0:
            known = len(self._before)
            data = os.pread(self.descriptor, known + CHUNK, self._offset - known)
            if data[:known] != self._before:
                # It was emptied (copytruncate). One who does not append goes on behind a hole then.
                self._offset, self._before, self._lines = self._first(), b"", Lines()
                continue
            if len(data) == known:
                return
            self._before = data[-_REMEMBERED:]
            self._offset += len(data) - known
            left -= len(data) - known
            yield from self._lines.feed(data[known:])

    def _first(self) -> int:
        try:
            return os.lseek(self.descriptor, 0, os.SEEK_DATA)
        except OSError:  # it is empty
            return 0
