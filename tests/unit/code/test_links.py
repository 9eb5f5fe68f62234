# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Links on the way to code, and where they led to when a server was loaded."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._code.links import (
    Link,
    Then,
    find_links,
    left_behind,
    switched,
)

CURRENT = {"/srv/current": Link("/srv/current", "/srv/releases/1", 100.0)}


@pytest.mark.parametrize(
    ("then", "not_before", "sentence"),
    [
        # Our own record says where it led to.
        (Then({"/srv/current": "/srv/releases/1"}), 50.0, None),
        (Then({"/srv/current": "/srv/releases/2"}), 50.0, "and to /srv/releases/2 when it was loaded"),
        (Then({"/srv/current": "/srv/releases/2"}), 150.0, "and to /srv/releases/2 when it was loaded"),
        # What was loaded tells it.
        (Then({}, ("/srv/releases/1/addons",)), 50.0, None),
        (Then({}, ("/srv/releases/2/addons", "/usr/lib/x.so")), 50.0, "and to /srv/releases/2 when it was loaded"),
        (Then({}, ("/srv/releases/2/a", "/srv/releases/3/a")), 50.0, "its earlier target is not known"),
        # Nothing but the time of the link.
        (Then({}), 50.0, "was created after the load; its earlier target is not known"),
        (Then({}), 150.0, None),
        (Then({}, ("/srv/releases/2/addons",)), 150.0, None),
    ],
)
def test_what_a_link_led_to(then: Then, not_before: float, sentence: str | None) -> None:
    found = switched(CURRENT, then, not_before)
    assert [path for path, _sentence in found] == (["/srv/current"] if sentence else [])
    assert all((sentence or "").replace("/srv/", "") in said.replace("/srv/", "") for _path, said in found)


def test_every_link_on_the_way_is_found(tmp_path: pathlib.Path) -> None:
    for name in ("srv/releases/1/odoo", "opt", "srv/venv"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "opt/odoo").symlink_to("/srv/current/odoo")
    (tmp_path / "srv/current").symlink_to("releases/1")
    (tmp_path / "loop").symlink_to("loop")
    found = find_links(["/opt/odoo/addons", "/srv/venv", "/loop/x", "/nothing"], str(tmp_path))
    assert {path: link.real for path, link in found.items()} == {
        "/opt/odoo": "/srv/releases/1/odoo",
        "/srv/current": "/srv/releases/1",
    }


def test_a_link_that_follows_another_one_is_not_told_of() -> None:
    links = {
        "/etc/odoo.conf": Link("/etc/odoo.conf", "/srv/releases/1/odoo.conf", 10.0),
        "/srv/current": Link("/srv/current", "/srv/releases/1", 100.0),
        "/opt/x": Link("/opt/x", "/srv/releases/1/y", 10.0),
    }
    then = {
        "/etc/odoo.conf": "/srv/releases/2/odoo.conf",
        "/srv/current": "/srv/releases/2",
        "/opt/x": "/srv/releases/2/x",
    }
    assert [path for path, _sentence in switched(links, Then(then), 50.0)] == ["/srv/current", "/opt/x"]


def test_a_folder_of_which_a_link_leads_elsewhere_leaves_the_working_directory_behind(tmp_path: pathlib.Path) -> None:
    for name in ("srv/releases/1/src", "srv/releases/2/src", "opt/tool/src"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "srv/current").symlink_to("releases/2")
    root = str(tmp_path)
    starts_in = ("/srv/current/src", "/srv/releases/2/src", "/opt")
    sentence = "%s leads to %s now; the server was started in %s, and a HUP keeps that working directory"
    told = sentence % ("/srv/current/src", "/srv/releases/2/src", "/srv/releases/1/src")
    assert left_behind("/srv/releases/1/src", starts_in, root) == [("/srv/current/src", told)]
    # It is there, or its launcher has changed to another folder.
    for cwd in ("/srv/releases/2/src", "/srv/releases/2", "/opt/tool/src", "/"):
        assert left_behind(cwd, starts_in, root) == []
