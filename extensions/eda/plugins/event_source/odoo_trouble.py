# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Follow Odoo's logs and health for Event-Driven Ansible, and report trouble once, not a thousand times.

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
short_description: Report trouble of Odoo servers from their logs and their health
description:
  - Follows log files on the machine of ansible-rulebook, such as those that syslog collects there, and checks whether
    servers are healthy.
  - Reports the first event of each kind on each host at once. Counts further events within O(debounce) seconds and
    reports them in one event, so that a server in trouble does not start a job for each of its lines.
  - An event contains the matched text and nothing else of the line, because lines may contain what users have entered.
options:
  logs:
    description:
      - Files or wildcards, or dictionaries with C(path) and C(host). Without C(host) the name of the folder of the file
        is the host. Rotations of a file are followed.
    type: list
    elements: raw
    default: []
  health:
    description: Addresses that answer with status 200 while a server is healthy, by host.
    type: dict
    default: {}
  health_failures:
    description: Number of failed checks in a row before the source reports a server as unhealthy.
    type: int
    default: 3
  debounce:
    description: Seconds before trouble of the same kind on the same host is reported again.
    type: float
    default: 300
  interval:
    description: Seconds between two checks.
    type: float
    default: 2
  patterns:
    description: Further regular expressions, by kind of trouble.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- fleetops.odoo.odoo_trouble:
    logs: [/var/log/remote/*/odoo-server.log]
    health: {web1: "http://192.0.2.11:8069/web/health"}
    debounce: 600
"""

#: Log lines of Odoo 14 to 19 when a master ends a worker because of its time or its memory. The length of a word is
#: limited, because a line may be one word of a megabyte, such as an attachment in a query.
PATTERNS = {
    "timeout": r"\b\w{1,60} \(\d+\) timeout after \d+s|virtual real time limit \(\d+/\d+s\) reached",
    "memory": r"(?:virtual|Server) memory limit (?:\(\d+\) )?reached",
    "cpu": r"CPU time limit (?:\(\d+\) reached|exceeded)",
}
#: Bytes of a file that are read at once, and the longest line.
_CHUNK = 1 << 20
#: Rounds after which a removed file is closed: a rotation leaves a gap in which last lines may come.
_ROUNDS = 30
#: Seconds until a server must begin its answer. The whole answer may take twice as long.
_TIMEOUT = 5.0


@dataclass
class Debounce:
    """Pass the first event of a kind, and later one event with the count of those in between."""

    seconds: float
    _until: dict[tuple[str, str], float] = field(default_factory=dict)
    _held: dict[tuple[str, str], tuple[int, dict[str, t.Any]]] = field(default_factory=dict)

    def feed(self, event: dict[str, t.Any], now: float) -> list[dict[str, t.Any]]:
        """Take an event and return the events to report now."""
        key = (event["host"], event["kind"])
        if now < self._until.get(key, 0.0):
            self._held[key] = (self._held.get(key, (0, event))[0] + 1, event)
            return []
        return [self._tell(key, event, self._held.pop(key, (0, event))[0] + 1, now)]

    def due(self, now: float) -> list[dict[str, t.Any]]:
        """Return the events whose waiting time has passed."""
        ripe = [key for key in self._held if now >= self._until[key]]
        return [self._tell(key, event, count, now) for key in ripe for count, event in [self._held.pop(key)]]

    def _tell(self, key: tuple[str, str], event: dict[str, t.Any], count: int, now: float) -> dict[str, t.Any]:
        self._until[key] = now + self.seconds
        return {**event, "count": count}


class Follower:
    """Read new lines of a file, also after rotations. Lines from before the start are skipped."""

    def __init__(self, path: str, *, fresh: bool) -> None:
        self.path = path
        #: Rounds in which the file was missing.
        self.missing = 0
        self._file: t.BinaryIO | None = None
        self._rest = b""
        self._open(at_end=not fresh)

    def lines(self) -> list[str]:
        """Return the new lines since the last call."""
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
            # The file was emptied and begins again.
            self._file.seek(0)
            found += self._read()
        return found

    def close(self) -> None:
        """Close the file."""
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
    """Watch the logs and the health of one source; :meth:`look` is one round."""

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
        """Return the events of one round."""
        self._find()
        found = [event for host, follower in self._followers.values() for event in self._said(host, follower)]
        found += [event for host, url in self._health.items() for event in self._sick(host, url)]
        return [told for event in found for told in self._debounce.feed(event, now)] + self._debounce.due(now)

    def close(self) -> None:
        """Close all files."""
        for _place, follower in self._followers.values():
            follower.close()

    def _find(self) -> None:
        """Open new files, such as those of a new host, and read them from their beginning. Close removed files."""
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
    """Return why a server is not healthy; empty for a healthy one.

    The timeout of a socket starts again with every byte, so a thread limits the time of the whole answer.
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
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer:  # noqa: S310 - the scheme was checked
            return "" if answer.status == 200 else f"status {answer.status}"
    except urllib.error.HTTPError as exc:
        # The exception is also the answer, and holds its connection.
        exc.close()
        return f"status {exc.code}"
    except (OSError, ValueError, http.client.HTTPException) as exc:
        return f"{type(exc).__name__}"


async def main(queue: asyncio.Queue[t.Any], args: dict[str, t.Any]) -> None:
    """Put events into the queue until ansible-rulebook cancels it. This is the entry point of ansible-rulebook."""
    watch = Watch(args)
    try:
        while True:
            # Files and addresses may be slow, and events of other sources must not wait for them.
            for event in await asyncio.to_thread(watch.look, time.monotonic()):
                await queue.put({"odoo": event})
            await asyncio.sleep(watch.interval)
    finally:
        watch.close()
