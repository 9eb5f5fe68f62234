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
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Mode, Role, State
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import ODOO_SIGNALS
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rules import (
    LIFTABLE,
    Objection,
    Rule,
    objections,
    sift,
)
from hypothesis import given
from hypothesis import strategies as st

from .. import build

ROLES = (Role.MASTER, Role.HTTP, Role.CRON, Role.GEVENT, Role.SHEPHERD, Role.UNKNOWN)
MODES = (Mode.PREFORK, Mode.THREADED, None)
STATES = (State.BOOTING, State.RUNNING, State.RELOADING, State.DRAINING)
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


def fatal(name: str, caught: frozenset[str], role: Role, mode: Mode | None, state: State) -> str | None:
    """Return the harm that was seen after this signal; None if it did what it should."""
    if name not in caught:
        return "no handler: the default action kills or stops"
    at_rest = state == State.RUNNING
    checks = {
        "HUP kills what is no master": name == "HUP" and role != Role.MASTER,
        "a second HUP kills or forces": name == "HUP" and role == Role.MASTER and not at_rest,
        "a second INT forces": name == "INT" and role == Role.MASTER and not at_rest,
        "TERM kills a worker at once": name == "TERM" and role != Role.MASTER,
        "a second TERM forces": name == "TERM" and role == Role.MASTER and not at_rest,
        "the shepherd must be left alone": role == Role.SHEPHERD,
        "nobody knows what it is": role == Role.UNKNOWN,
        "USR1 kills some gevents": name == "USR1" and role == Role.GEVENT,
        "USR2 kills": name == "USR2" and role == Role.GEVENT,
        "XCPU kills gevent": name == "XCPU" and role == Role.GEVENT,
        "XCPU kills a prefork master and ends a threaded one": name == "XCPU" and role == Role.MASTER,
        "only a prefork master counts workers": name in ("TTIN", "TTOU")
        and (role != Role.MASTER or mode != Mode.PREFORK),
        "the count is not at rest": name in ("TTIN", "TTOU") and not at_rest,
        "the kernel's own": name == "CHLD",
        "Odoo gives it no meaning": name not in ODOO_SIGNALS,
    }
    return next((reason for reason, holds in checks.items() if holds), None)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("role", ROLES)
def test_nothing_fatal_is_ever_allowed(role: Role, mask: str) -> None:
    caught = frozenset(MASKS[mask])
    target = build.process(100, caught=caught)
    for name, mode, state in itertools.product(SIGNALS, MODES, STATES):
        why = fatal(name, caught, role, mode, state)
        if why:
            assert objections(name, target, role, mode, state), (name, role, mode, state, why)


@given(
    st.sampled_from(SIGNALS),
    st.frozensets(st.sampled_from(CATCHABLE)),
    st.sampled_from(ROLES),
    st.sampled_from(MODES),
    st.sampled_from(STATES),
)
def test_nothing_fatal_is_ever_allowed_for_any_caught_signals(
    name: str, caught: frozenset[str], role: Role, mode: Mode | None, state: State
) -> None:
    if fatal(name, caught, role, mode, state):
        assert objections(name, build.process(100, caught=caught), role, mode, state)


ALLOWED = [
    ("HUP", Role.MASTER, Mode.PREFORK, State.RUNNING, build.PREFORK_MASTER),
    ("HUP", Role.MASTER, Mode.THREADED, State.RUNNING, build.THREADED_MASTER),
    ("INT", Role.MASTER, Mode.PREFORK, State.RUNNING, build.PREFORK_MASTER),
    ("INT", Role.HTTP, Mode.PREFORK, State.RUNNING, build.WORKER),
    ("INT", Role.CRON, Mode.PREFORK, State.RUNNING, build.WORKER),
    ("INT", Role.GEVENT, Mode.PREFORK, State.RUNNING, build.GEVENT),
    ("QUIT", Role.MASTER, Mode.PREFORK, State.RELOADING, build.PREFORK_MASTER),
    ("QUIT", Role.MASTER, Mode.THREADED, State.DRAINING, build.THREADED_MASTER),
    ("QUIT", Role.GEVENT, Mode.PREFORK, State.RUNNING, build.GEVENT),
    ("QUIT", Role.HTTP, Mode.PREFORK, State.RELOADING, build.WORKER),
    ("USR1", Role.MASTER, Mode.THREADED, State.RUNNING, build.THREADED_MASTER),
    ("USR1", Role.CRON, Mode.PREFORK, State.RUNNING, build.WORKER),
    ("USR2", Role.HTTP, Mode.PREFORK, State.RUNNING, build.WORKER),
    ("TTIN", Role.MASTER, Mode.PREFORK, State.RUNNING, build.PREFORK_MASTER),
    ("TTOU", Role.MASTER, Mode.PREFORK, State.RUNNING, build.PREFORK_MASTER),
    ("XCPU", Role.HTTP, Mode.PREFORK, State.RUNNING, build.WORKER),
    ("XCPU", Role.CRON, Mode.PREFORK, State.RUNNING, build.WORKER),
]


@pytest.mark.parametrize(("name", "role", "mode", "state", "caught"), ALLOWED)
def test_what_operations_need_is_allowed(
    name: str, role: Role, mode: Mode | None, state: State, caught: tuple[str, ...]
) -> None:
    assert objections(name, build.process(100, caught=caught), role, mode, state) == []


REFUSED = [
    ("HUP", Role.HTTP, Mode.PREFORK, State.RUNNING, build.WORKER, "role"),
    ("TERM", Role.MASTER, Mode.PREFORK, State.RUNNING, build.PREFORK_MASTER, "role"),
    ("KILL", Role.HTTP, Mode.PREFORK, State.RUNNING, build.WORKER, "role"),
    ("HUP", Role.MASTER, None, State.BOOTING, build.BOOTING, "interlock"),
    ("USR2", Role.MASTER, Mode.PREFORK, State.RUNNING, MASKS["prefork master of 14"], "interlock"),
    ("TTIN", Role.MASTER, Mode.THREADED, State.RUNNING, build.THREADED_MASTER, "interlock"),
    ("TTIN", Role.MASTER, Mode.THREADED, State.RUNNING, build.PREFORK_MASTER, "mode"),
    ("HUP", Role.MASTER, Mode.PREFORK, State.RELOADING, build.PREFORK_MASTER, "state"),
    ("INT", Role.MASTER, Mode.PREFORK, State.DRAINING, build.PREFORK_MASTER, "state"),
]


@pytest.mark.parametrize(("name", "role", "mode", "state", "caught", "rule"), REFUSED)
def test_a_refusal_names_its_rule(
    name: str, role: Role, mode: Mode | None, state: State, caught: tuple[str, ...], rule: str
) -> None:
    found = objections(name, build.process(100, caught=caught), role, mode, state)
    assert found[0].rule == rule
    assert all(name in str(why.problem) for why in found)


def test_what_is_forced_is_never_a_signal_without_a_handler() -> None:
    assert {Rule.IDENTITY, Rule.PRIVILEGE, Rule.INTERLOCK}.isdisjoint(LIFTABLE)
    for name, role, mode, state in itertools.product(SIGNALS, ROLES, MODES, STATES):
        for caught in MASKS.values():
            found = objections(name, build.process(100, caught=caught), role, mode, state)
            holding, lifted = sift(found, force=True)
            assert sorted(map(str, holding + lifted)) == sorted(map(str, found))
            assert (name not in caught) == bool(holding), (name, role, mode, state, caught)
            assert sift(found, force=False) == (found, [])


def test_on_odoo_sh_nothing_is_signalled_unless_forced() -> None:
    target = build.process(100, marks={"ODOO_STAGE": "production"})
    (why,) = objections("QUIT", target, Role.MASTER, Mode.PREFORK, State.RUNNING)
    assert why.rule == Rule.PLATFORM
    assert sift([why], force=True) == ([], [Objection(Rule.PLATFORM, why.problem)])


@pytest.mark.parametrize(
    ("signal", "role", "mode", "state", "stage", "code"),
    [
        ("HUP", Role.HTTP, Mode.PREFORK, State.RUNNING, "", "refused.role"),
        (
            "XCPU",
            Role.HTTP,
            Mode.PREFORK,
            State.RUNNING,
            "",
            "refused.no_handler",
        ),
        ("TTIN", Role.MASTER, Mode.THREADED, State.RUNNING, "", "refused.mode"),
        (
            "HUP",
            Role.MASTER,
            Mode.PREFORK,
            State.DRAINING,
            "",
            "refused.state",
        ),
        ("HUP", Role.MASTER, Mode.PREFORK, State.RUNNING, "staging", "refused.odoo_sh"),
    ],
)
def test_the_code_of_each_rule(signal: str, role: Role, mode: Mode, state: State, stage: str, code: str) -> None:
    process = build.process(7, marks={"ODOO_STAGE": stage})
    assert [one.problem.code for one in objections(signal, process, role, mode, state)] == [code]
