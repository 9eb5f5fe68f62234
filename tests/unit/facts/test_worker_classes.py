# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the class of a worker from its log and its dumps. The lines are from Odoo 19.0 and 14.0 with an addon."""

from __future__ import annotations

import pathlib
import time

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.worker_classes import (
    class_in_dump,
    classes_in_log,
    find_classes,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._system.clock import uptime

from .. import build

LINES = """\
2026-11-29 23:16:55,103 1278 INFO ? odoo.service.server: Evented Service (longpolling) running on 0.0.0.0:8072
2026-11-29 23:16:55,114 461 INFO h1 odoo.service.server: Worker WorkerHTTP (461) alive
2026-11-29 23:16:55,120 467 INFO ? odoo.service.server: Worker WorkerJobRunner (467) alive
2026-11-29 23:16:56,000 461 INFO h1 werkzeug: 10.0.0.1 - - "GET /Worker WorkerEvil (467) alive HTTP/1.1" 200
2026-11-29 23:16:57,000 461 INFO h1 odoo.service.server: Worker WorkerEvil (467) alive
"""


def test_classes_are_found_in_lines_of_the_worker_itself() -> None:
    found = find_classes(LINES)
    assert {pid: name for pid, (name, _moment) in found.items()} == {461: "WorkerHTTP", 467: "WorkerJobRunner"}


def test_a_line_with_an_impossible_time_tells_nothing() -> None:
    assert find_classes(LINES.replace("2026-11-29", "2026-13-99")) == {}


@pytest.mark.parametrize(
    ("names", "name"),
    [
        (["<Thread(Worker WorkerJobRunner (467) workthread, started daemon 140)>"], "WorkerJobRunner"),
        (["MainThread (467)", "Worker WorkerHTTP (467) workthread (470)"], "WorkerHTTP"),
        (["Worker WorkerHTTP (461) workthread"], None),
        (["<_MainThread(MainThread, started 139)>"], None),
    ],
)
def test_the_thread_of_a_dump_names_the_class(names: list[str], name: str | None) -> None:
    assert class_in_dump(names, 467) == name


@pytest.fixture
def log(tmp_path: pathlib.Path) -> pathlib.Path:
    """The log of the server with pid 100, whose /proc is a folder of the test."""
    (tmp_path / "proc/100/root").mkdir(parents=True)
    (tmp_path / "proc/100/fd").mkdir()
    path = tmp_path / "proc/100/root/odoo.log"
    (tmp_path / "proc/100/fd/3").symlink_to(path)
    return path


def write(log: pathlib.Path, ago: float, name: str = "WorkerJobRunner") -> None:
    """Write the line by which a worker reports that it is alive, so many seconds ago."""
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - ago))
    with log.open("a") as file:
        file.write(f"{moment},120 170 INFO ? odoo.service.server: Worker {name} (170) alive\n")


def find(log: pathlib.Path, ago: float, **options: str) -> dict[str, str]:
    """Classes of a worker that was started so many seconds ago."""
    worker = build.process(170, 100, build.WORKER, start=int((uptime() - ago) * 100))
    proc, instance = Proc(str(log.parents[2])), build.instance([*build.prefork(), worker])
    tell = classes_in_log()
    found = tell(proc, instance, build.options(logfile="/odoo.log", **options), [worker])
    found.update(tell(proc, instance, build.options(logfile="/odoo.log", **options), [worker]))
    assert set(found) <= {worker.identity}
    return found


def test_the_class_of_a_worker_is_read_out_of_its_log(log: pathlib.Path) -> None:
    write(log, 10)
    assert list(find(log, 10).values()) == ["WorkerJobRunner"]


def test_a_line_from_before_the_start_is_that_of_another_process(log: pathlib.Path) -> None:
    write(log, 100)
    assert find(log, 10) == {}


def test_the_last_line_counts(log: pathlib.Path) -> None:
    write(log, 10, "WorkerHTTP")
    write(log, 9)
    assert list(find(log, 10).values()) == ["WorkerJobRunner"]


def test_a_log_without_lines_of_level_info_is_not_read(log: pathlib.Path) -> None:
    write(log, 10)
    assert find(log, 10, log_level="warn") == {}
