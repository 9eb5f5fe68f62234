# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The operation sent a signal or started a server, and failed. The log of the server shows the reason.

The result lists the steps that were done.
"""

from __future__ import annotations

from .code import Code

ENDED = Code("failed.ended", "the server ended {when}{successor}", "Read the last lines of its log for the reason.")
NOT_BACK = Code(
    "failed.not_back",
    "{supervisor} restarted the server, and the server did not come back: {why}",
    "Read the last lines of its log for the reason.",
)
LOAD = Code(
    "failed.load",
    "the server cannot load its code, so it does not become healthy: {error} (a traceback of pid {pid:d} in {log}; for"
    " {seconds:.0f} s {answer})",
    "Users get the same answer now. Correct the code or restore the earlier code, then run the task again.",
)
UNHEALTHY = Code(
    "failed.unhealthy",
    "the server has all its processes and does not become healthy: for {seconds:.0f} s {answer}",
    "Read the log of the server for the reason, or correct the option health.",
)
OS_ERROR = Code("failed.os_error", "{error}")
NOT_REACHED = Code(
    "failed.not_reached",
    "this server was not touched, because the operation on an earlier server was refused or failed",
    "Correct the problem of the earlier server, then run the task again.",
)
DRAINED_AWAY = Code(
    "failed.drained_away",
    "the server was draining before the reload began; the drain has finished, so no server is left to reload",
)
LOAD_NOT_RECORDED = Code(
    "failed.load_not_recorded",
    "the module cannot record when the server loaded its code ({error}), so the next call may reload it once more",
    "Correct the state directory that the error names.",
)
NO_EFFECT = Code(
    "failed.no_effect",
    "pid {pid:d} got {signal}, and the signal had no effect within {seconds:g} s: waiting for {missing}",
    "Read the log of the server for the reason.",
)
MASTER_ENDED = Code(
    "failed.master_ended", "the master with pid {pid:d} has ended", "Read the last lines of its log for the reason."
)
WORK_CUT_OFF = Code("failed.work_cut_off", "{signal} cut off work that had not ended: {work}")
PLACE_TAKEN = Code(
    "failed.place_taken",
    "{parent} started the server again: pid {pid:d} has the same {what}",
    "Configure {parent} so that the server stays down, then run the task again with hold set to external.",
)
BAD_END = Code(
    "failed.bad_end",
    "systemd ended {unit} (Result={result}), which may have cut off requests and jobs",
    "Run systemctl status {unit} on the host to find out why systemd ended it, then correct that setting.",
)
CONTAINER_BAD_END = Code(
    "failed.container_bad_end",
    "the container {name} did not end by itself ({why}), which may have cut off requests and jobs",
    "Run {runtime} logs {name} on the host, and find out what ended the container.",
)
DRAIN_NOT_RECORDED = Code(
    "failed.drain_not_recorded",
    "the server has ended, but the module cannot record the end of the drain ({error})",
    "Free some space in /run. The next call checks once more that the server has ended.",
)
COMMAND_ENDED = Code(
    "failed.command_ended",
    "the recorded command of the server ended with code {status:d} ({said})",
    "Correct the error in the brackets, then run the task again.",
)
NUMBER_RISES = Code(
    "failed.number_rises",
    "the module stopped sending TTOU on the way to {count:d} http workers, because the target of the master"
    " rises again and again",
    "Look for another program that sends TTIN to the master, and run fleetops.odoo.workers again with prove=true.",
)
NOT_REPLACED = Code(
    "failed.not_replaced",
    "the master did not replace {workers} within {seconds:.0f} s, so no other worker got a signal; the server"
    " now has {left}",
    "The target of the master is lower than the number of http workers that the server had, for example"
    " because another program sent it a TTOU. Run fleetops.odoo.workers with the count that you want.",
)
WORK_TIME_UNKNOWN = Code(
    "failed.work_time_unknown",
    "no worker with pid {pids} got a signal: its stack dump could not be read, so the module does not know"
    " how long it has been busy",
    "A worker that hangs outside of Python writes no dump; its master kills it after limit_time_real.",
)
LOST_WORK_UNKNOWN = Code(
    "failed.lost_work_unknown",
    "no stack dump of pid {pid:d} could be read, so it is not known which request or job was cut off",
)
