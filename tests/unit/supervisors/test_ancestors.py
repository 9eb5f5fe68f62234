# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The processes above a process."""

from __future__ import annotations

from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Gone, Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.ancestors import Ancestor, ancestors

STAT = "%d (%s) S %d " + "0 " * 17 + "%d " + "0 " * 30


class Tree(Proc):
    """Names and parents by pid."""

    def __init__(self, tree: dict[int, tuple[str, int]]) -> None:
        super().__init__()
        self.tree = tree

    def read(self, pid: int, name: str) -> bytes:
        if pid not in self.tree:
            raise Gone(str(pid))
        shown, parent = self.tree[pid]
        return (STAT % (pid, shown, parent, pid * 10) if name == "stat" else "0::/system.slice/erp.service").encode()


def test_the_parent_comes_first_and_init_is_left_out() -> None:
    tree = Tree({9: ("odoo", 8), 8: ("my (odd) sh", 7), 7: ("su", 1), 1: ("systemd", 0)})
    assert [str(one) for one in ancestors(tree, 9)] == ["my (odd) sh (pid 8)", "su (pid 7)"]
    assert ancestors(tree, 9)[1] == Ancestor(7, 70, "su", "/system.slice/erp.service")


def test_a_parent_that_has_ended_and_a_circle_end_the_list() -> None:
    assert ancestors(Tree({9: ("odoo", 8)}), 9) == ()
    assert ancestors(Tree({}), 9) == ()
    assert len(ancestors(Tree({9: ("a", 8), 8: ("b", 9)}), 9)) == 2
