# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Threads of a dump: what kind of work they are at, for how long, where, and as results."""

from __future__ import annotations

import json

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.parse import parse_dumps
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack import Frame, Stack

from ..conftest import KINDS
from .dumped import lines


def test_told_has_every_field_and_is_json() -> None:
    told = json.loads(json.dumps([dump.told() for dump in parse_dumps(lines("19-threaded"))]))
    assert set(told[0]) == {"pid", "time", "database", "understood", "threads", "other"}
    assert set(told[0]["threads"][0]) == {
        "name",
        "db",
        "uid",
        "url",
        "query_count",
        "query_time",
        "python_time",
        "idle",
        "frames",
        "other",
    }
    assert set(told[0]["threads"][0]["frames"][0]) == {"file", "line", "function", "source"}


@pytest.mark.parametrize(
    ("file", "function", "work"),
    [
        ("/usr/lib/python3/dist-packages/odoo/service/server.py", "process_request", "http"),
        # Threaded servers only start a thread there.
        ("/usr/lib/python3.11/socketserver.py", "process_request", None),
        ("/usr/lib/python3/dist-packages/odoo/service/server.py", "_runloop", None),
        ("/x/addons/base/models/ir_cron.py", "_process_job", "cron"),
        ("/x/gevent/pywsgi.py", "handle_one_response", "gevent"),
    ],
)
def test_the_frames_of_a_thread_tell_its_kind_of_work(file: str, function: str, work: str | None) -> None:
    frames = (Frame(file, 1, function), Frame("/usr/lib/python3.11/socket.py", 706, "readinto"))
    # Neither the address nor the times do.
    assert Stack("<T>", "db", "2", "http://h/web", 3, 0.1, 99.0, frames).work == work


@pytest.mark.parametrize(
    ("functions", "work"),
    [
        (["run_wsgi"], "http"),
        (["run_application"], "gevent"),
        (["handle_one_response"], "gevent"),
        # The request of a gevent worker runs below werkzeug, too.
        (["run_application", "run_wsgi"], "http"),
        (["wait", "select"], None),
        ([], None),
    ],
)
def test_the_function_that_answers_a_request_tells_its_kind(functions: list[str], work: str | None) -> None:
    assert Stack("<T>", frames=tuple(Frame("/x.py", 1, function) for function in functions)).work == work


@pytest.mark.parametrize(
    ("query_time", "python_time", "seconds"),
    [(0.5, 1.25, 1.75), (None, 1.25, None), (0.5, None, None), (None, None, None), (0.0, 0.0, 0.0)],
)
def test_seconds_need_both_times(query_time: float | None, python_time: float | None, seconds: float | None) -> None:
    assert Stack("<T>", query_time=query_time, python_time=python_time).seconds == seconds


ADDON, CRON = Frame("/srv/addons/shop/models/cart.py", 7, "pay"), Frame("/x/addons/base/models/ir_cron.py", 3, "_run")
LIBRARY = Frame("/usr/lib/python3.11/socket.py", 706, "readinto")


@pytest.mark.parametrize(
    ("frames", "at"),
    [
        ((), None),
        ((LIBRARY,), LIBRARY),
        ((ADDON, LIBRARY), ADDON),
        ((ADDON, CRON, LIBRARY), ADDON),
        # Every job stands in ir_cron.py, so it says nothing.
        ((CRON, LIBRARY), LIBRARY),
    ],
)
def test_at_is_the_innermost_frame_of_an_addon_or_of_all(frames: tuple[Frame, ...], at: Frame | None) -> None:
    assert Stack("<T>", frames=frames).at == at


@pytest.mark.parametrize("kind", KINDS)
def test_every_captured_thread_at_work_is_in_an_addon(kind: str) -> None:
    threads = [thread for dump in parse_dumps(lines(kind)) for thread in dump.threads]
    assert any(thread.work for thread in threads)
    for thread in threads:
        told = thread.told()
        assert told["idle"] == (thread.work is None)
        assert len(told["frames"]) == len(thread.frames)
        if thread.work:
            assert thread.at is not None
            assert "/addons/" in thread.at.file


def test_the_header_is_not_compared_and_not_told() -> None:
    assert Stack("<T>", header="# Thread: <T>") == Stack("<T>")
    assert "header" not in Stack("<T>", header="# Thread: <T>").told()
