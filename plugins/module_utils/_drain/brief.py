# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Tell other calls about drained servers: name, time and owner of each drain, from the notes.

It imports little: ``roll_lock`` runs on hosts without psutil and on every host of a fleet.
"""

from __future__ import annotations

import datetime
import os
import typing as t

from .._system.clock import boot_id
from .._system.state_dir import StateDirectory

PREFIX, SUFFIX = "drain-", ".json"


def keys_of_notes(store: StateDirectory) -> t.List[str]:
    """Return the keys of all notes in a state directory, also of earlier boots."""
    try:
        names = os.listdir(store.path)
    except OSError:
        return []
    return [name[len(PREFIX) : -len(SUFFIX)] for name in names if name.startswith(PREFIX) and name.endswith(SUFFIX)]


def drained_servers(store: StateDirectory) -> t.List[t.Dict[str, t.Any]]:
    """Return the servers that a drain has ended since the boot, and no undrain has brought back; the oldest first."""
    found = []
    for key in keys_of_notes(store):
        try:
            note = store.read(PREFIX + key + SUFFIX)
            if note["boot"] == boot_id() and note["drained"] is not None:
                found.append((float(note["drained"]), brief(note)))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return [one for _time, one in sorted(found, key=lambda pair: pair[0])]


def brief(note: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    """Return what everybody may know of a drained server. Its note also has its command and its environment.

    :param note: its note. Where no call has seen its end, the begin of the drain counts.
    :raises KeyError, TypeError, ValueError: it is not such a note.
    """
    moment = datetime.datetime.fromtimestamp(float(note["drained"] or note["begun"]), datetime.timezone.utc)
    name = name_of(note["unit"], note["config_file"], note["http_port"])
    return {
        # A path may have bytes that are not UTF-8.
        "server": name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"),
        "pid": int(note["pid"]),
        "at": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "by": str(note.get("by") or ""),
    }


def name_of(unit: t.Optional[str], config_file: t.Optional[str], http_port: int) -> str:
    """Return what a drained server is called in messages."""
    return str(unit or config_file or "the server of port %d" % http_port)


def sentence(one: t.Mapping[str, t.Any]) -> str:
    """Return a sentence, without its full stop, from what :func:`brief` returns."""
    by = " by %s" % one["by"] if one.get("by") else ""
    return "%s (pid %s) was drained at %s%s" % (one["server"], one["pid"], one["at"], by)
