# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare a server that came back with what it was, and find what a drain has left behind."""

from __future__ import annotations

import typing as t

from .conftest import Fleet

#: Variables that are true of one process alone, or that Python and Odoo set for the process that a HUP makes of them.
OF_ONE = (
    "INVOCATION_ID|JOURNAL_STREAM|XDG_SESSION_ID|SYSTEMD_EXEC_PID|ODOO_HTTP_SOCKET_FD|ODOO_READY_SIGHUP_PID|"
    "LC_CTYPE|TZ|_"
)
#: The environment, limits, rights, folder and command. A HUP shortens the name of the interpreter.
LOOK = r"""cd "/proc/$1" || exit
tr "\0" "\n" <environ | sort | grep -vE "^($2)="
grep -v pending limits
grep -E "^(Uid|Gid|Groups|Umask|Cap|Seccomp|NoNewPrivs)" status
cut -d" " -f19 stat
cat oom_score_adj
readlink cwd
tr "\0" " " <cmdline | cut -d" " -f2-
sed "s/session-[0-9]*/session-N/" cgroup | tail -n 1
"""


def look_of(fleet: Fleet, host: str, match: t.Mapping[str, t.Any] | None = None) -> tuple[str, dict[str, int]]:
    """Return the environment and the limits of a master, and its workers: the same before and after."""
    master = fleet.master(host, **(match or {}))
    return fleet.run(host, "sh", "-c", LOOK, "sh", str(master["pid"]), OF_ONE), master["workers"]


def left_behind(fleet: Fleet, host: str) -> list[str]:
    """Return what a drain has left below /run, but for the empty files of locks."""
    places = "/run/systemd/system /run/systemd/transient /run/fleetops-odoo /run/user/*/systemd"
    found = f"find {places} -type f -name 'zz-fleetops*' -o -type f -name 'drain-*.json' 2>/dev/null; true"
    return fleet.run(host, "sh", "-c", found).split()
