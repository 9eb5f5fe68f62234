# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that a shell started by a bare ``python3``, with limits of its own: its recorded command brings it back."""

from __future__ import annotations

import pathlib
import time
import typing as t

import pytest

from .conftest import Fleet, lab_up, request
from .servers import left_behind, look_of

pytestmark = [pytest.mark.timeout(600), pytest.mark.thorough]

#: Seconds for which nothing may start a drained server.
SILENCE = 60
START = r"""systemctl stop odoo
mkdir -p /srv/shop && cd /srv/shop
ulimit -n 3333; ulimit -c 0; umask 0027
exec setsid nice -n 3 setpriv --reuid odoo --regid odoo --groups odoo,adm \
    env -i PATH=/opt/odoo/venv/bin:/usr/bin:/bin HOME=/var/lib/odoo LANG=C.UTF-8 SHOP=one%s \
    python3 /opt/odoo/src/odoo-bin -c /etc/odoo/odoo.conf --logfile /var/log/odoo/odoo-server.log \
    </dev/null >/dev/null 2>&1 &
"""


@pytest.fixture(scope="module")
def fleet() -> t.Iterator[Fleet]:
    """A fleet of its own, for the run of this file."""
    yield from lab_up("byhand", str(pathlib.Path(__file__).parent / "by_hand.yml"))


@pytest.mark.parametrize("hups", [0, 1])
@pytest.mark.parametrize("host", ["w19", "w14"])
def test_what_a_shell_started_comes_back_as_it_was(fleet: Fleet, host: str, hups: int) -> None:
    fleet.run(host, "sh", "-ec", START % "\\ two")
    fleet.settle(host, seconds=90)
    for _hup in range(hups):
        answer = fleet.module(host, "reload", policy="always")
        assert answer.outcome == (0, "signalled", None), answer.output
    before = look_of(fleet, host)
    with request(fleet, host, "/lab/sleep/3") as sent:
        check = fleet.module(host, "drain", "--check")
        assert check.code == 0, check.output
        drained = fleet.module(host, "drain", min_gone_time=4)
    assert (drained.outcome, sent.status) == ((0, "signalled", None), 200), drained.output
    time.sleep(SILENCE)
    assert fleet.module(host, "master_info").result["masters"] == []
    back = fleet.module(host, "drain", state="undrained", start_recorded=True, timeout=90)
    assert back.outcome == (0, "started", None), back.output
    assert look_of(fleet, host) == before
    assert left_behind(fleet, host) == []
    pid = fleet.master(host)["pid"]
    fleet.run(host, "sh", "-c", f"kill -INT {pid}; while kill -0 {pid} 2>/dev/null; do sleep 0.2; done")
