# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Check whether a systemd unit runs a server: its main process is the server, or a launcher above it.

Launchers (uv run, poetry run, su, a shell script, tini, conmon) are recognised by their position, not by their names.
"""

from __future__ import annotations

import os
import typing as t

from .._processes.proc import Gone, Proc
from .._processes.process import Process, parse_cgroup, parse_stat
from .ancestors import ancestors
from .systemd import Unit, unit_in

#: Programs that stand between a supervisor and a server, and end with it.
_WRAPPERS = frozenset(["sh", "bash", "dash", "env", "nice", "ionice", "runuser", "setpriv", "su", "sudo", "timeout"])
#: Where packages put their units. A main process of theirs above a server is a daemon, such as cron or sshd.
_PACKAGED = ("/lib/", "/usr/lib/")
#: Seconds within which a launcher starts its server. A loop has started a later server by itself.
_TOGETHER = 300.0


def keeps(proc: Proc, master: Process, unit: Unit) -> bool:
    """Return whether a unit is this server and nothing else."""
    if unit.main_pid is None:
        return _is_left_to_itself(proc, master, unit)
    if unit.main_pid == master.pid:
        return True
    above = ancestors(proc, master.pid)
    launcher = next((one for one in above if one.pid == unit.main_pid), None)
    if launcher is None:
        return master.ppid == unit.main_pid and _is_wrapper(proc, master.ppid)
    if (master.start - launcher.start) / os.sysconf("SC_CLK_TCK") > _TOGETHER:
        return False
    packaged = (unit.fragment or "").startswith(_PACKAGED)
    return not packaged or (above[0] is launcher and _is_wrapper(proc, launcher.pid))


def unit_above(
    proc: Proc, master: Process, show: t.Callable[[t.Collection[str]], t.Mapping[str, Unit]]
) -> t.Optional[str]:
    """Return the unit whose main process is above a server that is in no unit itself; None without one.

    PAM moves a server into a session, and its launcher with it (``su -`` in a unit); podman puts it into a scope. So
    all units are asked for their main process.

    :param show: asks systemd about units.
    """
    above = {one.pid: number for number, one in enumerate(ancestors(proc, master.pid))}
    if not above:
        return None
    units = {name: unit for name, unit in show(["*.service"]).items() if unit.main_pid in above}
    nearest = min(units, key=lambda name: above[t.cast(int, units[name].main_pid)], default=None)
    return nearest if nearest is not None and keeps(proc, master, units[nearest]) else None


def _is_wrapper(proc: Proc, pid: int) -> bool:
    try:
        return os.path.basename(proc.link(pid, "exe")) in _WRAPPERS
    except (Gone, PermissionError):
        return False


def _is_left_to_itself(proc: Proc, master: Process, unit: Unit) -> bool:
    """Return whether a unit without a main process has this server alone.

    So it is with a script in /etc/init.d, or with one that puts Odoo into the background (RemainAfterExit).
    """
    name = unit_in(master.cgroup)
    if unit.active_state != "active" or name is None:
        return False
    parents: t.Dict[int, int] = {}
    for pid in proc.pids():
        try:
            if unit_in(parse_cgroup(proc.text(pid, "cgroup"))) == name:
                parents[pid] = parse_stat(proc.text(pid, "stat")).ppid
        except (Gone, PermissionError, ValueError):
            continue
    return all(pid == master.pid or _is_below(pid, master.pid, parents) for pid in parents)


def _is_below(pid: int, top: int, parents: t.Mapping[int, int]) -> bool:
    while pid in parents and pid != top:
        pid = parents[pid]
    return pid == top
