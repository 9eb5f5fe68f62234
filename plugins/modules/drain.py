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
    C(INT), and watches on the host until the master and all its processes are gone. Requests and cron jobs in progress
    finish first.
  - With O(state=undrained) it releases the supervisor, asks it to start what was drained, and waits until the server
    has been healthy for O(min_healthy_time).
  - A threaded server cuts its cron jobs off when it ends, and Odoo 19 closes the database connections of its requests.
    So stack dumps are taken until none of its threads is at work, and the C(INT) is sent then. An Odoo before 19 in
    prefork mode ends its remaining work after its C(limit_time_real), so where O(cron_timeout) is longer, cron jobs are
    waited for before the C(INT).
  - It knows nothing of load balancers. Take the server out of them first, or its clients are refused while it drains,
    and a threaded server may never be idle.
  - A drain that another call has begun is waited for, and so are starts and reloads. Of several calls at the same
    moment one sends the signal. The next call continues what an interrupted call has begun, and sends no second C(INT).
  - Servers are worked on one after the other. The first one that is refused or fails ends the task, and the results say
    which servers were not begun.
  - The notes of what was drained and the drop-in that holds systemd are below C(/run), so a boot removes both.
extends_documentation_fragment:
  - fleetops.odoo._attributes
  - fleetops.odoo._attributes.ACTION
  - fleetops.odoo._choice
  - fleetops.odoo._health
attributes:
  idempotent:
    support: full
    details:
      - What is drained and gone is left alone, and what is draining is waited for. No second signal is sent unless
        O(on_timeout) says so.
options:
  state:
    description:
      - With V(drained) the server is gone, and its supervisor does not start it again.
      - With V(undrained) it is back and healthy. Only what this module has drained since the last boot can be brought
        back. A server that runs and was not drained must be healthy, and is left as it is.
    type: str
    choices: [drained, undrained]
    default: drained
  match:
    description:
      - Only servers for which every key holds. A list of values holds when one of them does.
      - Keys are V(identity), V(pid), V(user), V(unit), V(config_file), V(database), V(http_port), V(version) and
        V(mode). What was drained is known by what it had when it ran.
  select:
    description:
      - A JMESPath expression over the list of masters that M(fleetops.odoo.master_info) returns, after O(match). It
        must return masters or their C(identity). What was drained does not run, so it is refused with
        O(state=undrained).
      - It is worked out on the controller, which needs the Python package C(jmespath). Without it one module is run on
        the host, with it two.
  allow_none:
    description:
      - Whether the task succeeds where no server is found.
      - The default is V(true) with O(state=drained), since no running server is the goal of a drain, and V(false) with
        O(state=undrained).
    type: bool
  http_timeout:
    description:
      - Seconds for which requests are waited for.
      - They count from the moment at which the work of the server begins to be waited for, which is the C(INT) for a
        prefork server.
    type: float
    default: 150.0
  cron_timeout:
    description: Seconds for which cron jobs are waited for, counted as with O(http_timeout).
    type: float
    default: 900.0
  gevent_timeout:
    description: Seconds for which the gevent process is waited for, counted as with O(http_timeout).
    type: float
    default: 30.0
  timeout:
    description: Seconds that one server may take in all, waiting for others, for reloads and for its start included.
    type: float
    default: 960.0
  on_timeout:
    description:
      - What is done when a time limit passes. The message names the work that has not ended, and C(steps) says what was
        done.
      - With V(fail) nothing. A server that got its C(INT) keeps draining, and another call waits for it (code
        V(timeout.work)). A server that is waited for before its C(INT) keeps serving, and its supervisor is released
        (code V(timeout.work_before_int)).
      - With V(abort) a second C(INT) is sent, which cuts the work off. A server that is waited for before its C(INT)
        gets the first one, and eight seconds later the second if it is still there.
      - With V(kill) all its remaining processes are killed. A server that is waited for before its C(INT) gets that,
        and eight seconds later is killed if it is still there.
    type: str
    choices: [fail, abort, kill]
    default: fail
  min_gone_time:
    description:
      - With O(state=drained), seconds for which no other server may take the place of one that has ended. It counts in
        addition to O(timeout).
      - A supervisor that this module does not know (runit, s6, monit, pm2, a shell loop) starts the server again after
        a while. Where a new server has the port, the configuration, the command or the parent of the old one, the task
        fails with code V(failed.place_taken), which names the new server and its parent. Set it longer than that
        supervisor waits.
      - A unit of systemd whose C(Result) is afterwards V(watchdog), V(timeout), V(signal), V(oom-kill) or V(core-dump)
        fails the task with code V(failed.bad_end), unless O(on_timeout) cut the work off.
    type: float
    default: 12.0
  hold:
    description:
      - What prevents that the server is started again.
      - With V(auto) this module does. A unit of systemd with a C(Restart=) gets a drop-in below C(/run/systemd/system)
        that says C(Restart=no), and nothing is sent before systemd has read it.
      - A supervisord is asked over its socket, and cannot be told beforehand. Where its C(autorestart) starts the
        server again, the new server is stopped at once.
      - The restart policy of a container of docker or podman is read, and the drain is refused where it would start the
        server again, or cannot be read.
      - With V(external) the caller does. Nothing is asked, written or checked.
    type: str
    choices: [auto, external]
    default: auto
  force:
    description:
      - Lift the rules of role, mode, state and platform. The C(warnings) of the result name what was overridden.
      - Send the C(INT) to a threaded server though nothing can show whether it is idle, since its log shows no dumps.
    type: bool
    default: false
  min_healthy_time:
    description: Seconds for which a server must be healthy without a break before it counts as back.
    type: float
    default: 0.0
  start_recorded:
    description:
      - With O(state=undrained), run the command that the server was running, where nothing else would start it, such as
        for one that was started in a terminal.
      - It runs as the user and in the directory of the server, with its environment, limits, umask and priority. Where
        its interpreter would not load Odoo, the drain warns before the C(INT) (code V(supervisor.no_way_back)).
      - The command of a server of root gets a plain environment, and is run only if each word is understood, each path
        in it and in its odoo.conf is absolute and exists, and root alone can write its program, its packages, its
        addons and those files.
    type: bool
    default: false
requirements:
  - psutil (on the host; where the interpreter lacks it, a system interpreter that has it is used)
notes:
  - Never run C(systemctl stop) or C(supervisorctl stop) while a drain is under way. Both send a second signal, which
    cuts off what is at work.
  - To name the requests and jobs it sends C(QUIT) to the workers, which write their stacks to the log and go on. That
    needs C(log_level=info) and a log that M(fleetops.odoo.stack_dump) can read. Elsewhere role, pid and seconds are
    named.
  - Run it as root, or as the user of a server that nothing starts again.
seealso:
  - module: fleetops.odoo.master_info
  - module: fleetops.odoo.wait_healthy
"""

EXAMPLES = r"""
- name: Take every Odoo server of the host out of service
  fleetops.odoo.drain:

- name: Bring it back, and go on when it has been well for ten seconds
  fleetops.odoo.drain:
    state: undrained
    min_healthy_time: 10

- name: Drain one of several instances, and give its cron jobs an hour
  fleetops.odoo.drain:
    match:
      unit: odoo@prod.service
    cron_timeout: 3600
    timeout: 3700

- name: Do not wait longer than two minutes, whatever it costs
  fleetops.odoo.drain:
    http_timeout: 120
    cron_timeout: 120
    on_timeout: abort

- name: Drain a container whose restart policy was set to no
  fleetops.odoo.drain:
    match:
      http_port: 8069
    hold: external
"""

RETURN = r"""
code:
  description: Stable name of the refusal or failure that ended the task, such as V(supervisor.needs_root_to_start).
  returned: failure
  type: str
left_out:
  description:
    - Servers that match and that the module did not work on, because nobody named their users. See O(users).
  returned: always
  type: list
  elements: dict
  contains:
    code:
      description: Stable name of the reason, V(host.user_without_unit).
      type: str
    pid:
      description: Process ID of the master.
      type: int
    reason:
      description: The reason as a sentence, with its remedy.
      type: str
results:
  description: One entry for every chosen server, in the order in which it was worked on. It is there on failure too.
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
      description: V(signalled), V(started), V(nothing), V(refused), or V(not_reached) where an earlier server was
        refused or failed, so this one was not begun.
      type: str
    code:
      description: Stable name of why it was refused, failed or not begun, such as V(timeout.work); null otherwise.
      type: str
    reason:
      description: Why, in words, and what work was cut off.
      type: str
    signals:
      description: Signals that were sent, or that would be in check mode. C(QUIT), which changes nothing, is left out.
      type: list
      elements: str
    warnings:
      description: What the caller is warned of, such as a rule that O(force) lifted and work that was cut off.
      type: list
      elements: dict
      contains:
        code:
          description: Stable name of the warning, such as V(failed.work_cut_off).
          type: str
        message:
          description: The warning in words.
          type: str
    hold:
      description: What would start the server again, and what prevents that. Null where that was not looked at.
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
          description: Path of the drop-in, where one is needed.
          type: str
        sockets:
          description: Socket units that would start the server at the next request. They are stopped after the C(INT).
          type: list
          elements: str
        external:
          description: Whether O(hold=external) was set.
          type: bool
    steps:
      description: What was done, or would be in check mode, in order.
      type: list
      elements: dict
      contains:
        seconds:
          description: When, in seconds since the work on this server began.
          type: float
        what:
          description: The step, as a clause.
          type: str
    busy:
      description:
        - What was at work at the last look. Empty once the server is gone.
        - In check mode during a drain it is what the call that drains has seen last.
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
            - For how long it has worked on it, at least. Odoo 16 and earlier do not tell when a request began, so it
              counts from when it was first seen.
          type: float
        url:
          description: URL of the request. Null where no dump tells.
          type: str
        database:
          description: Database it works on. Null where no dump tells.
          type: str
        job:
          description: Name of the cron job. Null where the log does not tell.
          type: str
        stack:
          description: Its calls, the innermost last. Empty without a dump.
          type: list
          elements: str
    before:
      description: State, workers, children and load of the server before. Null where it did not run.
      type: dict
    after:
      description: The same afterwards. A server that is gone has the C(state) V(gone) and nothing else.
      type: dict
    successor:
      description: Identity of the master that was started, or that has taken the place of a drained one, null
        otherwise.
      type: str
    log:
      description: Up to 100 last lines that the server wrote to its log since the call began, secrets hidden. Empty
        unless it failed.
      type: list
      elements: str
    seconds:
      description: How long it took, waiting included.
      type: float
  sample:
    - identity: "472:375040"
      pid: 472
      did: signalled
      code: null
      reason: a drain was asked for
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
from ansible_collections.fleetops.odoo.plugins.module_utils._module.operate import run_on_masters
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
    "force": {"type": "bool", "default": False},
    "min_healthy_time": {"type": "float", "default": 0.0},
    "start_recorded": {"type": "bool", "default": False},
    **CHOICE_SPEC,
    **HEALTH_SPEC,
}

DRAINED = "drained"

_Operation = t.Callable[..., t.List[DrainResult]]

#: Looks that must agree, where there are servers and where there are none, and seconds between two of them.
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
    )


def _settled(module: AnsibleModule, host: Host) -> t.Tuple[Look, t.List[str]]:
    """Return a look that misses no server, and the identities of the masters in it that are chosen.

    In the moment of its exec a master does not show what it is (seen with a drain during a HUP). Where a missing server
    means that the goal is met, one look is no proof: several in a row must agree.
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
    )


def _notes(
    module: AnsibleModule, host: Host, seen: Look, identities: t.Sequence[str], *, drained: bool
) -> t.List[Note]:
    """Return the notes that are chosen: by ``match``, or because what runs in their place is.

    A drain works on what runs, so it wants those only that have no process. The server itself is left to it as well
    when it runs still, and so is one that has come back, whether ``match`` chooses it or not.
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
