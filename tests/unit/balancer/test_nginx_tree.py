# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Upstreams over many files, and the marks that are put into them and taken out again."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.nginx_host import RealFiles
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.nginx_tree import (
    Mark,
    Tree,
    UpstreamServer,
    edit,
    names,
    read_tree,
    split,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from hypothesis import given
from hypothesis import strategies as st

from .. import build
from .nginx_files import folder

CONFIG = str(folder() / "nginx.conf")
MARK = Mark("anna on ctl", "2026-11-30T05:00:00Z")


class Texts:
    """Files that are not there."""

    def __init__(self, **texts: str) -> None:
        self.texts = {f"/{name}": text for name, text in texts.items()}

    def read(self, path: str) -> str:
        """Return the text of a file."""
        return self.texts[path]

    def matching(self, pattern: str) -> list[str]:
        """Return the one file."""
        return [path for path in sorted(self.texts) if pattern in (path, "/*")]


def tree_of(main: str, **texts: str) -> Tree:
    """A configuration of these files."""
    return read_tree(Texts(main=main, **texts), "/main")


def again(tree: Tree, texts: t.Mapping[str, str]) -> Tree:
    """The same configuration with other texts."""
    files = Texts()
    files.texts = {**tree.texts, **texts}
    main = next(iter(tree.texts))
    real = RealFiles()
    files.matching = lambda pattern: [path for path in real.matching(pattern) if path in files.texts]  # type: ignore[method-assign]
    return read_tree(files, main)


def test_servers_of_all_files_in_the_order_of_the_configuration() -> None:
    tree = read_tree(RealFiles(), CONFIG)
    assert [(one.upstream, one.address, one.line, one.file.rpartition("/")[2]) for one in tree.servers] == [
        ("odoo", "192.0.2.11:8069", 4, "10-odoo.conf"),
        ("odoo", "odoo2.example.com:8069", 5, "10-odoo.conf"),
        ("odoo", "192.0.2.13:8069", 6, "10-odoo.conf"),
        ("odoo", "unix:/run/odoo/odoo.sock", 7, "10-odoo.conf"),
        ("odoo", "[2001:db8::14]:8069", 8, "10-odoo.conf"),
        ("odoo_gevent", "192.0.2.11:8072", 1, "gevent.servers"),
        ("odoo_gevent", "odoo2.example.com:8072", 2, "gevent.servers"),
        ("dos", "192.0.2.11:8069", 2, "20-dos.conf"),
        ("dos", "192.0.2.12:8069", 3, "20-dos.conf"),
        ("in_the_main_file", "192.0.2.11:8069", 31, "nginx.conf"),
        ("in_the_main_file", "192.0.2.12:8069", 31, "nginx.conf"),
    ]
    assert tree.upstreams == {"odoo", "odoo_gevent", "dos", "in_the_main_file"}
    assert tree.pid_file == "/run/nginx.pid"


def test_states_weights_and_backups() -> None:
    servers = {one.address: one for one in read_tree(RealFiles(), CONFIG).servers if one.upstream == "odoo"}
    assert {address for address, one in servers.items() if one.is_down} == {"192.0.2.13:8069"}
    assert {address for address, one in servers.items() if one.backup} == {"unix:/run/odoo/odoo.sock"}
    assert [one.weight for one in servers.values()] == [3, 1, 1, 1, 2]
    assert all(one.mark is None for one in servers.values())


@pytest.mark.parametrize("number", [0, 1, 3, 4, 5, 6, 7, 8, 9, 10])
def test_a_mark_is_seen_and_leaves_no_trace(number: int) -> None:
    tree = read_tree(RealFiles(), CONFIG)
    server = tree.servers[number]
    texts = edit(tree.texts, [server], MARK)
    assert list(texts) == [server.file]
    marked = again(tree, texts)
    assert [one.is_down for one in marked.servers] == [one.is_down or one.place == server.place for one in tree.servers]
    assert marked.servers[number].mark == MARK
    assert [one.address for one in marked.servers] == [one.address for one in tree.servers]
    assert edit(marked.texts, [marked.servers[number]], None) == {server.file: tree.texts[server.file]}


def test_the_line_of_a_marked_server() -> None:
    tree = read_tree(RealFiles(), CONFIG)
    mark = "# [fleetops.odoo: anna on ctl; since 2026-11-30T05:00:00Z]"
    text = next(iter(edit(tree.texts, tree.servers[:2], MARK).values()))
    lines = text.split("\n")
    assert lines[3] == f"    server 192.0.2.11:8069 weight=3 max_fails=2 fail_timeout=10s down; {mark}   # the first"
    assert lines[4] == f"    server odoo2.example.com:8069 down; {mark}# no blank before it"
    text = next(iter(edit(tree.texts, [tree.servers[4]], MARK).values()))
    assert f"\n        weight=2\n         down; {mark}\n    keepalive" in text
    # What follows on the line must not become part of the comment.
    text = next(iter(edit(tree.texts, [tree.servers[9]], MARK).values()))
    assert f"{{ server 192.0.2.11:8069 down; {mark.replace(':', '+:', 1)}\n server 192.0.2.12:8069 backup; }}" in text


@given(st.permutations(range(6)), st.permutations(range(6)), st.sampled_from(["; ", ";\n", ";\r\n\t", ";# x\n", " ; "]))
def test_marks_in_any_order_leave_no_trace(marks: list[int], back: list[int], between: str) -> None:
    text = "upstream u { " + "".join(f"server h{number}{between}" for number in range(6)) + "}"
    tree = tree_of(text)
    for number in marks:
        tree = tree_of(edit(tree.texts, [tree.servers[number]], Mark(f"o{number}", "t"))["/main"])
        assert [one.address for one in tree.servers] == [f"h{n}" for n in range(6)]
    assert [one.mark for one in tree.servers] == [Mark(f"o{n}", "t") for n in range(6)]
    for number in back:
        tree = tree_of(edit(tree.texts, [tree.servers[number]], None)["/main"])
    assert tree.texts["/main"] == text


def test_all_of_a_file_at_once() -> None:
    tree = read_tree(RealFiles(), CONFIG)
    up = [one for one in tree.servers if not one.is_down]
    marked = again(tree, edit(tree.texts, up, MARK))
    assert all(one.is_down for one in marked.servers)
    ours = [one for one in marked.servers if one.mark]
    assert again(marked, edit(marked.texts, ours, None)).texts == tree.texts


def test_bytes_that_are_not_utf_8_survive() -> None:
    tree = read_tree(RealFiles(), CONFIG)
    server = tree.servers[8]
    text = next(iter(edit(tree.texts, [server], MARK).values()))
    data = text.encode("utf-8", "surrogateescape")
    assert data.count(b"\r\n") == 3
    assert data.endswith(b"since 2026-11-30T05:00:00Z] # \xe4\xf6\r\n}")


def test_a_file_that_two_upstreams_include_is_changed_once() -> None:
    tree = tree_of("upstream a { include s; } upstream b { include s; }", s="server h1;\nserver h2;\n")
    assert [(one.upstream, one.address) for one in tree.servers] == [
        ("a", "h1"),
        ("a", "h2"),
        ("b", "h1"),
        ("b", "h2"),
    ]
    texts = edit(tree.texts, [tree.servers[0], tree.servers[2]], MARK)
    assert texts["/s"].count(" down;") == 1


def test_upstreams_of_streams_are_found_too() -> None:
    tree = tree_of("stream { upstream tcp { server h1:5432; } server { listen 1; proxy_pass tcp; } }")
    assert [(one.upstream, one.address) for one in tree.servers] == [("tcp", "h1:5432")]


def test_down_by_hand_stays() -> None:
    tree = tree_of("upstream a { server h1 down; server h2; }")
    with build.failing("nginx.down_by_hand", Refused):
        edit(tree.texts, [tree.servers[0]], None)
    # A user has added a second one, or moved ours: the rest would not be the file as it was.
    text = next(iter(edit(tree.texts, [tree.servers[1]], MARK).values()))
    for other in (text.replace("h2 down", "h2 down down"), text.replace("h2 down;", "down h2 ;")):
        changed = tree_of(other)
        with build.failing("nginx.down_by_hand", Refused):
            edit(changed.texts, [changed.servers[1]], None)


def test_an_owner_cannot_write_directives() -> None:
    tree = tree_of("upstream a { server h1; server h2; }")
    mark = Mark("eve]\n; } include /tmp/x; #", "2026")
    changed = tree_of(edit(tree.texts, [tree.servers[0]], mark)["/main"])
    assert [one.address for one in changed.servers] == ["h1", "h2"]
    assert edit(changed.texts, [changed.servers[0]], None) == tree.texts


@pytest.mark.parametrize(
    ("main", "others"),
    [("include main;", {}), ("a { include b; }", {"b": "include main;"}), ("include b;", {"b": "server {"})],
)
def test_files_that_include_themselves_or_end_early_are_refused(main: str, others: dict[str, str]) -> None:
    with build.failing("nginx.not_understood", Refused):
        tree_of(main, **others)


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("192.0.2.1:8069", ("192.0.2.1", "8069")),
        ("odoo", ("odoo", "80")),
        ("[2001:db8::1]:8069", ("[2001:db8::1]", "8069")),
        ("[2001:db8::1]", ("[2001:db8::1]", "80")),
    ],
)
def test_split(address: str, found: tuple[str, str]) -> None:
    assert split(address) == found


def test_names_of_a_server() -> None:
    assert names("[2001:db8::1]") == {"[2001:db8::1]", "[2001:db8::1]:80"}
    assert names("unix:/run/o.sock") == {"unix:/run/o.sock"}
    assert "h1" in names("h1:8069")
    assert "h1" not in names("h10:8069")


def test_a_server_tells_its_place() -> None:
    one = UpstreamServer("u", "h1", ("weight=x",), "/f", 1, 9)
    assert (one.weight, one.place) == (1, ("/f", 9))
