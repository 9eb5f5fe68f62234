# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which servers count as a server in place of an ended one."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.second_look import SecondLook
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import Look
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.options import Options
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Gone, Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.release import Release

from .. import build

RUNSV, SHELL = 40, 41
STAT = "%d (%s) S %d " + "0 " * 17 + "%d " + "0 " * 30


class Machine(Proc):
    """Processes above the servers, and network namespaces by pid."""

    def __init__(self) -> None:
        super().__init__()
        self.parents: dict[int, int] = {RUNSV: 1, SHELL: RUNSV}
        self.networks: dict[int, str] = {}

    def read(self, pid: int, name: str) -> bytes:
        if pid not in self.parents:
            raise Gone(str(pid))
        names = {RUNSV: "runsv", SHELL: "sh"}
        return (STAT % (pid, names.get(pid, "odoo"), self.parents[pid], 5) if name == "stat" else "0::/").encode()

    def link(self, pid: int, name: str) -> str:
        return self.networks.get(pid, "net:[1]") if name == "ns/net" else ""


def seen(*servers: tuple[Instance, Options]) -> Look:
    options = {one.identity: given for one, given in servers}
    releases = dict.fromkeys(options, Release())
    return Look(tuple(one for one, _given in servers), (), options, releases, frozenset())


def server(machine: Machine, pid: int, ppid: int = SHELL, **fields: t.Any) -> Instance:
    machine.parents[pid] = ppid
    return build.instance(build.threaded(pid, ppid=ppid, **fields))


OPTIONS = build.options(http_port=8069, config_file="/etc/odoo.conf")
OTHER = build.options(http_port=8169, config_file="/etc/other.conf")


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (OPTIONS, "port 8069, configuration /etc/odoo.conf, parent"),
        (
            build.options(http_port=8070, config_file="/etc/odoo.conf"),
            "configuration /etc/odoo.conf, parent",
        ),
        (build.options(http_port=8069, config_file="/etc/new.conf"), "port 8069, parent"),
        (OTHER, "parent"),
    ],
)
def test_a_new_server_below_the_same_launcher_is_named(options: Options, what: str) -> None:
    machine = Machine()
    old = server(machine, 100)
    look = SecondLook(machine, seen((old, OPTIONS)), old)
    assert look.successor(seen()) is None
    assert look.successor(seen((old, OPTIONS))) is None
    found = look.successor(seen((server(machine, 200), options)))
    assert found is not None
    assert found[1].values == {"pid": 200, "parent": "sh (pid 41)", "what": what}


def test_a_server_of_another_user_does_not_take_the_place() -> None:
    machine = Machine()
    old = server(machine, 100)
    look = SecondLook(machine, seen((old, OPTIONS)), old)
    assert look.successor(seen((server(machine, 200, uid=1001), OPTIONS))) is None
    # A new container may have other users.
    contained = server(machine, 201, uid=1001, cgroup="/docker-%s.scope" % ("ab" * 32))
    assert look.successor(seen((contained, OPTIONS))) is not None


def test_a_new_launcher_is_named_by_the_process_above_both() -> None:
    machine = Machine()
    old = server(machine, 100)
    look = SecondLook(machine, seen((old, OPTIONS)), old)
    machine.parents[42] = RUNSV
    found = look.successor(seen((server(machine, 200, 42), OPTIONS)))
    assert found is not None
    assert found[1].values["parent"] == "runsv (pid 40)"


def test_a_property_of_two_servers_does_not_identify_one() -> None:
    machine = Machine()
    old, other = server(machine, 100), server(machine, 101)
    shared = build.options(http_port=8169, config_file="/etc/odoo.conf")
    look = SecondLook(machine, seen((old, OPTIONS), (other, shared)), old)
    assert look.successor(seen((other, shared), (server(machine, 200), shared))) is None
    assert look.successor(seen((server(machine, 200), OPTIONS))) is not None


def test_a_new_container_with_the_same_command_is_named_unless_others_have_it() -> None:
    machine = Machine()
    old = server(machine, 100, 1)
    machine.networks = {100: "net:[2]", 200: "net:[3]", 101: "net:[4]", 201: "net:[5]"}
    fresh = server(machine, 200, 1)
    unlike = server(machine, 201, 1, argv=(*build.SERVER_ARGV, "--workers=0"))
    alone = build.options(http_port=8069)
    look = SecondLook(machine, seen((old, alone)), old)
    found = look.successor(seen((fresh, OPTIONS)))
    assert found is not None
    assert found[1].values["what"] == "command"
    assert look.successor(seen((unlike, OPTIONS))) is None
    twin = server(machine, 101, 1)
    look = SecondLook(machine, seen((old, alone), (twin, OPTIONS)), old)
    assert look.successor(seen((twin, OPTIONS), (fresh, OPTIONS))) is None
