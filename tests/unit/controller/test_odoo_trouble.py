# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The source of events for Event-Driven Ansible, through the interface by which ansible-rulebook calls it."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import os
import pathlib
import runpy
import socket
import threading
import time
import typing as t

import pytest

from ..dripping import dripping

FILE = pathlib.Path(__file__).resolve().parents[3] / "extensions/eda/plugins/event_source/odoo_trouble.py"
#: As ansible-rulebook loads it.
SOURCE = runpy.run_path(str(FILE))

# As Odoo 19 and 14 log them.
TIMEOUT = "2026-11-24 10:00:00,000 33 ERROR prod odoo.service.server: WorkerHTTP (40) timeout after 120s "
THREADED = (
    "2026-11-24 10:00:00,000 33 WARNING ? odoo.service.server: Thread <T> virtual real time limit (70/60s) reached."
)
MEMORY = "2026-11-24 10:00:00,000 40 INFO prod odoo.service.server: Worker (40) virtual memory limit (900) reached. "
SERVER = "2026-11-24 10:00:00,000 33 WARNING ? odoo.service.server: Server memory limit (900) reached."
GEVENT = "2026-11-24 10:00:00,000 34 WARNING ? odoo.service.server: LongPolling virtual memory limit reached: 900"
CPU = "2026-11-24 10:00:00,000 40 INFO prod odoo.service.server: Worker (40) CPU time limit (60) reached."


def write(path: pathlib.Path, *lines: str) -> None:
    """Add lines to a log."""
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


@pytest.fixture
def watch(tmp_path: pathlib.Path) -> t.Iterator[t.Callable[..., t.Any]]:
    """A watch over the logs of this test, that has had its first look."""
    with contextlib.ExitStack() as stack:

        def begin(**args: t.Any) -> t.Any:
            found = SOURCE["Watch"]({"logs": [str(tmp_path / "*/odoo.log")], **args})
            stack.callback(found.close)
            assert found.look(0.0) == []
            return found

        yield begin


@pytest.mark.parametrize(
    ("line", "kind", "said"),
    [
        (TIMEOUT, "timeout", "WorkerHTTP (40) timeout after 120s"),
        (THREADED, "timeout", "virtual real time limit (70/60s) reached"),
        (MEMORY, "memory", "virtual memory limit (900) reached"),
        (SERVER, "memory", "Server memory limit (900) reached"),
        (GEVENT, "memory", "virtual memory limit reached"),
        (CPU, "cpu", "CPU time limit (60) reached"),
        ("Exception: CPU time limit exceeded.", "cpu", "CPU time limit exceeded"),
    ],
)
def test_what_odoo_logs_is_understood(
    tmp_path: pathlib.Path, watch: t.Callable[..., t.Any], line: str, kind: str, said: str
) -> None:
    log = tmp_path / "web1/odoo.log"
    write(log, "an old one: " + TIMEOUT)
    seen = watch()
    write(log, line, "GET /web/login?password=SECRET timeout")
    assert seen.look(1.0) == [{"host": "web1", "kind": kind, "said": said, "log": str(log), "count": 1}]


def test_a_word_of_a_megabyte_costs_no_more_than_its_length(
    tmp_path: pathlib.Path, watch: t.Callable[..., t.Any]
) -> None:
    seen = watch()
    log = tmp_path / "web1/odoo.log"
    write(log, "bad query: " + "A" * 500_000, TIMEOUT)
    began = time.process_time()
    # A round reads as much of a file as it may, and no more.
    assert [one["said"] for one in seen.look(1.0) + seen.look(2.0)] == ["WorkerHTTP (40) timeout after 120s"]
    assert time.process_time() - began < 5


def test_many_lines_are_one_event_and_later_one_more(tmp_path: pathlib.Path, watch: t.Callable[..., t.Any]) -> None:
    log = tmp_path / "web1/odoo.log"
    write(log)
    seen = watch(debounce=60)
    write(log, *[TIMEOUT] * 100, MEMORY)
    first = seen.look(10.0)
    assert [(one["kind"], one["count"]) for one in first] == [("timeout", 1), ("memory", 1)]
    write(log, TIMEOUT)
    write(tmp_path / "web2/odoo.log", TIMEOUT)
    assert [(one["host"], one["count"]) for one in seen.look(60.0)] == [("web2", 1)]
    assert [(one["host"], one["count"]) for one in seen.look(70.0)] == [("web1", 100)]
    # Told again, it is quiet for as long again.
    assert seen.look(1000.0) == []


def test_a_log_is_followed_through_rotation_and_truncation(
    tmp_path: pathlib.Path, watch: t.Callable[..., t.Any]
) -> None:
    log = tmp_path / "web1/odoo.log"
    write(log, "old")
    seen = watch(debounce=0)
    write(log, TIMEOUT)
    log.rename(tmp_path / "web1/odoo.log.1")
    write(log, MEMORY)
    assert [one["kind"] for one in seen.look(1.0)] == ["timeout", "memory"]
    log.write_text("", encoding="utf-8")
    assert seen.look(2.0) == []
    write(log, CPU)
    assert [one["kind"] for one in seen.look(3.0)] == ["cpu"]
    log.unlink()
    assert seen.look(4.0) == []
    write(log, TIMEOUT)
    assert [one["kind"] for one in seen.look(5.0)] == ["timeout"]


def test_what_a_large_log_holds_at_its_rotation_is_read_to_its_end(
    tmp_path: pathlib.Path, watch: t.Callable[..., t.Any]
) -> None:
    log = tmp_path / "web1/odoo.log"
    write(log, "old")
    seen = watch(debounce=0)
    write(log, ("x" * 999 + "\n") * 3000 + TIMEOUT)
    log.rename(tmp_path / "web1/odoo.log.1")
    write(log, MEMORY)
    assert [one["kind"] for one in seen.look(1.0)] == ["timeout", "memory"]


def test_a_log_that_is_gone_for_good_is_let_go(tmp_path: pathlib.Path, watch: t.Callable[..., t.Any]) -> None:
    log = tmp_path / "web1/2026-11-25.log"
    write(log, "old")
    seen = watch(debounce=0, logs=[str(tmp_path / "web1/*.log")])
    before = len(os.listdir("/proc/self/fd"))
    log.unlink()
    for moment in range(40):
        assert seen.look(float(moment)) == []
    assert len(os.listdir("/proc/self/fd")) == before - 1
    write(log, TIMEOUT)
    assert [one["kind"] for one in seen.look(50.0)] == ["timeout"]


def test_half_a_line_waits_for_its_end(tmp_path: pathlib.Path, watch: t.Callable[..., t.Any]) -> None:
    log = tmp_path / "web1/odoo.log"
    write(log)
    seen = watch()
    with log.open("a", encoding="utf-8") as file:
        file.write(TIMEOUT[:-15])
        file.flush()
        assert seen.look(1.0) == []
        file.write(TIMEOUT[-15:] + "\n")
    assert [one["kind"] for one in seen.look(2.0)] == ["timeout"]


def test_patterns_and_hosts_of_ones_own(tmp_path: pathlib.Path, watch: t.Callable[..., t.Any]) -> None:
    log = tmp_path / "x/odoo.log"
    write(log)
    seen = watch(logs=[{"path": str(log), "host": "web9"}], patterns={"lock": "could not serialize"})
    write(log, "psycopg2.errors: could not serialize access")
    assert [(one["host"], one["kind"]) for one in seen.look(1.0)] == [("web9", "lock")]


class Health(http.server.BaseHTTPRequestHandler):
    """Answers with the status that the test has set."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(type(self).status)
        self.end_headers()

    def log_message(self, format: str, *_arguments: t.Any) -> None:  # noqa: A002
        del format


def test_a_server_is_unhealthy_when_it_fails_several_times_in_a_row() -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}/web/health"
        seen = SOURCE["Watch"]({"health": {"web1": url}, "health_failures": 2, "debounce": 0})
        assert seen.look(0.0) == []
        Health.status = 500
        assert seen.look(1.0) == []
        (event,) = seen.look(2.0)
        assert event == {"host": "web1", "kind": "unhealthy", "said": "status 500", "log": None, "count": 1}
        # It is still so, and that has been told.
        assert seen.look(3.0) == []
        Health.status = 200
        assert seen.look(4.0) == []
    finally:
        Health.status = 200
        server.shutdown()
        server.server_close()
    seen.look(5.0)
    (event,) = seen.look(6.0)
    assert event["said"] == "URLError"


def test_a_server_that_drips_its_answer_is_unhealthy_and_others_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOURCE["_ask"].__globals__, "_TIMEOUT", 0.25)
    with dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ") as port:
        url = f"http://127.0.0.1:{port}/web/health"
        seen = SOURCE["Watch"]({"health": {"web1": url}, "health_failures": 1, "debounce": 0})
        begun = time.monotonic()
        (event,) = seen.look(0.0)
        assert time.monotonic() - begun < 5
    assert (event["host"], event["kind"], event["said"]) == ("web1", "unhealthy", "no whole answer within 0.5 s")


def test_an_answer_that_is_not_http_is_trouble_and_does_not_end_the_watch() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _peer = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"\x15\x03\x01 no HTTP\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/web/health"
        (event,) = SOURCE["Watch"]({"health": {"web1": url}, "health_failures": 1}).look(0.0)
        assert event["said"] == "BadStatusLine"


def test_nothing_to_watch_is_an_error() -> None:
    with pytest.raises(ValueError, match="must have a file or an address"):
        SOURCE["Watch"]({})


def test_the_entry_point_puts_events_into_the_queue(tmp_path: pathlib.Path) -> None:
    log = tmp_path / "web1/odoo.log"
    write(log)

    async def run() -> t.Any:
        queue: asyncio.Queue[t.Any] = asyncio.Queue()
        task = asyncio.create_task(SOURCE["main"](queue, {"logs": [str(log)], "interval": 0.01}))
        await asyncio.sleep(0.2)
        write(log, TIMEOUT)
        event = await asyncio.wait_for(queue.get(), 20)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return event

    assert asyncio.run(run())["odoo"]["kind"] == "timeout"
