# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The host lacks something, hides something, or has no server that matches."""

from __future__ import annotations

from .code import Code

NO_PSUTIL = Code(
    "host.no_psutil",
    "the Python library psutil is missing for {python}",
    "Install the package python3-psutil (Debian, Ubuntu), or psutil from PyPI. If it is installed for another Python"
    " that root owns, set ansible_python_interpreter to that Python.",
)
NO_MASTER = Code(
    "host.no_master",
    "no Odoo master was found{matching}{others}{limits}",
    "Run fleetops.odoo.master_info to see the masters of the host. Correct match, or set allow_none.",
)
NO_PROCESS = Code(
    "host.no_process",
    "no Odoo process of the roles {roles} was found on this host",
    "Choose roles that one of the servers has, or set allow_none.",
)
HIDDEN_PROCESSES = Code(
    "host.hidden_processes",
    "the user of this task cannot see processes of other users (hidepid on {path})",
    "Run the task as root (become).",
)
HIDDEN_SOCKETS = Code(
    "host.hidden_sockets",
    "the user of this task cannot read the sockets, the working directory or the environment of {count:d}"
    " processes, so their roles and generations may be unknown",
    "Run the task as {user}.",
)
OTHER_RIGHTS = Code(
    "host.other_rights",
    "pid {pid:d} is left out: it has the arguments of an Odoo server, but its real and effective IDs differ,"
    " as in a setuid program ({ids})",
    "Find out how the process was started.",
)
LOOKS_LIKE_ODOO = Code(
    "host.looks_like_odoo",
    "pid {pid:d} is left out: it has odoo in its arguments and catches the signals of an Odoo server, but the module"
    " does not understand its command line",
    "If it is an Odoo server, start it by a script with a name such as odoo or odoo-bin, or report its command line.",
)
NOT_PYTHON = Code(
    "host.not_python",
    "pid {pid:d} is left out: it has the arguments of an Odoo server, but its program {path} is not a Python"
    " interpreter",
    "Find out how the process was started.",
)
PROGRAM_UNREADABLE = Code(
    "host.program_unreadable",
    "pid {pid:d} is left out: it has the arguments of an Odoo server, but its program cannot be read ({error})",
    "Make the program readable for the user of the task, then run the task again.",
)
PROGRAM_HIDDEN = Code(
    "host.program_hidden",
    "pid {pid:d} of root is left out: it has the arguments of an Odoo server, but the kernel does not show its program"
    " to the user of this task",
    "Run the task as root (become).",
)
PROCESS_TOO_LARGE = Code(
    "host.process_too_large",
    "pid {pid:d} is left out: its {name} in /proc is larger than that of any Odoo server",
    "Find out how the process was started.",
)
PROCESS_TIMEOUT = Code(
    "host.process_timeout",
    "pid {pid:d} is left out: the module could not read it in /proc within {seconds:g} s",
    "Check the state of the process with ps, then run the task again.",
)
FILES_TIMEOUT = Code(
    "host.files_timeout",
    "pid {pid:d} is left out: the module could not read the files that it names within {seconds:g} s",
    "Check the file systems of its program, its code and its odoo.conf, then run the task again.",
)
LOOK_TIMEOUT = Code(
    "host.look_timeout",
    "{count:d} processes are left out: the module looked at the processes of the host for {seconds:g} s, which is the"
    " limit",
    "Run the task again when the host is less busy.",
)
SERVERS_TIMEOUT = Code(
    "host.servers_timeout",
    "{count:d} servers are left out: the module read the files of the servers for {seconds:g} s, which is the limit",
    "Many servers run on this host, or their files are slow. Check which user started these servers, then run"
    " the task again.",
)
NOT_LOOKED_AT = Code(
    "host.not_looked_at",
    "the module stopped reading the log or the code of the server with pid {pid:d}: the time limit for the"
    " servers of user {user} passed, or a file system did not answer",
    "Check how many servers of this user run, how large their logs and folders of addons are, and their file systems.",
)
MORE_LEFT_OUT = Code(
    "host.more_left_out",
    "{count:d} more processes have the same problem ({code})",
    "Follow the remedy of that code.",
)
USER_WITHOUT_UNIT = Code(
    "host.user_without_unit",
    "pid {pid:d} of user {user} is left out: servers of several users match, and no unit, supervisor or container of"
    " the system runs a server of this user",
    "Set the option users to the users whose servers you mean.",
)
USERS_UNCLEAR = Code(
    "host.users_unclear",
    "the module works on no server: servers of the users {users} match, and no unit, supervisor or container of the"
    " system runs one of them",
    "Set the option users to the users whose servers you mean.",
)
NEWER_VERSION = Code(
    "host.newer_version",
    "the server runs Odoo {version}, which is newer than {newest}, the newest version that fleetops.odoo was tested"
    " with; the server is handled like {newest}",
    "Look for a newer fleetops.odoo. Until there is one, try each operation on a test server of this version first.",
)
CLOCK_MOVED = Code(
    "host.clock_moved",
    "the clock of the host was changed: times in the log of pid {pid:d} are older than the start of the"
    " process, or than earlier lines; the module therefore assumes an earlier time for the load of the code",
    "Synchronise the clock of the host (chrony, systemd-timesyncd). Until its next reload or restart, the server may"
    " be reported as stale once more than needed.",
)
NONE_SELECTED = Code(
    "host.none_selected",
    "the expression of select, {expression!r}, chooses none of the {count:d} masters of this host",
    "Correct the expression, or set allow_none.",
)
UNREACHABLE = Code("host.unreachable", "the host cannot be reached: {error}")
NO_PRIVILEGES = Code(
    "host.no_privileges",
    "the task cannot become root or another user: {error}",
    "Add -K to the command, so that Ansible asks for the password of sudo, or let sudo ask this user for no password.",
)
NOTHING_DRAINED = Code(
    "host.nothing_drained",
    "no server to bring back was found{matching}: since the host booted, the module has recorded no drain of"
    " such a server, and no such server runs now",
    "Start the server through its supervisor, or set allow_none.",
)
DUMPS_HIDDEN = Code(
    "host.dumps_hidden",
    "the module cannot show what the busy processes do, because it cannot read their stack dumps ({why})",
    "Let the server log to a file or to the journal, with log_level=info.",
)

# What the playbook doctor finds.
NOT_ROOT = Code(
    "host.not_root",
    "the tasks run as {user} and not as root",
    "Set ansible_become to true. Otherwise read docs/security.md, which lists what works without root.",
)
OLD_PYTHON = Code(
    "host.old_python",
    "modules run with Python {version} ({path}), and they need Python {least} or later",
    "Set ansible_python_interpreter to a newer Python.",
)
NO_SERVER = Code(
    "host.no_server",
    "no Odoo server runs on this host",
    "Start Odoo, or remove the host from the group. If a server runs, run the playbook as root (become).",
)
NO_LOG = Code(
    "host.no_log",
    "the collection cannot read the log of {server} (kind: {kind}), so it gets no stack dumps and tracebacks",
    "Let the server log to a file or to the journal.",
)
LOG_HIDES_DUMPS = Code(
    "host.log_hides_dumps",
    "the log of {server} shows no stack dumps, because its log_level is {level}",
    "Set log_level = info in odoo.conf, then reload the server.",
)
NO_SUPERVISOR = Code(
    "host.no_supervisor",
    "no supervisor starts {server} again after its end",
    "Start Odoo by systemd or supervisord. Until then it can be reloaded, and it cannot be restarted.",
)
KILL_MODE = Code(
    "host.kill_mode",
    "a restart of {server} cuts off its requests, because its KillMode is {mode}",
    "Put KillMode=mixed into the section [Service] of the unit, then run systemctl daemon-reload.",
)
NOT_HEALTHY = Code(
    "host.not_healthy",
    "{server} does not pass its health check: {answer}",
    "Correct the server, or set health to a request that it answers.",
)
NOT_CHECKED = Code(
    "host.not_checked",
    "{what} of {server} was not checked, because a check before it failed",
    "Correct the other fault, then run the playbook again.",
)
LOSES_REQUESTS = Code(
    "host.loses_requests",
    "each reload of {server} loses requests: Odoo {version} in {mode} mode closes its port for a moment, and the host"
    " has no load balancer",
    "Set balancer and its variables, see docs/load_balancers.md.",
)
CLOCK_DIFFERS = Code(
    "host.clock_differs",
    "the clock of the host is {seconds:.1f} s {direction} the clock of the controller",
    "Synchronise both clocks (chrony, systemd-timesyncd).",
)
LOCKED = Code(
    "host.locked",
    "{owner} holds the lock {id} of the host (kind: {kind})",
    "Wait until the lock is released. After a drain, run the playbook undrain. After a roll that ended early,"
    " run the playbook release.",
)
NO_JMESPATH = Code(
    "host.no_jmespath",
    "the controller has no jmespath, so the option select does not work",
    "Install jmespath into the Python of ansible-core, if you use select.",
)
NEWER_CORE = Code(
    "host.newer_core",
    "the controller runs ansible-core {version}, which is newer than {newest}, the newest version that fleetops.odoo"
    " was tested with",
    "Look for a newer fleetops.odoo.",
)
