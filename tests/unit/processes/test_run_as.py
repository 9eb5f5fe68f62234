# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Becoming the user of a process in its namespaces: the steps and their order, since no other order works."""

from __future__ import annotations

import os
import resource
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes import run_as
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.run_as import becoming
from ansible_collections.fleetops.odoo.plugins.module_utils._system.namespaces import (
    MOUNTS,
    NETWORK,
)

from .. import build

MASTER = build.process(472, groups=(102, 4))
USER = [("setgroups", (102, 4)), ("setgid", 102), ("setuid", 102)]


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[t.Any, ...]]:
    """What would be done, without doing it."""
    done: list[tuple[t.Any, ...]] = []

    def note(name: str) -> t.Callable[..., None]:
        return lambda *arguments: done.append((name, *arguments))

    for name in ("setgroups", "setgid", "setuid", "chdir"):
        monkeypatch.setattr(os, name, note(name))
    monkeypatch.setattr(resource, "setrlimit", note("setrlimit"))
    monkeypatch.setattr(run_as, "enter", note("enter"))
    monkeypatch.setattr(run_as, "forbid_new_privileges", note("forbid"))
    monkeypatch.setattr(run_as, "differs", lambda _root, _pid, _kind: True)
    return done


LIMIT = ("setrlimit", resource.RLIMIT_FSIZE, (7, 7))


@pytest.mark.parametrize(
    ("spaces", "entered"), [((MOUNTS,), ["mnt"]), ((MOUNTS, NETWORK), ["net", "mnt"]), ((NETWORK,), ["net"]), ((), [])]
)
def test_becoming_as_root_enters_namespaces_and_gives_up_privileges(
    monkeypatch: pytest.MonkeyPatch, steps: list[t.Any], spaces: tuple[str, ...], entered: list[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    becoming(Proc(), MASTER, "/srv", 7, spaces)()
    # The way into its mounts leads through ours; a group cannot be changed any more by who is no longer root.
    spots = [("enter", f"/proc/472/ns/{kind}") for kind in entered]
    assert steps == [*spots, LIMIT, ("chdir", "/srv"), *USER, ("forbid",)]


def test_becoming_without_root_sets_limits_and_folder_only(monkeypatch: pytest.MonkeyPatch, steps: list[t.Any]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 102)
    becoming(Proc(), MASTER, "/srv", 7)()
    assert steps == [LIMIT, ("chdir", "/srv"), ("forbid",)]


def test_becoming_a_process_in_our_mounts_enters_none(monkeypatch: pytest.MonkeyPatch, steps: list[t.Any]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(run_as, "differs", lambda _root, _pid, kind: kind == NETWORK)
    becoming(Proc(), MASTER, "/srv", 7)()
    assert steps == [LIMIT, ("chdir", "/srv"), *USER, ("forbid",)]
