# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The start-up check found that the server would not come back. Nothing was sent; the server keeps running.

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
    "the server was started with python -m, and a HUP would run its __main__.py as a script, which cannot import its"
    " own package",
    "Start the server by its script (odoo-bin), or set method to auto.",
)
VIRTUALENV_LOST = Code(
    "rehearsal.virtualenv_lost",
    "a HUP makes the server execute {name}, which its PATH resolves to {found} and not to {executable} of its"
    " virtualenv",
    "{remedy}",
)
INTERPRETER_REPLACED = Code(
    "rehearsal.interpreter_replaced",
    "the interpreter {path} was replaced or removed after the server started",
    "Restart the server through its supervisor, or set method to auto.",
)
INTERPRETER_GONE = Code(
    "rehearsal.interpreter_gone",
    "the interpreter {path} does not exist any more",
    "Put it back, then restart the server through its supervisor.",
)
OTHER_INTERPRETER = Code(
    "rehearsal.other_interpreter",
    "the arguments of the server name {path}, which is not the program that it runs",
    "Restart the server through its supervisor.",
)
DIRECTORY_GONE = Code(
    "rehearsal.directory_gone",
    "the working directory {path} was removed, and the server finds its script from there",
    "Restart the server through its supervisor, or set method to auto.",
)
SCRIPT_GONE = Code(
    "rehearsal.script_gone",
    "the script {path} does not exist any more",
    "Put it back, or correct the command of the server, then restart it through its supervisor.",
)
RESTART_LOST = Code(
    "rehearsal.restart_lost",
    "{what} {path} does not exist, and a restart would need it",
    "Put it back, or correct the unit of the server.",
)
ENVIRONMENT_HIDDEN = Code(
    "rehearsal.environment_hidden",
    "the environment of pid {pid:d} cannot be read, so nothing proves that the server would survive",
    "Run the task as root or as the user of the server (become).",
)
NO_TRIAL = Code(
    "rehearsal.no_trial", "the start-up check could not run ({error})", "Free some space in /tmp, then try again."
)
NOT_RUN = Code("rehearsal.not_run", "the interpreter {path} cannot be run as the user of the server ({error})")
TRIAL_TIMEOUT = Code(
    "rehearsal.trial_timeout",
    "the start-up check did not finish within {seconds:d} s",
    "Check the disk and PostgreSQL, which are very slow, then try again.",
)
TRIAL_ENDED = Code("rehearsal.trial_ended", "{fate}: the interpreter ended without a reason (its last words: {words})")
BAD_CONFIGURATION = Code(
    "rehearsal.bad_configuration",
    "{fate}: Odoo cannot parse its configuration: {error}",
    "Correct that line, then run the task again.",
)
NO_POSTGRESQL = Code(
    "rehearsal.no_postgresql",
    "{fate}: Odoo cannot connect to PostgreSQL: {error}",
    "Start PostgreSQL, or correct the db_ options in odoo.conf, then run the task again.",
)
NO_DATABASE = Code(
    "rehearsal.no_database",
    "the server would run without its database: {error}",
    "Correct the db_ options in odoo.conf, or set force.",
)
SYNTAX_ERROR = Code(
    "rehearsal.syntax_error",
    "a changed file does not compile: {error}",
    "Fix the file, then run the task again.",
)
IMPORT_ERROR = Code("rehearsal.import_error", "{fate}: Odoo cannot be imported: {error}", "{remedy}")
SPAWN_WITHOUT_DATABASE = Code(
    "rehearsal.spawn_without_database",
    "the master connects to its databases before it starts a worker, and the whole server would end: {error}",
    "Make sure that the databases answer with what odoo.conf says now.",
)
DATABASES_UNKNOWN = Code(
    "rehearsal.databases_unknown", "it is not known whether the databases answer: {why}", "This is a warning only."
)
PORT_TAKEN = Code(
    "rehearsal.port_taken",
    "{option} is {port:d}, and {holder} has that port ({address}:{port:d}), so the new server could not listen there",
    "Correct {option} in odoo.conf, or end the process that has the port, then run the task again.",
)
SAME_PORT = Code(
    "rehearsal.same_port",
    "http_port and gevent_port are both {port:d}, and only one of the two processes can listen there",
    "Give gevent_port (longpolling_port before Odoo 16) another number in odoo.conf, then run the task again.",
)
CANNOT_LISTEN = Code(
    "rehearsal.cannot_listen",
    "the new server could not listen on {address}:{port:d} ({option}): {error}",
    "Correct http_interface or {option} in odoo.conf, then run the task again.",
)
LITTLE_ROOM = Code("rehearsal.little_room", "{shortages}", "Free some, or set force.")
LITTLE_MEMORY = Code("rehearsal.little_memory", "{shortages}", "Ask for fewer workers, or set force.")
LEFT_OUT = Code("rehearsal.left_out", "the start-up check of the new {path} left out {what}", "This is a warning only.")
