# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Find the file into which a syslog daemon (rsyslog, syslog-ng, busybox) writes what Odoo sends to /dev/log."""

from __future__ import annotations

import os
import stat
import typing as t

from .._forms.heads import SYSLOG
from .._processes.proc import Gone, Proc
from .._processes.process import parse_status
from .._supervisors.systemd import show_units
from .._system.files import end_of, open_regular

#: The socket of the daemon. systemd's journal has a link there.
SOCKET = "/dev/log"
#: Bytes of the end of a file in which a line of Odoo is looked for.
_LOOKED_AT = 1 << 18


class SyslogFile(t.NamedTuple):
    """A file of a syslog daemon that has lines of Odoo, and the pid of the daemon."""

    path: str
    daemon: int


def syslog_file(proc: Proc, socket: str = SOCKET) -> t.Optional[SyslogFile]:
    """Return the file with the newest line of Odoo that the daemon has open; None if there is none, or we see none."""
    found: t.List[t.Tuple[float, SyslogFile]] = []
    for daemon in _daemons(proc, socket):
        for path, name in _files(proc, daemon):
            if has_lines_of_odoo(_end_of(path)):
                found.append((os.stat(path).st_mtime, SyslogFile(name, daemon)))
    return max(found, default=(0.0, None))[1]


def open_syslog(proc: Proc, place: SyslogFile) -> t.Optional[int]:
    """Open the file for reading, by the descriptor that the daemon has of it; None without one.

    So no link that a user has put in its place is followed.
    """
    path = next((path for path, name in _files(proc, place.daemon) if name == place.path), None)
    try:
        return None if path is None else open_regular(path)
    except OSError:
        return None


def has_lines_of_odoo(text: str) -> bool:
    """Return whether a text has a record that Odoo has sent to syslog. Pure."""
    return any(SYSLOG.search(line) for line in text.split("\n") if " Server " in line)


def lines_of_odoo(text: str) -> str:
    """Return the lines of such records: other programs write to the file, too. Pure."""
    return "\n".join(line for line in text.split("\n") if SYSLOG.search(line))


def _daemons(proc: Proc, socket: str) -> t.Iterator[int]:
    """Yield the processes that have the socket, apart from systemd, which keeps it for them.

    Any user may have a socket of this name, in mounts of its own. So a daemon is one of root or of our own user, or the
    main process of the unit that systemd calls syslog.service (rsyslogd of Ubuntu has a user of its own).
    """
    try:
        rows = [line.split() for line in proc.lines(os.getpid(), "net/unix", 100_000)]
    except (Gone, OSError):
        return
    links = {"socket:[%s]" % row[6] for row in rows if row[7:] == [socket]}
    for pid in proc.pids() if links else ():
        try:
            if pid != 1 and any(link in links for link in proc.descriptors(pid)) and _is_trusted(proc, pid):
                yield pid
        except (Gone, OSError):
            continue


def _is_trusted(proc: Proc, pid: int) -> bool:
    try:
        status = parse_status(proc.text(pid, "status"))
    except ValueError:
        return False
    if status.has_one_user and status.uid in (0, os.geteuid()):
        return True
    return any(unit.main_pid == pid for unit in show_units(["syslog.service"]).values())


def _files(proc: Proc, pid: int) -> t.Iterator[t.Tuple[str, str]]:
    """Yield the files that a process has open for writing: how to open each again, and its name."""
    folder = "%s/%d/fd" % (proc.root, pid)
    try:
        numbers = os.listdir(folder)
    except OSError:
        return
    for number in numbers:
        path = folder + "/" + number
        try:
            if os.lstat(path).st_mode & stat.S_IWUSR and stat.S_ISREG(os.stat(path).st_mode):
                yield path, os.readlink(path)
        except OSError:
            continue


def _end_of(path: str) -> str:
    try:
        return end_of(path, _LOOKED_AT).decode("utf-8", "replace")
    except OSError:
        return ""
