# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The host lacks something, hides something, or has no server that is meant."""

from __future__ import annotations

from .code import Code

NO_PSUTIL = Code(
    "host.no_psutil",
    "{import_error}",
    "Install the package python3-psutil (Debian, Ubuntu), or psutil from PyPI, for a Python that root owns.",
)
NO_MASTER = Code(
    "host.no_master",
    "no Odoo master was found{matching}{others}{limits}",
    "Run fleetops.odoo.master_info to see what is found, correct match, or set allow_none.",
)
NO_PROCESS = Code(
    "host.no_process",
    "no process of the roles {roles} was found",
    "Choose roles that one of the servers has, or set allow_none.",
)
HIDDEN_PROCESSES = Code(
    "host.hidden_processes", "processes of other users are hidden (hidepid on {path})", "Run the task as root (become)."
)
HIDDEN_SOCKETS = Code(
    "host.hidden_sockets",
    "sockets, working directory and generation of {count:d} processes are not shown to this user",
    "Run the task as {user}.",
)
OTHER_RIGHTS = Code(
    "host.other_rights",
    "pid {pid:d} has the arguments of an Odoo server, but runs with the rights of another user ({ids}), so it is left"
    " out",
    "Find out how it was started.",
)
LOOKS_LIKE_ODOO = Code(
    "host.looks_like_odoo",
    "pid {pid:d} has odoo in its arguments and catches the signals of an Odoo server, but its command line is not"
    " understood, so it is left out",
    "If it is an Odoo server, start it by a script with a name such as odoo or odoo-bin, or report its command line.",
)
NOT_PYTHON = Code(
    "host.not_python",
    "pid {pid:d} has the arguments of an Odoo server, but its program {path} is not a Python interpreter, so it is left"
    " out",
    "Find out how it was started.",
)
PROGRAM_UNREADABLE = Code(
    "host.program_unreadable",
    "pid {pid:d} has the arguments of an Odoo server, but its program cannot be read ({error}), so it is left out",
    "Correct what the error names.",
)
PROGRAM_HIDDEN = Code(
    "host.program_hidden",
    "pid {pid:d} of root has the arguments of an Odoo server, but the kernel does not show its program, so it is left"
    " out",
    "Run the task as root (become).",
)
PROCESS_TOO_LARGE = Code(
    "host.process_too_large",
    "{name} of pid {pid:d} in /proc is larger than that of any server, so the process is left out",
    "Find out how it was started.",
)
PROCESS_TIMEOUT = Code(
    "host.process_timeout",
    "pid {pid:d} cannot be read within {seconds:g} s, so it is left out",
    "Look at the state of the process with ps, then run the task again.",
)
FILES_TIMEOUT = Code(
    "host.files_timeout",
    "the files that pid {pid:d} names cannot be read within {seconds:g} s, so it is left out",
    "Check the file systems on which its program, its code and its odoo.conf are, then run the task again.",
)
LOOK_TIMEOUT = Code(
    "host.look_timeout",
    "{count:d} processes were not looked at, because a look takes at most {seconds:g} s",
    "Run the task again when the host is less busy.",
)
SERVERS_TIMEOUT = Code(
    "host.servers_timeout",
    "{count:d} servers are left out, because the files that servers name are read for at most {seconds:g} s",
    "Find out how they were started, then run the task again.",
)
MORE_LEFT_OUT = Code(
    "host.more_left_out",
    "{count:d} more processes are left out for the same reason as those before ({code})",
    "Find out how they were started.",
)
USER_WITHOUT_UNIT = Code(
    "host.user_without_unit",
    "pid {pid:d} of user {user} is left out, because servers of several users match, and no unit, supervisor or"
    " container of the system runs a server of this user",
    "Set the option users to the users whose servers the task is for.",
)
USERS_UNCLEAR = Code(
    "host.users_unclear",
    "servers of the users {users} match, and no unit, supervisor or container of the system runs one of them",
    "Set the option users to the users whose servers the task is for.",
)
NEWER_VERSION = Code(
    "host.newer_version",
    "it runs Odoo {version}, and {newest} is the newest version that fleetops.odoo was tried with, so it is handled as"
    " {newest}",
    "Look for a newer fleetops.odoo. Until there is one, try what you do on a test server of this version first.",
)
CLOCK_MOVED = Code(
    "host.clock_moved",
    "the log of pid {pid:d} is older than the start of the process, so the clock of the host was set after it; the"
    " times of the log count",
    "Keep the clock of the host right (chrony, systemd-timesyncd). Until its next reload or restart, the server may be"
    " taken for stale once more than needed.",
)
NONE_SELECTED = Code(
    "host.none_selected",
    "the expression of select, {expression!r}, chooses none of the {count:d} masters of this host",
    "Correct the expression, or set allow_none.",
)
UNREACHABLE = Code("host.unreachable", "the host cannot be reached: {error}")
NOTHING_DRAINED = Code(
    "host.nothing_drained",
    "no server was drained on this host{matching} since it was booted, and no such server runs",
    "Start the server through its supervisor, or set allow_none.",
)
DUMPS_HIDDEN = Code(
    "host.dumps_hidden",
    "what the processes at work are doing cannot be seen ({why})",
    "Have the server log to a file or to the journal with log_level=info.",
)
