# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""What the module ``reload`` does."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fleetops.odoo.plugins.module_utils._await import Clock
from ansible_collections.fleetops.odoo.plugins.module_utils._decide import SINCE, ReloadWish
from ansible_collections.fleetops.odoo.plugins.module_utils._module import choose_masters, find_host, timeout_of, told
from ansible_collections.fleetops.odoo.plugins.module_utils._module_health import health_of
from ansible_collections.fleetops.odoo.plugins.module_utils._reload import ReloadFailed, ReloadOrder, reload_all
from ansible_collections.fleetops.odoo.plugins.module_utils._secrets import known_secrets
from ansible_collections.fleetops.odoo.plugins.module_utils._tell import iso, printable
from ansible_collections.fleetops.odoo.plugins.module_utils._when import BadMoment, parse_moment

#: Seconds by which the clock of the controller may be ahead of the host's.
_CLOCK_TOLERANCE = 5.0


def reload(module: AnsibleModule) -> None:
    """What the module ``reload`` does."""
    host = find_host()
    params = module.params
    wish, health = _wish(module, host.clock), health_of(module, params["health"])
    order = ReloadOrder(wish, health, timeout_of(module), params["force"])
    seen, identities = choose_masters(module, host)
    secrets = known_secrets(host.proc, seen)
    try:
        results = reload_all(host, seen, identities, order, check_mode=module.check_mode)
    except ReloadFailed as exc:
        module.fail_json(msg=printable(secrets.hide(str(exc))), **told(module, exc.results, secrets))
    else:
        module.exit_json(**told(module, results, secrets))


def _wish(module: AnsibleModule, clock: Clock) -> ReloadWish:
    policy, text = module.params["policy"], module.params["since"]
    if policy != SINCE:
        return ReloadWish(policy, method=module.params["method"])
    try:
        since = parse_moment(text)
    except BadMoment as exc:
        module.fail_json(msg="since: %s" % exc)
    ahead = since - clock.time()
    if ahead > _CLOCK_TOLERANCE:
        module.fail_json(
            msg="since: %s is in the future by the clock of this host, which says %s; right is a moment that has passed"
            % (text, iso(clock.time()))
        )
    if ahead > 0 and not module.check_mode:
        clock.sleep(ahead)
    return ReloadWish(policy, since, module.params["method"])
