# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Processes of servers as lines of text: the servers with what belongs to them, then the one-off runs."""

from __future__ import annotations

import os
import typing as t

from .._processes.classify import Instance, Role
from .._processes.look import Look
from .._processes.process import Process
from .._system.redact import redact_argv
from .results import printable

#: Characters of a line that are shown, as in a log.
_WIDTH = 500


def process_tree(seen: Look, now: int) -> t.List[str]:
    """Return a line for every Odoo process of a look: servers with their processes, then one-off commands. Pure.

    :param now: the moment of the look, in clock ticks since boot.
    """
    lines = [line for instance in seen.instances for line in instance_tree(instance, now)]
    return lines + [_line(process, "one-off", now) for process in seen.one_off]


def instance_tree(instance: Instance, now: int) -> t.List[str]:
    """Return the lines of one server: its master, and its children by pid, indented. Pure.

    :param now: the moment of the look, in clock ticks since boot.
    """
    children = [
        "  " + _line(child.process, "%s %s" % (child.role, child.generation), now) for child in instance.children
    ]
    return [_line(instance.master, "%s %s" % (Role.MASTER, instance.state), now), *children]


def _line(process: Process, role: str, now: int) -> str:
    ticks = os.sysconf("SC_CLK_TCK")
    line = "%d %s rss=%.1fMB cpu=%.2fs age=%.1fs %s" % (
        process.pid,
        role,
        process.rss_pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
        process.cpu_ticks / ticks,
        max(0, now - process.start) / ticks,
        " ".join(redact_argv(process.argv)),
    )
    return t.cast(str, printable(line.rstrip().replace("\n", " ")))[:_WIDTH]
