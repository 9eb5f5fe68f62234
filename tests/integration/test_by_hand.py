# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that a shell started by a bare ``python3``, with limits of its own: its recorded command brings it back."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from .before import drained_and_back, on_each
from .conftest import Fleet, lab_up

pytestmark = [pytest.mark.timeout(600), pytest.mark.thorough]

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
def test_what_a_shell_started_comes_back_as_it_was(fleet: Fleet, hups: int) -> None:
    def there_and_back(host: str) -> None:
        fleet.run(host, "sh", "-ec", START % "\\ two")
        fleet.settle(host, seconds=90)
        for _hup in range(hups):
            answer = fleet.module(host, "reload", policy="always")
            assert answer.outcome == (0, "signalled", None), answer.output
        check = fleet.module(host, "drain", "--check")
        assert check.code == 0, check.output
        drained_and_back(fleet, host, start_recorded=True)
        pid = fleet.master(host)["pid"]
        fleet.run(host, "sh", "-c", f"kill -INT {pid}; while kill -0 {pid} 2>/dev/null; do sleep 0.2; done")

    on_each(("w19", "w14"), there_and_back)
