# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""A log cannot be read, or stacks, statistics or sessions are missing. The server is not affected."""

from __future__ import annotations

from .code import Code

_AS_ROOT = "Run the task as root or as the user of the server (become)."

# The log of a server.
LEVEL = Code(
    "dump.level",
    "the log does not show the {what} of the server: the logger {logger} writes them at level info, and the log level"
    " of the server hides this level",
    "Add {logger}:INFO to log_handler in odoo.conf, then restart the server.",
)
TERMINAL = Code(
    "dump.terminal",
    "the server writes its log to a terminal, where the module cannot read it",
    "Set logfile in odoo.conf, then restart the server.",
)
NO_LOG = Code(
    "dump.no_log",
    "the server writes its log to a place that the module cannot read",
    "Set logfile in odoo.conf, then restart the server.",
)
LOG_UNREADABLE = Code(
    "dump.log_unreadable",
    "the log {path} cannot be used: the user of this task has no permission to read it, or the server does"
    " not have it open",
    _AS_ROOT,
)
LOG_MISSING = Code("dump.log_missing", "the folder of the log {path} does not exist", "Correct logfile in odoo.conf.")
LOG_ERROR = Code("dump.log_error", "{source} cannot be read ({error})")
NO_JOURNALCTL = Code(
    "dump.no_journalctl",
    "the server writes its log to the journal, and journalctl is not installed on this host",
    "Install journalctl (package systemd), or set logfile in odoo.conf.",
)
NO_JOURNAL = Code(
    "dump.no_journal",
    "the server writes its log to the journal, and journald stores no entries on this host",
    "Set Storage=auto in journald.conf, or logfile in odoo.conf.",
)
JOURNAL_RIGHTS = Code(
    "dump.journal_rights",
    "the server writes its log to the journal, and the user of this task has no permission to read its entries",
    _AS_ROOT,
)
LOG_FORM = Code(
    "dump.log_form",
    "not asking any process for its {what}: {source} has a format that the module cannot parse, such as {line!r}",
    "Use the default log format of Odoo, or read stacks with py-spy.",
)
LOG_WITHOUT_PIDS = Code(
    "dump.log_without_pids",
    "not asking any process for its {what}: the records in {source} do not contain the pid",
    'Add the pid to the format of the log (rsyslog: SysSock.UsePIDFromSystem="on"), or read stacks with py-spy.',
)
JOURNALCTL_NOT_RUN = Code("dump.journalctl_not_run", "journalctl cannot be run ({error})")
CONTAINER = Code(
    "dump.container",
    "the container runtime ({runtime}) keeps the log of the server, and this task cannot reach the runtime",
    "Run the task on the host of the container, as root. Inside the container, set backend to py-spy for stack dumps.",
)
CONTAINER_DRIVER = Code(
    "dump.container_driver",
    "the log driver {driver} of the container is not supported by the collection (runtime {runtime})",
    "Use the driver journald, k8s-file (podman) or json-file (docker).",
)

# What a process writes to it.
NOT_WRITTEN = Code(
    "dump.not_written",
    "pid {pid:d} got {signals} and wrote no {what} within {seconds:g} s; its state is {state}, and it used"
    " {cpu:.1f} s of CPU in that time{because}",
    "Run the task again with a longer timeout.",
)
NO_STATISTICS = Code(
    "dump.no_statistics",
    "pid {pid:d} got {signals} and wrote no statistics within {seconds:g} s; before Odoo 19 a process with"
    " empty caches writes none",
    "If its caches are not empty, run the task again with a longer timeout.",
)
IN_KERNEL = Code(
    "dump.in_kernel",
    "pid {pid:d} wrote no {what} within {seconds:g} s, because it waits in the kernel (state D) and does not react to"
    " signals there",
    "Check the disks and the network file systems of the host.",
)
STOPPED = Code(
    "dump.stopped",
    "pid {pid:d} wrote no {what} within {seconds:g} s, because it is stopped (state {state})",
    "Continue the process (kill -CONT), or end the debugger that stopped it.",
)
PROCESS_ENDED = Code("dump.process_ended", "pid {pid:d} ended before it wrote its {what}")
NOT_UNDERSTOOD_LINE = Code(
    "dump.not_understood_line",
    "pid {pid:d} got {signals} and wrote within {seconds:g} s lines that the module cannot parse: {line!r}",
    "Read the log of the server, or read stacks with py-spy.",
)
CUT = Code(
    "dump.cut",
    "the stack dump of pid {pid:d} is incomplete, so threads are missing{because}",
    "If journald drops lines, raise LogRateLimitBurst of the unit. Or read stacks with py-spy.",
)
DOUBTFUL = Code(
    "dump.doubtful",
    "{doubtful:d} of {written:d} answers with {what} are incomplete or cannot be parsed",
    "Read the reason for each process in the warnings of the result.",
)
NOT_UNDERSTOOD = Code(
    "dump.not_understood",
    "pid {pid:d} wrote a stack dump that the module cannot parse, so it is not known what the process does",
    "Read the text of the dump (key raw of the result).",
)
UNFINISHED = Code(
    "dump.unfinished",
    "pid {pid:d} did not finish writing its {what} within {seconds:g} s, so a part may be missing",
    "Run the task again with a longer timeout.",
)
TOO_LARGE = Code(
    "dump.too_large",
    "the result is larger than one call of the module can return",
    "Ask for fewer samples, roles or servers in one task.",
)
INCOMPLETE = Code(
    "dump.incomplete",
    "{missing:d} of {wanted:d} answers with {what} are missing",
    "The result lists the reason for each process in 'missing'.",
)
NONE_ASKED = Code(
    "dump.none_asked",
    "the module could not ask any process for its {what}",
    "The result lists the reason for each process in 'missing'.",
)
EVIDENCE = Code(
    "dump.evidence",
    "{missing:d} of {asked:d} processes wrote no stacks within {seconds:g} s",
    "Run fleetops.odoo.stack_dump to get the reason for each process.",
)

# Processes that get no signal.
NOT_AT_REST = Code(
    "dump.not_at_rest",
    "pid {pid:d} got no QUIT, because its threads did not all sleep for {rest:g} s, and on {python} a QUIT may end a"
    " process that is at work; {waits}",
    "Install py-spy, or let the role diagnostics bring it (diagnostics_py_spy): stack_dump uses it for such processes."
    " With risk=accept the process gets the QUIT, which may end the whole server.",
)
RISK_ACCEPTED = Code(
    "dump.risk_accepted",
    "pid {pid:d} got a QUIT while it was at work, because risk=accept is set; this may end the whole server",
    "Use py-spy, which sends no signal.",
)

# Cache statistics only.
GEVENT = Code(
    "dump.gevent",
    "the gevent process gets no USR1 and shows no statistics, because with some versions of gevent USR1 ends the gevent"
    " process of Odoo 19",
)
AT_WORK = Code(
    "dump.at_work",
    "pid {pid:d} got no USR1, because its threads did not all sleep at one moment within {seconds:g} s, and before Odoo"
    " 19 a USR1 may end a process that is at work",
    "Run the task again at a quieter time, or with a longer timeout.",
)
STATISTICS_FORM = Code(
    "dump.statistics_form",
    "pid {pid:d} wrote statistics that the module cannot parse, such as {line!r}",
    "Read the statistics in the log of the server.",
)
STATISTICS_PART = Code(
    "dump.statistics_part",
    "the module cannot parse a part of the statistics of pid {pid:d}, such as {line!r}",
    "Read the statistics in the log of the server.",
)
STATISTICS_CUT = Code(
    "dump.statistics_cut",
    "the statistics of pid {pid:d} may be incomplete, because {source} dropped lines or the caches grew"
    " meanwhile{because}",
    "If journald drops lines, raise LogRateLimitBurst of the unit. Or run the task again at a quieter time.",
)
COUNT_STOPPED = Code(
    "dump.count_stopped",
    "pid {pid:d} got another signal while it counted its caches, and wrote no statistics",
    "Run only one task at a time that sends signals to this server.",
)

# py-spy.
NO_PY_SPY = Code(
    "dump.no_py_spy",
    "py-spy was not found in {paths}, or users other than root can change it",
    "Install py-spy as root.",
)
PY_SPY_HELPS = Code(
    "dump.py_spy_helps",
    "the log shows no stacks of this server, and py-spy is not installed",
    "Install py-spy, which reads stacks without a signal and without the log.",
)
PY_SPY_NOT_BROUGHT = Code(
    "dump.py_spy_not_brought",
    "py-spy cannot be copied to the host, so the stacks of processes at work are missing ({error})",
    "Run the play as root (become). Give the controller access to PyPI, or set diagnostics_py_spy_wheel.",
)
PY_SPY_FAILED = Code(
    "dump.py_spy_failed",
    "py-spy printed no stacks of pid {pid:d}",
    "Run py-spy dump --pid {pid:d} as root on the host to see its error.",
)
PY_SPY_LATE = Code(
    "dump.py_spy_late",
    "the time for one sample ended before py-spy read pid {pid:d}",
    "Set a longer sample_timeout.",
)

# PostgreSQL.
PSQL_SETTINGS = Code(
    "dump.psql_settings",
    "PostgreSQL was not asked for sessions, because the settings of the server's connection are not known ({error})",
)
PSQL_USER = Code(
    "dump.psql_user",
    "PostgreSQL was not asked for sessions, because only root and the user of the server can run psql as that user",
    _AS_ROOT,
)
PSQL_ROOT = Code(
    "dump.psql_root",
    "PostgreSQL was not asked for sessions, because the server runs as root and the collection never runs psql as root",
)
PSQL_CONTAINER = Code(
    "dump.psql_container",
    "PostgreSQL was not asked for sessions, because the server runs in a container, which only root can enter",
    "Run the task as root (become).",
)
NO_PSQL = Code(
    "dump.no_psql",
    "PostgreSQL was not asked for sessions, because psql is not installed, or users other than root can change it",
    "Install the client of PostgreSQL as root.",
)
PSQL_NOT_RUN = Code("dump.psql_not_run", "psql cannot be run as the user of the server ({error})")
PSQL_NUL = Code("dump.psql_nul", "the settings of the connection to PostgreSQL contain a NUL character")
PSQL_SILENT = Code("dump.psql_silent", "psql failed without a message")
PSQL_FAILED = Code("dump.psql_failed", "psql failed ({said})")
PSQL_TIMEOUT = Code("dump.psql_timeout", "PostgreSQL did not answer within {seconds:g} s")
MANY_SESSIONS = Code(
    "dump.many_sessions", "the result has only {most:d} sessions of PostgreSQL, although more were at work"
)

# Logs on the controller
NOT_PATHS = Code("dump.not_paths", "the files must be a list of paths or paths separated by commas, got {value!r}")
NOT_A_FILE_ENTRY = Code(
    "dump.not_a_file_entry", "each file must be a path, or a dictionary with path and optionally host, got {value!r}"
)
NO_FILE = Code("dump.no_file", "the file {path} does not exist")
NO_INPUT = Code("dump.no_input", "the standard input is neither a pipe nor a file", "Pipe a log into the command.")
NO_FILES = Code("dump.no_files", "the list of files is empty", "Name at least one log file.")
NO_STACKS = Code(
    "dump.no_stacks",
    "no stack dump was found in {files}",
    "Odoo logs a stack dump after kill -QUIT, if log_level is info or lower.",
)
STRANGE_FORM = Code(
    "dump.form",
    "the log {host} has lines of a stack dump that cannot be parsed, such as {line!r}",
    "Use the log as Odoo wrote it, before another program changed it.",
)
UNKNOWN_FORM = Code(
    "dump.unknown_form",
    "{path} is not a log of Odoo that the collection can parse, so it may have stack dumps that the collection does not"
    " find; a line of it is {line!r}",
    "Use the log as Odoo wrote it, before another program changed it.",
)
PACKED = Code(
    "dump.packed",
    "{path} is compressed, and {program} is not installed on the controller",
    "Install {program}, or decompress the file.",
)
ARCHIVE = Code(
    "dump.archive", "{path} is an archive ({kind}), not a log file", "Unpack the archive and name the logs in it."
)
NOT_TEXT = Code(
    "dump.not_text", "{path} is neither a text file nor compressed with a program that the collection knows"
)
DIRECTORY = Code("dump.directory", "{path} is a directory, not a log file")
NOT_PLAIN = Code("dump.not_plain", "{path} is not a regular file")
UNREADABLE = Code("dump.unreadable", "{path} cannot be read: {error}")
STRANGE_SESSIONS = Code(
    "dump.strange_sessions",
    "{path} does not have the content that the role diagnostics writes to such a file",
    "Remove the file, then run the command again.",
)
NOT_A_LOG = Code("dump.not_a_log", "a log must be a text or a list of lines, got {value}")
NOT_STATISTICS = Code(
    "dump.not_statistics",
    "the cache statistics must be a list of dictionaries with host and results, or of reports of this filter: {error}",
)

# A run over hosts
CHECK_MODE = Code(
    "dump.check_mode", "check mode sends no signal, so there is nothing to report", "Run the playbook without --check."
)
NONE_WRITTEN = Code("dump.none_written", "no process wrote {what}: {reasons}")
NO_ANSWER = Code(
    "dump.no_answer", "these hosts did not answer: {hosts}", "Read the errors of these hosts in the output above."
)
NOT_ASKED = Code(
    "dump.not_asked",
    "the host failed in an earlier task of the play, so its processes were not asked",
    "Read the error of the host in the output of the play.",
)
