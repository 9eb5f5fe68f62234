# SPDX-License-Identifier: GPL-3.0-or-later
"""The load client against a small server that misbehaves on request."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import load
import pytest

_WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_ANSWERS = {
    "/ok": _WHOLE,
    "/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "/moved": b"HTTP/1.1 303 See Other\r\nContent-Length: 0\r\n\r\n",
    "/error": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
    "/half": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
    "/half-chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok",
    "/nothing": b"",
}


_serving: set[asyncio.Task[None]] = set()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    task = asyncio.current_task()
    assert task is not None
    _serving.add(task)
    try:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        if path == "/slow":
            await asyncio.sleep(0.5)
        writer.write(_ANSWERS.get(path, _WHOLE))
        await writer.drain()
    finally:
        writer.close()


def _load(
    path: str, *, rate: float = 50, seconds: float = 0.2, timeout: float = 5, log: Path | None = None
) -> load.Tally:
    async def both() -> load.Tally:
        server = await asyncio.start_server(_serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            url = f"http://127.0.0.1:{port}"
            paths = load.parse_paths(path)
            result = await load.load(load.Options(url, rate, seconds, paths, timeout, log))
            await asyncio.gather(*_serving, return_exceptions=True)
            _serving.clear()
            return result

    return asyncio.run(both())


@pytest.mark.parametrize("path", ["/ok", "/chunked", "/moved"])
def test_good_answers(path: str) -> None:
    result = _load(path)
    assert (result.requests, result.failed) == (10, 0)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/error", "status 502"),
        ("/half", "the answer broke off"),
        ("/half-chunked", "the answer broke off"),
        ("/nothing", "the answer broke off"),
    ],
)
def test_bad_answers_are_failures(path: str, said: str) -> None:
    result = _load(path)
    assert (result.requests, result.failed) == (10, 10)
    assert said in result.first_errors[0]


def test_no_answer_in_time_is_a_failure() -> None:
    result = _load("/slow", rate=10, seconds=0.1, timeout=0.1)
    assert result.first_errors[0].endswith("/slow: no answer within 0.1 s")


def test_slow_answers_do_not_slow_the_sending() -> None:
    result = _load("/slow", rate=100, seconds=0.3)
    assert (result.requests, result.failed) == (30, 0)
    assert result.seconds < 1.2


def test_a_refused_connection_is_a_failure() -> None:
    result = load.run(load.Options("http://127.0.0.1:1", rate=20, seconds=0.1))
    assert result.failed == result.requests == 2
    assert "Refused" in result.first_errors[0]


def test_every_request_is_on_record(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    result = _load("/ok=3,/error", seconds=0.6, log=log)
    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == result.requests == 30
    assert set(rows[0]) == {"start", "path", "status", "latency", "error"}
    assert result.failed == sum(row["path"] == "/error" for row in rows) > 0
    assert result.statuses == {"200": 30 - result.failed, "502": result.failed}


def test_a_file_ends_it(tmp_path: Path) -> None:
    flag = tmp_path / "enough"
    flag.touch()
    assert load.run(load.Options("http://127.0.0.1:1", until_file=flag)).requests == 0


def test_percentiles_are_nearest_rank() -> None:
    requests = [load.Request(0, "/", 200, number / 100, None) for number in range(1, 101)]
    result = load.tally(requests, 1)
    assert (result.p50, result.p99, result.max) == (0.5, 0.99, 1.0)
    assert load.tally([], 0).p99 == 0


@pytest.mark.parametrize("text", ["", "web", "/a=0", "/a=x", "/a,,/b"])
def test_paths_that_make_no_sense(text: str) -> None:
    with pytest.raises(ValueError, match="is not /path"):
        load.parse_paths(text)
