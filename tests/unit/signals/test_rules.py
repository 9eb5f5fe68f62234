# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of signals: nothing that was seen to kill a server or a request ever passes.

What is fatal is written down here once more, in the words of what was measured on real servers, and not derived from
the table under test.
"""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import (
    BOOTING,
    CRON,
    DRAINING,
    GEVENT_ROLE,
    HTTP,
    MASTER,
    PREFORK,
    RELOADING,
    RUNNING,
    SHEPHERD,
    THREADED,
    UNKNOWN,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import ODOO_SIGNALS
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rules import (
    IDENTITY,
    INTERLOCK,
    LIFTABLE,
    PLATFORM,
    PRIVILEGE,
    Refusal,
    objections,
    sift,
)
from hypothesis import given
from hypothesis import strategies as st

from .. import build

ROLES = (MASTER, HTTP, CRON, GEVENT_ROLE, SHEPHERD, UNKNOWN)
MODES = (PREFORK, THREADED, None)
STATES = (BOOTING, RUNNING, RELOADING, DRAINING)
SIGNALS = (*ODOO_SIGNALS, "KILL", "STOP", "CONT", "TSTP", "ALRM", "PIPE", "WINCH")
CATCHABLE = ODOO_SIGNALS

MASKS = {
    "nothing": (),
    "booting": build.BOOTING,
    "prefork master": build.PREFORK_MASTER,
    "prefork master of 14": tuple(name for name in build.PREFORK_MASTER if name != "USR2"),
    "threaded master": build.THREADED_MASTER,
    "threaded master of 14": tuple(name for name in build.THREADED_MASTER if name != "USR2"),
    "worker": build.WORKER,
    "worker of 14": tuple(name for name in build.WORKER if name != "USR2"),
    "gevent": build.GEVENT,
    "everything": ODOO_SIGNALS,
}


def fatal(name: str, caught: frozenset[str], role: str, mode: str | None, state: str) -> str | None:
    """What was seen to go wrong with this signal; None where it did what it should."""
    if name not in caught:
        return "no handler: the default action kills or stops"
    at_rest = state == RUNNING
    checks = {
        "HUP kills what is no master": name == "HUP" and role != MASTER,
        "a second HUP kills or forces": name == "HUP" and role == MASTER and not at_rest,
        "a second INT forces": name == "INT" and role == MASTER and not at_rest,
        "TERM kills a worker at once": name == "TERM" and role != MASTER,
        "a second TERM forces": name == "TERM" and role == MASTER and not at_rest,
        "the shepherd must be left alone": role == SHEPHERD,
        "nobody knows what it is": role == UNKNOWN,
        "USR1 kills some gevents": name == "USR1" and role == GEVENT_ROLE,
        "USR2 kills": name == "USR2" and role == GEVENT_ROLE,
        "XCPU kills gevent": name == "XCPU" and role == GEVENT_ROLE,
        "XCPU kills a prefork master and ends a threaded one": name == "XCPU" and role == MASTER,
        "only a prefork master counts workers": name in ("TTIN", "TTOU") and (role != MASTER or mode != PREFORK),
        "the count is not at rest": name in ("TTIN", "TTOU") and not at_rest,
        "the kernel's own": name == "CHLD",
        "Odoo gives it no meaning": name not in ODOO_SIGNALS,
    }
    return next((reason for reason, holds in checks.items() if holds), None)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("role", ROLES)
def test_nothing_fatal_is_ever_allowed(role: str, mask: str) -> None:
    caught = frozenset(MASKS[mask])
    target = build.process(100, caught=caught)
    for name, mode, state in itertools.product(SIGNALS, MODES, STATES):
        why = fatal(name, caught, role, mode, state)
        if why:
            assert objections(name, target, role, mode, state), (name, role, mode, state, why)


@given(
    st.sampled_from(SIGNALS),
    st.frozensets(st.sampled_from(CATCHABLE)),
    st.sampled_from(ROLES) | st.text(),
    st.sampled_from(MODES),
    st.sampled_from(STATES) | st.text(),
)
def test_nothing_fatal_is_ever_allowed_whatever_is_caught(
    name: str, caught: frozenset[str], role: str, mode: str | None, state: str
) -> None:
    if fatal(name, caught, role, mode, state):
        assert objections(name, build.process(100, caught=caught), role, mode, state)


ALLOWED = [
    ("HUP", MASTER, PREFORK, RUNNING, build.PREFORK_MASTER),
    ("HUP", MASTER, THREADED, RUNNING, build.THREADED_MASTER),
    ("INT", MASTER, PREFORK, RUNNING, build.PREFORK_MASTER),
    ("INT", HTTP, PREFORK, RUNNING, build.WORKER),
    ("INT", CRON, PREFORK, RUNNING, build.WORKER),
    ("INT", GEVENT_ROLE, PREFORK, RUNNING, build.GEVENT),
    ("QUIT", MASTER, PREFORK, RELOADING, build.PREFORK_MASTER),
    ("QUIT", MASTER, THREADED, DRAINING, build.THREADED_MASTER),
    ("QUIT", GEVENT_ROLE, PREFORK, RUNNING, build.GEVENT),
    ("QUIT", HTTP, PREFORK, RELOADING, build.WORKER),
    ("USR1", MASTER, THREADED, RUNNING, build.THREADED_MASTER),
    ("USR1", CRON, PREFORK, RUNNING, build.WORKER),
    ("USR2", HTTP, PREFORK, RUNNING, build.WORKER),
    ("TTIN", MASTER, PREFORK, RUNNING, build.PREFORK_MASTER),
    ("TTOU", MASTER, PREFORK, RUNNING, build.PREFORK_MASTER),
    ("XCPU", HTTP, PREFORK, RUNNING, build.WORKER),
    ("XCPU", CRON, PREFORK, RUNNING, build.WORKER),
]


@pytest.mark.parametrize(("name", "role", "mode", "state", "caught"), ALLOWED)
def test_what_operations_need_is_allowed(
    name: str, role: str, mode: str | None, state: str, caught: tuple[str, ...]
) -> None:
    assert objections(name, build.process(100, caught=caught), role, mode, state) == []


REFUSED = [
    ("HUP", HTTP, PREFORK, RUNNING, build.WORKER, "role"),
    ("TERM", MASTER, PREFORK, RUNNING, build.PREFORK_MASTER, "role"),
    ("KILL", HTTP, PREFORK, RUNNING, build.WORKER, "role"),
    ("HUP", MASTER, None, BOOTING, build.BOOTING, "interlock"),
    ("USR2", MASTER, PREFORK, RUNNING, MASKS["prefork master of 14"], "interlock"),
    ("TTIN", MASTER, THREADED, RUNNING, build.THREADED_MASTER, "interlock"),
    ("TTIN", MASTER, THREADED, RUNNING, build.PREFORK_MASTER, "mode"),
    ("HUP", MASTER, PREFORK, RELOADING, build.PREFORK_MASTER, "state"),
    ("INT", MASTER, PREFORK, DRAINING, build.PREFORK_MASTER, "state"),
]


@pytest.mark.parametrize(("name", "role", "mode", "state", "caught", "rule"), REFUSED)
def test_a_refusal_names_its_rule(
    name: str, role: str, mode: str | None, state: str, caught: tuple[str, ...], rule: str
) -> None:
    found = objections(name, build.process(100, caught=caught), role, mode, state)
    assert found[0].rule == rule
    assert all(name in why.reason for why in found)


def test_what_is_forced_is_never_a_signal_without_a_handler() -> None:
    assert {IDENTITY, PRIVILEGE, INTERLOCK}.isdisjoint(LIFTABLE)
    for name, role, mode, state in itertools.product(SIGNALS, ROLES, MODES, STATES):
        for caught in MASKS.values():
            found = objections(name, build.process(100, caught=caught), role, mode, state)
            holding, lifted = sift(found, force=True)
            assert sorted(map(str, holding + lifted)) == sorted(map(str, found))
            assert (name not in caught) == bool(holding), (name, role, mode, state, caught)
            assert sift(found, force=False) == (found, [])


def test_on_odoo_sh_nothing_is_signalled_unless_forced() -> None:
    target = build.process(100, marks={"ODOO_STAGE": "production"})
    (why,) = objections("QUIT", target, MASTER, PREFORK, RUNNING)
    assert why.rule == PLATFORM
    assert sift([why], force=True) == ([], [Refusal(PLATFORM, why.reason)])


@pytest.mark.parametrize(
    ("signal", "role", "mode", "state", "stage", "reason"),
    [
        ("HUP", HTTP, PREFORK, RUNNING, "", "HUP must not be sent to a process of role http"),
        (
            "XCPU",
            HTTP,
            PREFORK,
            RUNNING,
            "",
            "process 7 has no handler for XCPU at this moment, so the signal would kill it",
        ),
        ("TTIN", MASTER, THREADED, RUNNING, "", "TTIN means something to a prefork server only"),
        (
            "HUP",
            MASTER,
            PREFORK,
            DRAINING,
            "",
            "the server is draining: a HUP on top of it would kill requests or the server",
        ),
        ("HUP", MASTER, PREFORK, RUNNING, "staging", "this is Odoo.sh, which uses signals itself"),
    ],
)
def test_the_reason_is_told(signal: str, role: str, mode: str, state: str, stage: str, reason: str) -> None:
    process = build.process(7, marks={"ODOO_STAGE": stage})
    assert [refusal.reason for refusal in objections(signal, process, role, mode, state)] == [reason]
