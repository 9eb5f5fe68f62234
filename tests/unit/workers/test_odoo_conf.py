# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One line of odoo.conf: what is changed, what is refused, and what is left behind."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes import rights as _rights
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.options import merge
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._rehearsal.rehearsal import Rehearsed, Restart
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import WouldFail
from ansible_collections.fleetops.odoo.plugins.module_utils._workers import odoo_conf as _conf
from ansible_collections.fleetops.odoo.plugins.module_utils._workers.odoo_conf import (
    BadFile,
    Edit,
    prepare_edit,
    with_workers,
)
from hypothesis import given
from hypothesis import strategies as st

from .. import build

CONF = "; ours\n[options]\nadmin_passwd = workers = 9\nworkers = 2\nhttp_port = 8069\n\n[queue_job]\nworkers = 7\n"


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        (CONF, CONF.replace("\nworkers = 2", "\nworkers = 4"), "workers = 2"),
        ("[options]\nworkers=2\n", "[options]\nworkers=4\n", "workers=2"),
        ("[options]\nWorkers :\t2 \n", "[options]\nWorkers :\t4 \n", "Workers :\t2 "),
        ("[options]\r\nworkers = 2\r\nx = 1\r\n", "[options]\r\nworkers = 4\r\nx = 1\r\n", "workers = 2"),
        ("[options]\nworkers = 2", "[options]\nworkers = 4", "workers = 2"),
        ("[options]\n#workers = 2\nx = 1\n", "[options]\nworkers = 4\n#workers = 2\nx = 1\n", ""),
        ("[options]", "[options]\nworkers = 4\n", ""),
        ("[a]\nworkers = 1\n[options]\nx = \n  workers = 3\n", None, ""),
        ("[options]\nworkers = 4\n", "[options]\nworkers = 4\n", "workers = 4"),
        ("[options]\nname = \udcff\nworkers = 2\n", "[options]\nname = \udcff\nworkers = 4\n", "workers = 2"),
    ],
)
def test_one_line_is_changed(before: str, after: str | None, line: str) -> None:
    found, old, new = with_workers(before, 4)
    if after is not None:
        assert found == after
    else:
        assert found == before.replace("[options]\n", "[options]\nworkers = 4\n")
    assert (old, new.strip()[-1]) == (line, "4")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it has no section [options]"),
        ("[other]\nworkers = 2\n", "it has no section [options]"),
        ("[options]\nworkers = 2\nworkers = 3\n", "it names workers 2 times"),
        ("[options]\nworkers = 2\n  3\n", "goes over several lines"),
        ("[options]\nworkers = two\n", "is no number"),
        ("[options]\nworkers =\n", "is no number"),
        ("[options]\nworkers = 2\nx = 1\nx = 2\n", "it cannot be parsed (DuplicateOptionError)"),
        ("[options]\nworkers = 2\nsecret\n", "it cannot be parsed (ParsingError)"),
    ],
)
def test_what_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadFile) as caught:
        with_workers(text, 4)
    assert why in str(caught.value)
    assert "secret" not in str(caught.value)


LINES = st.sampled_from(
    [
        "[options]",
        "[other]",
        "workers = 2",
        "workers=3",
        "; x",
        "# workers = 1",
        "",
        "db = a",
        " more",
        "workers",
        "x=[options]",
    ]
)


@given(st.lists(LINES, max_size=8), st.integers(1, 99))
def test_no_other_line_is_ever_touched(lines: list[str], count: int) -> None:
    text = "\n".join(lines) + "\n"
    try:
        found, old, new = with_workers(text, count)
    except BadFile:
        return
    # The same line may be in another section too.
    assert any(one in without(text.splitlines(), old) for one in without(found.splitlines(), new))


def without(lines: list[str], one: str) -> list[list[str]]:
    """The lines without this one, for each place where it is; all of them where it is empty."""
    return [lines[:at] + lines[at + 1 :] for at, line in enumerate(lines) if line == one] if one else [lines]


class _Environment(Proc):
    """A machine on which every file of /proc is this one."""

    def __init__(self, content: bytes) -> None:
        super().__init__("/nonexistent")
        self.content = content

    def read(self, pid: int, name: str) -> bytes:
        del pid, name
        return self.content


class Server:
    """A server whose odoo.conf is a real file."""

    def __init__(self, folder: pathlib.Path, *args: str) -> None:
        self.path = folder / "odoo.conf"
        self.path.write_text(CONF)
        self.path.chmod(0o640)
        argv = ("/usr/bin/python3", "/usr/bin/odoo", "--config", str(self.path), *args)
        self.instance: Instance = build.instance(build.prefork(100, argv=argv, uid=os.getuid(), gid=os.getgid()))
        self.environ = b""
        self.tried: list[tuple[tuple[str, ...], str]] = []
        self.fails: list[WouldFail] = []

    def rehearse(self, _proc: Proc, instance: Instance, path: str, _changed: object, restart: Restart) -> Rehearsed:
        assert restart == Restart(database=False)
        self.tried.append((instance.command.args[-2:], pathlib.Path(path).read_text()))
        for failure in self.fails:
            raise failure
        return Rehearsed(("its code",))

    def edit(self, count: int = 4, version: str | None = "19.0", **changes: t.Any) -> Edit:
        proc = _Environment(self.environ)
        options = dataclasses.replace(merge({}, {"workers": "2"}, str(self.path), None), **changes)
        return prepare_edit(proc, self.instance, options, version, count)


@pytest.fixture
def server(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server, with its files reached as they are."""
    found = Server(tmp_path)
    monkeypatch.setattr(_rights, "root_of", lambda *_arguments: "")
    monkeypatch.setattr(_conf, "rehearse_restart", found.rehearse)
    return found


def test_the_old_file_stays_and_the_new_one_is_tried_out(server: Server) -> None:
    edit = server.edit()
    assert server.path.read_text() == CONF
    edit.apply()
    changed = CONF.replace("\nworkers = 2", "\nworkers = 4")
    assert server.path.read_text() == changed
    assert pathlib.Path(str(edit.backup)).read_text() == CONF
    (((option, tried), content),) = server.tried
    assert (option, content) == ("--config", changed)
    assert sorted(os.listdir(server.path.parent)) == sorted(["odoo.conf", os.path.basename(str(edit.backup))])
    assert server.path.stat().st_mode & 0o777 == 0o640
    assert not os.path.exists(tried)
    assert edit.told()["changed"] is True
    assert edit.left_out == ("its code",)


def test_nothing_is_written_where_it_says_so_already(server: Server) -> None:
    edit = server.edit(2)
    edit.apply()
    assert (edit.changes, edit.backup, server.tried) == (False, None, [])
    assert os.listdir(server.path.parent) == ["odoo.conf"]


def test_who_may_not_write_there_is_told_before_anything_is_done(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, *_rest, **_keywords: not path.startswith("/proc/self/fd/"))
    with pytest.raises(WouldFail, match=r"this user \(uid \d+\) may put no file beside it"):
        server.edit()
    # Nothing is to be written.
    assert server.edit(2).changes is False


def test_what_odoo_would_not_take_is_not_written(server: Server) -> None:
    server.fails = [WouldFail("Odoo cannot parse its configuration")]
    with pytest.raises(WouldFail, match=r"odoo.conf is not written: with workers = 4, Odoo cannot parse"):
        server.edit().apply()
    assert server.path.read_text() == CONF
    assert os.listdir(server.path.parent) == ["odoo.conf"]


def test_what_somebody_else_has_changed_meanwhile_is_not_overwritten(server: Server) -> None:
    edit = server.edit()
    server.path.write_text(CONF + "\n")
    with pytest.raises(WouldFail, match="somebody else has changed it meanwhile"):
        edit.apply()
    assert server.path.read_text() == CONF + "\n"
    assert os.listdir(server.path.parent) == ["odoo.conf"]


def test_what_wins_over_the_file_is_named(tmp_path: pathlib.Path, server: Server) -> None:
    server.environ = b"ODOO_WORKERS=3\0"
    with pytest.raises(WouldFail, match="its environment names the number of workers, and that wins"):
        server.edit()
    assert server.edit(version="18.0").changes
    server.instance = Server(tmp_path, "--workers=3").instance
    with pytest.raises(WouldFail, match="its arguments name the number of workers, and they win"):
        server.edit(version="14.0")


def test_files_that_are_not_what_they_seem(server: Server) -> None:
    with pytest.raises(WouldFail, match=r"it has no odoo\.conf"):
        server.edit(config_file=None)
    with pytest.raises(WouldFail, match="cannot be read: no"):
        server.edit(config_error="x cannot be read: no")
    real = server.path.with_name("real.conf")
    os.link(server.path, real)
    with pytest.raises(WouldFail, match="it has a second name"):
        server.edit()
    server.path.unlink()
    server.path.symlink_to(real)
    with pytest.raises(WouldFail, match="it is a link"):
        server.edit()
    server.path.unlink()
    with pytest.raises(WouldFail, match="No such file"):
        server.edit()
    os.mkfifo(server.path)
    with pytest.raises(WouldFail, match="not a regular file"):
        server.edit()


def test_a_stranger_s_file_is_refused(server: Server) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may give a file away")
    os.chown(server.path, 12345, -1)
    with pytest.raises(WouldFail, match="belongs to neither root nor the server's user"):
        server.edit()
