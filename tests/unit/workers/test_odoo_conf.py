# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One line of odoo.conf: what is changed, what is refused, and what is left behind."""

from __future__ import annotations

import dataclasses
import errno
import os
import pathlib
import subprocess
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import ServerRecords
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import rehearsal
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._rehearsal.rehearsal import Rehearsed, Restart
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._system.clock import Clock
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from ansible_collections.fleetops.odoo.plugins.module_utils._workers import odoo_conf as _odoo_conf
from ansible_collections.fleetops.odoo.plugins.module_utils._workers.odoo_conf import (
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
    found, old, new = with_workers("odoo.conf", before, 4)
    if after is not None:
        assert found == after
    else:
        assert found == before.replace("[options]\n", "[options]\nworkers = 4\n")
    assert (old, new.strip()[-1]) == (line, "4")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "refused.conf_no_section"),
        ("[other]\nworkers = 2\n", "refused.conf_no_section"),
        ("[options]\nworkers = 2\nworkers = 3\n", "refused.conf_repeated"),
        ("[options]\nworkers = 2\n  3\n", "refused.conf_multiline"),
        ("[options]\nworkers = two\n", "refused.conf_not_a_number"),
        ("[options]\nworkers =\n", "refused.conf_not_a_number"),
        ("[options]\nworkers = 2\nx = 1\nx = 2\n", "refused.conf_not_parsed"),
        ("[options]\nworkers = 2\nsecret\n", "refused.conf_not_parsed"),
        ("[DEFAULT]\nworkers = 2\n[options]\nWORKERS = %(secret)s\n", "refused.conf_not_a_number"),
    ],
)
def test_a_file_in_doubt_is_refused_and_its_content_is_not_told(text: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        with_workers("/etc/odoo.conf", text, 4)
    assert (caught.value.code, caught.value.problem.values["path"]) == (code, "/etc/odoo.conf")
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
        found, old, new = with_workers("odoo.conf", text, count)
    except Refused:
        return
    # The same line may be in another section too.
    assert any(one in without(text.splitlines(), old) for one in without(found.splitlines(), new))


def without(lines: list[str], one: str) -> list[list[str]]:
    """The lines without this one, for each place where it is; all of them where it is empty."""
    return [lines[:at] + lines[at + 1 :] for at, line in enumerate(lines) if line == one] if one else [lines]


class _Proc(Proc):
    """A machine with a folder for the files of its one server."""

    environ = b""

    def read(self, pid: int, name: str) -> bytes:
        assert (pid, name) == (100, "environ")
        return self.environ


class Server:
    """A server whose odoo.conf is a real file."""

    def __init__(self, folder: pathlib.Path, *args: str) -> None:
        self.root = folder / "100/root"
        self.seen_as = "/etc/odoo/odoo.conf"
        self.path = self.root / self.seen_as[1:]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(CONF)
        self.path.chmod(0o640)
        self.proc = _Proc(str(folder))
        argv = ("/usr/bin/python3", "/usr/bin/odoo", "--config", self.seen_as, *args)
        self.instance: Instance = build.instance(build.prefork(100, argv=argv, uid=os.getuid(), gid=os.getgid()))
        self.tried: list[tuple[tuple[str, ...], str]] = []
        self.fails: list[Refused] = []

    def rehearse_restart(
        self, _proc: Proc, instance: Instance, path: str, _changed: object, restart: Restart
    ) -> Rehearsed:
        assert restart == Restart(database=False)
        self.tried.append((instance.command.args[-2:], (self.root / path[1:]).read_text()))
        for failure in self.fails:
            raise failure
        return Rehearsed(("its code",))

    def edit(self, count: int = 4, version: str | None = "19.0", **changes: t.Any) -> Edit:
        host = Host(self.proc, Clock(), ServerRecords("/nonexistent"), rehearsal=self)
        options = dataclasses.replace(build.options(workers=2, config_file=self.seen_as), **changes)
        return prepare_edit(host, self.instance, options, version, count)

    def refusal(self, **changes: t.Any) -> str:
        """The code of the refusal."""
        with pytest.raises(Refused) as caught:
            self.edit(**changes)
        return caught.value.code


@pytest.fixture
def server(tmp_path: pathlib.Path) -> Server:
    """The server."""
    return Server(tmp_path)


def test_the_old_file_stays_and_the_new_one_is_tried_out(server: Server) -> None:
    edit = server.edit()
    assert server.path.read_text() == CONF
    edit.apply()
    changed = CONF.replace("\nworkers = 2", "\nworkers = 4")
    assert server.path.read_text() == changed
    assert (server.root / str(edit.backup)[1:]).read_text() == CONF
    (((option, tried), content),) = server.tried
    assert (option, content) == ("--config", changed)
    assert sorted(os.listdir(server.path.parent)) == sorted(["odoo.conf", os.path.basename(str(edit.backup))])
    assert server.path.stat().st_mode & 0o777 == 0o640
    assert not (server.root / tried[1:]).exists()
    assert edit.told()["changed"] is True
    assert edit.left_out == ("its code",)


def test_the_new_file_has_the_attributes_of_the_one_that_was_read(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: dict[str, bytes] = {}
    of_file = {"user.note": b"ours", "security.capability": b"all", "security.selinux": b"label", "trusted.x": b"x"}
    monkeypatch.setattr(os, "listxattr", lambda at, **_keywords: list(of_file) if isinstance(at, int) else ["user.o"])
    monkeypatch.setattr(os, "getxattr", lambda _at, name, **_keywords: of_file[name])
    monkeypatch.setattr(os, "setxattr", lambda _at, name, value, **_keywords: written.update({name: value}))
    edit = server.edit()
    # The user of the server may put another file in its place now.
    of_file["user.late"] = b"theirs"
    edit.apply()
    # None that gives a program rights.
    assert written == {"user.note": b"ours", "security.selinux": b"label"}


def test_the_new_file_has_neither_setuid_nor_setgid_bit(server: Server) -> None:
    server.path.chmod(0o6750)
    server.edit().apply()
    assert server.path.stat().st_mode & 0o7777 == 0o750


def test_nothing_is_written_where_it_says_so_already(server: Server) -> None:
    edit = server.edit(2)
    edit.apply()
    assert (edit.changes, edit.backup, server.tried) == (False, None, [])
    assert os.listdir(server.path.parent) == ["odoo.conf"]


def test_a_user_who_may_not_write_there_is_told_before_anything_is_done(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, *_rest, **_keywords: not path.startswith("/proc/self/fd/"))
    assert server.refusal() == "refused.conf_not_permitted"
    # Nothing must be written.
    assert server.edit(2).changes is False


def test_a_file_that_odoo_would_not_take_is_not_written(server: Server) -> None:
    problem = rehearsal.BAD_CONFIGURATION(fate="it would end", error="no")
    server.fails = [Refused(problem)]
    with pytest.raises(Refused) as caught:
        server.edit().apply()
    assert caught.value.code == "refused.conf_rejected"
    values = caught.value.problem.values
    assert (values["line"], values["why"]) == ("workers = 4", problem.text)
    assert caught.value.problem.remedy == problem.remedy
    assert server.path.read_text() == CONF
    assert os.listdir(server.path.parent) == ["odoo.conf"]


def test_a_file_that_has_changed_meanwhile_is_not_overwritten(server: Server) -> None:
    edit = server.edit()
    server.path.write_text(CONF + "\n")
    with pytest.raises(Refused) as caught:
        edit.apply()
    assert caught.value.code == "refused.conf_changed"
    assert server.path.read_text() == CONF + "\n"
    assert os.listdir(server.path.parent) == ["odoo.conf"]


def test_arguments_and_environment_that_override_the_file_are_named(tmp_path: pathlib.Path, server: Server) -> None:
    server.proc.environ = b"ODOO_WORKERS=3\0"
    assert server.refusal() == "refused.conf_environment_wins"
    assert server.edit(version="18.0").changes
    server.instance = Server(tmp_path, "--workers=3").instance
    assert server.refusal(version="14.0") == "refused.conf_arguments_win"


def test_an_environment_that_cannot_be_read_is_refused(server: Server) -> None:
    def read(pid: int, name: str) -> bytes:
        raise PermissionError(pid, name)

    server.proc.read = read  # type: ignore[method-assign]
    assert server.refusal() == "refused.conf_environment_hidden"
    assert server.edit(version="18.0").changes


def test_files_that_are_not_what_they_seem(server: Server) -> None:
    assert server.refusal(config_file=None) == "refused.conf_none"
    assert server.refusal(config_error="x cannot be read: no") == "refused.conf_unreadable"
    real = server.path.with_name("real.conf")
    os.link(server.path, real)
    assert server.refusal() == "refused.conf_hard_link"
    server.path.unlink()
    server.path.symlink_to(real.name)
    assert server.refusal() == "refused.conf_link"
    server.path.unlink()
    assert server.refusal() == "refused.conf_os_error"
    os.mkfifo(server.path)
    assert server.refusal() == "refused.conf_os_error"
    server.path.unlink()
    server.path.write_bytes(CONF.encode() + b";" * (1 << 20))
    assert server.refusal() == "refused.conf_too_large"


def test_a_file_that_is_a_mount_or_immutable_is_refused(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    def unshared(*words: str) -> str:
        found = subprocess.run(words, check=False, capture_output=True, text=True)
        return found.stdout + found.stderr

    with monkeypatch.context() as patched:
        patched.setattr(_odoo_conf, "_is_fixed", lambda _descriptor: True)
        assert server.refusal() == "refused.conf_immutable"
        assert server.edit(2).changes is False
    if os.getuid() != 0:
        pytest.skip("only root mounts")
    other = tmp_path / "mounted.conf"
    other.write_text(CONF)
    assert unshared("mount", "--bind", str(other), str(server.path)) == ""
    try:
        assert server.refusal() == "refused.conf_mounted"
        # Nothing must be written.
        assert server.edit(2).changes is False
    finally:
        assert unshared("umount", str(server.path)) == ""
    assert server.edit().changes


def test_a_file_on_which_something_is_mounted_meanwhile_leaves_no_second_name(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = server.edit()

    def rename(*_arguments: object, **_keywords: object) -> None:
        raise OSError(errno.EBUSY, "busy")

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(OSError, match="busy"):
        edit.apply()
    assert os.listdir(server.path.parent) == ["odoo.conf"]


def test_a_file_of_another_user_is_refused(server: Server) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may give a file away")
    os.chown(server.path, 12345, -1)
    assert server.refusal() == "refused.conf_owner"
