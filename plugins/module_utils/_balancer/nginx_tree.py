# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The upstreams of nginx and their servers, over all files that are included, and how one is marked. Pure."""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass

from .._messages import roll
from .._system.errors import Refused
from .nginx_text import Directive, parse

#: Files that one configuration may have.
_MOST_FILES = 2000
#: What follows the semicolon of a server that we have marked. With + the line break after it is ours too.
_MARK = re.compile(r" # \[fleetops\.odoo(?P<own>\+)?: (?P<owner>[^\]\n;]*); since (?P<since>[^\]\n;]*)\](?(own)\n)")
_DOWN = " down"


class Files(t.Protocol):
    """The files that a configuration is read from."""

    def read(self, path: str) -> str:
        """Return the text of a file."""

    def matching(self, pattern: str) -> t.List[str]:
        """Return the files that an include names, in nginx's order."""


@dataclass(frozen=True)
class Mark:
    """The owner of a mark, and the time at which it was made."""

    owner: str
    since: str


@dataclass(frozen=True)
class UpstreamServer:
    """A server of an upstream, where it stands.

    :ivar end: place of its semicolon in the text of the file.
    """

    upstream: str
    address: str
    parameters: t.Tuple[str, ...]
    file: str
    line: int
    end: int
    mark: t.Optional[Mark] = None

    @property
    def is_down(self) -> bool:
        """Return whether the server is marked down."""
        return "down" in self.parameters

    @property
    def backup(self) -> bool:
        """Return whether the server gets requests only if no other server does."""
        return "backup" in self.parameters

    @property
    def weight(self) -> int:
        """Return the weight of the server."""
        found = [one[7:] for one in self.parameters if one.startswith("weight=")]
        return int(found[0]) if found and found[0].isdigit() else 1

    @property
    def place(self) -> t.Tuple[str, int]:
        """Return the identity of the server. A file that is included twice has one server in two upstreams."""
        return self.file, self.end


@dataclass(frozen=True)
class Tree:
    """A whole configuration.

    :ivar texts: text of each file by path.
    """

    servers: t.Tuple[UpstreamServer, ...]
    upstreams: t.FrozenSet[str]
    texts: t.Mapping[str, str]
    pid_file: t.Optional[str] = None


class _Builder:
    def __init__(self, files: Files, prefix: str) -> None:
        self.files, self.prefix = files, prefix
        self.texts: t.Dict[str, str] = {}
        self.parsed: t.Dict[str, t.Tuple[Directive, ...]] = {}
        self.servers: t.List[UpstreamServer] = []
        self.upstreams: t.Set[str] = set()
        self.pid_file: t.Optional[str] = None
        self.open: t.List[str] = []

    def file(self, path: str, upstream: t.Optional[str], depth: int) -> None:
        """Go through a file.

        :param upstream: the upstream in whose block it is included.
        :param depth: 0 outside of all blocks.
        """
        if path in self.open:
            raise Refused(roll.NGINX_NOT_UNDERSTOOD(path=path, line=1, what="the file includes itself"))
        if path not in self.parsed:
            if len(self.parsed) >= _MOST_FILES:
                raise Refused(roll.NGINX_NOT_UNDERSTOOD(path=path, line=1, what="too many files"))
            self.texts[path] = self.files.read(path)
            self.parsed[path] = parse(self.texts[path], path)
        self.open.append(path)
        self.directives(path, self.parsed[path], upstream, depth)
        self.open.pop()

    def directives(self, path: str, directives: t.Sequence[Directive], upstream: t.Optional[str], depth: int) -> None:
        """Go through directives of a file."""
        for one in directives:
            if one.name == "include" and len(one.words) == 2 and one.block is None:
                pattern = os.path.join(self.prefix, one.words[1])
                for target in self.files.matching(pattern):
                    self.file(target, upstream, depth)
            elif one.name == "upstream" and len(one.words) == 2 and one.block is not None:
                self.upstreams.add(one.words[1])
                self.directives(path, one.block, one.words[1], depth + 1)
            elif one.name == "server" and upstream and one.block is None and len(one.words) > 1:
                self.server(path, one, upstream)
            elif one.name == "pid" and not depth and len(one.words) == 2:
                self.pid_file = one.words[1]
            elif one.block is not None:
                self.directives(path, one.block, None, depth + 1)

    def server(self, path: str, one: Directive, upstream: str) -> None:
        """Add a server of an upstream."""
        found = _MARK.match(self.texts[path], one.end + 1)
        mark = Mark(found["owner"], found["since"]) if found else None
        server = UpstreamServer(upstream, one.words[1], one.words[2:], path, one.line, one.end, mark)
        self.servers.append(server)


def read_tree(files: Files, config: str) -> Tree:
    """Read a configuration with all that it includes.

    :param config: the path of nginx.conf.
    :raises Refused: a file cannot be read or is not understood.
    """
    builder = _Builder(files, os.path.dirname(config))
    builder.file(config, None, 0)
    return Tree(tuple(builder.servers), frozenset(builder.upstreams), builder.texts, builder.pid_file)


def names(address: str) -> t.Set[str]:
    """Return the texts by which a server can be named: as it is written, and without its port.

    >>> sorted(names("h1:8069")), sorted(names("h1")), sorted(names("unix:/run/o.sock"))
    (['h1', 'h1:8069'], ['h1', 'h1:80'], ['unix:/run/o.sock'])
    """
    if address.startswith("unix:"):
        return {address}
    host, port = split(address)
    return {address, host, "%s:%s" % (host, port)}


def split(address: str) -> t.Tuple[str, str]:
    """Split the address of a server into host and port; an address of IPv6 keeps its brackets."""
    host, colon, port = address.rpartition(":")
    if not colon or host.endswith(":") or (host.startswith("[") and not host.endswith("]")):
        return address, "80"
    return host, port


def mark_down(text: str, server: UpstreamServer, mark: Mark) -> str:
    """Return the text of a file with one of its servers marked down."""
    rest = text[server.end + 1 :].partition("\n")[0].strip()
    # A comment takes what follows on the line; that goes on a line of its own.
    own = bool(rest) and not rest.startswith("#")
    comment = " # [fleetops.odoo%s: %s; since %s]%s" % (
        "+" if own else "",
        re.sub(r"[\]\n\r;]", "", mark.owner),
        mark.since,
        "\n" if own else "",
    )
    return text[: server.end] + _DOWN + ";" + comment + text[server.end + 1 :]


def take_mark_away(text: str, server: UpstreamServer) -> str:
    """Return the text of a file as it was before one of its servers was marked down.

    :raises Refused: the server is down by more than our mark.
    """
    found = _MARK.match(text, server.end + 1)
    if not found or server.parameters.count("down") != 1 or text[server.end - len(_DOWN) : server.end] != _DOWN:
        raise Refused(roll.NGINX_DOWN_BY_HAND(server=server.address, path=server.file, line=server.line))
    return text[: server.end - len(_DOWN)] + ";" + text[found.end() :]


def edit(texts: t.Mapping[str, str], servers: t.Sequence[UpstreamServer], mark: t.Optional[Mark]) -> t.Dict[str, str]:
    """Return the texts of the files that change.

    :param servers: that are to change; one that stands in two upstreams counts once.
    :param mark: marks them down; None takes our marks away.
    :raises Refused: a server is down by more than our mark.
    """
    changed: t.Dict[str, str] = {}
    # From the end of each file, so that the places before stay right.
    for server in sorted({one.place: one for one in servers}.values(), key=lambda one: one.end, reverse=True):
        text = changed.get(server.file, texts[server.file])
        changed[server.file] = mark_down(text, server, mark) if mark else take_mark_away(text, server)
    return changed
