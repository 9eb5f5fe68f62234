# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the properties of a unit from systemd."""

from __future__ import annotations

import dataclasses
import os
import pathlib

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors import systemd as _systemd
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.systemd import (
    Unit,
    changed_since,
    parse_units,
    unit_in,
    unit_of_user,
)

SHOWN = """\
Restart=always
MainPID=33
KillMode=mixed
EnvironmentFiles=/etc/default/odoo (ignore_errors=yes)
NeedDaemonReload=no
WorkingDirectory={directory}
Id=odoo.service
ActiveState={state}
FragmentPath=/lib/systemd/system/odoo.service
{job}
"""


@pytest.mark.parametrize(("directory", "told"), [("", None), ("/srv", "/srv"), ("!/srv", "/srv"), ("~", None)])
@pytest.mark.parametrize(("job", "has"), [("Job=149", True), ("Job=", False), ("Job=0", False), ("", False)])
def test_a_unit(directory: str, told: str | None, job: str, has: bool) -> None:  # noqa: FBT001
    unit = parse_units(SHOWN.format(directory=directory, job=job, state="active"))["odoo.service"]
    assert dataclasses.replace(unit, fragment=None) == Unit(
        "always",
        "mixed",
        33,
        ("/etc/default/odoo",),
        False,  # noqa: FBT003
        told,
        "active",
        has,
    )


@pytest.mark.parametrize(
    ("lines", "program"),
    [
        ("ExecStart={ path=/usr/bin/odoo ; argv[]=/usr/bin/odoo -c x ; ignore_errors=no ; pid=33 }", "/usr/bin/odoo"),
        ("ExecStart={ path=nothing ; argv[]=nothing ; ignore_errors=no }", "nothing"),
        ("ExecStart={ path=/usr/bin/odoo ; argv[]=/usr/bin/odoo ; }\nRootDirectory=/srv/root", None),
        ("ExecStart=", None),
        ("ExecStart=something new", None),
    ],
)
def test_what_a_unit_starts(lines: str, program: str | None) -> None:
    assert parse_units(f"Id=a.service\nFragmentPath=/a\n{lines}\n")["a.service"].program == program


@pytest.mark.parametrize(
    ("root", "cgroup", "unit", "of_user"),
    [
        ("", "/system.slice/odoo.service", "odoo.service", None),
        # systemd of a container whose cgroups are seen as from outside.
        (
            "/system.slice/lab.service/payload",
            "/system.slice/lab.service/payload/system.slice/odoo.service",
            "odoo.service",
            None,
        ),
        ("/docker/1", "/docker/1/user.slice/user-7.slice/user@7.service/app.slice/a.service", None, ("a.service", 7)),
        ("/docker/1", "/docker/1x/system.slice/odoo.service", None, None),
        ("", "/system.slice/lab.service/payload/system.slice/odoo.service", "lab.service", None),
    ],
)
def test_the_unit_of_a_cgroup_is_the_first_one_below_systemd(
    monkeypatch: pytest.MonkeyPatch, root: str, cgroup: str, unit: str | None, of_user: tuple[str, int] | None
) -> None:
    monkeypatch.setattr(_systemd, "_root_of_systemd", lambda: root)
    assert (unit_in(cgroup), unit_of_user(cgroup)) == (unit, of_user)


def test_a_unit_that_has_changed(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_systemd, "_FOLDERS", (str(tmp_path),))
    started = os.stat(tmp_path).st_ctime - 10
    environment = tmp_path / "environment"
    unit = Unit(environment_files=(str(environment),))
    assert not changed_since("odoo.service", unit, started)
    assert changed_since("odoo.service", Unit(need_daemon_reload=True), started)
    environment.touch()
    assert changed_since("odoo.service", unit, started)
    assert not changed_since("odoo.service", Unit(), started)
    (tmp_path / "odoo.service.d").mkdir()
    (tmp_path / "odoo.service.d/first.conf").touch()
    assert changed_since("odoo.service", Unit(), started)
    assert not changed_since("odoo.service", Unit(), started + 1000)
