# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Follow Odoo's logs and health for Event-Driven Ansible, and tell of trouble once, not a thousand times.

ansible-rulebook runs this file by itself, so it needs nothing but Python's own library.
"""

from __future__ import annotations

import asyncio
import glob
import http.client
import os
import re
import threading
import time
import typing as t
import urllib.error
import urllib.request
from dataclasses import dataclass, field

DOCUMENTATION = r"""
---
short_description: Trouble of Odoo servers, from their logs and by their health
description:
  - Follows log files that lie on the machine of ansible-rulebook, such as those that syslog brings there, and asks
    servers whether they are healthy.
  - The first event of each kind on each host is told at once. What follows within O(debounce) seconds is counted and
    told in one further event, so that a server in trouble does not start a job for each of its lines.
  - An event has what was matched and nothing else of the line, since lines may hold what users have entered.
options:
  logs:
    description:
      - Files or wildcards, or dictionaries with C(path) and C(host). Without a host it is the name of the folder that
        the file is in. A rotated file is followed on.
    type: list
    elements: raw
    default: []
  health:
    description: Addresses that answer with status 200 while a server is healthy, by host.
    type: dict
    default: {}
  health_failures:
    description: How many times in a row a server must fail.
    type: int
    default: 3
  debounce:
    description: Seconds for which trouble of the same kind on the same host is not told again.
    type: float
    default: 300
  interval:
    description: Seconds between two looks.
    type: float
    default: 2
  patterns:
    description: Further regular expressions by the kind that they stand for.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- fleetops.odoo.odoo_trouble:
    logs: [/var/log/remote/*/odoo-server.log]
    health: {web1: "http://192.0.2.11:8069/web/health"}
    debounce: 600
"""

#: What Odoo 14 to 19 log when a worker is ended for its time or its memory. A word begins at its boundary and has an
#: end, since a line may be one word of a megabyte, such as an attachment in a query.
PATTERNS = {
    "timeout": r"\b\w{1,60} \(\d+\) timeout after \d+s|virtual real time limit \(\d+/\d+s\) reached",
    "memory": r"(?:virtual|Server) memory limit (?:\(\d+\) )?reached",
    "cpu": r"CPU time limit (?:\(\d+\) reached|exceeded)",
}
#: Bytes that are read of a file at once, and that a line may have.
_CHUNK = 1 << 20
#: Rounds after which a file that is gone is let go: a rotation leaves a gap, and its last lines may come in it.
_ROUNDS = 30
#: Seconds that a server has to begin its answer, and twice that for all of it.
_TIMEOUT = 5.0


@dataclass
class Debounce:
    """Lets the first through, and after a while one that stands for those that came meanwhile."""

    seconds: float
    _until: dict[tuple[str, str], float] = field(default_factory=dict)
    _held: dict[tuple[str, str], tuple[int, dict[str, t.Any]]] = field(default_factory=dict)

    def feed(self, event: dict[str, t.Any], now: float) -> list[dict[str, t.Any]]:
        """Trouble has been seen; what is to be told of it now."""
        key = (event["host"], event["kind"])
        if now < self._until.get(key, 0.0):
            self._held[key] = (self._held.get(key, (0, event))[0] + 1, event)
            return []
        return [self._tell(key, event, self._held.pop(key, (0, event))[0] + 1, now)]

    def due(self, now: float) -> list[dict[str, t.Any]]:
        """What was held back for long enough."""
        ripe = [key for key in self._held if now >= self._until[key]]
        return [self._tell(key, event, count, now) for key in ripe for count, event in [self._held.pop(key)]]

    def _tell(self, key: tuple[str, str], event: dict[str, t.Any], count: int, now: float) -> dict[str, t.Any]:
        self._until[key] = now + self.seconds
        return {**event, "count": count}


class Follower:
    """New lines of a file, through rotations. What is there at the start is old."""

    def __init__(self, path: str, *, fresh: bool) -> None:
        self.path = path
        #: Rounds for which it has been gone.
        self.missing = 0
        self._file: t.BinaryIO | None = None
        self._rest = b""
        self._open(at_end=not fresh)

    def lines(self) -> list[str]:
        """Lines that have come since the last call."""
        found = self._read()
        try:
            now = os.stat(self.path)
        except OSError:
            self.missing += 1
            return found
        self.missing = 0
        was = os.fstat(self._file.fileno()) if self._file else None
        if was is None or (now.st_dev, now.st_ino) != (was.st_dev, was.st_ino):
            more = found
            while more:
                more = self._read()
                found += more
            self._open(at_end=False)
            found += self._read()
        elif self._file and now.st_size < self._file.tell():
            # It was cut, and begins anew.
            self._file.seek(0)
            found += self._read()
        return found

    def close(self) -> None:
        """Let go of the file."""
        if self._file:
            self._file.close()
            self._file = None

    def _open(self, *, at_end: bool) -> None:
        self.close()
        self._rest = b""
        try:
            self._file = open(self.path, "rb")  # noqa: SIM115 - it stays open
        except OSError:
            self._file = None
            return
        if at_end:
            self._file.seek(0, os.SEEK_END)

    def _read(self) -> list[str]:
        if not self._file:
            return []
        *lines, rest = (self._rest + self._file.read(_CHUNK)).split(b"\n")
        # A line without an end must not fill the memory.
        self._rest = rest[-_CHUNK:]
        return [line.decode("utf-8", "replace") for line in lines]


class Watch:
    """What one source watches; :meth:`look` is one round."""

    def __init__(self, args: t.Mapping[str, t.Any]) -> None:
        self.interval = float(args.get("interval", 2))
        self._logs = [one if isinstance(one, dict) else {"path": str(one)} for one in args.get("logs") or []]
        self._health: dict[str, str] = dict(args.get("health") or {})
        if not self._logs and not self._health:
            raise ValueError("logs or health must have a file or an address, got none")
        self._limit = int(args.get("health_failures", 3))
        self._patterns = {kind: re.compile(text) for kind, text in {**PATTERNS, **(args.get("patterns") or {})}.items()}
        self._debounce = Debounce(float(args.get("debounce", 300)))
        self._followers: dict[str, tuple[str, Follower]] = {}
        self._failures: dict[str, int] = {}
        self._begun = False

    def look(self, now: float) -> list[dict[str, t.Any]]:
        """Events of one round."""
        self._find()
        found = [event for host, follower in self._followers.values() for event in self._said(host, follower)]
        found += [event for host, url in self._health.items() for event in self._sick(host, url)]
        return [told for event in found for told in self._debounce.feed(event, now)] + self._debounce.due(now)

    def close(self) -> None:
        """Let go of all files."""
        for _place, follower in self._followers.values():
            follower.close()

    def _find(self) -> None:
        """Files may come later, such as those of a new host; they are read from their begin. Others go for good."""
        for path in [path for path, (_host, follower) in self._followers.items() if follower.missing > _ROUNDS]:
            self._followers.pop(path)[1].close()
        for one in self._logs:
            for path in sorted(glob.glob(one["path"])):
                if path not in self._followers:
                    host = one.get("host") or os.path.basename(os.path.dirname(os.path.abspath(path)))
                    self._followers[path] = (host, Follower(path, fresh=self._begun))
        self._begun = True

    def _said(self, host: str, follower: Follower) -> t.Iterator[dict[str, t.Any]]:
        for line in follower.lines():
            for kind, pattern in self._patterns.items():
                match = pattern.search(line)
                if match:
                    yield {"host": host, "kind": kind, "said": match.group(0)[:200], "log": follower.path}

    def _sick(self, host: str, url: str) -> t.Iterator[dict[str, t.Any]]:
        reason = _ask(url)
        self._failures[host] = self._failures.get(host, 0) + 1 if reason else 0
        if reason and self._failures[host] == self._limit:
            yield {"host": host, "kind": "unhealthy", "said": reason, "log": None}


def _ask(url: str) -> str:
    """Why a server is not healthy; empty where it is.

    The timeout of a socket begins anew with every byte, so a server that drips its answer is waited for from outside.
    """
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(_answer(url)), daemon=True)
    thread.start()
    thread.join(2 * _TIMEOUT)
    return answers[0] if answers else f"no whole answer within {2 * _TIMEOUT:g} s"


def _answer(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        return "the address must begin with http:// or https://"
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer:  # noqa: S310 - the scheme was looked at
            return "" if answer.status == 200 else f"status {answer.status}"
    except urllib.error.HTTPError as exc:
        # It is the answer too, and holds its connection.
        exc.close()
        return f"status {exc.code}"
    except (OSError, ValueError, http.client.HTTPException) as exc:
        return f"{type(exc).__name__}"


async def main(queue: asyncio.Queue[t.Any], args: dict[str, t.Any]) -> None:
    """Entry point of ansible-rulebook: put events into the queue until it is cancelled."""
    watch = Watch(args)
    try:
        while True:
            # Files and addresses may be slow, and others' events must not wait for them.
            for event in await asyncio.to_thread(watch.look, time.monotonic()):
                await queue.put({"odoo": event})
            await asyncio.sleep(watch.interval)
    finally:
        watch.close()
