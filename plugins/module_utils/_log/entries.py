# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Convert entries of the journal, podman and docker back to the lines of a server's log. Pure."""

from __future__ import annotations

import json
import re
import time
import typing as t

#: "Odoo Server 19.0:db:INFO:odoo.tools.misc:" and the text (seen on Odoo 19.0).
_SYSLOG_HEAD = re.compile(rb"[A-Z]\w+ Server [^:\n]*:(?P<database>[^:\s]+):(?P<level>[A-Z]+):(?P<logger>[\w.]+):")


class Entry(t.NamedTuple):
    """An entry of the journal. ``partial``: its message goes on in the next one."""

    pid: str
    message: bytes
    partial: bool


def journal_entry(line: bytes) -> t.Optional[Entry]:
    """Return an entry of the JSON output of journalctl; None for other lines, or without a message. Pure.

    A message that is not UTF-8 comes as a list of numbers. Odoo's lines in syslog have another head, without time
    and pid: this function restores it.
    """
    try:
        entry = json.loads(line.decode("utf-8"))
        message = entry.get("MESSAGE")
        text = message.encode("utf-8") if isinstance(message, str) else bytes(message)
        text = text[:-1] if text.endswith(b"\n") else text  # conmon keeps the end of a line
        pid = str(entry.get("_PID", ""))
        if entry.get("_TRANSPORT") == "syslog":
            text = from_syslog(text, pid, int(entry["__REALTIME_TIMESTAMP"]))
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError, RecursionError):
        return None
    return Entry(pid, text, entry.get("CONTAINER_PARTIAL_MESSAGE") == "true")


def from_syslog(message: bytes, pid: str, moment: int) -> bytes:
    """Return a record that Odoo has sent to syslog, with its usual head. Pure.

    :param moment: microseconds since the epoch.
    """
    found = _SYSLOG_HEAD.match(message)
    if not found:
        return message
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment // 1_000_000)).encode()
    head = b"%s,%03d %s %s %s %s: " % (
        clock,
        moment // 1000 % 1000,
        pid.encode(),
        found.group("level"),
        found.group("database"),
        found.group("logger"),
    )
    return head + message[found.end() :]


def k8s_entry(line: bytes) -> t.Tuple[str, bytes, bool]:
    """Stream and text of a line of podman's k8s-file, and whether the text goes on in the next (P). Pure.

    conmon reads 8 kB at a time and cuts a line there (seen with podman 4.3).
    """
    _time, _space, rest = line.rstrip(b"\n").partition(b" ")
    stream, _space, rest = rest.partition(b" ")
    tag, _space, text = rest.partition(b" ")
    return stream.decode("ascii", "replace"), text, tag == b"P"


def docker_entry(line: bytes) -> t.Tuple[str, bytes, bool]:
    """Return an entry of docker's json-file, in the form of its documentation. Pure."""
    try:
        entry = json.loads(line.decode("utf-8", "replace"))
        text = str(entry["log"]).encode("utf-8", "surrogatepass")
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", b"", False
    return str(entry.get("stream", "")), text.rstrip(b"\n"), not text.endswith(b"\n")
