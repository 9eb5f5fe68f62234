# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions between those of the gate, as they were captured by tests/signals/capture.py: Odoo from its source.

Each has two http workers and a cron worker, or threads. Source lines of Odoo in its dumps were left out.
"""

from __future__ import annotations

import functools
import tarfile
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.parse import parse_dumps
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.statistics import parse_statistics
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Mode, Role, State
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look

from ..conftest import CAPTURES, CapturedProc

ARCHIVE = CAPTURES / "versions.tar.xz"


@functools.lru_cache(maxsize=None)
def contents() -> t.Dict[str, bytes]:
    """All files of the archive: KIND-MOMENT/proc/..., KIND/dumps.log and KIND/usr1.log."""
    with tarfile.open(ARCHIVE) as archive:
        return {item.name: t.cast("t.IO[bytes]", archive.extractfile(item)).read() for item in archive}


def log(kind: str, name: str) -> t.List[str]:
    return contents()["%s/%s.log" % (kind, name)].decode().splitlines()


def captured(kind: str, moment: str) -> CapturedProc:
    start = "%s-%s/proc/" % (kind, moment)
    return CapturedProc({name[len(start) :]: text for name, text in contents().items() if name.startswith(start)})


KINDS = sorted({name.split("/")[0] for name in contents() if name.endswith("/dumps.log")})
PREFORK = [kind for kind in KINDS if kind.endswith("prefork")]


def test_versions_were_captured_in_both_modes() -> None:
    assert {"15-prefork", "16-threaded", "17-prefork", "18-threaded"} <= set(KINDS)
    assert len(KINDS) == 2 * len(PREFORK)


@pytest.mark.parametrize("moment", ["running", "hup-done"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_server_at_rest(kind: str, moment: str) -> None:
    seen = look(captured(kind, moment))
    (found,) = seen.instances
    assert (found.state, found.mode) == (State.RUNNING, Mode.PREFORK if kind in PREFORK else Mode.THREADED)
    roles = sorted(role for _process, role in found.everybody)
    whole = [Role.CRON, Role.GEVENT, Role.HTTP, Role.HTTP, Role.MASTER]
    assert roles == (whole if kind in PREFORK else [Role.MASTER])
    assert not found.master.catches("USR2")
    assert seen.one_off == ()


@pytest.mark.parametrize("kind", PREFORK)
def test_a_prefork_server_that_waits_for_its_request_during_a_hup_is_busy(kind: str) -> None:
    (found,) = look(captured(kind, "hup-draining-in-flight")).instances
    assert found.state in (State.DRAINING, State.RELOADING)


@pytest.mark.parametrize("kind", KINDS)
def test_a_master_that_has_executed_itself_boots_until_it_has_its_handlers(kind: str) -> None:
    (found,) = look(captured(kind, "hup-main-reexecuted-no-handlers")).instances
    assert found.state == State.BOOTING
    assert found.master.argv[0] == "python3"


@pytest.mark.parametrize("kind", KINDS)
def test_dumps_tell_who_is_at_work(kind: str) -> None:
    dumps = parse_dumps(log(kind, "dumps"))
    assert len(dumps) == (5 if kind in PREFORK else 1)
    at_work = [thread for dump in dumps for thread in dump.threads if thread.work]
    assert [(thread.work, thread.at and thread.at.function) for thread in at_work] == [("http", "sleep")]
    assert (at_work[0].url or "").endswith("/lab/sleep/10")


@pytest.mark.parametrize("kind", KINDS)
def test_statistics_are_understood(kind: str) -> None:
    found = parse_statistics(log(kind, "usr1"))
    # gevent has no caches, or writes nothing.
    assert len([one for one in found if one.rows]) == (4 if kind in PREFORK else 1)
    assert not any(one.other for one in found)
    assert {row.database for one in found for row in one.rows} == {"p" if kind in PREFORK else "t"}
