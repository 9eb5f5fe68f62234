# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The drained servers of a host, for modules that look for servers."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._drain.brief import brief
from .._drain.notes import Note, NoteBook, key_in
from .._processes.look import Look
from .._server.host import Host
from .common import chosen_by


def drained_here(module: AnsibleModule, host: Host, seen: Look) -> t.List[t.Dict[str, t.Any]]:
    """Return the drained servers that ``match`` and ``users`` choose and in whose place no server runs.

    :returns: of each ``server``, ``pid``, ``at`` and ``by``.
    """
    running = {key_in(seen, one) for one in seen.instances}
    gone = [one for one in NoteBook(host.store).all() if one.key not in running and _is_gone(host, one)]
    chosen = {one["identity"] for one in chosen_by(module, [note.as_master() for note in gone])}
    return [brief(dataclasses.asdict(note)) for note in gone if note.identity in chosen]


def _is_gone(host: Host, note: Note) -> bool:
    """Return whether the server of a note has ended by its drain, also if no call has seen its end."""
    return note.drained is not None or (note.sent is not None and not host.proc.lives(note.pid, note.start))
