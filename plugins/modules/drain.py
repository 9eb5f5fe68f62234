#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drain
short_description: Take Odoo servers out of service without losing a request or a job, and bring them back
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - With O(state=drained) it prevents the supervisor of each chosen server from starting it again, sends the master one
    C(INT), and watches on the host until the master and all its processes have ended. Requests and cron jobs in
    progress finish first.
  - With O(state=undrained) it releases the supervisor, asks it to start the drained server, and waits until the server
    has been healthy for O(min_healthy_time).
  - A threaded server cuts off its cron jobs when it ends, and Odoo 19 closes the database connections of its requests.
    So the module takes stack dumps until none of its threads is at work, and then sends the C(INT). An Odoo before 19
    in prefork mode ends its remaining work after its C(limit_time_real). If O(cron_timeout) is longer, the module waits
    for cron jobs before the C(INT).
  - The module does not know load balancers. Take the server out of them first. Otherwise clients get errors while it
    drains, and a threaded server may never be idle.
  - The module waits for a drain, a start or a reload that another call has begun. If several calls come at once, one
    sends the signal. The next call continues an interrupted drain, and sends no second C(INT).
  - The module works on one server after the other. The first server that is refused or fails ends the task, and the
    results name the servers that were not begun.
  - The notes of drained servers and the drop-in for systemd are below C(/run), so a reboot removes both.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.ACTION
  - fleetops.odoo._choice
  - fleetops.odoo._health
attributes:
  idempotent:
    support: full
    details:
      - The module does nothing to a drained server, and waits for a server that is draining. It sends no second signal
        unless O(on_timeout) requires it.
options:
  state:
    description:
      - With V(drained) the server ends, and its supervisor does not start it again.
      - With V(undrained) the server runs and is healthy. The module can bring back only servers that it has drained
        since the last boot. A server that runs and was not drained must be healthy, and the module does not change it.
    type: str
    choices: [drained, undrained]
    default: drained
  match:
    description:
      - Only servers for which every key matches. A list of values matches if one of them does.
      - Keys are V(identity), V(pid), V(user), V(unit), V(config_file), V(database), V(http_port), V(version) and
        V(mode). For a drained server the values are those from the time of the drain.
  select:
    description:
      - A JMESPath expression over the list of masters that M(fleetops.odoo.master_info) returns, after O(match). It
        must return masters or their C(identity). A drained server does not run, so this option is refused with
        O(state=undrained).
      - The controller evaluates it and needs the Python package C(jmespath). Without this option Ansible runs one
        module on the host, with it two.
  allow_none:
    description:
      - Whether the task succeeds if no server is found.
      - The default is V(true) with O(state=drained), because a drain wants no running server, and V(false) with
        O(state=undrained).
    type: bool
  http_timeout:
    description:
      - Seconds to wait for requests.
      - They count from the moment at which the module begins to wait for the work of the server. For a prefork server
        this is the C(INT).
    type: float
    default: 150.0
  cron_timeout:
    description: Seconds to wait for cron jobs, counted as with O(http_timeout).
    type: float
    default: 900.0
  gevent_timeout:
    description: Seconds to wait for the gevent process, counted as with O(http_timeout).
    type: float
    default: 30.0
  timeout:
    description: Seconds for one server in total. Waiting for other calls, for reloads and for its start counts.
    type: float
    default: 960.0
  on_timeout:
    description:
      - What to do when a time limit passes. The message names the work that has not ended, and C(steps) lists what was
        done.
      - With V(fail) the module sends no further signal. A server that has got its C(INT) continues to drain, and
        another call waits for it (code V(timeout.work)). A server that has not got its C(INT) yet continues to serve,
        and the module releases its supervisor (code V(timeout.work_before_int)).
      - With V(abort) the module sends a second C(INT), which cuts off the work. A server that has not got its C(INT)
        yet gets the first one, and the second eight seconds later if it still runs.
      - With V(kill) the module kills all remaining processes. A server that has not got its C(INT) yet gets it, and is
        killed eight seconds later if it still runs.
    type: str
    choices: [fail, abort, kill]
    default: fail
  min_gone_time:
    description:
      - With O(state=drained), seconds after the end of a server in which no other server may start in its place. They
        count in addition to O(timeout).
      - A supervisor that this module does not know (runit, s6, monit, pm2, a shell loop) starts the server again after
        a while. If a new server has the port, the configuration, the command or the parent of the old one, the task
        fails with code V(failed.place_taken). The message names the new server and its parent. Set this option to a
        longer time than that supervisor waits.
      - If the C(Result) of the systemd unit is V(watchdog), V(timeout), V(signal), V(oom-kill) or V(core-dump)
        afterwards, the task fails with code V(failed.bad_end), unless O(on_timeout) cut off the work.
    type: float
    default: 12.0
  hold:
    description:
      - What prevents a restart of the server.
      - With V(auto) this module does. For a systemd unit with a C(Restart=) it writes a drop-in with C(Restart=no)
        below C(/run/systemd/system), and sends no signal before systemd has read it.
      - The module asks supervisord over its socket. supervisord has no setting that prevents a restart in advance. If
        its C(autorestart) starts the server again, the module stops the new server at once.
      - The module reads the restart policy of a container of docker or podman. It refuses the drain if the policy would
        start the server again, or if it cannot read the policy. V(undrained) has the runtime start the container, or
        the new container of the same name.
      - With V(external) you prevent the restart yourself. The module asks, writes and checks nothing for that.
    type: str
    choices: [auto, external]
    default: auto
  owner:
    description: Owner of the drain, for the messages of later calls and rolls. The default is the user and the
      controller, or the user of AWX. Set by the action plugin.
    type: str
  force:
    description:
      - Lift the rules of role, mode, state and platform. The C(warnings) of the result name the rules that were lifted.
      - Send the C(INT) to a threaded server even if its log shows no dumps, so that it is not known whether it is idle.
    type: bool
    default: false
  min_healthy_time:
    description: With O(state=undrained), seconds that a server must be healthy without a break.
    type: float
    default: 0.0
  start_recorded:
    description:
      - With O(state=undrained), run the recorded command of the server if no supervisor can start it, for example
        because it was started in a terminal.
      - The command runs as the user and in the directory of the server, with its environment, limits, umask and
        priority. If its interpreter would not load Odoo, the drain warns before the C(INT) (code
        V(supervisor.no_way_back)).
      - The command of a server of root gets a plain environment. The module runs it only if it understands each word,
        each path in the command and in its odoo.conf is absolute and exists, and only root can write its program, its
        packages, its addons and those files.
    type: bool
    default: false
requirements:
  - psutil (on the host; if the interpreter lacks it, the module uses a system interpreter that has it)
notes:
  - Never run C(systemctl stop) or C(supervisorctl stop) during a drain. Both send a second signal, which cuts off the
    work in progress.
  - To name the requests and jobs, the module sends C(QUIT) to the workers, which write their stacks to the log and
    continue. This needs C(log_level=info) and a log that M(fleetops.odoo.stack_dump) can read. Otherwise the module
    names role, pid and seconds only.
  - Run it as root, or as the user of a server that no supervisor starts again.
seealso:
  - module: fleetops.odoo.master_info
  - module: fleetops.odoo.wait_healthy
"""

EXAMPLES = r"""
- name: Take every Odoo server of the host out of service
  fleetops.odoo.drain:

- name: Bring it back, and continue when it has been healthy for ten seconds
  fleetops.odoo.drain:
    state: undrained
    min_healthy_time: 10

- name: Drain one of several instances, and wait up to an hour for its cron jobs
  fleetops.odoo.drain:
    match:
      unit: odoo@prod.service
    cron_timeout: 3600
    timeout: 3700

- name: Drain within two minutes, and cut off work that has not ended
  fleetops.odoo.drain:
    http_timeout: 120
    cron_timeout: 120
    on_timeout: abort
"""

RETURN = r"""
code:
  description: Stable code of the refusal or failure that ended the task, such as V(supervisor.needs_root_to_start).
  returned: failure
  type: str
left_out:
  description:
    - Servers that match but were left out, because no option names their users. See O(users).
  returned: always
  type: list
  elements: dict
  contains:
    code:
      description: Stable code of the reason, V(host.user_without_unit).
      type: str
    pid:
      description: Process ID of the master.
      type: int
    reason:
      description: The reason as a sentence, with its remedy.
      type: str
one_off:
  description: Odoo commands that are not servers and run on the host, as RV(fleetops.odoo.master_info#module:one_off).
  returned: when servers were chosen
  type: list
  elements: dict
results:
  description: The results, an entry for each chosen server, in the order of work. Also returned on failure.
  returned: always
  type: list
  elements: dict
  contains:
    identity:
      description: PID and start of the master, as it was when it was drained.
      type: str
    pid:
      description: Process ID of that master.
      type: int
    did:
      description: V(signalled), V(started), V(nothing), V(refused), or V(not_reached) if an earlier server was refused
        or failed.
      type: str
    code:
      description: Stable code of the reason for V(refused), V(not_reached) or a failure, such as V(timeout.work).
        Null otherwise.
      type: str
    reason:
      description: The reason in words, and the work that was cut off.
      type: str
    signals:
      description: Signals that were sent, or would be sent in check mode. C(QUIT), which changes nothing, is left out.
      type: list
      elements: str
    warnings:
      description: Warnings, for example about a rule that O(force) lifted and work that was cut off.
      type: list
      elements: dict
      contains:
        code:
          description: Stable code of the warning, such as V(failed.work_cut_off).
          type: str
        message:
          description: The warning in words.
          type: str
    hold:
      description: The supervisor that would start the server again, and what prevents that. Null if not checked.
      type: dict
      contains:
        kind:
          description: V(systemd), V(systemd-user), V(supervisord), V(container) or V(none).
          type: str
        unit:
          description: Unit, program of supervisord, or container.
          type: str
        policy:
          description: The C(Restart=) of the unit, or the restart policy of the container.
          type: str
        drop_in:
          description: Path of the drop-in, if one is needed.
          type: str
        sockets:
          description: Socket units that would start the server at the next request. They are stopped after the C(INT).
          type: list
          elements: str
        bound:
          description: Units that ran, and that systemd stops with the server (C(BindsTo=)). V(undrained) starts them.
          type: list
          elements: str
        external:
          description: Whether O(hold=external) was set.
          type: bool
    steps:
      description: The steps that were done, or would be done in check mode, in order.
      type: list
      elements: dict
      contains:
        seconds:
          description: Seconds since the work on this server began.
          type: float
        what:
          description: The step, in words.
          type: str
    busy:
      description:
        - The requests and jobs in progress at the last look. Empty after the end of the server.
        - In check mode during a drain, what the draining call has seen last.
      type: list
      elements: dict
      contains:
        pid:
          description: Process ID.
          type: int
        role:
          description: V(http), V(cron) or V(gevent), for a thread as for a process.
          type: str
        seconds:
          description:
            - Seconds that it has been busy with it, at least. Odoo 16 and earlier do not show when a request began, so
              the seconds count from the first look.
          type: float
        url:
          description: URL of the request. Null if no dump shows it.
          type: str
        database:
          description: Database of the work. Null if no dump shows it.
          type: str
        job:
          description: Name of the cron job. Null if the log does not show it.
          type: str
        stack:
          description: The calls, the innermost last. Empty without a dump.
          type: list
          elements: str
    before:
      description: State, workers, children and load of the server before. Null if it did not run.
      type: dict
    after:
      description: The same afterwards. A server that has ended has only the C(state) V(gone).
      type: dict
    successor:
      description: Identity of the new master, which the module or another program has started. Null otherwise.
      type: str
    log:
      description: Up to 100 last lines that the server wrote to its log since the call began, secrets hidden. Empty
        unless the operation failed.
      type: list
      elements: str
    seconds:
      description: Seconds that the work on the server took, waiting included.
      type: float
  sample:
    - identity: "472:375040"
      pid: 472
      did: signalled
      code: null
      reason: a drain was requested
      signals: [INT]
      warnings: []
      seconds: 12.4
"""

import functools
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._drain import start_command
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.drain import drain_all
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.notes import Note, NoteBook, key_in
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.order import DrainOrder, DrainResult
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.undrain import UndrainOrder, undrain_all
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps import stacks
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.results import one_off
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.host import NO_MASTER, NOTHING_DRAINED
from ansible_collections.fleetops.odoo.plugins.module_utils._module.common import (
    CHOICE_SPEC,
    chosen_by,
    fail,
    find_host,
    healthy_time_of,
    matching,
    seconds_of,
    start,
    timeout_of,
    told_match,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._module.health_option import HEALTH_SPEC, health_of
from ansible_collections.fleetops.odoo.plugins.module_utils._module.operate import run_on_masters, told
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import Look
from ansible_collections.fleetops.odoo.plugins.module_utils._server import health
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._server.operation import OnTimeout
from ansible_collections.fleetops.odoo.plugins.module_utils._signals import send
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors import hold

SPEC = {
    "state": {"type": "str", "choices": ["drained", "undrained"], "default": "drained"},
    "allow_none": {"type": "bool"},
    "http_timeout": {"type": "float", "default": 150.0},
    "cron_timeout": {"type": "float", "default": 900.0},
    "gevent_timeout": {"type": "float", "default": 30.0},
    "timeout": {"type": "float", "default": 960.0},
    "on_timeout": {"type": "str", "choices": ["fail", "abort", "kill"], "default": "fail"},
    "min_gone_time": {"type": "float", "default": 12.0},
    "hold": {"type": "str", "choices": ["auto", "external"], "default": "auto"},
    "owner": {"type": "str"},
    "force": {"type": "bool", "default": False},
    "min_healthy_time": {"type": "float", "default": 0.0},
    "start_recorded": {"type": "bool", "default": False},
    **CHOICE_SPEC,
    **HEALTH_SPEC,
}

DRAINED = "drained"

_Operation = t.Callable[..., t.List[DrainResult]]

#: Looks that must agree, with servers and without, and seconds between two looks.
_LOOKS = 2
_LOOKS_FOR_NONE = 5
_BETWEEN_LOOKS = 0.15
_MOST_LOOKS = 20


def drain(module: AnsibleModule, host: Host) -> t.NoReturn:
    """Drain the chosen servers, or bring them back, and end the module."""
    drained = module.params["state"] == DRAINED
    operation = t.cast("_Operation", drain_all if drained else undrain_all)
    operation = functools.partial(operation, host, order=order_of(module))
    seen, identities = _settled(module, host)
    notes = _notes(module, host, seen, identities, drained=drained)
    _make_sure_of_some(module, identities, notes, drained=drained)
    run_on_masters(
        module,
        host,
        lambda seen, identities: operation(seen, identities, notes, check_mode=module.check_mode),
        chosen=(seen, identities),
        tell=lambda *ended: {**told(*ended), "one_off": one_off(seen)},
    )


def _settled(module: AnsibleModule, host: Host) -> t.Tuple[Look, t.List[str]]:
    """Return a look that misses no server, and the identities of the masters in it that are chosen.

    During its exec a master shows no arguments (seen with a drain during a HUP). If a missing server means that the
    goal is reached, one look is not a proof: several in a row must agree.
    """
    seen, identities = matching(module, host)
    agreed = 1
    for _look in range(_MOST_LOOKS):
        if agreed >= (_LOOKS if identities else _LOOKS_FOR_NONE):
            break
        host.clock.sleep(_BETWEEN_LOOKS)
        before = identities
        seen, identities = matching(module, host)
        agreed = agreed + 1 if identities == before else 1
    return seen, identities


def order_of(module: AnsibleModule) -> t.Union[DrainOrder, UndrainOrder]:
    """Return what the options ask for; a bad one ends the module."""
    params, timeout = module.params, timeout_of(module)
    if params["state"] != DRAINED:
        checked, healthy_time = health_of(module, params["health"]), healthy_time_of(module, timeout)
        return UndrainOrder(checked, healthy_time, timeout, params["start_recorded"])
    return DrainOrder(
        seconds_of(module, "http_timeout"),
        seconds_of(module, "cron_timeout"),
        seconds_of(module, "gevent_timeout"),
        timeout,
        OnTimeout(params["on_timeout"]),
        params["hold"],
        params["force"],
        seconds_of(module, "min_gone_time"),
        params["owner"] or "",
    )


def _notes(
    module: AnsibleModule, host: Host, seen: Look, identities: t.Sequence[str], *, drained: bool
) -> t.List[Note]:
    """Return the notes that are chosen: by ``match``, or because what runs in their place is.

    A drain works on what runs, so it wants those only that have no process. The server itself is left to it as well
    when it runs still, and also one that has come back, whether ``match`` chooses it or not.
    """
    notes = NoteBook(host.store).all()
    matched = {str(one["identity"]) for one in chosen_by(module, [note.as_master() for note in notes])}
    running = {key_in(seen, one): one.identity for one in seen.instances}
    if drained:
        return [
            note
            for note in notes
            if note.identity in matched and note.key not in running and not host.proc.lives(note.pid, note.start)
        ]
    return [note for note in notes if note.identity in matched or running.get(note.key) in identities]


def _make_sure_of_some(
    module: AnsibleModule, identities: t.Sequence[str], notes: t.Sequence[Note], *, drained: bool
) -> None:
    allow_none = module.params["allow_none"]
    if identities or notes or (drained if allow_none is None else allow_none):
        return
    which = told_match(module)
    if drained:
        fail(module, NO_MASTER(matching=which, others=", and none was drained", limits=""), results=[])
    fail(module, NOTHING_DRAINED(matching=which), results=[])


def main() -> None:
    """Entry point."""
    drain(start(SPEC), find_host(door=send, health=health, stacks=stacks, holds=hold, commands=start_command))


if __name__ == "__main__":
    main()
