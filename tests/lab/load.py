# SPDX-License-Identifier: GPL-3.0-or-later
"""An open-loop HTTP load that remembers every request. Standard library only.

Requests start at their time whether or not earlier ones have been answered, each on a connection of its own, and a
request's latency counts from the moment it was due: a server that stalls cannot slow its own measurement down.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import random
import signal
import sys
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TextIO

FIRST_ERRORS = 10
POST = "POST "


@dataclass(frozen=True)
class Options:
    """The requests to send, and the end of the load. `seconds` always ends it."""

    url: str
    rate: float = 30.0
    seconds: float = 600.0
    paths: tuple[tuple[str, float], ...] = (("/web/login", 1.0),)
    timeout: float = 30.0
    log: Path | None = None
    until_file: Path | None = None
    seed: int = 1


@dataclass(frozen=True)
class Request:
    """One request as it went: `status` is None when no whole answer came."""

    start: float
    path: str
    status: int | None
    latency: float
    error: str | None

    @property
    def failed(self) -> bool:
        """No answer, half an answer, or one that says no."""
        return self.error is not None or self.status is None or self.status >= 400


@dataclass(frozen=True)
class Tally:
    """The sum of a load."""

    requests: int
    failed: int
    seconds: float
    p50: float
    p99: float
    max: float
    statuses: dict[str, int] = field(default_factory=dict)
    first_errors: list[str] = field(default_factory=list)

    def line(self) -> str:
        """The tally for a person."""
        return (
            f"{self.requests} requests in {self.seconds:.1f} s, {self.failed} failed, "
            f"p50 {self.p50 * 1000:.0f} ms, p99 {self.p99 * 1000:.0f} ms, max {self.max * 1000:.0f} ms"
        )


def tally(requests: Sequence[Request], seconds: float) -> Tally:
    """Sum up requests; the percentiles are those of all of them, failed ones too."""
    latencies = sorted(request.latency for request in requests)
    bad = sorted((request for request in requests if request.failed), key=lambda request: request.start)
    return Tally(
        requests=len(requests),
        failed=len(bad),
        seconds=round(seconds, 3),
        p50=_percentile(latencies, 0.50),
        p99=_percentile(latencies, 0.99),
        max=latencies[-1] if latencies else 0.0,
        statuses=dict(sorted(Counter(str(request.status or "none") for request in requests).items())),
        first_errors=[
            f"{time.strftime('%H:%M:%S', time.localtime(request.start))} {request.path}: "
            f"{request.error or f'status {request.status}'}"
            for request in bad[:FIRST_ERRORS]
        ],
    )


def _percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def parse_paths(text: str) -> tuple[tuple[str, float], ...]:
    """`/web/login=3,/lab/sleep/0.3,POST /lab/pid` as paths with weights; what POST stands before is sent by one."""
    result: list[tuple[str, float]] = []
    for part in text.split(","):
        path, _equals, weight = part.strip().partition("=")
        try:
            number = float(weight or 1)
        except ValueError:
            number = 0.0
        if not path.removeprefix(POST).startswith("/") or not number > 0:
            raise ValueError(f"{part.strip()!r} is not /path or /path=weight")
        result.append((path, number))
    return tuple(result)


async def load(options: Options, stop: Callable[[], bool] = lambda: False) -> Tally:
    """Send until the time is over, `stop()` says so, or the file is there; then wait for what is in flight."""
    target = urllib.parse.urlsplit(options.url)
    host, port = target.hostname or "", target.port or 80
    if target.scheme != "http" or not host:
        raise ValueError(f"{options.url!r} is not an http URL")
    dice = random.Random(options.seed)
    names, weights = [path for path, _weight in options.paths], [weight for _path, weight in options.paths]
    requests: list[Request] = []
    running: set[asyncio.Task[None]] = set()
    with contextlib.ExitStack() as stack:
        log: TextIO | None = stack.enter_context(options.log.open("w", encoding="utf-8")) if options.log else None

        async def one(due: float, path: str) -> None:
            wall = time.time() - (time.monotonic() - due)
            status, error = await _ask(host, port, path, options.timeout)
            request = Request(round(wall, 4), path, status, round(time.monotonic() - due, 4), error)
            requests.append(request)
            if log:
                log.write(json.dumps(asdict(request)) + "\n")
                log.flush()

        began, sent = time.monotonic(), 0
        while not stop() and not (options.until_file and options.until_file.exists()):
            if sent / options.rate >= options.seconds:
                break
            due = began + sent / options.rate
            if due > time.monotonic():
                # Short naps, to notice in time that it is over.
                await asyncio.sleep(min(due - time.monotonic(), 0.1))
                continue
            task = asyncio.create_task(one(due, dice.choices(names, weights)[0]))
            running.add(task)
            task.add_done_callback(running.discard)
            sent += 1
            await asyncio.sleep(0)
        if running:
            await asyncio.wait(set(running))
    return tally(requests, time.monotonic() - began)


async def _ask(host: str, port: int, path: str, timeout: float) -> tuple[int | None, str | None]:
    """Send one GET or POST; an answer that ends early is an error, with every status."""
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(host, port)
            method, body = ("POST", "x=1") if path.startswith(POST) else ("GET", "")
            head = f"{method} {path.removeprefix(POST)} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: lab-load\r\n"
            kind = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n" if body else ""
            writer.write(f"{head}{kind}Connection: close\r\n\r\n{body}".encode("ascii"))
            return await _answer(reader), None
    except TimeoutError:
        return None, f"no answer within {timeout:g} s"
    except asyncio.IncompleteReadError as error:
        return None, f"the answer broke off after {len(error.partial)} bytes of a part"
    except (OSError, ValueError) as error:
        return None, f"{type(error).__name__}: {error}"
    finally:
        if writer is not None:
            writer.close()


async def _answer(reader: asyncio.StreamReader) -> int:
    """Read a whole response, and give its status."""
    first = (await reader.readuntil(b"\r\n")).split()
    if len(first) < 2 or not first[0].startswith(b"HTTP/1."):
        raise ValueError("the answer is not HTTP/1")
    headers: dict[bytes, bytes] = {}
    while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
        name, _colon, value = line.partition(b":")
        headers[name.strip().lower()] = value.strip()
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            await reader.readexactly(size + 2)
    elif b"content-length" in headers:
        await reader.readexactly(int(headers[b"content-length"]))
    else:
        await reader.read()
    return int(first[1])


def run(options: Options, stop: Callable[[], bool] = lambda: False) -> Tally:
    """`load` for callers without an event loop."""
    return asyncio.run(load(options, stop))


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Open-loop HTTP load; exit code 1 when a request failed.")
    parser.add_argument("--url", required=True, help="http://HOST[:PORT] of the balancer or a server")
    parser.add_argument("--rate", type=float, default=30.0, help="requests a second (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=600.0, help="longest duration (default: %(default)s)")
    parser.add_argument("--paths", default="/web/login", help="[POST ]/path[=weight],... (default: %(default)s)")
    parser.add_argument("--timeout", type=float, default=30.0, help="for each request (default: %(default)s s)")
    parser.add_argument("--until-file", type=Path, help="stop when this file appears")
    parser.add_argument("--log", type=Path, help="write each request as a line of JSON")
    parser.add_argument("--tally", type=Path, help="write the sum as JSON")
    parser.add_argument("--seed", type=int, default=1, help="for the mix of paths (default: %(default)s)")
    args = parser.parse_args(argv)
    if not (args.rate > 0 and args.seconds > 0 and args.timeout > 0):
        parser.error("--rate, --seconds and --timeout must be above 0")
    try:
        args.paths = parse_paths(args.paths)
    except ValueError as error:
        parser.error(f"--paths: {error}")
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """The command line. SIGTERM or SIGINT ends the sending; what is in flight is still waited for."""
    args = _arguments(argv)
    over: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _frame: over.append(got))
    options = Options(args.url, args.rate, args.seconds, args.paths, args.timeout, args.log, args.until_file, args.seed)
    try:
        result = run(options, lambda: bool(over))
    except (ValueError, OSError) as error:
        print(f"load: {error}", file=sys.stderr)
        return 2
    if args.tally:
        args.tally.write_text(json.dumps(asdict(result), indent=1) + "\n", encoding="utf-8")
    print(result.line())
    for line in result.first_errors:
        print(f"  {line}")
    return 1 if result.failed else 0


if __name__ == "__main__":
    sys.exit(main())
