# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of all modules: none that would fail after a signal passes the check before it."""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
import pkgutil
import select
import socket
import types
import typing as t
from importlib import import_module

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.fleetops.odoo.plugins import modules
from ansible_collections.fleetops.odoo.plugins.module_utils._server.health import HealthCheck, check_health
from ansible_collections.fleetops.odoo.plugins.module_utils._system.clock import Clock
from ansible_collections.fleetops.odoo.plugins.module_utils._system.timeout import within
from hypothesis import given, settings
from hypothesis import strategies as st

from .. import build

#: Modules that neither signal nor wait, and roll_lock, which has one number and no order.
WITHOUT_ORDER = {
    *("bundle_run", "diagnostics_turn", "drain_turn", "gate_info", "haproxy_info", "master_info", "nginx_info"),
    *("role_variables", "roll_lock"),
}
ALL = {
    name: import_module(f"{modules.__name__}.{name}")
    for _finder, name, _package in pkgutil.iter_modules(modules.__path__)
}
WITH_ORDER = sorted(set(ALL) - WITHOUT_ORDER)

#: What hurts: no numbers, numbers that no clock and no kernel takes, and what a template makes of a missing value.
NUMBERS = st.one_of(
    st.floats(),
    st.integers(),
    st.sampled_from(["nan", "inf", "-inf", "1e999", "", "-0", "9" * 400, 1e300, 10**400, 2.0**31, 0.5, 2147483.648]),
)
TEXTS = st.one_of(st.text(max_size=20), st.sampled_from(["1G", "9" * 400, "9" * 400 + "M", "a\r\nb: c", "::1", "/x y"]))


class Failed(Exception):
    pass


def values(spec: dict[str, t.Any]) -> st.SearchStrategy[t.Any]:
    """Values of an option that may or may not be right."""
    kind = spec.get("type", "str")
    if "choices" in spec and kind != "list":
        return st.sampled_from(spec["choices"])
    if kind in ("float", "int"):
        return NUMBERS
    if kind == "bool":
        return st.booleans()
    if kind == "list":
        return st.lists(values({**spec, "type": spec.get("elements", "str")}), max_size=3)
    if kind == "dict":
        return all_of(spec["options"]) if "options" in spec else st.just({})
    return TEXTS


def all_of(spec: dict[str, t.Any]) -> st.SearchStrategy[dict[str, t.Any]]:
    """Values of some of the options."""
    needed = {name: values(one) for name, one in spec.items() if one.get("required")}
    return st.fixed_dictionaries(needed, optional={n: values(one) for n, one in spec.items() if n not in needed})


def order_of(name: str, params: dict[str, t.Any]) -> t.Any:
    """Return the order that a module makes of options; one that it refuses raises its message and code."""

    def fail_json(**result: t.Any) -> t.NoReturn:
        raise Failed(result["msg"], result["code"])

    made = ALL[name].order_of
    module = t.cast("t.Any", types.SimpleNamespace(params=params, fail_json=fail_json, check_mode=True, _name=name))
    return made(module, Clock()) if len(inspect.signature(made).parameters) == 2 else made(module)


def use(value: t.Any) -> None:
    """Do with a value of an order what is done with it after a signal."""
    if dataclasses.is_dataclass(value) and not isinstance(value, HealthCheck):
        for field in dataclasses.fields(value):
            use(getattr(value, field.name))
    elif isinstance(value, HealthCheck):
        # Nothing listens there: what comes back is a sentence, and no exception.
        there = dataclasses.replace(value, address="127.0.0.1", port=9)
        answer = check_health(there, build.instance(build.prefork()), build.options(), "19.0")
        assert answer is not None
        use(value.timeout)
        json.dumps(dataclasses.asdict(value), allow_nan=False)
    elif isinstance(value, float):
        assert math.isfinite(value)
        assert value >= 0


def wait(seconds: float) -> None:
    """Hand a time limit to all that takes one."""
    ready, other = socket.socketpair()
    with ready, other:
        ready.settimeout(seconds)
        other.send(b"x")
        poll = select.poll()
        poll.register(ready, select.POLLIN)
        assert poll.poll(seconds * 1000)
        assert ready.recv(1) == b"x"
    assert within(seconds, lambda: 1) == 1


@pytest.mark.parametrize("name", WITH_ORDER)
@settings(max_examples=150)
@given(data=st.data())
def test_what_a_module_lets_pass_can_be_used(name: str, data: st.DataObject) -> None:
    spec = ALL[name].SPEC
    try:
        checked = ArgumentSpecValidator(spec).validate(data.draw(all_of(spec)))
    except OverflowError:
        return  # ansible-core ends with it where an infinite number is given for a whole one
    if checked.error_messages:
        return
    if checked.validated_parameters.get("policy") == "since" and not checked.validated_parameters.get("since"):
        return  # required_if refuses it
    params = {**dict.fromkeys(spec), **checked.validated_parameters}
    try:
        order = order_of(name, params)
    except Failed as failed:
        message, code = failed.args
        assert code.startswith("option.")
        assert "Traceback" not in message
        return
    use(order)
    for option, one in spec.items():
        if one.get("type") == "float" and params[option] is not None and option != "older_than":
            used = params["state"] == "drained" if "state" in params else True
            if used and option in {"timeout", "sample_timeout", "http_timeout", "cron_timeout", "gevent_timeout"}:
                wait(max(params[option], 0.01))


FLOATS = [
    (name, option)
    for name, module in ALL.items()
    if hasattr(module, "order_of")
    for option, spec in module.SPEC.items()
    # The lock refuses its ttl itself, and roll_turn gets the moments of its turn from the role, which has checked them.
    if spec.get("type") == "float" and option not in ("ttl", "turn", "until")
]


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-1"])
@pytest.mark.parametrize(("name", "option"), FLOATS)
def test_no_number_is_refused_by_its_name(name: str, option: str, value: str) -> None:
    by_module: dict[str, dict[str, t.Any]] = {
        "workers": {"count": 1},
        "send_signal": {"signal": "HUP"},
        "bundle": {"dest": "/tmp"},
        "gate": {"state": "closed"},
        "nginx_upstream": {"state": "down", "upstreams": ["odoo"], "servers": ["h1"]},
        "recycle_workers": {"pids": [1]},
        "haproxy": {"state": "drain", "host": ["a"]},
        "roll_turn": {"step": "begin", "roll": "r"},
    }
    needed = by_module.get(name, {})
    state = {"state": "undrained"} if (name, option) == ("drain", "min_healthy_time") else {}
    checked = ArgumentSpecValidator(ALL[name].SPEC).validate({**needed, **state, option: value})
    assert not checked.error_messages
    with pytest.raises(Failed) as failed:
        order_of(name, {**dict.fromkeys(ALL[name].SPEC), **checked.validated_parameters})
    message, code = failed.value.args
    assert message.startswith(f"{option} must be ")
    assert value in message
    if value != "-1":
        assert code == "option.not_finite"


def test_every_module_that_waits_or_signals_has_an_order() -> None:
    assert all(hasattr(ALL[name], "order_of") for name in WITH_ORDER)
    assert set(ALL) > WITHOUT_ORDER
    for name in WITHOUT_ORDER - {"roll_lock"}:
        assert not any(one.get("type") == "float" for one in getattr(ALL[name], "SPEC", {}).values())
