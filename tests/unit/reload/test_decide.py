# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision over every state, policy and age of the load."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.differences import Need
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import Loaded
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.staleness import Staleness
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance, Role, State
from ansible_collections.fleetops.odoo.plugins.module_utils._reload.decide import (
    Act,
    Decision,
    Method,
    Policy,
    ReloadWish,
    decide_reload,
)

from .. import build

LOAD = Loaded(100.0, 200.0, "process")
FRESH, OLD_CODE, OLD_UNIT = (
    Staleness(),
    Staleness(Need.RELOAD, ("1 file changed",), ("/a.py",), 1, hup_helps=True),
    Staleness(Need.RESTART, ("its unit has changed",)),
)


def decide(
    instance: Instance,
    policy: Policy = Policy.ALWAYS,
    since: float | None = None,
    staleness: Staleness | None = None,
    waited_for: str | None = None,
    method: Method = Method.HUP,
) -> Decision:
    """Decide over a load between 100 and 200."""
    return decide_reload(instance, LOAD, staleness, ReloadWish(policy, since, method), waited_for, str)


AT_REST = build.instance(build.prefork(100))


@pytest.mark.parametrize("state", [State.BOOTING, State.RELOADING, State.DRAINING])
def test_nothing_is_sent_to_a_server_that_is_not_at_rest(state: State) -> None:
    busy = dataclasses.replace(AT_REST, state=state)
    wishes = [(Policy.ALWAYS, None), (Policy.SINCE, 0.0), (Policy.SINCE, 1e9), (Policy.STALE, None)]
    stales = [None, FRESH, OLD_CODE, OLD_UNIT]
    for (policy, since), staleness, waited_for in itertools.product(wishes, stales, [None, "it was booting"]):
        assert decide(busy, policy, since, staleness, waited_for) == Decision(
            Act.WAIT, f"the server was {state}", load=True
        )


def test_a_process_that_starts_is_waited_for() -> None:
    fresh = build.process(170, 100)
    instance = build.instance([*build.prefork(100), fresh])
    assert decide(instance) == Decision(Act.WAIT, "the server was starting a process")


def test_a_process_of_an_unknown_kind_that_has_no_handler_is_not_waited_for() -> None:
    stranger = build.process(170, 100, ("INT", "QUIT"), sockets=frozenset())
    instance = build.instance([*build.prefork(100), stranger])
    assert [child.role for child in instance.children if child.process is stranger] == [Role.UNKNOWN]
    assert decide(instance).kind == Act.ACT


@pytest.mark.parametrize(
    ("since", "kind"), [(99.0, Act.NOTHING), (100.0, Act.NOTHING), (100.1, Act.ACT), (150.0, Act.ACT), (300.0, Act.ACT)]
)
def test_since_believes_the_lower_bound_only(since: float, kind: str) -> None:
    decision = decide(AT_REST, Policy.SINCE, since)
    assert decision.kind == kind
    later = f"the server loaded its code at 100.0 or later, which is not before {since}"
    assert decision.reason == (
        later if kind == Act.NOTHING else f"the server may have loaded its code at 100.0, which is before {since}"
    )


def test_since_is_not_content_with_having_waited() -> None:
    assert decide(AT_REST, Policy.SINCE, 300.0, waited_for="the server was reloading").kind == Act.ACT


def test_always() -> None:
    assert decide(AT_REST) == Decision(Act.ACT, "a reload was requested")
    waited = decide(AT_REST, waited_for="the server was reloading")
    assert waited == Decision(Act.NOTHING, "the server was reloading when this call began, and that was successful")


WAITED = "it was reloading when this call began, and that was successful"


def test_always_reloads_again_what_has_changed_since_the_load_it_waited_for() -> None:
    for method in Method:
        assert decide(AT_REST, staleness=FRESH, waited_for="it was reloading", method=method) == Decision(
            Act.NOTHING, WAITED
        )
        assert decide(AT_REST, staleness=OLD_CODE, waited_for="it was reloading", method=method) == Decision(
            Act.ACT, WAITED + ", but 1 file changed: /a.py"
        )


def test_always_after_a_wait_sends_no_hup_for_what_only_a_restart_applies() -> None:
    assert decide(AT_REST, staleness=OLD_UNIT, waited_for="it was reloading") == Decision(
        Act.NOTHING, WAITED + "; a HUP does not apply this: its unit has changed"
    )
    assert decide(AT_REST, staleness=OLD_UNIT, waited_for="it was reloading", method=Method.AUTO) == Decision(
        Act.ACT, WAITED + ", but its unit has changed", restart=True
    )
    both = dataclasses.replace(OLD_UNIT, hup_helps=True)
    assert decide(AT_REST, staleness=both, waited_for="it was reloading").kind == Act.ACT


@pytest.mark.parametrize(
    ("policy", "since", "staleness"),
    [(Policy.ALWAYS, 99.0, FRESH), (Policy.SINCE, None, FRESH), (Policy.STALE, 99.0, None)],
)
def test_what_another_policy_asks_is_not_asked(
    policy: Policy, since: float | None, staleness: Staleness | None
) -> None:
    assert decide(AT_REST, policy, since, staleness) == Decision(Act.ACT, "a reload was requested")


def test_stale() -> None:
    fresh = decide(AT_REST, Policy.STALE, staleness=FRESH)
    assert fresh == Decision(Act.NOTHING, "nothing has changed since it loaded its code at 100.0")
    assert decide(AT_REST, Policy.STALE, staleness=OLD_CODE) == Decision(Act.ACT, "1 file changed: /a.py")
    assert decide(AT_REST, Policy.STALE, staleness=Staleness(Need.RELOAD, ("a", "b"))) == Decision(Act.ACT, "a; b")
    refused = decide(
        AT_REST, Policy.STALE, staleness=Staleness(Need.RESTART, ("its unit has changed", "its Python too"))
    )
    assert refused == Decision(Act.REFUSE, "its unit has changed; its Python too")


@pytest.mark.parametrize(
    ("count", "told"), [(2, "/a, /b"), (3, "/a, /b, /c"), (4, "/a, /b, /c and 1 more"), (9, "/a, /b, /c and 6 more")]
)
def test_three_files_are_named_and_the_others_counted(count: int, told: str) -> None:
    files = ("/a", "/b", "/c", "/d")[:count]
    assert decide(AT_REST, Policy.STALE, staleness=Staleness(Need.RELOAD, ("files changed",), files, count)).reason == (
        f"files changed: {told}"
    )


@pytest.mark.parametrize("method", [Method.AUTO, Method.SUPERVISOR])
def test_stale_where_a_restart_is_allowed(method: Method) -> None:
    unit = Staleness(Need.RESTART, ("its unit has changed",), ("/u",), 1)
    assert decide(AT_REST, Policy.STALE, staleness=unit, method=method) == Decision(
        Act.ACT, "its unit has changed", restart=True
    )
    assert decide(AT_REST, Policy.STALE, staleness=OLD_CODE, method=method) == Decision(
        Act.ACT, "1 file changed: /a.py"
    )
    assert decide(AT_REST, Policy.STALE, staleness=FRESH, method=method).kind == Act.NOTHING
