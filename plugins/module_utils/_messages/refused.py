# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""A rule forbids the operation. No signal was sent, nothing was changed, and the server continues to run."""

from __future__ import annotations

from .code import Code

ROLE = Code(
    "refused.role",
    "{signal} must not be sent to a process with the role {role}",
    "docs/signals.md lists what each signal does to each role.",
)
NO_HANDLER = Code(
    "refused.no_handler",
    "pid {pid:d} has no handler for {signal} at this moment, so the signal would kill it",
    "Wait until no start or reload of the server is in progress, then run the task again.",
)
MODE = Code("refused.mode", "{signal} has an effect on prefork servers only, and this server is threaded (workers = 0)")
STATE = Code(
    "refused.state",
    "the server is {state}, and {signal} would cut off its requests or kill the server",
    "Wait until the server runs, then run the task again.",
)
AT_WORK = Code(
    "refused.at_work",
    "pid {pid:d} got no QUIT, because its threads did not all sleep for {seconds:g} s, and on {python} a QUIT may end a"
    " process that is at work",
    "Use fleetops.odoo.stack_dump with py-spy, which sends no signal. With risk set to accept the process gets the"
    " QUIT, which may end the whole server.",
)
MASTER_AT_WORK = Code(
    "refused.master_at_work",
    "the master with pid {pid:d} got no QUIT, because the server is {state}, and on {python} a QUIT to a master at work"
    " may end the whole server",
    "Wait until the server runs, then run the task again.",
)
ASKED_LATELY = Code(
    "refused.asked_lately",
    "pid {pid:d} got no QUIT, because its last QUIT is less than {seconds:g} s ago",
    "Wait {seconds:g} s, then run the task again.",
)
STOPPED = Code(
    "refused.stopped",
    "pid {pid:d} is stopped (state T), so the signal would have no effect until the process continues",
    "Continue the process (kill -CONT), then run the task again.",
)
ODOO_SH = Code(
    "refused.odoo_sh",
    "the server runs on Odoo.sh, and this platform sends signals to its servers itself",
    "Set force to send the signal nevertheless.",
)
ODOO_SH_RESTARTS = Code(
    "refused.odoo_sh_restarts",
    "the module does not restart the server, because it runs on Odoo.sh, which restarts its servers itself",
)
PID_REUSED = Code(
    "refused.pid_reused",
    "the process with pid {pid:d} has ended, and another process has this pid now",
    "Run the task again.",
)
OTHER_USER_NOW = Code(
    "refused.other_user_now",
    "pid {pid:d} changed its user after the module had looked at it",
    "Run the task again.",
)
PROCESS_ENDED = Code(
    "refused.process_ended", "pid {pid:d} ended after the module had looked at it", "Run the task again."
)
NOT_PERMITTED = Code(
    "refused.not_permitted",
    "pid {pid:d} belongs to uid {uid:d}, and only root and that user may send it a signal",
    "Run the task as root or as the user of the server (become).",
)
LOCKED = Code(
    "refused.locked",
    "another call of a module is working on this server",
    "Wait until that call has finished, or set force.",
)
NO_LOCK = Code(
    "refused.no_lock",
    "the module cannot take the lock of the server ({error})",
    "Correct the state directory that the error names.",
)
DRAINING = Code(
    "refused.draining",
    "a drain is in progress (its state is not visible because HTTP is disabled)",
    "Wait until the server has ended, or set force.",
)
NEEDS_RESTART = Code(
    "refused.needs_restart",
    "a reload is not enough: {reasons}",
    "Restart the server through its supervisor, or set method to auto.",
)
HEALTH_NOT_ACCEPTED = Code(
    "refused.health_not_accepted",
    "the health check does not accept the present answer of the server, so it would fail after the reload too:"
    " {answer}",
    "Set path, host or status of the option health to what a healthy server answers, or set force.",
)
NO_SOCKET_TO_HAND_OVER = Code(
    "refused.no_socket_to_hand_over",
    "a HUP would end the server: Odoo 19 in prefork mode passes its listening socket to the next generation, and this"
    " server has no such socket (http_enable = False)",
    "Restart the server through its supervisor, or set method to auto.",
)
HUP_NOT_ENOUGH = Code(
    "refused.hup_not_enough",
    "a HUP does not apply the changed configuration ({differences})",
    "Restart the server through its supervisor, or set method to auto.",
)
HUP_WOULD_END = Code(
    "refused.hup_would_end",
    "a HUP would end the server because of the changed configuration ({differences})",
    "Restart the server through its supervisor, or set method to auto.",
)
NO_WAY = Code("refused.no_way", "a reload is not possible: {reload}. A restart is not possible either: {restart}")
WORK_HIDDEN = Code(
    "refused.work_hidden",
    "the server is threaded, so an INT would cut off its requests and cron jobs, and the module cannot see whether it"
    " has any ({why})",
    "Let the server log to a file or to the journal with log_level=info, or set force.",
)
PORT_TAKEN = Code(
    "refused.port_taken",
    "the server listened on {address}:{port:d} ({option}) before its drain, and now {holder} listens there",
    "End the process that has the port, then run the task again.",
)
EXTERNAL_HOLD = Code(
    "refused.external_hold",
    "the server was drained with hold=external, so the collection does not start it",
    "Start the server with the tool that stopped it.",
)
COMMAND_PATH_UNKNOWN = Code(
    "refused.command_path_unknown",
    "the recorded command of the server does not name its program by a full path",
    "Start the server yourself.",
)
COMMAND_APART = Code(
    "refused.command_apart",
    "the server had surroundings of its own ({what}), which ended with it, and its recorded command would run without"
    " them",
    "Start the server yourself, in the way in which it was started before.",
)
COMMAND_PROGRAM_GONE = Code(
    "refused.command_program_gone",
    "the recorded command needs the program {path}, which does not exist or cannot be run",
    "Put the program back, or start the server yourself.",
)
COMMAND_DIRECTORY_GONE = Code(
    "refused.command_directory_gone",
    "the recorded command needs the working directory {path}, which does not exist or cannot be entered",
    "Put the directory back, or start the server yourself.",
)
COMMAND_OTHER_USER = Code(
    "refused.command_other_user",
    "the server ran as {user}, and only root and that user can start it again",
    "Run the task as root or as {user} (become).",
)
COMMAND_NOT_ROOTS = Code(
    "refused.command_not_roots",
    "the server ran as root, and users other than root can change {path}, which its recorded command uses",
    "Let only root own and write the path, or start the server yourself.",
)
COMMAND_NOT_UNDERSTOOD = Code(
    "refused.command_not_understood",
    "the server ran as root, and the module does not understand the word {word!r} of its recorded command",
    "Start the server yourself.",
)
COMMAND_OPTION_UNKNOWN = Code(
    "refused.command_option_unknown",
    "the server ran as root, and it is not known whether its option {option} names a file",
    "Start the server yourself.",
)
COMMAND_CONF_UNREADABLE = Code(
    "refused.command_conf_unreadable",
    "the server ran as root, and its configuration file {path} cannot be read ({error})",
    "Correct the file, or start the server yourself.",
)
COMMAND_PATH_NOT_PLAIN = Code(
    "refused.command_path_not_plain",
    "the server ran as root, and the path {path!r} ({name}) in its recorded command or in its odoo.conf must"
    " begin with / and must have no ~, $, comma or .. and no blank at its ends",
    "Start the server yourself.",
)
COMMAND_PATH_GONE = Code(
    "refused.command_path_gone",
    "the server ran as root, and the path {path} ({name}) in its recorded command or in its odoo.conf does not exist",
    "Create the path as root, or start the server yourself.",
)
COMMAND_CODE_TIMEOUT = Code(
    "refused.command_code_timeout",
    "the server ran as root, and the check that only root can change its code did not finish within {seconds:g} s",
    "Start the server yourself.",
)
COMMAND_NOT_RUN = Code(
    "refused.command_not_run",
    "the recorded command of the server cannot be run as {user}: its user, directory or limits cannot be set",
    "Start the server yourself.",
)
COMMAND_FAILS = Code(
    "refused.command_fails",
    "the interpreter of the recorded command cannot import Odoo as {user} ({said})",
    "Correct the interpreter or its packages, or start the server yourself.",
)
FROZEN = Code(
    "refused.frozen",
    "the cgroup of pid {pid:d} is frozen (for example by docker pause), so the signal would have no effect until it is"
    " thawed",
    "Unpause the container (docker unpause, podman unpause) or thaw the unit (systemctl thaw), then run the task"
    " again.",
)
GEVENT_ALONE = Code(
    "refused.gevent_alone",
    "the server is a gevent process without a master: {deed}",
    "Restart it through its supervisor: run fleetops.odoo.reload with method=auto or method=supervisor.",
)
THREADED = Code(
    "refused.threaded",
    "the server is threaded (workers = 0), so it has no workers to add or replace",
    "To have workers, set workers in odoo.conf and restart the server.",
)
NO_HTTP = Code("refused.no_http", "the server serves no HTTP (http_enable = False), so it has no http workers")
NOT_TOLD_APART = Code(
    "refused.not_told_apart",
    "the module cannot tell whether {workers} are http workers or workers of an addon: neither the log of the server"
    " nor a stack dump shows it, and these processes have no title",
    "Run the task as root. Or let the server log at level info, or install setproctitle for it, then restart it.",
)
IDLE_UNKNOWN = Code(
    "refused.idle_unknown",
    "no worker got a signal: it is not known which workers are idle, because their stack dumps cannot be read: {why}",
    "Correct the cause, or set wait_busy, so that busy workers end after their request.",
)
WORK_TIME_UNKNOWN = Code(
    "refused.work_time_unknown",
    "no worker got a signal: it is not known how long the workers have been busy, because their stack dumps cannot be"
    " read: {why}",
    "Correct the cause, or choose workers by another condition.",
)
WATCH_TOO_LONG = Code(
    "refused.watch_too_long",
    "timeout ({timeout:g} s) must be longer than busy_longer_than ({seconds:g} s): stack dumps of this server do not"
    " show when a request or job began, so the module has to watch its workers for busy_longer_than",
    "Set a longer timeout, or a shorter busy_longer_than.",
)
_BY_HAND = "Change the number of workers in the file yourself, or leave out persist."
CONF_NONE = Code(
    "refused.conf_none",
    "the server has no odoo.conf, so the number of workers cannot be written to it",
    "Leave out persist.",
)
CONF_UNREADABLE = Code(
    "refused.conf_unreadable", "odoo.conf is not written: {error}", "Correct the error, or leave out persist."
)
CONF_NO_SECTION = Code("refused.conf_no_section", "{path} is not written: it has no section [options]", _BY_HAND)
CONF_REPEATED = Code(
    "refused.conf_repeated",
    "{path} is not written: it sets workers {count:d} times",
    "Keep one of these lines, remove the others, then run the task again.",
)
CONF_MULTILINE = Code(
    "refused.conf_multiline",
    "{path} is not written: the value of workers is longer than one line",
    "Write the value on one line, then run the task again.",
)
CONF_NOT_A_NUMBER = Code(
    "refused.conf_not_a_number",
    "{path} is not written: the value of workers is not a number",
    "Correct that line, then run the task again.",
)
CONF_NOT_PARSED = Code(
    "refused.conf_not_parsed",
    "{path} is not written: it cannot be parsed ({error})",
    "Correct the file, then run the task again.",
)
CONF_OTHER_CHANGE = Code(
    "refused.conf_other_change",
    "{path} is not written: a new line for workers would change other options too",
    _BY_HAND,
)
CONF_LINK = Code(
    "refused.conf_link",
    "{path} is not written: it is a symbolic link, and the new file would replace the link",
    _BY_HAND,
)
CONF_HARD_LINK = Code(
    "refused.conf_hard_link",
    "{path} is not written: the file has a second name (a hard link), which would keep the old content",
    _BY_HAND,
)
CONF_OWNER = Code(
    "refused.conf_owner",
    "{path} is not written: neither root nor the user of the server owns it",
    "Give the file to root or to the user of the server, then run the task again.",
)
CONF_TOO_LARGE = Code("refused.conf_too_large", "{path} is not written: it is larger than {limit:d} MiB", _BY_HAND)
CONF_OS_ERROR = Code(
    "refused.conf_os_error", "{path} is not written: {error}", "Correct the error, or leave out persist."
)
CONF_NOT_PERMITTED = Code(
    "refused.conf_not_permitted",
    "{path} is not written: uid {uid:d} has no permission to create files in its directory",
    "Run the task as root (become), or leave out persist.",
)
CONF_MOUNTED = Code(
    "refused.conf_mounted",
    "{path} is not written: the file is a mount (such as a bind mount or a volume of a container), which no new file"
    " can replace",
    "Change the number of workers in the file that is mounted there, or leave out persist.",
)
CONF_IMMUTABLE = Code(
    "refused.conf_immutable",
    "{path} is not written: the file is immutable (chattr +i or +a), so no new file can replace it",
    "Remove the attribute, or leave out persist.",
)
CONF_CHANGED = Code(
    "refused.conf_changed",
    "{path} is not written: another program has changed the file since the module read it",
    "Run the task again.",
)
CONF_REJECTED = Code(
    "refused.conf_rejected", "{path} is not written: with {line}, the start-up check fails: {why}", "{remedy}"
)
CONF_ARGUMENTS_WIN = Code(
    "refused.conf_arguments_win",
    "the arguments of the server set the number of workers, so {path} has no effect on it",
    "Change the number where the server is started, such as in its unit, or leave out persist.",
)
CONF_ENVIRONMENT_WINS = Code(
    "refused.conf_environment_wins",
    "the environment of the server sets the number of workers, so {path} has no effect on it",
    "Change the number where the server is started, such as in its unit, or leave out persist.",
)
CONF_ENVIRONMENT_HIDDEN = Code(
    "refused.conf_environment_hidden",
    "the environment of pid {pid:d} cannot be read, and it may set the number of workers",
    "Run the task as root or as the user of the server (become), or leave out persist.",
)
