#!/usr/bin/python

# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_upstream
short_description: Take a server out of upstreams of nginx, and put it back
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - With O(state=down) it adds C(down) to the server in the file that names it, lets nginx test its configuration,
    reloads nginx, and waits until no old worker process has a connection to the server any more. New worker processes
    send it no requests.
  - With O(state=up) it removes what it has added, and reloads nginx. The file is byte for byte as before.
  - It reads included files, and changes the first file that names a server. Comments, order and indentation stay. A
    comment after the server names the owner and the time of the mark.
  - If C(nginx -t) refuses the configuration, or nginx does not apply it, the module restores the files.
  - If several calls come at once, they act one after the other, because of a lock on the host of nginx.
extends_documentation_fragment:
  - fleetops.odoo._long_wait
attributes:
  check_mode:
    description: Looks and decides as ever, returns what it would do, and changes no file.
    support: full
    details:
      - It does not have nginx test the configuration.
  diff_mode:
    description: With C(--diff), returns the lines of the servers before and after.
    support: full
  idempotent:
    description: The same call again changes nothing, and does not reload nginx.
    support: full
    details:
      - A call that was killed before the reload is finished by the next one.
  platform:
    description: Operating systems of the hosts it works on.
    support: full
    platforms: linux
    details:
      - It runs on nginx's host, so delegate it to the load balancer.
options:
  state:
    description:
      - V(down) takes the servers out of the upstreams.
      - V(up) puts back what this module has taken out. The module refuses a server that an administrator has marked
        C(down).
    type: str
    choices: [down, up]
    required: true
  upstreams:
    description: Names of the upstreams for whose requests the module waits.
    type: list
    elements: str
    required: true
  websocket_upstreams:
    description:
      - Names of upstreams of gevent ports. The module takes the servers out of these too.
      - The module waits at most O(websocket_timeout) for connections to them, and never fails because of them.
    type: list
    elements: str
    default: []
  servers:
    description:
      - Addresses of the servers as in the configuration, such as V(192.0.2.11:8069) or V(unix:/run/odoo.sock). An
        address without a port, such as V(192.0.2.11), means every port of it.
      - The module compares them as texts, and does not resolve names.
    type: list
    elements: str
    required: true
  config:
    description: nginx's main configuration file. The default is the one that nginx was built with.
    type: path
  program:
    description: nginx itself. Only root may be able to change it.
    type: path
    default: /usr/sbin/nginx
  timeout:
    description: Seconds to wait for the lock, the reload, and the end of the connections of old worker processes.
    type: float
    default: 120.0
  websocket_timeout:
    description: Seconds to wait for connections to servers of O(websocket_upstreams), counted as O(timeout).
    type: float
    default: 0.0
  wait:
    description: Whether to wait until no old worker process has a connection to the servers.
    type: bool
    default: true
  allow_last:
    description: Whether the module may take out the last server of an upstream.
    type: bool
    default: false
  owner:
    description: The owner of the mark, for people. The default is the user and the controller, or the user of AWX.
    type: str
requirements:
  - root on the host of nginx
notes:
  - A reload of nginx applies all changes in its files, also changes that other people have not reloaded yet.
  - The module does not write files that a user other than root could change.
  - The module refuses a configuration with blocks of Lua, because it cannot find the end of such a block.
  - The module does not wait for a request whose body an old worker process is still receiving, because it has no
    connection to a server yet. nginx tries another server if the host refuses the connection later.
  - If the task fails with V(timeout.connections), the server stays marked down until O(state=up).
  - The kernel does not show which connections belong to a server at a unix socket. For such a server the module waits
    until all old worker processes have ended.
seealso:
  - module: fleetops.odoo.nginx_info
  - module: fleetops.odoo.gate
"""

EXAMPLES = r"""
- name: Take the host out of nginx
  fleetops.odoo.nginx_upstream:
    state: down
    upstreams: [odoo]
    websocket_upstreams: [odoo_gevent]
    servers: ["{{ ansible_host }}"]
    timeout: 120
  delegate_to: lb1

- name: Reload the server
  fleetops.odoo.reload:

- name: Put it back
  fleetops.odoo.nginx_upstream:
    state: up
    upstreams: [odoo]
    websocket_upstreams: [odoo_gevent]
    servers: ["{{ ansible_host }}"]
  delegate_to: lb1
"""

RETURN = r"""
code:
  description: Stable code of the failure, such as V(timeout.connections).
  returned: failure
  type: str
servers:
  description: The servers as they are now, or would be in check mode.
  returned: always
  type: list
  elements: dict
  contains:
    upstream:
      description: Name of the upstream.
      type: str
    server:
      description: Address of the server, as the configuration has it.
      type: str
    state:
      description: V(up) or V(down), as in the file.
      type: str
    backup:
      description: Whether it gets requests only if no other server of the upstream does.
      type: bool
    weight:
      description: Its share of the requests.
      type: int
    marked:
      description: The mark of this module, with its C(owner) and the time C(since). Null without a mark.
      type: dict
    file:
      description: The file that names it.
      type: str
    line:
      description: The line in this file.
      type: int
  sample:
    - upstream: odoo
      server: 192.0.2.11:8069
      state: down
      backup: false
      weight: 1
      marked: {owner: anna on ctl, since: "2026-11-30T05:00:00Z"}
      file: /etc/nginx/conf.d/odoo.conf
      line: 3
reloaded:
  description: Whether nginx was reloaded.
  returned: always
  type: bool
connections:
  description: Connections of old worker processes to servers of O(upstreams) when the wait ended.
  returned: always
  type: int
websockets:
  description: The same for servers of O(websocket_upstreams).
  returned: always
  type: int
under_way:
  description: Connections of old worker processes to servers of O(upstreams) when the wait began. Null if the module
    did not wait, and for servers at a unix socket.
  returned: always
  type: int
seconds:
  description: How long it took.
  returned: always
  type: float
waiting:
  description: What the module still waits for. Ansible does not see it, because the action plugin calls the module
    again.
  returned: O(report_after) has passed
  type: dict
  contains:
    text:
      description: What it waits for.
      type: str
    ages:
      description: Seconds for which the oldest requests have run, as far as the host shows them.
      type: list
      elements: float
"""
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.nginx import Balancer, Done, NginxOrder, told
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.nginx_host import Nginx
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import option
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.code import Problem
from ansible_collections.fleetops.odoo.plugins.module_utils._module.long_wait import (
    LONG_WAIT_SPEC,
    bad_long_wait,
    set_clock,
    told_waiting,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._module.numbers import bad_span, bad_timeout
from ansible_collections.fleetops.odoo.plugins.module_utils._system.clock import Clock
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused, TimedOut

SPEC = {
    "state": {"type": "str", "choices": ["down", "up"], "required": True},
    "upstreams": {"type": "list", "elements": "str", "required": True},
    "websocket_upstreams": {"type": "list", "elements": "str", "default": []},
    "servers": {"type": "list", "elements": "str", "required": True},
    "config": {"type": "path"},
    "program": {"type": "path", "default": "/usr/sbin/nginx"},
    "timeout": {"type": "float", "default": 120.0},
    "websocket_timeout": {"type": "float", "default": 0.0},
    "wait": {"type": "bool", "default": True},
    "allow_last": {"type": "bool", "default": False},
    "owner": {"type": "str"},
    **LONG_WAIT_SPEC,
}


def order_of(module: AnsibleModule) -> NginxOrder:
    """Return what the options ask for; a bad one ends the module."""
    params = module.params
    for name in ("upstreams", "servers"):
        if not params[name]:
            _fail(module, option.EMPTY_LIST(option=name, choices="the " + name))
    problem = bad_timeout("timeout", params["timeout"]) or bad_span("websocket_timeout", params["websocket_timeout"])
    problem = problem or bad_long_wait(module)
    if problem:
        _fail(module, problem)
    return NginxOrder(
        params["state"] == "down",
        tuple(params["upstreams"]),
        tuple(params["websocket_upstreams"]),
        tuple(params["servers"]),
        params["timeout"],
        params["websocket_timeout"],
        bool(params["wait"]),
        bool(params["allow_last"]),
        params["owner"] or "",
    )


def _fail(module: AnsibleModule, problem: Problem, **result: t.Any) -> t.NoReturn:
    # What other modules end with would bring half of the collection to the host.
    module.fail_json(msg=problem.message, code=problem.code, **result)
    raise AssertionError  # fail_json has left the process


def _told(module: AnsibleModule, done: Done, seconds: float) -> t.Dict[str, t.Any]:
    found: t.Dict[str, t.Any] = {
        "changed": done.changed,
        "servers": [told(one) for one in done.servers],
        "reloaded": done.reloaded,
        "connections": done.connections,
        "websockets": done.websockets,
        "under_way": done.under_way,
        "seconds": round(seconds, 3),
        **told_waiting(done.waiting),
    }
    if module._diff:  # noqa: SLF001  # there is no other way to ask
        found["diff"] = [
            {"before_header": path, "after_header": path, "before": before, "after": after}
            for path, before, after in ((p, _text(done.before[p]), _text(done.after[p])) for p in sorted(done.before))
        ]
    return found


def _text(lines: t.Sequence[str]) -> str:
    return "".join(line + "\n" for line in lines)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    order, clock = order_of(module), set_clock(module, Clock())
    begun = clock.began()
    done = Done()
    try:
        balancer = Balancer(Nginx(module.params["program"], module.params["config"]), clock)
        done = balancer.done
        (balancer.predict if module.check_mode else balancer.act)(order)
    except Refused as exc:
        _fail(module, exc.problem, **_told(module, done, clock.monotonic() - begun))
    except TimedOut as exc:
        result = _told(module, done, clock.monotonic() - begun)
        said = "nginx did not finish within %g s: waiting for %s" % (order.timeout, exc.problem)
        module.fail_json(msg=said, code=exc.code, **result)
    else:
        module.exit_json(**_told(module, done, clock.monotonic() - begun))


if __name__ == "__main__":
    main()
