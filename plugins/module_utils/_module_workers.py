# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""What the modules ``workers`` and ``recycle_workers`` do with their parameters and their results."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.formatters import human_to_bytes
from ansible_collections.fleetops.odoo.plugins.module_utils._crew import CrewFailed
from ansible_collections.fleetops.odoo.plugins.module_utils._module import (
    choose_masters,
    find_host,
    seconds_of,
    timeout_of,
    told,
    warn,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._recycle import RecycleOrder, recycle_all
from ansible_collections.fleetops.odoo.plugins.module_utils._scale import ScaleOrder, ScaleResult, scale_all
from ansible_collections.fleetops.odoo.plugins.module_utils._secrets import Secrets, hidden_in, known_secrets
from ansible_collections.fleetops.odoo.plugins.module_utils._tell import StepsResult, printable

#: One of these must be said to recycle_workers.
_CONDITIONS = ("rss_above", "older_than", "busy_longer_than", "pids")


def workers(module: AnsibleModule) -> None:
    """What the module ``workers`` does."""
    host, params = find_host(), module.params
    if params["count"] < 1:
        module.fail_json(
            msg="count: %d; right is a number from 1 on (a server without workers is a threaded one, which a restart"
            " with workers = 0 in odoo.conf makes)" % params["count"],
            results=[],
        )
    order = ScaleOrder(
        params["count"], timeout_of(module), params["wait_busy"], params["persist"], params["prove"], params["force"]
    )
    seen, identities = choose_masters(module, host)
    secrets = known_secrets(host.proc, seen)
    try:
        results = scale_all(host, seen, identities, order, check_mode=module.check_mode)
    except CrewFailed as exc:
        warn(module, exc.results, secrets)
        module.fail_json(
            msg=printable(secrets.hide(str(exc))), **_scaled(module, t.cast(t.List[ScaleResult], exc.results), secrets)
        )
    else:
        warn(module, results, secrets)
        module.exit_json(**_scaled(module, results, secrets))


def recycle_workers(module: AnsibleModule) -> None:
    """What the module ``recycle_workers`` does."""
    host, params = find_host(), module.params
    order = _recycle_order(module)
    seen, identities = choose_masters(module, host)
    secrets = known_secrets(host.proc, seen)
    try:
        results = recycle_all(host, seen, identities, order, check_mode=module.check_mode)
    except CrewFailed as exc:
        warn(module, exc.results, secrets)
        module.fail_json(msg=printable(secrets.hide(str(exc))), **_recycled(module, exc.results, secrets))
    else:
        known = {child.process.pid for one in seen.instances for child in one.children}
        unknown = sorted(set(params["pids"] or []) - known)
        if unknown:
            module.warn("pids: no worker of an Odoo server has pid %s" % ", ".join(map(str, unknown)))
        warn(module, results, secrets)
        module.exit_json(**_recycled(module, results, secrets))


def _recycle_order(module: AnsibleModule) -> RecycleOrder:
    params = module.params
    if all(params[name] is None for name in _CONDITIONS):
        module.fail_json(
            msg="no condition is given, so all workers would be recycled each time; right is at least one of %s"
            " (older_than: 0 holds for every worker)" % ", ".join(_CONDITIONS),
            results=[],
        )
    if params["batch"] < 1:
        module.fail_json(msg="batch: %d; right is a number from 1 on" % params["batch"], results=[])
    if not params["roles"]:
        module.fail_json(msg="roles: no role is named; right is at least one of http, cron and gevent", results=[])
    pids = params["pids"]
    return RecycleOrder(
        timeout_of(module),
        tuple(params["roles"]),
        _size_of(module, params["rss_above"]),
        None if params["older_than"] is None else seconds_of(module, "older_than"),
        None if params["busy_longer_than"] is None else seconds_of(module, "busy_longer_than"),
        None if pids is None else frozenset(pids),
        params["batch"],
        params["abort"],
        params["force"],
    )


def _size_of(module: AnsibleModule, text: t.Optional[str]) -> t.Optional[int]:
    if text is None:
        return None
    try:
        size = int(human_to_bytes(text))
    except ValueError:
        size = -1
    if size < 0:
        module.fail_json(
            msg="rss_above: %r is no size; right is a number of bytes, or one with a unit such as 900M or 1.5G" % text,
            results=[],
        )
    return size


def _scaled(module: AnsibleModule, results: t.Sequence[ScaleResult], secrets: Secrets) -> t.Dict[str, t.Any]:
    found = told(module, results, secrets)
    found["changed"] = any(one.changed for one in results)
    written = [one.persisted for one in results if one.persisted and one.persisted["changed"]]
    if "diff" in found:
        found["diff"] += [
            {
                "before_header": one["path"],
                "after_header": one["path"],
                "before": one["before"] + "\n" if one["before"] else "",
                "after": one["after"] + "\n",
            }
            for one in written
        ]
    return found


def _recycled(module: AnsibleModule, results: t.Sequence[StepsResult], secrets: Secrets) -> t.Dict[str, t.Any]:
    found = told(module, results, secrets)
    for one in found["results"]:
        one["recycled"] = [hidden_in(secrets, worker) for worker in one["recycled"]]
    return {**found, "changed": any(one.signals for one in results)}
