# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision over every state, policy and age of the load."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import Loaded
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.staleness import RELOAD, RESTART, Staleness
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import (
    BOOTING,
    DRAINING,
    RELOADING,
    UNKNOWN,
    Instance,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._reload.decide import (
    ACT,
    ALWAYS,
    AUTO,
    NOTHING,
    REFUSE,
    SINCE,
    STALE,
    SUPERVISOR,
    WAIT,
    Decision,
    ReloadWish,
    decide_reload,
)

from .. import build

LOAD = Loaded(100.0, 200.0, "process")
FRESH, OLD_CODE, OLD_UNIT = Staleness(), Staleness(RELOAD, ("1 file changed",), ("/a.py",), 1), Staleness(RESTART)


def decide(
    instance: Instance,
    policy: str = ALWAYS,
    since: float | None = None,
    staleness: Staleness | None = None,
    waited_for: str | None = None,
    method: str = "hup",
) -> Decision:
    """Decide over a load between 100 and 200."""
    return decide_reload(instance, LOAD, staleness, ReloadWish(policy, since, method), waited_for, str)


AT_REST = build.instance(build.prefork(100))


@pytest.mark.parametrize("state", [BOOTING, RELOADING, DRAINING])
def test_nothing_is_sent_to_a_server_that_is_not_at_rest(state: str) -> None:
    busy = dataclasses.replace(AT_REST, state=state)
    wishes = [(ALWAYS, None), (SINCE, 0.0), (SINCE, 1e9), (STALE, None)]
    stales = [None, FRESH, OLD_CODE, OLD_UNIT]
    for (policy, since), staleness, waited_for in itertools.product(wishes, stales, [None, "it was booting"]):
        assert decide(busy, policy, since, staleness, waited_for) == Decision(WAIT, f"it was {state}", load=True)


def test_a_process_that_starts_is_waited_for() -> None:
    fresh = build.process(170, 100)
    instance = build.instance([*build.prefork(100), fresh])
    assert decide(instance) == Decision(WAIT, "it was starting a process")


def test_a_process_of_an_unknown_kind_that_has_no_handler_is_not_waited_for() -> None:
    stranger = build.process(170, 100, ("INT", "QUIT"), sockets=frozenset())
    instance = build.instance([*build.prefork(100), stranger])
    assert [child.role for child in instance.children if child.process is stranger] == [UNKNOWN]
    assert decide(instance).kind == ACT


@pytest.mark.parametrize(
    ("since", "kind"), [(99.0, NOTHING), (100.0, NOTHING), (100.1, ACT), (150.0, ACT), (300.0, ACT)]
)
def test_since_believes_the_lower_bound_only(since: float, kind: str) -> None:
    decision = decide(AT_REST, SINCE, since)
    assert decision.kind == kind
    later = f"it loaded its code at 100.0 or later, which is not before {since}"
    assert decision.reason == (
        later if kind == NOTHING else f"it may have loaded its code at 100.0, which is before {since}"
    )


def test_since_is_not_content_with_having_waited() -> None:
    assert decide(AT_REST, SINCE, 300.0, waited_for="it was reloading").kind == ACT


def test_always() -> None:
    assert decide(AT_REST) == Decision(ACT, "a reload was asked for")
    waited = decide(AT_REST, waited_for="it was reloading")
    assert waited == Decision(NOTHING, "it was reloading when this call came, and that has ended well")


@pytest.mark.parametrize(
    ("policy", "since", "staleness"), [(ALWAYS, 99.0, FRESH), (SINCE, None, FRESH), (STALE, 99.0, None)]
)
def test_what_another_policy_asks_is_not_asked(policy: str, since: float | None, staleness: Staleness | None) -> None:
    assert decide(AT_REST, policy, since, staleness) == Decision(ACT, "a reload was asked for")


def test_stale() -> None:
    fresh = decide(AT_REST, STALE, staleness=FRESH)
    assert fresh == Decision(NOTHING, "nothing has changed since it loaded its code at 100.0")
    assert decide(AT_REST, STALE, staleness=OLD_CODE) == Decision(ACT, "1 file changed: /a.py")
    assert decide(AT_REST, STALE, staleness=Staleness(RELOAD, ("a", "b"))) == Decision(ACT, "a; b")
    refused = decide(AT_REST, STALE, staleness=Staleness(RESTART, ("its unit has changed", "its Python too")))
    how = "restart it through its supervisor (method: auto does that)"
    assert refused == Decision(REFUSE, f"its unit has changed; its Python too; {how}")


@pytest.mark.parametrize(
    ("count", "told"), [(2, "/a, /b"), (3, "/a, /b, /c"), (4, "/a, /b, /c and 1 more"), (9, "/a, /b, /c and 6 more")]
)
def test_three_files_are_named_and_the_others_counted(count: int, told: str) -> None:
    files = ("/a", "/b", "/c", "/d")[:count]
    assert decide(AT_REST, STALE, staleness=Staleness(RELOAD, ("files changed",), files, count)).reason == (
        f"files changed: {told}"
    )


@pytest.mark.parametrize("method", [AUTO, SUPERVISOR])
def test_stale_where_a_restart_is_allowed(method: str) -> None:
    unit = Staleness(RESTART, ("its unit has changed",), ("/u",), 1)
    assert decide(AT_REST, STALE, staleness=unit, method=method) == Decision(ACT, "its unit has changed", restart=True)
    assert decide(AT_REST, STALE, staleness=OLD_CODE, method=method) == Decision(ACT, "1 file changed: /a.py")
    assert decide(AT_REST, STALE, staleness=FRESH, method=method).kind == NOTHING
