# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Take a server out of upstreams of nginx, and put it back."""

from __future__ import annotations

import os
import time
import typing as t
from dataclasses import dataclass, field

from .._messages import roll, timeout
from .._messages.code import Problem
from .._system.clock import Clock, Pending, Waiting, wait_until
from .._system.errors import Refused, StillWaiting, TimedOut
from .._system.state_dir import StateDirectory
from .ages import ages_there, connections
from .connections import noun
from .nginx_host import End, Nginx, RealFiles, Worker, ends_of, write_file
from .nginx_tree import Files, Mark, Tree, UpstreamServer, edit, names, read_tree

_GUARD, _UNDER_WAY = "nginx.guard", "nginx.json"
#: Seconds for new workers to appear; they do within a tenth of a second.
_RELOAD_PATIENCE = 30.0


@dataclass(frozen=True)
class NginxOrder:
    """An order to take servers out or put them back.

    :ivar upstreams: the module waits for their connections.
    :ivar websocket_upstreams: whose connections have a time limit of their own.
    :ivar servers: as the configuration has them, with or without port.
    :ivar timeout: seconds, as all that follow.
    """

    down: bool
    upstreams: t.Tuple[str, ...]
    websocket_upstreams: t.Tuple[str, ...]
    servers: t.Tuple[str, ...]
    timeout: float
    websocket_timeout: float = 0.0
    wait: bool = True
    allow_last: bool = False
    owner: str = ""


@dataclass
class Done:
    """The outcome of a call, also of one that failed."""

    servers: t.List[UpstreamServer] = field(default_factory=list)
    #: lines of servers before and after, by file
    before: t.Dict[str, t.List[str]] = field(default_factory=dict)
    after: t.Dict[str, t.List[str]] = field(default_factory=dict)
    changed: bool = False
    reloaded: bool = False
    connections: int = 0
    websockets: int = 0
    #: connections of requests when the wait began; None where it was not, or where they cannot be seen
    under_way: t.Optional[int] = None
    #: what the wait is for, if it goes on
    waiting: t.Optional[Waiting] = None


def chosen(tree: Tree, order: NginxOrder) -> t.List[UpstreamServer]:
    """Return the servers that an order names. Pure.

    :raises Refused: an upstream or a server is not there.
    """
    wanted = (*order.upstreams, *order.websocket_upstreams)
    for name in wanted:
        if name not in tree.upstreams:
            raise Refused(roll.NGINX_NO_UPSTREAM(name=name, known=", ".join(sorted(tree.upstreams)) or "none"))
    there = [one for one in tree.servers if one.upstream in wanted]
    for name in order.servers:
        if not any(name in names(one.address) for one in there):
            known = ", ".join(sorted({one.address for one in there}))
            raise Refused(roll.NGINX_NO_SERVER(name=name, upstreams=", ".join(wanted), known=known or "none"))
    return [one for one in there if names(one.address).intersection(order.servers)]


def to_change(tree: Tree, found: t.Sequence[UpstreamServer], order: NginxOrder) -> t.List[UpstreamServer]:
    """Return those of the servers that are not as they are wished for. Pure.

    :raises Refused: an upstream would have no server left.
    """
    changing = [one for one in found if one.is_down != order.down]
    if order.down and not order.allow_last:
        going = {one.place for one in changing}
        for name in sorted({one.upstream for one in changing}):
            left = [one for one in tree.servers if one.upstream == name and not one.is_down and one.place not in going]
            if not left:
                raise Refused(roll.NGINX_LAST_SERVER(upstream=name))
    if not order.down:
        # edit() refuses a server that is down without our mark.
        changing = [one for one in found if one.is_down or one.mark]
    return changing


class Balancer:
    """nginx on this host, with its files, its lock and its clock."""

    def __init__(self, nginx: Nginx, clock: Clock, files: t.Optional[Files] = None) -> None:
        self.nginx, self.clock, self.files = nginx, clock, files or RealFiles()
        self.done = Done()

    def tree(self) -> Tree:
        """Read the configuration."""
        return read_tree(self.files, self.nginx.config)

    def predict(self, order: NginxOrder) -> None:
        """Put into :attr:`done` what :meth:`act` would do, and do nothing.

        :raises Refused: it would not be done.
        """
        tree = self.tree()
        found = chosen(tree, order)
        changing = to_change(tree, found, order)
        self._note(tree, found, edit(tree.texts, changing, self._mark(order)), order)

    def act(self, order: NginxOrder) -> None:
        """Mark the servers down or take our marks away, reload nginx, and wait until no old worker has a connection.

        :raises Refused: it is not done; the files are as before.
        :raises TimedOut: a connection is still there; the servers stay marked down.
        """
        if os.geteuid() != 0:
            raise Refused(roll.NGINX_NOT_ROOT())
        begun = self.clock.began()
        store = StateDirectory()
        store.open()

        def attempt() -> t.Union[int, Pending]:
            try:
                return store.lock(_GUARD, wait=False)
            except BlockingIOError:
                return Pending(timeout.NGINX_LOCK())

        guard = wait_until(attempt, self.clock, begun + order.timeout)
        try:
            master, found = self._change(order, store)
        finally:
            os.close(guard)
        if order.down and order.wait:
            self._wait(master, found, order, begun)

    def _change(self, order: NginxOrder, store: StateDirectory) -> t.Tuple[int, t.List[UpstreamServer]]:
        tree = self.tree()
        found = chosen(tree, order)
        texts = edit(tree.texts, to_change(tree, found, order), self._mark(order))
        master = self.nginx.master(tree.pid_file)
        # A call that was killed between the file and the reload has left files that nginx does not know yet.
        interrupted = _is_under_way(store)
        if texts or interrupted:
            store.write(_UNDER_WAY, {"files": sorted(texts)})
            try:
                self._write(texts)
                self._apply(master)
            except (Refused, TimedOut) as exc:
                self._write({path: tree.texts[path] for path in texts})
                if exc.code == roll.NGINX_TEST_FAILED.name and not interrupted:
                    _forget(store)  # nginx was not told anything
                raise
            _forget(store)
        self._note(tree, found, texts, order)
        return master, found

    def _write(self, texts: t.Mapping[str, str]) -> None:
        for path, text in texts.items():
            write_file(path, text)

    def _apply(self, master: int) -> None:
        """Make nginx apply the files, and wait until it has."""
        said = self.nginx.test()
        if said:
            raise Refused(roll.NGINX_TEST_FAILED(said=said))
        before = {(one.pid, one.start) for one in self.nginx.workers(master)}
        said = self.nginx.reload(master)
        if said:
            raise Refused(roll.NGINX_RELOAD_FAILED(said=said))

        def attempt() -> t.Union[bool, Pending]:
            now = self.nginx.workers(master)
            staying = [one for one in now if not one.leaving]
            if staying and not any((one.pid, one.start) in before for one in staying):
                return True
            return Pending(timeout.NGINX_RELOADED())

        wait_until(attempt, self.clock, self.clock.monotonic() + _RELOAD_PATIENCE)
        self.done.reloaded = True

    def _wait(self, master: int, found: t.Sequence[UpstreamServer], order: NginxOrder, begun: float) -> None:
        requests = _ends(found, order.upstreams)
        websockets = _ends([one for one in found if one.upstream not in order.upstreams], order.websocket_upstreams)

        def attempt() -> t.Union[bool, Pending]:
            passed = self.clock.monotonic() - begun
            leaving = [one for one in self.nginx.workers(master) if one.leaving]
            self.done.connections = self._count(leaving, requests)
            self.done.websockets = self._count(leaving, websockets)
            if self.done.under_way is None and requests is not None:
                self.done.under_way = self.done.connections
            shown = ", ".join(sorted({one.address for one in found}))
            if self.done.connections:
                problem = _connections(self.done.connections, shown)
                if passed >= order.timeout:
                    raise TimedOut(problem)
                return Pending(problem)
            if self.done.websockets and passed < order.websocket_timeout:
                return Pending(_connections(self.done.websockets, shown))
            return True

        try:
            wait_until(attempt, self.clock, begun + max(order.timeout, order.websocket_timeout), may_report=True)
        except StillWaiting as exc:
            pids = {one.pid for one in self.nginx.workers(master) if one.leaving}
            ages = ages_there(connections(), pids, {*(requests or ()), *(websockets or ())})
            self.done.waiting = Waiting(exc.problem.text, ages)

    def _count(self, workers: t.Sequence[Worker], ends: t.Optional[t.Set[End]]) -> int:
        # The other end of a unix socket is not shown, so each worker that is still there counts.
        return len(workers) if ends is None else sum(self.nginx.connections(one, ends) for one in workers)

    def _mark(self, order: NginxOrder) -> t.Optional[Mark]:
        if not order.down:
            return None
        return Mark(order.owner, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.clock.time())))

    def _note(
        self, tree: Tree, found: t.Sequence[UpstreamServer], texts: t.Mapping[str, str], order: NginxOrder
    ) -> None:
        after = read_tree(_Edited(self.files, {**tree.texts, **texts}), self.nginx.config)
        done = self.done
        done.changed = bool(texts)
        done.servers = chosen(after, order)
        done.before, done.after = _lines(tree, found, texts), _lines(after, done.servers, texts)


def _connections(number: int, servers: str) -> Problem:
    return timeout.CONNECTIONS(count=number, connections=noun(number), servers=servers)


class _Edited:
    """The files as they are, but with other texts."""

    def __init__(self, files: Files, texts: t.Mapping[str, str]) -> None:
        self._files, self._texts = files, texts

    def read(self, path: str) -> str:
        """Return the text of a file."""
        return self._texts[path]

    def matching(self, pattern: str) -> t.List[str]:
        """Return the files that an include names."""
        return [path for path in self._files.matching(pattern) if path in self._texts]


def _lines(tree: Tree, servers: t.Sequence[UpstreamServer], texts: t.Container[str]) -> t.Dict[str, t.List[str]]:
    """Return the lines of servers, by file: a whole file may have secrets."""
    found: t.Dict[str, t.List[str]] = {}
    for one in servers:
        if one.file in texts:
            line = tree.texts[one.file].splitlines()[one.line - 1].strip()
            lines = found.setdefault(one.file, [])
            if line not in lines:
                lines.append(line)
    return found


def _ends(found: t.Sequence[UpstreamServer], upstreams: t.Container[str]) -> t.Optional[t.Set[End]]:
    ends: t.Set[End] = set()
    for one in found:
        if one.upstream in upstreams:
            some = ends_of(one.address)
            if some is None:
                return None
            ends |= some
    return ends


def _is_under_way(store: StateDirectory) -> bool:
    return os.path.exists(os.path.join(store.path, _UNDER_WAY))


def _forget(store: StateDirectory) -> None:
    os.unlink(os.path.join(store.path, _UNDER_WAY))


def told(server: UpstreamServer) -> t.Dict[str, t.Any]:
    """Return a server as modules do."""
    return {
        "upstream": server.upstream,
        "server": server.address,
        "state": "down" if server.is_down else "up",
        "backup": server.backup,
        "weight": server.weight,
        "marked": {"owner": server.mark.owner, "since": server.mark.since} if server.mark else None,
        "file": server.file,
        "line": server.line,
    }
