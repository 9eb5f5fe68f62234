# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""A rolling restart or a drain stopped, a host failed, or a load balancer prevents it. The report names every host.

Run the playbook again for the hosts that remain, after you have corrected the reason.
"""

from __future__ import annotations

from .code import Code

# The lock of a host
LOCKED = Code(
    "roll.locked",
    "the roll {id} of {owner}{reason} holds the lock of this host; it renewed the lock {age} ago, and the lock expires"
    " in {left}{out}",
    "Wait until that roll has ended, or until its lock has expired. If the roll does not run any more and you cannot"
    " wait, run the playbook fleetops.odoo.release (in AWX the template Odoo - release) with"
    " rolling_restart_take_over={id} (in AWX the question Locks to take over).",
)
DRAINED = Code(
    "roll.drained",
    "the host is drained: {owner} drained it {age} ago{reason}{out}",
    "Bring it back with the playbook fleetops.odoo.undrain (in AWX the template Odoo - undrain), leave it out with"
    " --limit, or set rolling_restart_drained to skip.",
)
SERVER_DRAINED = Code(
    "roll.server_drained",
    "no server for the roll runs on this host, because a drain ended it and no task has brought it back: {servers}",
    "Leave the host out with --limit '!HOST', bring the server back with the module fleetops.odoo.drain and"
    " state=undrained, or set rolling_restart_drained to skip.",
)
RESERVED = Code(
    "roll.reserved",
    "{owner} holds the lock {id} of this host{reason}; it was taken {age} ago, and expires in {left}{out}",
    "Ask {owner}, or wait until the lock has expired. If it is not needed any more, set take_over to {id}.",
)
TOOK_OVER = Code(
    "roll.took_over", "this run took over the lock of {id} ({owner}), which had not been renewed for {age:.0f} s"
)
LOCK_NOT_WRITTEN = Code("roll.lock_not_written", "the lock of this host cannot be written: {error}")

# Balancers
BALANCER_NO_SOCKET = Code(
    "roll.balancer_no_socket", "the socket {path} does not exist", "Set socket to what haproxy.cfg names stats socket."
)
BALANCER_NOT_PERMITTED = Code(
    "roll.balancer_not_permitted",
    "the user of this task has no permission to connect to the socket {path}",
    "Run the task as root or as a user of the group of the socket (become).",
)
BALANCER_NOT_RUNNING = Code(
    "roll.balancer_not_running",
    "nothing listens on the socket {path}",
    "Start HAProxy, or set socket to what haproxy.cfg names stats socket.",
)
BALANCER_NO_ANSWER = Code(
    "roll.balancer_no_answer",
    "HAProxy does not answer on the socket {path}: {error}",
    "Read the log of HAProxy on this host.",
)
BALANCER_NOT_HAPROXY = Code(
    "roll.balancer_not_haproxy",
    "the program behind the socket {path} is not HAProxy: it answers {command!r} with {answer!r}",
    "Set socket to what haproxy.cfg names stats socket.",
)
BALANCER_NOT_ASKED = Code(
    "roll.balancer_not_asked",
    "load balancer {balancer} cannot be queried: {error}",
)
BALANCER_UNREACHABLE = Code(
    "roll.balancer_unreachable",
    "load balancer {balancer} cannot be reached: {error}",
    "Check that the inventory has a host of this name, with its address (ansible_host). Otherwise correct"
    " balancer_haproxy_hosts or balancer_nginx_hosts.",
)
BALANCER_UNKNOWN_SERVER = Code(
    "roll.balancer_unknown_server",
    "load balancer {balancer} has no server {server}; it has {servers}",
    "Set balancer_haproxy_servers or balancer_nginx_servers to the name that the load balancer has for the host, or"
    " correct balancer_haproxy_backends or balancer_nginx_upstreams.",
)
AFTER_FAILED = Code(
    "roll.after_failed",
    "the notification {file} failed: {error}",
    "Correct these tasks. The outcome above is not affected.",
)
NOT_READY = Code(
    "roll.not_ready",
    "the doctor found {faults} on {names}",
    "Follow the remedies in the lines of these faults, then run the playbook doctor again.",
)
BALANCER_OTHER_SERVERS = Code(
    "roll.balancer_other_servers",
    "load balancer {balancer} has servers that do not belong to a host of this play: {servers}",
    "Add these hosts to the inventory, or correct balancer_haproxy_servers or balancer_nginx_servers.",
)
BALANCER_OUT_ALREADY = Code(
    "roll.balancer_out_already",
    "server {server} is out of load balancer {balancer} already ({state}), and no roll took it out",
    "Put it back into the load balancer, or leave the host out with --limit.",
)
BALANCER_DOWN = Code(
    "roll.balancer_down",
    "load balancer {balancer} reports server {server} as {status}",
    "Correct the server or its health check in the load balancer.",
)
BALANCER_TRACKED = Code(
    "roll.balancer_tracked",
    "if server {server} leaves load balancer {balancer}, servers of other hosts leave too, because they track"
    " it: {others}",
    "Have each server track a server of its own host (track in haproxy.cfg).",
)
BALANCER_TRACKED_OUT = Code(
    "roll.balancer_tracked_out",
    "server {server} of load balancer {balancer} stays out, because it tracks {tracked}, which is out ({state})",
    "Put {tracked} back, or name its backend in balancer_haproxy_backends too.",
)
BALANCER_REFUSED = Code(
    "roll.balancer_refused",
    "load balancer {balancer} answers the command {command!r} with {answer!r}",
    "The socket must have level admin (stats socket PATH level admin in haproxy.cfg).",
)
BALANCER_SESSIONS = Code(
    "roll.balancer_sessions",
    "load balancer {balancer} still has {sessions:d} {noun} for server {server} after {timeout:g} s",
    "Wait until these requests have ended, or set a longer balancer_drain_timeout.",
)
BALANCER_NOT_UP = Code(
    "roll.balancer_not_up",
    "load balancer {balancer} still reports server {server} as {status} after {timeout:g} s",
    "Correct the server or its health check in the load balancer.",
)
TOO_FEW_LEFT = Code(
    "roll.too_few_left",
    "backend {backend} of load balancer {balancer} would keep {left:d} servers that take requests, and it must keep"
    " {least:d}",
    "Drain fewer hosts, or lower graceful_drain_least.",
)
TOO_FEW_OPEN = Code(
    "roll.too_few_open",
    "the drain would leave {left:d} healthy hosts that accept connections, and it must leave {least:d}; the role has"
    " looked at {hosts}",
    "Drain fewer hosts, or lower graceful_drain_least. If other hosts are behind the same load balancer, name them in"
    " balancer_firewall_hosts.",
)
NO_BALANCER = Code(
    "roll.no_balancer",
    "an earlier run took the host out of its load balancer, and this run has no load balancer",
    "Give this run the variables of the earlier run (balancer, balancer_*).",
)
LEFT_OUT = Code("roll.left_out", "an earlier roll left the host out of its load balancer")
NO_SIGNAL_SENT = Code("roll.no_signal_sent", "the server got no signal, so the host is back in its load balancer")
NOT_PROVED = Code(
    "roll.not_proved",
    "the roll has no proof that the server is healthy, so the host stays out of its load balancer",
    "Check the server, then run the playbook fleetops.odoo.release.",
)
NOT_PUT_BACK = Code(
    "roll.not_put_back",
    "Ansible removed the host from the play before the roll put it back into its load balancer",
    "Check the server, then run the playbook fleetops.odoo.release.",
)

# One host
UNHEALTHY = Code(
    "roll.unhealthy",
    "not every server is healthy: {answers}",
)
OTHER_MASTERS = Code(
    "roll.other_masters",
    "{found:d} Odoo masters were found, and rolling_restart_masters expects {expected:d}",
    "Start the missing servers, or correct rolling_restart_masters.",
)
PLAYBOOK_ENDED = Code(
    "roll.playbook_ended",
    "the process of ansible-playbook that began this task has ended, so the task does nothing",
    "Run the playbook again. The new run takes over the locks of the run that ended.",
)
NOT_BEGUN = Code(
    "roll.not_begun",
    "this run has not taken the lock of the host",
    "Run the whole playbook, without --start-at-task.",
)
SAME_SERVER = Code(
    "roll.same_server",
    "the names {hosts} of the inventory choose the same server, so this server would be reloaded once for each name",
    "Give each name a rolling_restart_match that chooses its own instance, or remove a name from the inventory.",
)
ONE_OFF = Code(
    "roll.one_off",
    "other Odoo commands run on the host: {commands}",
    "Wait until they have ended. Or set rolling_restart_one_off, or graceful_drain_one_off for a drain, to warn or"
    " ignore.",
)
LITTLE_TIME = Code(
    "roll.little_time",
    "only {left:d} s of {turn:d} s are left for the host, too few to begin a reload",
    "Set a longer rolling_restart_timeout.",
)
LEFT_PLAY = Code(
    "roll.left_play",
    "Ansible removed the host from the play before its turn ended",
    "Read the output of the play for the reason.",
)
TASK_FAILED = Code("roll.task_failed", "{error}")
NO_MESSAGE = Code("roll.no_message", "the task failed without a message", "Run the playbook again with -vvv.")
TASKS_NOT_LOADED = Code(
    "roll.tasks_not_loaded", "a file of tasks cannot be loaded", "Read the error above, and correct the file."
)

# The whole roll
HOSTS_LOST = Code(
    "roll.hosts_lost",
    "{hosts} failed or cannot be reached, and rolling_restart_budget allows {budget:d} such hosts",
)
DEADLINE = Code("roll.deadline", "the roll has run for longer than its deadline of {seconds:g} s")
OUTSIDE_WINDOW = Code("roll.outside_window", "the time is outside of the window {window} ({timezone})")
PAUSED = Code("roll.paused", "the roll pauses after {batches}, as rolling_restart_stop_after says")
BLOCKED = Code("roll.blocked", "a task before the batch failed ({task}): {error}")
NOT_APPROVED = Code("roll.not_approved", "the question whether to continue was not answered with yes")
NO_PREFLIGHT = Code(
    "roll.no_preflight", "{hosts} did not pass a preflight of this run", "Run the playbook from its first play."
)
OTHER_BATCH = Code(
    "roll.other_batch",
    "{hosts} are not the next batch of the plan",
    "Take hosts and serial of the play from the plan, as the playbook does.",
)
NOT_DONE = Code("roll.not_done", "the roll {outcome}, and these hosts remain: {hosts}")
HOSTS_FAILED = Code("roll.hosts_failed", "these hosts failed: {hosts}", "The summary above says why.")
RELEASED_AS_FAILED = Code(
    "roll.released_as_failed",
    "every host is released, and this run ends as failed because rolling_restart_release_fails is set",
)
REPORT_NOT_WRITTEN = Code("roll.report_not_written", "the report was not written: {error}")
NO_EVIDENCE = Code("roll.no_evidence", "the evidence of the failure was not saved: {error}")
SLICED = Code(
    "roll.sliced",
    "the roll does not begin: this job is a slice of {template}, and a slice does not know the batches of the other"
    " slices",
    "Set the job slice count to 1. If the template is not sliced, rename the workflow, so that its name"
    " differs from the name of the template.",
)
CONTROLLER_NAME = Code(
    "roll.controller_name",
    "the inventory has the name 127.0.0.1 or ::1 for the controller, and a roll needs the name localhost",
    "Rename it to localhost in the inventory.",
)
STRATEGY = Code(
    "roll.strategy",
    "the strategy of the play does not run each task for all hosts at the same time",
    "Set strategy: ansible.builtin.linear in each play of the roll.",
)

# The gate: ports of a host that nftables closes
GATE_NOT_ROOT = Code("gate.not_root", "only root may change the rules of nftables", "Run the task as root (become).")
GATE_NO_NFT = Code(
    "gate.no_nft",
    "the program nft is not installed, or users other than root can change it; iptables cannot replace it, because its"
    " rules do not expire",
    "Install the package nftables. It works beside iptables, and this module needs no service of it.",
)
GATE_NFT_FAILED = Code(
    "gate.nft_failed",
    "nft cannot {deed}: {said}",
    "The kernel must have nf_tables, and for ports of containers it must be 5.9 or newer. The root"
    " of a container needs CAP_NET_ADMIN.",
)
GATE_NO_PORT = Code(
    "gate.no_port",
    "the servers of this host have no port that could be closed (http_enable is off)",
    "Set ports, or leave the host out.",
)
GATE_LOOPBACK = Code(
    "gate.loopback",
    "other hosts cannot reach pid {pid:d}, because its port is open on {address} only; the module cannot"
    " close ports for loopback",
    "Set ports to the ports of the reverse proxy on this host, such as 80 and 443 of nginx.",
)
GATE_SHARED_PORT = Code(
    "gate.shared_port",
    "pid {pid:d} listens on port {port:d}, {holder} also does, on another address, and the gate would close both",
    "Give one of them another port, or set ports.",
)
GATE_OTHER_NETWORK = Code(
    "gate.other_network",
    "pid {pid:d} runs in a network of its own, and the ports that its container publishes are not known",
    "Set ports to the ports of this host that lead to it.",
)

# nginx
NGINX_NOT_ROOT = Code("nginx.not_root", "only root may change and reload nginx", "Run the task as root (become).")
NGINX_NO_PROGRAM = Code(
    "nginx.no_program",
    "the program {path} does not exist, cannot be run, or users other than root can change it",
    "Set program to nginx on this host, or run the task on the host of the load balancer.",
)
NGINX_NOT_RUNNING = Code(
    "nginx.not_running",
    "no nginx runs on this host with the configuration {path} (its pid file is {pid_file})",
    "Start nginx, or set config to the file that it was started with.",
)
NGINX_UNREADABLE = Code("nginx.unreadable", "{path} of nginx cannot be read: {error}", "Correct what the error names.")
NGINX_NOT_UNDERSTOOD = Code(
    "nginx.not_understood",
    "the module cannot parse {path}:{line:d} of nginx: {what}",
    "Move the upstreams into a file that the module can parse, and set config to that file. Or use tasks of"
    " your own for this load balancer.",
)
NGINX_NO_UPSTREAM = Code(
    "nginx.no_upstream",
    "nginx has no upstream {name}; it has {known}",
    "Correct upstreams or websocket_upstreams, or config.",
)
NGINX_NO_SERVER = Code(
    "nginx.no_server",
    "none of the upstreams {upstreams} has the server {name}; they have {known}",
    "Set servers to the addresses in the configuration of nginx, with or without their ports.",
)
NGINX_LAST_SERVER = Code(
    "nginx.last_server",
    "the upstream {upstream} would have no server left",
    "Wait until another server is back, or set allow_last.",
)
NGINX_DOWN_BY_HAND = Code(
    "nginx.down_by_hand",
    "the server {server} is down in {path}:{line:d}, and this module did not mark it",
    "If the server must get requests, remove the word down from the file and reload nginx.",
)
NGINX_NOT_ROOTS = Code(
    "nginx.not_roots",
    "the module does not write {path}, because a user other than root can change it",
    "Let only root own and write the file and the folders above it.",
)
NGINX_NOT_WRITTEN = Code("nginx.not_written", "{path} cannot be written: {error}")
NGINX_TEST_FAILED = Code(
    "nginx.test_failed",
    "nginx -t refuses the configuration, so the module has restored all files: {said}",
    "Correct what nginx -t names.",
)
NGINX_RELOAD_FAILED = Code(
    "nginx.reload_failed",
    "nginx cannot be reloaded, so the module has restored all files: {said}",
    "Read the error log of nginx for the reason.",
)
