# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drain a server with a request under way, wait in silence, bring it back, and compare the host with before."""

from __future__ import annotations

import concurrent.futures
import json
import pathlib
import time
import typing as t

from .conftest import Answer, Fleet, request

#: Seconds for which nothing may start a drained server.
SILENCE = 60
_SCRIPT = pathlib.Path(__file__).with_name("host_state.py").read_text(encoding="utf-8")


def state_of(fleet: Fleet, host: str, match: t.Mapping[str, t.Any] | None = None) -> dict[str, t.Any]:
    """Return what must be the same before a drain and after the way back.

    These are the processes of the server (role, command, folder, rights, limits, priority, environment, output),
    the units of the host and of its users, the files below /run, and the names of the programs that run.
    """
    master = fleet.master(host, **(match or {}))
    roles = {str(master["pid"]): "master", **{str(one["pid"]): one["role"] for one in master["children"]}}
    told = json.loads(fleet.run(host, "python3", "-c", _SCRIPT, *roles))
    processes = told.pop("processes")
    told["processes"] = sorted(([roles[pid], processes[pid]] for pid in roles), key=str)
    return {
        **told,
        "master": {key: master[key] for key in ("config_file", "mode", "state", "supervisor", "user", "workers")},
    }


def differences(before: t.Any, after: t.Any, where: str = "") -> list[str]:
    """Return what differs between two states, one line for each value."""
    if isinstance(before, dict) and isinstance(after, dict):
        names = sorted({*before, *after})
        return [
            one
            for name in names
            for one in differences(before.get(name), after.get(name), f"{where}.{name}" if where else str(name))
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [one for number, (old, new) in pairs for one in differences(old, new, f"{where}[{number}]")]
    return [] if before == after else [f"{where}: {before!r} -> {after!r}"]


def as_before(fleet: Fleet, host: str, before: t.Mapping[str, t.Any], match: t.Mapping[str, t.Any] | None) -> None:
    """Check that a server and its host are as they were; a child of the new server may start a moment later."""
    deadline = time.monotonic() + 15
    while changed := differences(before, state_of(fleet, host, match)):
        assert time.monotonic() < deadline, "\n".join(changed)
        time.sleep(0.5)


def drained_and_back(
    fleet: Fleet,
    host: str,
    *,
    port: int = 8069,
    match: t.Mapping[str, t.Any] | None = None,
    silence: float = SILENCE,
    **way_back: t.Any,
) -> tuple[Answer, Answer]:
    """Drain a server of a host with a request under way, bring it back after a silence, and compare with before.

    :param port: of the request.
    :param way_back: more options of the module for the way back.
    """
    chosen = {"match": dict(match)} if match else {}
    before = state_of(fleet, host, match)
    with request(fleet, host, "/lab/sleep/3", port) as sent:
        drained = fleet.module(host, "drain", min_gone_time=4, **chosen)
    assert (drained.outcome, sent.status) == ((0, "signalled", None), 200), drained.output
    gone = drained.only["identity"]
    others = {one["identity"] for one in fleet.module(host, "master_info").result["masters"]}
    assert gone not in others
    time.sleep(silence)
    assert {one["identity"] for one in fleet.module(host, "master_info").result["masters"]} == others
    back = fleet.module(host, "drain", state="undrained", timeout=90, **chosen, **way_back)
    assert back.outcome == (0, "started", None), back.output
    as_before(fleet, host, before, match)
    return drained, back


def on_each(hosts: t.Iterable[str], deed: t.Callable[[str], object]) -> None:
    """Do something on several hosts at the same time."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for future in [pool.submit(deed, host) for host in hosts]:
            future.result()
