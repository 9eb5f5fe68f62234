# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which units besides that of a server are stopped and started."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors import other_units
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.systemd import Unit


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Imitate a systemd with a unit in each state; return the commands that it gets."""
    asked: list[str] = []
    states = {"a.service": "active", "f.service": "failed", "i.service": "inactive", "s.socket": "active"}

    def show(names: t.Collection[str], _uid: int | None = None) -> dict[str, Unit]:
        return {name: Unit(active_state=states[name]) for name in names if name in states}

    def run(command: t.Sequence[str], _timeout: float) -> str:
        asked.append(" ".join(command))
        return ""

    monkeypatch.setattr(other_units, "show_units", show)
    monkeypatch.setattr(other_units, "systemctl_words", lambda uid=None: ("systemctl", *(["--user"] if uid else [])))
    monkeypatch.setattr(other_units, "run", run)
    return asked


@pytest.mark.usefixtures("commands")
def test_only_bound_units_that_run_are_stopped_with_the_server() -> None:
    unit = Unit(others={"BoundBy": ("a.service", "i.service", "f.service", "gone.service"), "PartOf": ("s.socket",)})
    assert other_units.bound_units(unit) == ("a.service",)
    assert other_units.bound_units(Unit()) == ()


def test_a_unit_that_runs_or_is_not_known_is_stopped_once(commands: list[str]) -> None:
    assert other_units.stop(("s.socket", "i.service", "new.socket")) == ["s.socket", "new.socket"]
    assert other_units.stop(("i.service",)) == []
    assert commands == ["systemctl --no-pager --no-ask-password stop -- s.socket new.socket"]


def test_only_a_unit_that_does_not_run_is_started(commands: list[str]) -> None:
    assert other_units.start(("a.service", "i.service", "f.service", "gone.service"), 1000, wait=False) == [
        "i.service",
        "f.service",
    ]
    assert other_units.start(("i.service",)) == ["i.service"]
    assert other_units.start(("a.service",)) == []
    assert commands == [
        "systemctl --user --no-pager --no-ask-password --no-block start -- i.service f.service",
        "systemctl --no-pager --no-ask-password start -- i.service",
    ]
