# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The start-up check found that the server would not come back. No signal was sent; the server continues to run.

Before a reload or a restart, the collection runs the code and the configuration of the server as its own user, up to
the point where a server would start.
"""

from __future__ import annotations

from .code import Code

NO_INTERPRETER = Code(
    "rehearsal.no_interpreter",
    "the interpreter {name} is not in the PATH of the server, so a HUP would kill it",
    "Start the server by the full path of its interpreter, or set method to auto.",
)
STARTED_AS_PACKAGE = Code(
    "rehearsal.started_as_package",
    "the server was started with python -m, and a HUP would kill it: the HUP runs its __main__.py as a script, which"
    " cannot import its own package",
    "Start the server by its script (odoo-bin), or set method to auto.",
)
VIRTUALENV_LOST = Code(
    "rehearsal.virtualenv_lost",
    "a HUP would run another Python: the server executes {name}, and its PATH resolves {name} to {found}, not to"
    " {executable} of its virtualenv",
    "{remedy}",
)
INTERPRETER_REPLACED = Code(
    "rehearsal.interpreter_replaced",
    "the interpreter {path} was replaced or removed after the server started",
    "Restart the server through its supervisor, or set method to auto.",
)
INTERPRETER_GONE = Code(
    "rehearsal.interpreter_gone",
    "the interpreter {path} of the server does not exist any more",
    "Restore the interpreter, then restart the server through its supervisor.",
)
OTHER_INTERPRETER = Code(
    "rehearsal.other_interpreter",
    "the arguments of the server name the interpreter {path}, but the server runs another one",
    "Restart the server through its supervisor.",
)
DIRECTORY_GONE = Code(
    "rehearsal.directory_gone",
    "the working directory {path} was removed, and the path of the server's script is relative to it",
    "Restart the server through its supervisor, or set method to auto.",
)
SCRIPT_GONE = Code(
    "rehearsal.script_gone",
    "the script {path} of the server does not exist any more",
    "Restore the script, or correct the command of the server. Then restart the server through its supervisor.",
)
RESTART_LOST = Code(
    "rehearsal.restart_lost",
    "a restart of the server would fail, because {what} {path} does not exist",
    "Restore {path}, or correct the unit of the server.",
)
ENVIRONMENT_HIDDEN = Code(
    "rehearsal.environment_hidden",
    "the start-up check could not run, because the environment of pid {pid:d} cannot be read",
    "Run the task as root or as the user of the server (become).",
)
NO_TRIAL = Code(
    "rehearsal.no_trial",
    "the start-up check could not run ({error})",
    "Free some space in /tmp, then run the task again.",
)
NOT_RUN = Code(
    "rehearsal.not_run",
    "the start-up check could not run: the user of the server cannot run the interpreter {path} ({error})",
)
TRIAL_TIMEOUT = Code(
    "rehearsal.trial_timeout",
    "the start-up check timed out after {seconds:d} s",
    "Check whether the disk or PostgreSQL is slow, then run the task again. With rehearse set to import, the import of"
    " the changed addons counts too.",
)
TRIAL_ENDED = Code(
    "rehearsal.trial_ended",
    "{fate}: the interpreter of the start-up check ended early (its last output: {words})",
    "Correct the error that this output names, then run the task again.",
)
BAD_CONFIGURATION = Code(
    "rehearsal.bad_configuration",
    "{fate}: Odoo cannot parse its configuration: {error}",
    "Correct odoo.conf, then run the task again.",
)
NO_POSTGRESQL = Code(
    "rehearsal.no_postgresql",
    "{fate}: Odoo cannot connect to PostgreSQL: {error}",
    "Start PostgreSQL, or correct the db_ options in odoo.conf, then run the task again.",
)
NO_DATABASE = Code(
    "rehearsal.no_database",
    "the server would start, but without its database: {error}",
    "Correct the db_ options in odoo.conf, or set force.",
)
SYNTAX_ERROR = Code(
    "rehearsal.syntax_error",
    "a changed file does not compile: {error}",
    "Fix the file, then run the task again.",
)
ADDON_ERROR = Code(
    "rehearsal.addon_error",
    "the changed addon {addon} cannot be imported: {error}",
    "Correct the addon, or install what it needs, then run the task again. If no database has the addon, set rehearse"
    " to compile.",
)
IMPORT_ERROR = Code("rehearsal.import_error", "{fate}: Odoo cannot be imported: {error}", "{remedy}")
SPAWN_WITHOUT_DATABASE = Code(
    "rehearsal.spawn_without_database",
    "a new worker would end the whole server: the master connects to its databases before it starts a worker, and the"
    " connection fails: {error}",
    "Correct the db_ options in odoo.conf, or start PostgreSQL, then run the task again.",
)
DATABASES_UNKNOWN = Code(
    "rehearsal.databases_unknown",
    "the start-up check could not find out whether the databases answer: {why}",
    "This is a warning only.",
)
PORT_TAKEN = Code(
    "rehearsal.port_taken",
    "the new server could not listen on {address}:{port:d} ({option}), because {holder} listens there",
    "Correct {option} in odoo.conf, or end the process that has the port, then run the task again.",
)
SAME_PORT = Code(
    "rehearsal.same_port",
    "http_port and gevent_port are both {port:d}, and only one of the two processes can listen on it",
    "Give gevent_port (longpolling_port before Odoo 16) another number in odoo.conf, then run the task again.",
)
CANNOT_LISTEN = Code(
    "rehearsal.cannot_listen",
    "the new server could not listen on {address}:{port:d} ({option}): {error}",
    "Correct http_interface or {option} in odoo.conf, then run the task again.",
)
LITTLE_ROOM = Code("rehearsal.little_room", "{shortages}", "Free some space or memory, or set force.")
LITTLE_MEMORY = Code("rehearsal.little_memory", "{shortages}", "Set fewer workers, or set force.")
LEFT_OUT = Code(
    "rehearsal.left_out", "the start-up check of the new {path} did not check {what}", "This is a warning only."
)
