# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Make the records of the hosts of a release from what its tasks register. Pure."""

from __future__ import annotations

import typing as t

from ..outcomes import of_run

Variables = t.Mapping[str, t.Any]
Record = dict[str, t.Any]

#: The registered result of the first task, which takes the lock; what the role notes of a host that failed.
LOCK, NOTED = "rolling_restart_lock", "rolling_restart_host"


def record(variables: Variables, run: str) -> Record:
    """Return the record of a host that is in the play at its end, as the filter ``outcomes`` takes it.

    :param variables: those of the host; only the names above are read. Each release registers the lock of each host.
    :param run: name of the run. What an earlier release has noted does not count.
    :returns: also ``was``, the ID of the lock that was released.
    """
    noted = of_run(variables, NOTED, run)
    if noted:
        return {**noted, "line": f"NOT RELEASED: {noted['failure']['reason']}"}
    lock = variables.get(LOCK)
    if not isinstance(lock, t.Mapping):
        return {}
    if lock.get("code"):
        return {"ok": True, "line": f"left alone: {lock.get('msg', '')}", "was": ""}
    was = str((lock.get("was") or {}).get("id") or "")
    return {"ok": True, "line": f"released from the roll {was}" if was else "nothing to release", "was": was}
