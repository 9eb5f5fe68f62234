# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Something was sent or started, and it did not end well. The result says what was done, the log of the server why."""

from __future__ import annotations

from .code import Code

ENDED = Code("failed.ended", "the server ended {when}{successor}", "The last lines of its log say why.")
NOT_BACK = Code(
    "failed.not_back",
    "the server was restarted by {supervisor} and did not come back: {why}",
    "The last lines of its log say why.",
)
OS_ERROR = Code("failed.os_error", "{error}")
NOT_REACHED = Code(
    "failed.not_reached",
    "an earlier server was refused or failed, so this server was not begun",
    "Correct the earlier failure, then run the task again.",
)
DRAINED_AWAY = Code("failed.drained_away", "the drain of the server came to its end, and the server has ended")
LOAD_NOT_RECORDED = Code(
    "failed.load_not_recorded",
    "the time of the load cannot be written down ({error}), so the next call may reload the server once more",
)
NO_EFFECT = Code(
    "failed.no_effect",
    "{signal} was sent to pid {pid:d}, but its effect did not show within {seconds:g} s: waiting for {missing}",
)
MASTER_ENDED = Code("failed.master_ended", "the master with pid {pid:d} has ended", "Its log says why.")
WORK_CUT_OFF = Code("failed.work_cut_off", "{signal} cut off work that had not ended: {work}")
PLACE_TAKEN = Code(
    "failed.place_taken",
    "pid {pid:d}, a child of {parent}, has taken the place of the server (it has the same {what})",
    "Have {parent} keep the server down, then run the task again with hold set to external.",
)
BAD_END = Code(
    "failed.bad_end",
    "systemd ended {unit} (Result={result}), which may have cut off requests and jobs",
    "Run systemctl status {unit} on the host, and correct what made systemd end it.",
)
DRAIN_NOT_RECORDED = Code(
    "failed.drain_not_recorded",
    "the end of the drain cannot be written down ({error})",
    "Free some space in /run. The next call finds out once more that the server is gone.",
)
COMMAND_ENDED = Code(
    "failed.command_ended",
    "the recorded command was run and ended with code {status:d} ({said})",
    "Correct that, then run the task again.",
)
NUMBER_RISES = Code(
    "failed.number_rises",
    "the number of http workers that the master keeps up rises again and again, so it gets no more TTOU on the way to"
    " {count:d}",
    "Look for another program that sends TTIN to the master, and run fleetops.odoo.workers again with prove.",
)
NOT_REPLACED = Code(
    "failed.not_replaced",
    "the master did not replace {workers} within {seconds:.0f} s, so no other worker got a signal, and {left} are left",
    "The master keeps up fewer http workers than there were, as after a TTOU. Run fleetops.odoo.workers with the count"
    " that you want.",
)
WORK_TIME_UNKNOWN = Code(
    "failed.work_time_unknown",
    "pid {pids} wrote no stack dump, so it is not known how long it has been busy, and it is left alone",
    "A worker that hangs outside of Python writes none; its master kills it after limit_time_real.",
)
LOST_WORK_UNKNOWN = Code(
    "failed.lost_work_unknown",
    "pid {pid:d} wrote no stack dump, so it is not known which request or job was cut off",
)
