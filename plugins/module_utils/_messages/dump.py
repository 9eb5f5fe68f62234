# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""A log cannot be read, or stacks, statistics or sessions are missing from it. The server goes on as before."""

from __future__ import annotations

from .code import Code

_AS_ROOT = "Run the task as root or as the user of the server (become)."

# The log of a server.
LEVEL = Code(
    "dump.level",
    "the log level of the server hides {what}, which the logger {logger} writes at level info",
    "Add {logger}:INFO to log_handler in odoo.conf, then restart the server.",
)
TERMINAL = Code("dump.terminal", "the log of the server goes to a terminal", "Set logfile in odoo.conf.")
NO_LOG = Code(
    "dump.no_log",
    "the log of the server goes nowhere that can be read from its host",
    "Set logfile in odoo.conf.",
)
LOG_UNREADABLE = Code(
    "dump.log_unreadable",
    "the log {path} is not a file that this user may read and that the server has open",
    _AS_ROOT,
)
LOG_MISSING = Code("dump.log_missing", "the folder of the log {path} does not exist", "Correct logfile in odoo.conf.")
LOG_ERROR = Code("dump.log_error", "{source} cannot be read ({error})")
NO_JOURNALCTL = Code("dump.no_journalctl", "the log goes to the journal, and journalctl is not installed")
NO_JOURNAL = Code(
    "dump.no_journal",
    "the log goes to the journal, and journald keeps no entries on this host",
    "Set Storage=auto in journald.conf, or logfile in odoo.conf.",
)
JOURNAL_RIGHTS = Code(
    "dump.journal_rights", "the log goes to the journal, and this user must not read its entries", _AS_ROOT
)
LOG_FORM = Code(
    "dump.log_form",
    "{source} is written in a form that is not understood, such as {line!r}, so no process is asked for its {what}",
    "Let Odoo write its log as it does by default, or read stacks with py-spy.",
)
LOG_WITHOUT_PIDS = Code(
    "dump.log_without_pids",
    "{source} does not tell which process wrote a record, so no process is asked for its {what}",
    "Add the pid to the format of the log, or read stacks with py-spy.",
)
JOURNALCTL_NOT_RUN = Code("dump.journalctl_not_run", "journalctl cannot be run ({error})")
CONTAINER = Code(
    "dump.container",
    "the container keeps the log of the server (runtime {runtime}), and its runtime cannot be asked from this host",
    "Run the task on the host of the container, as root. For stack dumps from the inside set backend to py-spy.",
)
CONTAINER_DRIVER = Code(
    "dump.container_driver",
    "{runtime} keeps the log of the container with the driver {driver}, which is not supported",
    "Use the driver journald, k8s-file (podman) or json-file (docker).",
)

# What a process writes to it.
NOT_WRITTEN = Code(
    "dump.not_written",
    "pid {pid:d} got {signals} and wrote no {what} within {seconds:g} s; its state is {state}, and it used"
    " {cpu:.1f} s of CPU meanwhile",
    "Run the task again, with a longer timeout.",
)
NO_STATISTICS = Code(
    "dump.no_statistics",
    "pid {pid:d} got {signals} and wrote no statistics within {seconds:g} s; before Odoo 19 a process with"
    " empty caches writes none",
    "Run the task again, with a longer timeout.",
)
IN_KERNEL = Code(
    "dump.in_kernel",
    "pid {pid:d} wrote no {what} within {seconds:g} s, because it waits in the kernel (state D), where signals have no"
    " effect",
    "Check its disks and network file systems.",
)
STOPPED = Code(
    "dump.stopped",
    "pid {pid:d} wrote no {what} within {seconds:g} s, because it is stopped (state {state})",
    "Continue the process (kill -CONT), or end the debugger that holds it.",
)
PROCESS_ENDED = Code("dump.process_ended", "pid {pid:d} ended before it wrote its {what}")
NOT_UNDERSTOOD_LINE = Code(
    "dump.not_understood_line",
    "pid {pid:d} got {signals}, and something came within {seconds:g} s in a form that is not understood: {line!r}",
    "Read the log of the server, or read stacks with py-spy.",
)
CUT = Code(
    "dump.cut",
    "the stacks of pid {pid:d} break off, so threads are missing{because}",
    "Where journald drops lines, raise LogRateLimitBurst of the unit; or read stacks with py-spy.",
)
DOUBTFUL = Code(
    "dump.doubtful",
    "{doubtful:d} of {written:d} answers with {what} are cut or not understood",
    "The warnings have the reason for each process.",
)
NOT_UNDERSTOOD = Code(
    "dump.not_understood",
    "the stacks of pid {pid:d} were written but not understood, so what the process does is not known",
    "Read the text of the dump (raw).",
)
UNFINISHED = Code(
    "dump.unfinished",
    "the end of the {what} of pid {pid:d} did not come within {seconds:g} s, so a part of them may be missing",
    "Run the task again, with a longer timeout.",
)
TOO_LARGE = Code(
    "dump.too_large",
    "the result would be larger than one call may return",
    "Ask for fewer samples, roles or servers at a time.",
)
INCOMPLETE = Code(
    "dump.incomplete",
    "{missing:d} of {wanted:d} answers with {what} are missing",
    "The key missing of the result has the reason for each process.",
)
NONE_ASKED = Code(
    "dump.none_asked",
    "no process could be asked for its {what}",
    "The key missing of the result has the reason for each process.",
)
EVIDENCE = Code(
    "dump.evidence",
    "{missing:d} of {asked:d} processes wrote no stacks within {seconds:g} s",
    "fleetops.odoo.stack_dump says why for each process.",
)

# Who is not asked by a signal.
NOT_AT_REST = Code(
    "dump.not_at_rest",
    "pid {pid:d} got no QUIT, because on {python} a QUIT may end a process that is at work, and its threads did not all"
    " sleep for {rest:g} s; {waits}",
    "Install py-spy, or have the role diagnostics bring it (diagnostics_py_spy): stack_dump uses it for such processes."
    " With risk=accept the process gets the QUIT, which may end the whole server.",
)
RISK_ACCEPTED = Code(
    "dump.risk_accepted",
    "risk is accept, so pid {pid:d} got a QUIT while it was at work, which may end the whole server",
    "Use py-spy, which sends no signal.",
)

# Cache statistics only.
GEVENT = Code(
    "dump.gevent",
    "the gevent process is never asked: with some versions of gevent, USR1 ends that of Odoo 19",
)
AT_WORK = Code(
    "dump.at_work",
    "pid {pid:d} was not asked, because its threads did not all sleep at one moment within {seconds:g} s; before Odoo"
    " 19 a process counts its caches in the middle of its work, and may end then",
    "Run the task again at a quieter time, or with a longer timeout.",
)
STATISTICS_FORM = Code(
    "dump.statistics_form",
    "pid {pid:d} wrote statistics in a form that is not understood, such as {line!r}",
    "Read them in the log of the server.",
)
STATISTICS_PART = Code(
    "dump.statistics_part",
    "a part of the statistics of pid {pid:d} was not understood, such as {line!r}",
    "Read them in the log of the server.",
)
COUNT_STOPPED = Code(
    "dump.count_stopped",
    "another signal stopped pid {pid:d} while it counted its caches",
    "Run one such task at a time.",
)

# py-spy.
NO_PY_SPY = Code("dump.no_py_spy", "no py-spy that only root can change is in {paths}", "Install py-spy.")
PY_SPY_HELPS = Code(
    "dump.py_spy_helps",
    "no stacks were read, and py-spy is not installed",
    "Install py-spy, which reads stacks without a signal and without the log.",
)
PY_SPY_NOT_BROUGHT = Code(
    "dump.py_spy_not_brought",
    "py-spy cannot be brought to the host, so processes at work are left out ({error})",
    "Run the play as root (become), and let the controller reach PyPI or set diagnostics_py_spy_wheel.",
)
PY_SPY_FAILED = Code("dump.py_spy_failed", "py-spy printed no stacks of pid {pid:d}")
PY_SPY_LATE = Code(
    "dump.py_spy_late",
    "py-spy did not get to pid {pid:d} within the time for one sample",
    "Set a longer sample_timeout.",
)

# PostgreSQL.
PSQL_SETTINGS = Code("dump.psql_settings", "the settings of the connection to PostgreSQL are not known ({error})")
PSQL_USER = Code(
    "dump.psql_user", "psql runs as the user of the server, and only root and that user can start it so", _AS_ROOT
)
PSQL_ROOT = Code("dump.psql_root", "the server runs as root, and the collection never runs psql as root")
PSQL_CONTAINER = Code(
    "dump.psql_container",
    "the server runs in a container, which only root can enter",
    "Run the task as root (become).",
)
NO_PSQL = Code("dump.no_psql", "no psql that only root can change is installed", "Install the client of PostgreSQL.")
PSQL_NOT_RUN = Code("dump.psql_not_run", "psql cannot be run as the user of the server ({error})")
PSQL_NUL = Code("dump.psql_nul", "the settings of the connection to PostgreSQL contain a NUL character")
PSQL_SILENT = Code("dump.psql_silent", "psql failed without a message")
PSQL_FAILED = Code("dump.psql_failed", "psql failed ({said})")
PSQL_TIMEOUT = Code("dump.psql_timeout", "PostgreSQL did not answer within {seconds:g} s")
MANY_SESSIONS = Code(
    "dump.many_sessions", "more than {most:d} sessions were at work, and the result has only {most:d} of them"
)

# Logs on the controller
NOT_PATHS = Code("dump.not_paths", "the files must be a list of paths or a text of paths with commas, got {value!r}")
NOT_A_FILE_ENTRY = Code(
    "dump.not_a_file_entry", "each file must be a path, or a dictionary of path and perhaps host, got {value!r}"
)
NO_FILE = Code("dump.no_file", "the file {path} does not exist")
NO_INPUT = Code("dump.no_input", "the standard input is neither a pipe nor a file", "Pipe a log into the command.")
NO_FILES = Code("dump.no_files", "no file is named", "Name at least one log file.")
NO_STACKS = Code(
    "dump.no_stacks",
    "no stack dump is in {files}",
    "Odoo logs one after kill -QUIT, at log_level info or lower.",
)
STRANGE_FORM = Code(
    "dump.form",
    "the log {host} has lines of a stack dump in a form that is not understood, such as {line!r}",
    "Take the log as Odoo wrote it, without what another program has made of it.",
)
PACKED = Code(
    "dump.packed",
    "{path} is packed, and {program} is not installed on the controller",
    "Install it or unpack the file.",
)
ARCHIVE = Code("dump.archive", "{path} is an archive ({kind}), not a log file", "Unpack it and name the logs in it.")
NOT_TEXT = Code("dump.not_text", "{path} is not a text, and it is not packed in a way that is known")
DIRECTORY = Code("dump.directory", "{path} is a directory, not a log file")
NOT_PLAIN = Code("dump.not_plain", "{path} is not a regular file")
UNREADABLE = Code("dump.unreadable", "{path} cannot be read: {error}")
STRANGE_SESSIONS = Code(
    "dump.strange_sessions", "{path} must be a file that the role diagnostics has written", "Remove it, then try again."
)
NOT_A_LOG = Code("dump.not_a_log", "a log must be a text or a list of lines, got {value}")
NOT_STATISTICS = Code(
    "dump.not_statistics",
    "the cache statistics must be a list of dictionaries with host and results, or of reports of this filter: {error}",
)

# A run over hosts
CHECK_MODE = Code("dump.check_mode", "a check run signals no process, so there is nothing to report")
NONE_WRITTEN = Code("dump.none_written", "no process wrote {what}: {reasons}")
NO_ANSWER = Code("dump.no_answer", "these hosts did not answer: {hosts}", "The output above says why.")
NOT_ASKED = Code("dump.not_asked", "the host left the play before it was asked", "Read the output of the play.")
