# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users whose servers a module acts on: what a user can feign makes no server of the system."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.users import choose_users, is_of_system
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Gone, Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.find import supervisor_of
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.systemd import Unit

from .. import build

ODOO, OTHER = 990, 1000
CONTAINER = "0123456789ab"


class Above(Proc):
    """Processes by PID: the parent, the user, and the arguments."""

    def __init__(self, processes: dict[int, tuple[int, int, str]]) -> None:
        super().__init__("/nonexistent")
        self.processes = processes

    def read(self, pid: int, name: str) -> bytes:
        if pid not in self.processes:
            raise Gone(str(pid))
        parent, uid, arguments = self.processes[pid]
        if name == "stat":
            return f"{pid} (x) S {parent} 1 1 0 -1 4194304 {' '.join(['0'] * 45)}".encode()
        if name == "status":
            ids = "\t".join([str(uid)] * 4)
            return f"Name:\tx\nUid:\t{ids}\nGid:\t{ids}\nSigCgt:\t0\nThreads:\t1\n".encode()
        return b"0::/\n" if name == "cgroup" else arguments.replace(" ", "\0").encode()


def server(pid: int, uid: int, cgroup: str = "/user.slice/session-1.scope", **marks: str) -> Instance:
    return build.instance([build.process(pid, uid=uid, cgroup=cgroup, marks=marks)])


UNIT = "/system.slice/odoo.service"
CRON = "/system.slice/cron.service"
SUPERVISORD = {"SUPERVISOR_ENABLED": "1", "SUPERVISOR_PROCESS_NAME": "odoo"}


@pytest.mark.parametrize(
    ("cgroup", "marks", "above", "main_pid", "of_system"),
    [
        # the main process of its unit, and one below a wrapper of the same user
        (UNIT, {}, {10: (1, ODOO, "python3 odoo")}, 10, True),
        (UNIT, {}, {10: (9, ODOO, "python3 odoo"), 9: (1, ODOO, "sh run")}, 9, True),
        # a job of cron is in cron's unit, whose main process is root's
        (CRON, {}, {10: (9, ODOO, "python3 odoo"), 9: (8, 0, "cron"), 8: (1, 0, "cron")}, 8, False),
        # a unit that systemd does not know
        (UNIT, {}, {10: (1, ODOO, "python3 odoo")}, None, False),
        # an environment that only says so, a supervisord of the user, and one of root
        (CRON, SUPERVISORD, {10: (9, ODOO, "python3 odoo"), 9: (1, ODOO, "bash")}, None, False),
        (CRON, SUPERVISORD, {10: (9, ODOO, "python3 odoo"), 9: (1, ODOO, "python3 /usr/bin/supervisord")}, None, False),
        (CRON, SUPERVISORD, {10: (9, ODOO, "python3 odoo"), 9: (1, 0, "python3 /usr/bin/supervisord -n")}, None, True),
        # a supervisord of the user that is the main process of a unit
        (UNIT, SUPERVISORD, {10: (9, ODOO, "python3 odoo"), 9: (1, ODOO, "supervisord")}, 9, True),
        # containers of the system's engine, of a user's own, and a cgroup of a user that has such a name
        (f"/system.slice/docker-{CONTAINER}.scope", {}, {}, None, True),
        (f"/machine.slice/libpod-{CONTAINER}.scope", {}, {}, None, True),
        (f"/user.slice/user-990.slice/user@990.service/user.slice/libpod-{CONTAINER}.scope", {}, {}, None, False),
        (f"/user.slice/user-990.slice/user@990.service/docker-{CONTAINER}.scope", {}, {}, None, False),
        ("/user.slice/user-990.slice/session-3.scope", {}, {}, None, False),
    ],
)
def test_a_supervisor_of_the_system_is_one_that_the_user_cannot_feign(
    cgroup: str, marks: dict[str, str], above: dict[int, t.Any], main_pid: int | None, *, of_system: bool
) -> None:
    master = server(10, ODOO, cgroup, **marks).master
    supervisor = supervisor_of(master)
    units = {cgroup.rpartition("/")[2]: Unit(main_pid=main_pid)} if main_pid else {}
    assert is_of_system(Above(above), master, supervisor, units) is of_system


def container(pid: int, uid: int) -> Instance:
    return server(pid, uid, f"/system.slice/docker-{CONTAINER}.scope")


def test_servers_of_one_user_are_all_chosen() -> None:
    both = [server(10, ODOO), server(20, ODOO)]
    chosen = choose_users(Above({}), both)
    assert (chosen.identities, chosen.left_out) == ([one.identity for one in both], ())


def test_of_several_users_those_of_the_system_and_root_are_chosen() -> None:
    # One more of a user that the system runs a server of: it is that user's nevertheless.
    ours, more, roots, forged = container(10, ODOO), server(11, ODOO), server(12, 0), server(20, OTHER)
    chosen = choose_users(Above({}), [ours, more, roots, forged])
    assert chosen.identities == [ours.identity, more.identity, roots.identity]
    (left_out,) = chosen.left_out
    assert (left_out.code, left_out.values["pid"]) == ("host.user_without_unit", 20)


def test_where_the_system_runs_none_nothing_is_chosen() -> None:
    with build.failing("host.users_unclear"):
        choose_users(Above({}), [server(10, ODOO), server(20, OTHER)])


def test_a_flood_of_forged_servers_is_named_in_short() -> None:
    flood = [server(pid, OTHER) for pid in range(100, 200)]
    chosen = choose_users(Above({}), [container(10, ODOO), *flood])
    assert len(chosen.identities) == 1
    assert [one.code for one in chosen.left_out] == ["host.user_without_unit"] * 20 + ["host.more_left_out"]
