# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""A timeout passed. Each sentence below names what the module waited for.

The wait itself does not harm the server. Run the task again. If the reason is a long request, set a longer timeout.
"""

from __future__ import annotations

from .code import Code

LOCKED = Code("timeout.locked", "another call of a module to finish its work on this server")
NOT_SHOWN = Code("timeout.not_shown", "the master to install the handlers by which it can be recognised")
HANDLERS = Code("timeout.handlers", "the master to install its signal handlers")
MODE = Code("timeout.mode", "the master to become {mode}")
OLD_MASTER = Code("timeout.old_master", "the old master to end")
OLD_PROCESSES = Code(
    "timeout.old_processes",
    "{count:d} old {processes} to finish",
    "Their requests or jobs are still running; fleetops.odoo.stack_dump shows what they do.",
)
LISTENING = Code("timeout.listening", "the master to listen on its port")
CONFIGURATION = Code(
    "timeout.configuration",
    "the server to run with its present configuration ({differences})",
    "Run fleetops.odoo.reload. If a HUP does not apply the configuration, it restarts the server through its"
    " supervisor.",
)
GEVENT_LISTENING = Code(
    "timeout.gevent_listening",
    "the gevent process to listen on port {port:d}",
    "Read the log of the server for the reason, for example another process that has the port.",
)
GEVENT_ENDS = Code(
    "timeout.gevent_ends",
    "the gevent process to keep running: it has ended {count:d} times, and its master has started it again each time",
    "Read the log of the server for the reason, for example a missing Python package.",
)
PROCESSES = Code(
    "timeout.processes",
    "{lacking:d} of {count:d} {role} processes to start",
    "Read the log of the server for the reason.",
)
NEW_PROCESS = Code(
    "timeout.new_process",
    "the module to recognise the role of a new process",
)
RUNNING = Code("timeout.running", "the server to run (it is {state})")
HEALTHY = Code(
    "timeout.healthy",
    "a healthy answer of the server ({answer})",
    "Read the log of the server, or correct the option health.",
)
NEW_EXEC = Code("timeout.new_exec", "the master to execute itself again")
SETTLED = Code("timeout.settled", "the server to settle after a reload")
FIRST_LOOK = Code("timeout.first_look", "the first look at the server to finish")
ALL_HEALTHY = Code("timeout.all_healthy", "all servers to be healthy")
CODE_CHANGES = Code(
    "timeout.code_changes",
    "the code on the disk to stop changing",
    "Run the reload after the deployment has finished.",
)
RESTARTING = Code("timeout.restarting", "another call of a module to finish its restart of the server")
OLD_SERVER = Code("timeout.old_server", "the old server to end")
NEW_SERVER = Code("timeout.new_server", "{supervisor} to start a new server")
STOPPED = Code("timeout.stopped", "supervisord to stop the server")
INACTIVE = Code("timeout.inactive", "unit {unit} to become inactive (it is {state})")
CONTAINER_ENDS = Code("timeout.container_ends", "the container {name} to end")
PROCESS_ENDS = Code("timeout.process_ends", "pid {pid:d} to end", "The process ends after its request or job.")
ONE_MORE_WORKER = Code("timeout.one_more_worker", "one more http worker to start")
WORK = Code(
    "timeout.work",
    "{work}",
    "The drain continues. Run the task again to wait longer, or set on_timeout to abort to cut off the work.",
)
WORK_BEFORE_INT = Code(
    "timeout.work_before_int",
    "{work}",
    "The server continues to run: no INT was sent, because an INT would cut off this work. Set a longer {options}, or"
    " set on_timeout to abort.",
)
WORK_AFTER_ABORT = Code(
    "timeout.work_after_abort",
    "{work}, which a second INT did not end",
    "Run the task again with on_timeout set to kill.",
)
PROCESSES_END = Code("timeout.processes_end", "{count:d} processes to end (pid {pids})")
STAYS_GONE = Code(
    "timeout.stays_gone",
    "{seconds:g} s to pass in which nothing starts the server again",
)
STARTED = Code("timeout.started", "the started server to appear", "Read the log of the server for the reason.")
HEALTHY_TIME = Code(
    "timeout.healthy_time",
    "the server to be healthy for {seconds:g} s without a break",
    "Set a longer timeout, or read the log of the server.",
)
STEADY = Code("timeout.steady", "the workers of the server to stay the same")
WORKER_STARTS = Code("timeout.worker_starts", "the master to start a worker")
REPLACED = Code("timeout.replaced", "the master to start a new {roles} process")
WORKERS_END = Code("timeout.workers_end", "{workers} to end", "A worker that got an INT ends after its request or job.")
NOT_SIGNALLED = Code(
    "timeout.not_signalled", "earlier workers to be replaced; {workers} are next, and have got no signal"
)
RECYCLED = Code(
    "timeout.recycled",
    "a worker to end: {busy}",
    "A worker that got an INT ends after its request or job. Set on_timeout to abort to cut off the work.",
)
ABORTED = Code(
    "timeout.aborted", "a worker to end after its XCPU: {busy}", "Its master kills it after limit_time_real."
)
MORE_WORKERS = Code(
    "timeout.more_workers",
    "the master to have {count:d} http workers (it has {there:d})",
    "Read the log of the server for the reason.",
)
FEWER_WORKERS = Code("timeout.fewer_workers", "{surplus:d} of {there:d} http workers to end: {busy}")
WORKERS_BUSY = Code(
    "timeout.workers_busy",
    "{surplus:d} of {there:d} http workers to become idle: {busy}",
    "The target of the master is now {count:d} workers, so the master does not replace a worker that ends."
    " Set wait_busy, so that busy workers end after their request.",
)
WORKERS_LEAVING = Code(
    "timeout.workers_leaving",
    "{surplus:d} of {there:d} http workers to end: {busy}",
    "These workers end after their request, and the master does not replace them.",
)
REQUESTS = Code(
    "timeout.requests",
    "{count:d} {connections} to the ports {ports} to end (from {peers})",
    "Their requests are still running. Set a longer timeout, or add the addresses of the health checks to the"
    " option ignore.",
)
CONNECTIONS = Code(
    "timeout.connections",
    "{count:d} {connections} of old worker processes of nginx to {servers} to end",
    "Their requests are still running. Set a longer timeout, or worker_shutdown_timeout in the configuration of nginx.",
)
NGINX_LOCK = Code("timeout.nginx_lock", "another task that changes nginx on this host")
NGINX_RELOADED = Code(
    "timeout.nginx_reloaded",
    "nginx to start workers with the new configuration (the module has restored all files)",
    "Read the error log of nginx for the reason.",
)
