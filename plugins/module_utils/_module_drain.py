# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""What knows AnsibleModule for the module ``drain``: parameters in, the drain or the way back, results out."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._drain import drain_all
from ansible_collections.fleetops.odoo.plugins.module_utils._drain_types import DrainFailed, DrainOrder, DrainResult
from ansible_collections.fleetops.odoo.plugins.module_utils._host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._look import Look
from ansible_collections.fleetops.odoo.plugins.module_utils._module import (
    chosen_by,
    find_host,
    matching,
    seconds_of,
    timeout_of,
    told,
    warn,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._module_health import health_of
from ansible_collections.fleetops.odoo.plugins.module_utils._notes import Note, NoteBook, key_in
from ansible_collections.fleetops.odoo.plugins.module_utils._secrets import Secrets, known_secrets
from ansible_collections.fleetops.odoo.plugins.module_utils._tell import printable
from ansible_collections.fleetops.odoo.plugins.module_utils._undrain import UndrainOrder, undrain_all

DRAINED = "drained"

#: Looks that must agree, where there are servers and where there are none, and seconds between two of them.
_LOOKS, _LOOKS_FOR_NONE, _BETWEEN_LOOKS = 2, 5, 0.15
_MOST_LOOKS = 20


def drain(module: AnsibleModule) -> None:
    """What the module ``drain`` does."""
    host, params = find_host(), module.params
    drained = params["state"] == DRAINED
    order = _drain_order(module) if drained else _undrain_order(module)
    seen, identities = _settled(module, host)
    secrets = known_secrets(host.proc, seen)
    notes = _notes(module, host, seen, identities, drained=drained)
    _make_sure_of_some(module, identities, notes, drained=drained)
    try:
        if isinstance(order, DrainOrder):
            results = drain_all(host, seen, identities, notes, order, check_mode=module.check_mode)
        else:
            results = undrain_all(host, seen, identities, notes, order, check_mode=module.check_mode)
    except DrainFailed as exc:
        warn(module, exc.results, secrets)
        module.fail_json(msg=printable(secrets.hide(str(exc))), **_told(module, exc.results, secrets))
    else:
        warn(module, results, secrets)
        module.exit_json(**_told(module, results, secrets))


def _settled(module: AnsibleModule, host: Host) -> t.Tuple[Look, t.List[str]]:
    """A look that misses nobody, and the identities of the masters in it that are chosen.

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


def _drain_order(module: AnsibleModule) -> DrainOrder:
    params = module.params
    return DrainOrder(
        seconds_of(module, "http_timeout"),
        seconds_of(module, "cron_timeout"),
        seconds_of(module, "gevent_timeout"),
        timeout_of(module),
        params["on_timeout"],
        params["hold"],
        params["force"],
    )


def _undrain_order(module: AnsibleModule) -> UndrainOrder:
    order = UndrainOrder(
        health_of(module, module.params["health"]),
        seconds_of(module, "min_healthy_time"),
        timeout_of(module),
        module.params["start_recorded"],
    )
    if order.min_healthy_time >= order.timeout:
        module.fail_json(
            msg="min_healthy_time: %g s do not fit into a timeout of %g s; right is less, or a longer timeout"
            % (order.min_healthy_time, order.timeout)
        )
    return order


def _notes(
    module: AnsibleModule, host: Host, seen: Look, identities: t.Sequence[str], *, drained: bool
) -> t.List[Note]:
    """The notes that are meant: by ``match``, or since what runs in their place is.

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
    match = module.params["match"]
    which = " that matches %s" % match if match else ""
    if drained:
        msg = "no Odoo master was found%s, and none was drained" % which
    else:
        msg = (
            "nothing was drained here%s since the host was booted, and no such server runs, so nothing is known that"
            " could be brought back; right is to start it by its supervisor" % which
        )
    module.fail_json(msg=msg, results=[])


def _told(module: AnsibleModule, results: t.Sequence[DrainResult], secrets: Secrets) -> t.Dict[str, t.Any]:
    return {**told(module, results, secrets), "changed": any(one.changed for one in results)}
