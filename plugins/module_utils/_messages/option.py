# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""An option or a variable has a value that cannot be used. The collection has sent and changed nothing."""

from __future__ import annotations

from .code import Code

NOT_POSITIVE = Code("option.not_positive", "{option} must be greater than 0 seconds, got {value}")
NOT_FINITE = Code("option.not_finite", "{option} must be a finite number of seconds, got {value}")
TOO_MANY_SECONDS = Code("option.too_many_seconds", "{option} must be at most {most:.0f} seconds, got {value:g}")
NEGATIVE = Code("option.negative", "{option} must be 0 seconds or more, got {value}")
OUT_OF_RANGE = Code("option.out_of_range", "{option} must be from {least} to {most}, got {value}")
TOO_LONG = Code(
    "option.too_long", "{option} must be shorter than {other} ({limit:g} s), got {value:g}", "Set a longer {other}."
)
NOT_A_PATH = Code("option.not_a_path", "{option} must be a path that begins with /, got {value!r}")
NOT_A_URL_PATH = Code(
    "option.not_a_url_path", "{option} must be a path that begins with /, in ASCII and without blanks, got {value!r}"
)
NOT_A_HOST = Code(
    "option.not_a_host", "{option} must be the name or address of a host, in ASCII and without blanks, got {value!r}"
)
NOT_A_NETWORK = Code(
    "option.not_a_network", "{option} must hold addresses or networks such as 192.0.2.0/24, got {value!r}"
)
NO_STATUS = Code("option.no_status", "{option} must hold at least one HTTP status, got an empty list")
NOT_A_MOMENT = Code(
    "option.not_a_moment", "{option}: cannot parse {value!r}; use epoch seconds or ISO 8601 with a UTC offset"
)
IN_FUTURE = Code(
    "option.in_future", "{option} must not be in the future, got {value} (the clock of this host says {now})"
)
UNKNOWN_MATCH_KEY = Code("option.unknown_match_key", "match has no key {key!r}; the keys are {keys}")
BAD_MATCH_VALUE = Code("option.bad_match_value", "match: {key} must be a value or a list of values, got {value!r}")
NOT_CALLED_BY_ACTION = Code(
    "option.not_called_by_action",
    "{option} needs the action plugin of this module on the controller, and the module was called without it",
    "Call the module by its full name, fleetops.odoo.{module}.",
)
BEYOND_LIMIT_TIME_REAL = Code(
    "option.beyond_limit_time_real",
    "the drain waits for cron jobs before it sends the INT: Odoo before 19 cuts off its remaining work"
    " limit_time_real ({seconds:d} s) after an INT, and cron_timeout is longer",
    "This is a warning only.",
)
SELECT_UNDRAINED = Code(
    "option.select_undrained",
    "select must not be set with state=undrained: select chooses running masters, and a drained server does not run",
    "Use match with state=undrained.",
)
NO_CONDITION = Code(
    "option.no_condition",
    "one of {names} must be set, because each call would replace all workers otherwise",
    "Set older_than to 0 to replace every worker.",
)
EMPTY_LIST = Code("option.empty_list", "{option} must name at least one of {choices}, got an empty list")
NOT_A_SIZE = Code(
    "option.not_a_size",
    "{option} must be a number of bytes, or a number with a unit such as 900M or 1.5G, got {value!r}",
)
UNKNOWN_PIDS = Code(
    "option.unknown_pids",
    "pids: no worker of an Odoo server on this host has the pid {pids}",
    "This is a warning only.",
)
NOT_A_CHOICE = Code("option.not_a_choice", "{option} must be one of {choices}, got {value!r}")
WRONG_TYPE = Code("option.wrong_type", "{option} must be {wanted}, got {value}")
NOT_IN_A_ROLE = Code(
    "option.not_in_a_role",
    "{module} checks the variables of the role of its task, and this task does not belong to a role",
    "Use it in a role of this collection.",
)
WRONG_VARIABLES = Code("option.wrong_variables", "variables of the role have wrong values: {errors}")
SET_BY_ROLE = Code(
    "option.set_by_role",
    "{variable} must not be set, because the role sets it itself",
    "Choose the hosts with {hosts}.",
)
UNKNOWN_VARIABLE = Code(
    "option.unknown_variable",
    "the role {role} does not know {variables}",
    "Correct the name of the variable, or remove it, in the inventory, the survey or the command line.",
)
MISSING = Code("option.missing", "{missing} must be set, because {option} is {value}")
BAD_BATCHES = Code(
    "option.bad_batches",
    "{option} must be a number of hosts (2), a percentage (25%) or a list of them (1,25%,50%), got {value!r}",
)
BAD_BUDGET = Code(
    "option.bad_budget", "{option} must be a number of hosts (2) or a percentage of them (10%), got {value!r}"
)
BAD_WINDOW = Code(
    "option.bad_window",
    "{option} must be hours such as 22:00-05:00 or Mon-Fri 22:00-05:00, with commas between them, got {value!r}",
)
UNKNOWN_TIMEZONE = Code(
    "option.unknown_timezone",
    "{option} must be a time zone that the controller knows, such as UTC or Europe/Berlin, got {value!r}",
)
NO_HOSTS = Code(
    "option.no_hosts",
    "{option} must match a host of the inventory, got {value!r}",
    "Set it to a group, a host, or a pattern of groups and hosts.",
)
OUTSIDE_LIMIT = Code("option.outside_limit", "{option}: --limit {limit} excludes every host of {value!r}")
BAD_SELECT = Code("option.bad_select", "select: the expression {expression!r} cannot be used: {error}")
SELECT_RETURNS = Code(
    "option.select_returns",
    "select must return masters or identities of masters, but {expression!r} returns {value}",
)
NO_JMESPATH = Code(
    "option.no_jmespath",
    "select needs the Python package jmespath on the controller",
    "Install jmespath for the Python that runs Ansible.",
)
NOT_WRITABLE = Code("option.not_writable", "{option}: {path} cannot be used: {error}")
UNKNOWN_CODE = Code(
    "option.unknown_code", "problem must have a code of this collection and its values, got {value!r} ({error})"
)
