# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""The end of a server's log: what it said while we waited for it. Secrets in it are hidden."""

from __future__ import annotations

import os
import stat
import subprocess
import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._instances import Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._options import Options
from ansible_collections.fleetops.odoo.plugins.module_utils._proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._redact import redact_text

_LARGEST_TAIL = 1 << 16
_JOURNALCTL = "/usr/bin/journalctl"


class LogMark:
    """A place in a server's log, taken before a signal; :meth:`tail` tells what came after it.

    The file is held open from the start: it is one that the server itself has open, so that a link put in its place
    cannot make root show some other file, and a rotation in between loses nothing.
    """

    def __init__(self, proc: Proc, instance: Instance, options: Options, unit: t.Optional[str], now: float) -> None:
        self.source: t.Optional[str] = None
        self._unit = unit
        self._since = now
        self._descriptor = -1
        self._offset = 0
        if options.logfile:
            self._hold(proc, instance, options.logfile)
        elif unit and os.path.exists(_JOURNALCTL):
            self.source = "the journal of %s" % unit

    def _hold(self, proc: Proc, instance: Instance, path: str) -> None:
        master = instance.master
        absolute = os.path.join(master.cwd or "/", path)
        try:
            descriptor = os.open(
                "%s/%d/root%s" % (proc.root, master.pid, absolute),
                os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW,
            )
        except OSError:
            return
        held = os.fstat(descriptor)
        if not stat.S_ISREG(held.st_mode) or (held.st_dev, held.st_ino) not in _open_files(proc, master.pid):
            os.close(descriptor)
            return
        self.source, self._descriptor, self._offset = absolute, descriptor, held.st_size

    def tail(self, lines: int = 12) -> t.List[str]:
        """The last lines since the mark, secrets hidden; empty when the log is out of reach."""
        if self._descriptor >= 0:
            end = os.fstat(self._descriptor).st_size
            begin = max(self._offset if end >= self._offset else 0, end - _LARGEST_TAIL)
            text = os.pread(self._descriptor, end - begin, begin).decode("utf-8", "replace")
        elif self.source and self._unit:
            text = self._journal(lines)
        else:
            return []
        return [redact_text(line.rstrip())[:500] for line in text.splitlines() if line.strip()][-lines:]

    def _journal(self, lines: int) -> str:
        command = [_JOURNALCTL, "--no-pager", "--quiet", "--output=cat", "--lines=%d" % lines]
        try:
            done = subprocess.run(  # pylint: disable=ansible-bad-function  # there is no AnsibleModule here
                [*command, "--since=@%d" % int(self._since), "--unit=%s" % self._unit],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=10,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.decode("utf-8", "replace")

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _open_files(proc: Proc, pid: int) -> t.Set[t.Tuple[int, int]]:
    folder = "%s/%d/fd" % (proc.root, pid)
    files = set()
    try:
        for entry in os.listdir(folder):
            try:
                status = os.stat(folder + "/" + entry)
            except OSError:
                continue
            files.add((status.st_dev, status.st_ino))
    except OSError:
        pass
    return files
