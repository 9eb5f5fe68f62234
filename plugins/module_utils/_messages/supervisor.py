# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""systemd, supervisord or a container runtime does not do what the operation needs, or does not answer."""

from __future__ import annotations

from .code import Code

CONTAINER_NOT_RESTARTED = Code(
    "supervisor.container_not_restarted",
    "the server runs in a container, and the collection does not restart containers",
    "Restart the container with its runtime.",
)
NONE = Code(
    "supervisor.none",
    "neither systemd nor supervisord runs this server, so the module cannot restart it",
    "Restart the server the way it was started.",
)
NEEDS_ROOT = Code("supervisor.needs_root", "only root can ask {kind} for a restart", "Run the task as root (become).")
SEVERAL_SERVERS = Code(
    "supervisor.several_servers",
    "{unit} runs {count:d} servers (pid {pids}), and a restart would stop all of them",
    "Give each server its own unit.",
)
UNIT_UNKNOWN = Code(
    "supervisor.unit_unknown",
    "systemd reports no properties of {unit}, the unit of the server",
    "Run systemctl show {unit} on the host.",
)
OTHER_MAIN_PROCESS = Code(
    "supervisor.other_main_process",
    "the server is not the main process of unit {unit} (main process: {pid}), so a restart would affect more"
    " than the server",
    "Restart the server the way it was started, or give it its own unit.",
)
NO_SUPERVISORD = Code(
    "supervisor.no_supervisord",
    "the module found no supervisord among the parent processes of the server",
    "Restart the server the way it was started.",
)
SUPERVISORD_NOT_OURS = Code(
    "supervisor.supervisord_not_ours",
    "only root and the user of supervisord (pid {pid:d}) can send requests to it",
    "Run the task as root (become).",
)
SUPERVISORD_WITHOUT_SOCKET = Code(
    "supervisor.supervisord_without_socket",
    "supervisord with pid {pid:d} listens on no socket, so the module cannot reach it",
    "Add [unix_http_server] and [rpcinterface:supervisor] to its configuration, and restart it.",
)
SUPERVISORD_SILENT = Code(
    "supervisor.supervisord_silent",
    "supervisord at {address} does not answer ({error})",
    "Run supervisorctl status with the configuration of that supervisord.",
)
SUPERVISORD_PASSWORD = Code(
    "supervisor.supervisord_password",
    "supervisord at {address} requires a user name and a password, and its configuration ({path}) has none that it"
    " accepts",
    "Write username and password of [unix_http_server] or [inet_http_server] into [supervisorctl] of that file, which"
    " the user of supervisord must be able to read.",
)
OTHER_PROGRAM = Code(
    "supervisor.other_program",
    "the environment of the server names the supervisord program {program}, but supervisord reports {named}"
    " for the pid of the server",
    "Restart the server the way it was started.",
)
PROGRAM_GONE = Code(
    "supervisor.program_gone",
    "a restart would fail: unit {unit} starts {path}, which does not exist",
    "Correct the unit, then run systemctl daemon-reload.",
)
COMMAND_FAILED = Code("supervisor.command_failed", "{command} failed ({said})")
COMMAND_TIMEOUT = Code("supervisor.command_timeout", "{command} did not return within {seconds:.0f} s")
COMMAND_NOT_RUN = Code("supervisor.command_not_run", "{command} cannot be run ({error})")
UNIT_DOWN = Code(
    "supervisor.unit_down", "systemd reports that {unit} is {state}", "Run systemctl status {unit} on the host."
)
SUPERVISORD_SAYS = Code("supervisor.supervisord_says", "supervisord reports: {said}")
_KEEP_DOWN = "Prevent the restart yourself and set hold to external."
_OR_KEEP_DOWN = " Or prevent the restart yourself and set hold to external."
SUPERVISORD_INSIDE = Code(
    "supervisor.supervisord_inside",
    "a supervisord in the container of the server would start the server again",
    "Run the task in the container." + _OR_KEEP_DOWN,
)
SYSTEMD_UNKNOWN = Code(
    "supervisor.systemd_unknown",
    "systemd does not report whether it would start unit {unit} of the server again",
    _KEEP_DOWN,
)
SYSTEMD_STARTS_AGAIN = Code(
    "supervisor.systemd_starts_again",
    "systemd would start the server again (Restart={restart}{more}), and only root can prevent that",
    "Run the task as root (become).",
)
HOLD_INEFFECTIVE = Code(
    "supervisor.hold_ineffective",
    "systemd would start {unit} again, although the module wrote a drop-in against it (Restart={restart}{more})",
    "Remove the setting that overrides the drop-in." + _OR_KEEP_DOWN,
)
BAD_UNIT_NAME = Code("supervisor.bad_unit_name", "{name!r} is not a valid name of a systemd service")
CONTAINER_UNKNOWN = Code(
    "supervisor.container_unknown",
    "the server runs in a container (runtime {runtime}), and the restart policy of the container is not known",
    _KEEP_DOWN,
)
CONTAINER_STARTS_AGAIN = Code(
    "supervisor.container_starts_again",
    "the container {name} has the restart policy {policy}, so {runtime} would start it again",
    "Run {runtime} update --restart=no {short}." + _OR_KEEP_DOWN,
)
OTHER_UNIT = Code(
    "supervisor.other_unit",
    "the module does not prevent a restart of unit {unit}, because the server is not the main process of the"
    " unit (main process: {main})",
    "If another program starts the server again, the drain reports it within min_gone_time.",
)
WATCHDOG = Code(
    "supervisor.watchdog",
    "unit {unit} has a watchdog (WatchdogSec, {seconds:g} s); after the INT the server does not answer on its port, so"
    " systemd may kill the unit with its requests",
    "Run systemctl service-watchdogs no before the drain, and systemctl service-watchdogs yes after it."
    + _OR_KEEP_DOWN,
)
RUNTIME_MAX = Code(
    "supervisor.runtime_max",
    "systemd ends unit {unit} in {left:.0f} s (RuntimeMaxSec), and the drain may take {seconds:g} s",
    "Set timeout to less than {left:.0f} s, or restart the unit before the drain.",
)
SUCCESS_ACTION = Code(
    "supervisor.success_action",
    "unit {unit} has SuccessAction={action}, which systemd runs when the server ends",
    "Remove SuccessAction from the unit." + _OR_KEEP_DOWN,
)
UPHELD = Code(
    "supervisor.upheld",
    "{keepers} would start {unit} again at once (Upholds=)",
    "Stop {keepers} before the drain." + _OR_KEEP_DOWN,
)
SOCKET_NEEDED = Code(
    "supervisor.socket_needed",
    "{socket} would start {unit} again at the next request, and the module cannot stop {socket} first, because {unit}"
    " depends on it (Requires=, BindsTo= or PartOf=)",
    "Remove {socket} from these settings of {unit}." + _OR_KEEP_DOWN,
)
TRANSIENT = Code(
    "supervisor.transient",
    "unit {unit} is transient (systemd-run), so systemd removes it when the server ends",
    "To bring the server back, use start_recorded or the command that started it.",
)
NO_WAY_BACK = Code(
    "supervisor.no_way_back",
    "after the drain, only start_recorded could start the server (it runs the command line that the drain"
    " recorded), and it would fail: {why}",
    "Correct this before the drain, or start the server yourself after it.",
)
STARTED_BY = Code(
    "supervisor.started_by",
    "{starters} may start {unit} again",
    "Stop the timers and path units of these before the drain, and do not start the services until the server is back.",
)
BOUND = Code(
    "supervisor.bound",
    "systemd stops {bound} when {unit} ends (BindsTo=), and a start of {bound} would start {unit} again",
    "Do not start {bound} yourself. state=undrained starts those of these units that ran before the drain.",
)
STOP_TIMEOUT = Code(
    "supervisor.stop_timeout",
    "systemd kills the remaining processes of {unit} {seconds:g} s after its main process has ended (TimeoutStopSec),"
    " and the drain may take longer",
    "Set TimeoutStopSec= of the unit to a longer time than the timeout of the drain.",
)
CONTAINER_INSIDE = Code(
    "supervisor.container_inside",
    "this task runs in the container of the server; when the server ends, the container may end too, and this"
    " task with it",
    "Run the task on the host of the container.",
)
GUEST = Code(
    "supervisor.guest",
    "the server runs in the system container {name} ({runtime}), which has a supervisor of its own",
    "Make {name} a host of the inventory, and run the task there.",
)
KUBERNETES_POD = Code(
    "supervisor.kubernetes_pod",
    "the server runs in a pod of Kubernetes ({runtime}), and Kubernetes starts the pod again when the server ends",
    "Run kubectl scale --replicas=0 for the owner of the pod." + _OR_KEEP_DOWN,
)
SWARM_TASK = Code(
    "supervisor.swarm_task",
    "the server runs in a task of the Docker Swarm service {service}, and Swarm replaces the task when it ends",
    "Run docker service scale {service}=0." + _OR_KEEP_DOWN,
)
KILL_MODE = Code(
    "supervisor.kill_mode",
    "KillMode of {unit} is {mode}, so systemctl stop cuts off the requests of the server",
    "Run mkdir -p /etc/systemd/system/{unit}.d && printf '[Service]\\nKillMode=mixed\\n'"
    " >/etc/systemd/system/{unit}.d/killmode.conf && systemctl daemon-reload",
)
CONTAINER_NOT_STARTED = Code(
    "supervisor.container_not_started",
    "the server ran in the container {name}, and the module cannot ask the runtime of the container to start it",
    "Start the container with its runtime.",
)
CONTAINER_GONE = Code(
    "supervisor.container_gone",
    "the server ran in the container {name}, and {runtime} does not know this container any more",
    "Start a new container of this name the way the old one was started, then run the task with state=undrained again.",
)
CONTAINER_GOES_ON = Code(
    "supervisor.container_goes_on",
    "the container {name} runs without the server, because the first process of the container is another program",
    "Run {runtime} restart {name} to bring the server back.",
)
CONTAINER_DOWN = Code(
    "supervisor.container_down",
    "the container {name} was started and ended with status {status:d}",
    "Run {runtime} logs {name} on the host.",
)
CONTAINER_REMOVED = Code(
    "supervisor.container_removed",
    "{runtime} removes the container {name} when it ends (--rm), so state=undrained cannot start it",
    "Keep the command that starts the container at hand.",
)
NEEDS_ROOT_TO_START = Code(
    "supervisor.needs_root_to_start",
    "only root can ask {kind} to start {unit}",
    "Run the task as root (become), or start {unit} yourself.",
)
NOTHING_STARTS_IT = Code(
    "supervisor.nothing_starts_it",
    "neither systemd nor supervisord can start the server: no unit and no program of it is known",
    "Start the server yourself, or set start_recorded to run the command with which it ran before the drain.",
)
