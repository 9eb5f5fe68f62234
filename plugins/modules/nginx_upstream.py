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
  - With O(state=down) it adds C(down) to the server in the file where it stands, has nginx test its configuration and
    reload it, and waits until no old worker process has a connection to the server any more. New worker processes send
    it nothing.
  - With O(state=up) it takes away what it has added, and reloads nginx. The file is byte for byte as it was before.
  - Files that are included are followed, and the first that names a server is changed. Comments, order and indentation
    stay. A comment after the server says who has marked it down, and since when.
  - Where C(nginx -t) refuses the configuration, or nginx does not take it, the files are put back as they were.
  - Calls for several servers at the same moment come one after the other, by a lock on the host of nginx.
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
      - V(up) puts back what this module has taken out. A server that was marked C(down) by hand is refused.
    type: str
    choices: [down, up]
    required: true
  upstreams:
    description: Names of the upstreams whose requests are waited for.
    type: list
    elements: str
    required: true
  websocket_upstreams:
    description:
      - Names of upstreams of gevent ports. The servers are taken out of these too.
      - Connections to them have a time limit of their own, O(websocket_timeout), and never make the task fail.
    type: list
    elements: str
    default: []
  servers:
    description:
      - Addresses of the servers as the configuration has them, such as V(192.0.2.11:8069) or V(unix:/run/odoo.sock).
        Without a port, such as V(192.0.2.11), every port of it is meant.
      - Names are compared as texts. They are not resolved.
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
    description: Seconds for the lock, the reload, and until no old worker process has a connection to the servers.
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
    description: Whether the last server of an upstream may be taken out.
    type: bool
    default: false
  owner:
    description: The owner of the mark, for people. The default is the user and the controller, or the user of AWX.
    type: str
requirements:
  - root on the host of nginx
notes:
  - A reload takes in everything that the files say, also changes of others that were not reloaded yet.
  - Files that another user than root could change are not written.
  - A configuration with blocks of Lua is refused, since their end cannot be told from nginx's own text.
  - A request whose body an old worker process is still receiving has no connection to a server yet, so it is not waited
    for. nginx tries another server if the host refuses the connection then.
  - After a task that has failed with V(timeout.connections) the server is marked down, until O(state=up).
  - Of a server at a unix socket the connections are not shown, so the end of all old worker processes is waited for.
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
  description: Stable name of why it failed, such as V(timeout.connections).
  returned: failure
  type: str
servers:
  description: The servers as they are now, or would be.
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
      description: V(up) or V(down), as the file says.
      type: str
    backup:
      description: Whether it gets requests only where no other server does.
      type: bool
    weight:
      description: Its share of the requests.
      type: int
    marked:
      description: The owner of the mark and its time, in C(owner) and C(since). Null where this module has not.
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
  description: Connections of old worker processes to servers of O(upstreams) when the wait began. Null where the module
    did not wait, and for servers at a unix socket, whose connections are not shown.
  returned: always
  type: int
seconds:
  description: How long it took.
  returned: always
  type: float
"""
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.nginx import Balancer, Done, NginxOrder, told
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.nginx_host import Nginx
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import option
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.code import Problem
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
}


def order_of(module: AnsibleModule) -> NginxOrder:
    """Return what the options ask for; a bad one ends the module."""
    params = module.params
    for name in ("upstreams", "servers"):
        if not params[name]:
            _fail(module, option.EMPTY_LIST(option=name, choices="the " + name))
    problem = bad_timeout("timeout", params["timeout"]) or bad_span("websocket_timeout", params["websocket_timeout"])
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
    module, clock = AnsibleModule(argument_spec=SPEC, supports_check_mode=True), Clock()
    order, begun = order_of(module), clock.monotonic()
    done = Done()
    try:
        balancer = Balancer(Nginx(module.params["program"], module.params["config"]), clock)
        done = balancer.done
        (balancer.predict if module.check_mode else balancer.act)(order)
    except Refused as exc:
        _fail(module, exc.problem, **_told(module, done, clock.monotonic() - begun))
    except TimedOut as exc:
        result = _told(module, done, clock.monotonic() - begun)
        said = "nginx did not come to rest within %g s: waiting for %s" % (order.timeout, exc.problem)
        module.fail_json(msg=said, code=exc.code, **result)
    else:
        module.exit_json(**_told(module, done, clock.monotonic() - begun))


if __name__ == "__main__":
    main()
