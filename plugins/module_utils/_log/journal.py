# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The journal of systemd: the program that reads it, the journals of namespaces, and whether there is one to read."""

from __future__ import annotations

import os
import typing as t

from .._messages import dump
from .._messages.code import Problem
from .._system.programs import end_of_output

#: On a Debian 11 without a merged /usr there is only the second one.
_PROGRAMS = ("/usr/bin/journalctl", "/bin/journalctl")
_FOLDERS = ("/run/log/journal", "/var/log/journal")

#: What journald writes when it has left out entries of a service that wrote too many ("Suppressed 30 messages from
#: odoo.service", systemd.journal-fields(7)).
DROPPED = "a596d6fe7bfa4994828e72309e95d61e"


def journalctl() -> t.Optional[str]:
    """Return the path of journalctl; None if it is not installed."""
    return next((path for path in _PROGRAMS if os.path.exists(path)), None)


def command(program: str, *options: str, folders: t.Sequence[str] = _FOLDERS) -> t.List[str]:
    """Return how to call journalctl.

    A unit with LogNamespace= has a journal of its own, in a folder MACHINE.NAMESPACE (systemd 245 and later); an older
    journalctl does not know the option.
    """
    spaces = any("." in name for folder in folders for name in _names(folder))
    return [program, "--quiet", "--no-pager", *(["--namespace=*"] if spaces else []), *options]


def journal(most: int, *options: str) -> str:
    """Return the last ``most`` bytes of the messages that journalctl prints; empty without any."""
    program = journalctl()
    return end_of_output(most, *command(program, "--output=cat", *options)) if program else ""


def unreadable(uid: int, folders: t.Sequence[str] = _FOLDERS) -> t.Optional[Problem]:
    """Return why nothing of a process can be read from the journal of this host; None where something may be.

    :param uid: of the process. The entries of a user may be in a file of its own.
    """
    files = [
        os.path.join(folder, one, name)
        for folder in folders
        for one in _names(folder)
        for name in _names(os.path.join(folder, one))
        if name.endswith(".journal")
    ]
    if not files:
        return dump.NO_JOURNAL()
    mine = ("system", "user-%d" % uid)
    files = [path for path in files if os.path.basename(path).startswith(mine)]
    readable = any(os.access(path, os.R_OK, effective_ids=True) for path in files)
    if os.geteuid() == 0:
        return None if is_stored() else dump.NO_JOURNAL()
    return None if readable else dump.JOURNAL_RIGHTS()


def is_stored(root: str = "/proc") -> bool:
    """Return whether a journald of this system stores entries: it has a journal open. True where that is not visible.

    With Storage=none the files of an earlier journal stay, and nothing is added to them (systemd 247 and 252).
    """
    ours = _target(os.path.join(root, "self/ns/pid"))
    daemons = [pid for pid in _names(root) if pid.isdigit() and _comm(root, pid) == "systemd-journal"]
    daemons = [pid for pid in daemons if _target(os.path.join(root, pid, "ns/pid")) == ours]
    opened = [_open_files(os.path.join(root, pid, "fd")) for pid in daemons]
    return not opened or any(files is None or any(".journal" in path for path in files) for files in opened)


def _comm(root: str, pid: str) -> str:
    try:
        with open(os.path.join(root, pid, "comm"), encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def _target(path: str) -> t.Optional[str]:
    try:
        return os.readlink(path)
    except OSError:
        return None


def _open_files(folder: str) -> t.Optional[t.List[str]]:
    """Return where the descriptors of a process lead to; None where that is not visible."""
    try:
        return [_target(os.path.join(folder, name)) or "" for name in os.listdir(folder)]
    except OSError:
        return None


def _names(folder: str) -> t.List[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
