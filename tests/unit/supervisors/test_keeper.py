# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which units run a server, from the position of their main process."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Gone, Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.keeper import keeps, unit_above
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.systemd import Unit

from .. import build

STAT = "%d (%s) S %d " + "0 " * 17 + "%d " + "0 " * 30
OWN, CGROUP = "/etc/systemd/system/erp.service", "/system.slice/erp.service"
#: uv run, a script, and the server
TREE = {40: ("uv", 1), 41: ("start.sh", 40), 100: ("odoo", 41), 101: ("odoo", 100)}


class Tree(Proc):
    """Names and parents by pid; every process was started at ``starts``, in seconds since the boot."""

    def __init__(self, tree: dict[int, tuple[str, int]], starts: dict[int, int] | None = None) -> None:
        super().__init__()
        self.tree, self.starts = tree, starts or {}
        #: folders below the cgroup of the unit
        self.below: dict[int, str] = {}

    def pids(self) -> list[int]:
        return list(self.tree)

    def read(self, pid: int, name: str) -> bytes:
        if pid not in self.tree:
            raise Gone(str(pid))
        shown, parent = self.tree[pid]
        stat = STAT % (pid, shown, parent, self.starts.get(pid, 10) * 100)
        return (stat if name == "stat" else f"0::{CGROUP}{self.below.get(pid, '')}").encode()

    def link(self, pid: int, name: str) -> str:
        if pid not in self.tree or name != "exe":
            raise Gone(str(pid))
        return "/usr/bin/" + self.tree[pid][0]


@pytest.mark.parametrize(
    ("main", "fragment", "started", "kept"),
    [
        (100, "/lib/systemd/system/odoo.service", 10, True),
        (40, OWN, 10, True),
        (41, OWN, 10, True),
        (40, "/run/systemd/transient/run-1.service", 10, True),
        # A daemon of a package, such as cron or sshd, goes on without the server.
        (40, "/lib/systemd/system/cron.service", 10, False),
        # A loop has started the server long after itself.
        (40, OWN, 4000, False),
        (7, OWN, 10, False),
    ],
)
def test_a_unit_keeps_a_server_below_its_main_process(main: int, fragment: str, started: int, kept: bool) -> None:  # noqa: FBT001
    tree = Tree(TREE, {100: started})
    server = build.process(100, 41, start=started * 100, cgroup=CGROUP)
    assert keeps(tree, server, Unit(main_pid=main, fragment=fragment)) is kept


@pytest.mark.parametrize("name", ["bash", "su"])
def test_a_shell_right_above_the_server_may_be_of_a_package(name: str) -> None:
    tree = Tree({40: (name, 1), 100: ("odoo", 40)})
    unit = Unit(main_pid=40, fragment="/lib/systemd/system/erp.service")
    assert keeps(tree, build.process(100, 40, start=1000), unit) is True


@pytest.mark.parametrize(
    ("more", "state", "kept"),
    [({}, "active", True), ({200: ("agent", 1)}, "active", False), ({}, "inactive", False)],
)
def test_a_unit_without_a_main_process_keeps_a_server_that_is_alone_in_it(
    more: dict[int, tuple[str, int]],
    state: str,
    kept: bool,  # noqa: FBT001
) -> None:
    tree = Tree({100: ("odoo", 1), 101: ("odoo", 100), **more})
    assert keeps(tree, build.process(100, cgroup=CGROUP), Unit(active_state=state)) is kept


def test_a_unit_without_a_main_process_has_more_than_the_cgroup_of_a_server() -> None:
    # The unit manages its cgroups (Delegate=).
    tree = Tree({100: ("odoo", 1), 200: ("agent", 1)})
    tree.below = {100: "/servers"}
    server = build.process(100, cgroup=CGROUP + "/servers")
    assert keeps(tree, server, Unit(active_state="active")) is False
    del tree.tree[200]
    assert keeps(tree, server, Unit(active_state="active")) is True


def test_the_unit_above_a_server_that_pam_has_moved() -> None:
    server = build.process(100, 41, start=1000, cgroup="/user.slice/user-104.slice/session-c1.scope")
    units = {"erp.service": Unit(main_pid=40, fragment=OWN), "other.service": Unit(main_pid=7, fragment=OWN)}
    assert unit_above(Tree(TREE), server, lambda _names: units) == "erp.service"
    daemon = {"ssh.service": Unit(main_pid=40, fragment="/lib/systemd/system/ssh.service")}
    assert unit_above(Tree(TREE), server, lambda _names: daemon) is None
    assert unit_above(Tree(TREE), server, lambda _names: {}) is None
    assert unit_above(Tree({100: ("odoo", 1)}), server, lambda _names: units) is None
