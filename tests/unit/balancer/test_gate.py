# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate: what nft is told, and what is made of its answers. nft is played by a program of our own."""

from __future__ import annotations

import ipaddress
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer import gate
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.gate import GateOrder, close, gate_now, reopen
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.nft import TABLE, Closed, Gate, parse
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from ansible_collections.fleetops.odoo.plugins.module_utils._system.state_dir import StateDirectory

from .. import build
from ..conftest import CAPTURES

NET = ipaddress.ip_network("192.0.2.0/24")
ALLOWED = (CAPTURES / "nftables/1.0.6-allow.json").read_text()
OVER = (CAPTURES / "nftables/1.0.6-over.json").read_text()


class Nft:
    """nft, with a table or without."""

    def __init__(self) -> None:
        self.table: str | None = None
        self.told: list[str] = []
        self.error = ""

    def run(self, command: t.Sequence[str], _seconds: float) -> tuple[int, str, str]:
        """Answer as nft does."""
        words = list(command[1:])
        if self.error:
            return 1, "", self.error
        if words == ["list", "tables", "inet"]:
            return 0, "table inet filter\n" + (f"table {TABLE}\n" if self.table else ""), ""
        if words == ["-j", "list", "table", *TABLE.split()]:
            assert self.table
            return 0, self.table, ""
        (script,) = words
        self.told.append(script)
        self.table = None if script.startswith("delete table") else ALLOWED
        return 0, "", ""


@pytest.fixture
def nft(monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any) -> Nft:
    """An nft of our own, for root."""
    made = Nft()
    monkeypatch.setattr(gate, "run", made.run)
    monkeypatch.setattr(gate, "first_of", lambda _paths: "/usr/sbin/nft")
    monkeypatch.setattr(gate, "StateDirectory", lambda: StateDirectory(str(tmp_path / "state")))
    monkeypatch.setattr("os.geteuid", lambda: 0)
    return made


def order(*ports: int, **more: t.Any) -> GateOrder:
    """An order to close or open ports."""
    return GateOrder(ports, **{"lease": 60.0, "allow": (), "owner": "anna", **more})


def test_closing_is_a_change_and_renewing_is_not(nft: Nft) -> None:
    wanted = order(8069, 8072, allow=gate_of(ALLOWED).allow)
    assert close(wanted, check_mode=False).changed
    again = close(wanted, check_mode=False)
    assert not again.changed
    assert len(nft.told) == 2
    assert nft.told[0] == nft.told[1]


def gate_of(text: str) -> Gate:
    """A gate as captured."""
    return parse(text)


def test_check_mode_tells_and_does_nothing(nft: Nft) -> None:
    done = close(order(8072, 8069, allow=(NET,)), check_mode=True)
    assert done.changed
    assert done.after == Gate((Closed(8069, 60.0, "anna"), Closed(8072, 60.0, "anna")), (NET,))
    nft.table = ALLOWED
    assert close(order(9999), check_mode=True).after.ports == (8069, 8072, 9999)
    done = reopen(order(8069), check_mode=True)
    assert (done.changed, done.after.ports) == (True, (8072,))
    done = reopen(order(), check_mode=True)
    assert done.after == Gate()
    assert nft.told == []


def test_opening_what_is_open_does_nothing(nft: Nft) -> None:
    assert not reopen(order(), check_mode=False).changed
    assert not reopen(order(8069), check_mode=False).changed
    assert nft.told == []


def test_opening_everything_removes_the_table(nft: Nft) -> None:
    nft.table = ALLOWED
    assert reopen(order(), check_mode=False).changed
    assert nft.told == [f"delete table {TABLE}"]


def test_a_table_that_leases_have_emptied_goes_without_a_change(nft: Nft) -> None:
    nft.table = OVER
    assert gate_now() == Gate()
    assert not reopen(order(), check_mode=False).changed
    assert nft.told == [f"delete table {TABLE}"]


def test_what_nft_complains_of_is_in_the_message(nft: Nft) -> None:
    nft.error = "Operation not permitted (you must be root)"
    with pytest.raises(Refused, match=r"list its tables: Operation not permitted .*CAP_NET_ADMIN"):
        gate_now()


def test_another_answer_than_a_table_is_refused(nft: Nft) -> None:
    nft.table = "what?"
    with build.failing("gate.nft_failed", Refused):
        gate_now()


@pytest.mark.usefixtures("nft")
def test_without_nft_there_is_no_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "first_of", lambda _paths: None)
    for call in (gate_now, lambda: close(order(80), check_mode=True), lambda: reopen(order(), check_mode=False)):
        with build.failing("gate.no_nft", Refused):
            call()


def test_only_root_closes(nft: Nft, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with build.failing("gate.not_root", Refused):
        close(order(80), check_mode=True)
    assert nft.told == []
