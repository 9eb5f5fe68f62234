# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole rehearsal, run with a package that only looks like Odoo."""

from __future__ import annotations

import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import tempfile
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._proc import Proc

from .rehearsed import CONFIG, ODOO_BIN, SECRET, Server, server

__all__ = ["server"]


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("a.py", "x = 1\n", None),
        ("a.py", "\nx = (\n", "a.py:2"),
        ("a.py", "print 'two'\n", "a.py:1"),
        ("a.py", "x = '\udc80'\n", "a.py"),
        ("__manifest__.py", "# a manifest\n{'name': 'x', 'depends': ['base']}\n", None),
        ("__manifest__.py", "{'name': 'x'\n", "__manifest__.py:"),
        ("__manifest__.py", "{'name': open('/etc/passwd').read()}\n", "__manifest__.py"),
        ("gone.py", None, None),
    ],
)
def test_changed_code_must_compile_and_is_not_run(
    server: Server, name: str, text: str | None, where: str | None
) -> None:
    server.start()
    if text is not None:
        (server.folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    server.changed = [str(server.folder / name)]
    said = server.rehearse()
    if where is None:
        assert said == ""
    else:
        assert "a file that has changed since it was loaded is broken" in said
        assert str(server.folder / where) in said
    assert not list(server.folder.rglob("__pycache__"))


def test_a_sound_server(server: Server) -> None:
    server.start()
    assert server.rehearse() == ""
    assert not list(server.folder.rglob("__pycache__"))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("odoo/http.py", "import no_such_module", "No module named 'no_such_module'"),
        ("odoo/http.py", "this is no Python", "http.py:1"),
        ("odoo/service/server.py", "1 / 0", "ZeroDivisionError"),
        ("odoo/service/server.py", "import os; os._exit(3)", "ended before it could tell why"),
        ("odoo/service/server.py", "raise SystemExit(1)", "a HUP would kill it"),
        ("odoo.conf", "[options]\nworkers = abc\n", "odoo.conf:2, workers"),
        ("odoo.conf", f"[options]\nworkers = 1\ndb_password {SECRET}\n", "odoo.conf:3"),
        ("odoo.conf", f"db_password = {SECRET}\n", "odoo.conf:1"),
        ("odoo.conf", f"[options]\ndb_password = {SECRET}\ndb_password = {SECRET}\n", "odoo.conf:3"),
    ],
)
def test_what_would_not_survive(server: Server, name: str, text: str, said: str) -> None:
    server.start()
    server.write(name, text)
    message = server.rehearse()
    assert said in message
    assert SECRET not in message


def test_a_full_disk_of_ours(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.start()

    def full(*_arguments: object, **_keywords: object) -> t.NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    assert "its code cannot be tried out: No space left on device" in server.rehearse()


def test_files_that_are_gone(server: Server) -> None:
    server.start()
    (server.folder / "odoo-bin").unlink()
    assert "its script" in server.rehearse()
    assert "has been replaced or removed" in server.rehearse(executable="/usr/bin/python3.11 (deleted)")


@needs_root
def test_it_runs_as_the_server_and_with_nothing_of_root(server: Server) -> None:
    server.start()
    server.write(
        "odoo/http.py",
        "import os\nraise ValueError(os.getresuid(), os.getresgid(), os.getgroups(), os.getcwd(), *os.environ)",
    )
    message = server.rehearse()
    assert "(65534, 65534, 65534), (65534, 65534, 65534), [], '%s', 'PATH', 'HOME'" % server.folder in message
    assert "ANSIBLE" not in message


@needs_root
def test_a_server_of_root_is_not_run(server: Server) -> None:
    server.start()
    server.write("odoo/http.py", "1 / 0")
    assert server.rehearse(uid=0) == ""


@needs_root
def test_the_environment_of_a_stranger_is_not_handed_to_the_server(server: Server) -> None:
    server.start()
    assert server.rehearse(start=1) != ""


@needs_root
def test_what_argv_names_is_run_only_if_it_is_the_interpreter_that_runs(server: Server) -> None:
    # As a setgid program would be: its argv is the caller's choice, its group is not.
    server.write("python3", "#!/bin/sh\necho ran >&2\nexit 0\n")
    (server.folder / "python3").chmod(0o755)
    server.start([str(server.folder / "python3"), "odoo-bin", "-"], executable="/bin/cat")
    assert "ended before it could tell why (ran)" not in server.rehearse()


def _within(seconds: float, server: Server) -> str:
    # In a process of its own, which can be ended when it hangs.
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        future = pool.submit(server.rehearse)
        try:
            return future.result(seconds)
        except concurrent.futures.TimeoutError:
            (server.folder / "stop").touch()
            return "hung: " + future.result()


def test_a_process_that_the_code_leaves_behind_is_not_waited_for(server: Server) -> None:
    server.start()
    server.write(
        "odoo/http.py",
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.close(2); os.close(1)\n"
        f"    for _turn in range(600): os.path.exists({str(server.folder / 'stop')!r}) or time.sleep(0.01)\n"
        "    os._exit(0)\n",
    )
    assert _within(3, server) == ""


@pytest.mark.skipif(not os.path.exists("/usr/bin/script"), reason="without a terminal there is none to take")
def test_the_code_has_no_terminal_of_ours(server: Server) -> None:
    server.start()
    server.write("odoo/http.py", "import os\nos.open('/dev/tty', os.O_RDWR)\n")
    code = (
        "import sys, json; sys.path[:0] = json.loads(sys.argv[1])\n"
        "from ansible_collections.fleetops.odoo.plugins.module_utils import _rehearsal, _proc, _process, _cmdline\n"
        "from ansible_collections.fleetops.odoo.tests.unit.test_rehearsal_run import Server\n"
        "import pathlib, types\n"
        "server = Server.__new__(Server); server.folder = pathlib.Path(sys.argv[2])\n"
        "server.uid, server.gid = int(sys.argv[3]), int(sys.argv[4])\n"
        "server.popen = types.SimpleNamespace(pid=int(sys.argv[5]))\n"
        "print('said', repr(server.rehearse()))\n"
    )
    pid = t.cast("subprocess.Popen[bytes]", server.popen).pid
    arguments = [json.dumps(sys.path), str(server.folder), str(server.uid), str(server.gid), str(pid)]
    (server.folder / "outer.py").write_text(
        f"import subprocess, sys\nsubprocess.run({[sys.executable, '-c', code, *arguments]!r})\n"
    )
    done = subprocess.run(
        ["/usr/bin/script", "-qec", f"{sys.executable} {server.folder / 'outer.py'}", "/dev/null"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # Without a terminal the open fails, which the rehearsal tells.
    assert "No such device or address: '/dev/tty'" in done.stdout, done.stdout


def test_a_start_by_m_does_not_survive_a_hup(server: Server) -> None:
    # A HUP executes sys.argv, whose first word is then .../odoo/__main__.py: that is no way to start it. Odoo 19.0 dies
    # of "ImportError: attempted relative import with no known parent package".
    server.start(["/usr/bin/python3", "-m", "odoo"], executable="/bin/cat")
    server.end()
    server.write("odoo/__main__.py", "from . import http\n" + ODOO_BIN)
    server.start(["/usr/bin/python3", "-m", "odoo"])
    assert server.rehearse() != ""


def test_modules_in_the_working_directory_are_not_the_rehearsals(server: Server) -> None:
    # A service may stand in a folder that others can write, /tmp for one. A HUP would not import from there.
    server.write("elsewhere/json.py", f"import sys; sys.stderr.write({SECRET!r}); sys.exit(9)\n")
    server.start(cwd=server.folder / "elsewhere")
    assert server.rehearse() == ""


@needs_root
def test_what_the_server_may_not_gain_the_rehearsal_may_not(server: Server) -> None:
    server.start(["setpriv", "--no-new-privs", "/usr/bin/python3", str(server.folder / "odoo-bin")], executable=None)
    pid = t.cast("subprocess.Popen[bytes]", server.popen).pid
    # In the moment of its exec it shows no arguments at all.
    while b"odoo-bin" not in Proc().read(pid, "cmdline") or b"setpriv" in Proc().read(pid, "cmdline"):
        pass
    server.settle()
    server.write("odoo/http.py", "raise ValueError([l for l in open('/proc/self/status') if 'NoNewPrivs' in l])\n")
    assert "NoNewPrivs:\\t1" in server.rehearse()


@pytest.mark.parametrize("line", [SECRET, f"smtp-password {SECRET}", f"  {SECRET} {SECRET}"])
def test_a_line_that_cannot_be_parsed_at_import_is_not_quoted(server: Server, line: str) -> None:
    # With ODOO_RC or ~/.odoorc Odoo reads its configuration as soon as it is imported.
    server.start()
    server.write("odoo.conf", f"[options]\nworkers = 2\n[x]\n{line}\n")
    server.write(
        "odoo/tools/__init__.py",
        CONFIG + f"configparser.RawConfigParser().read({str(server.folder / 'odoo.conf')!r})\n",
    )
    message = server.rehearse()
    assert "odoo.conf" in message
    assert SECRET not in message


def test_a_restart_of_a_sound_server(server: Server) -> None:
    server.start()
    assert server.rehearse_restart() == []
    assert server.rehearse_restart(unit_changed=True) == ["what has changed in its unit"]
    assert not list(server.folder.rglob("__pycache__"))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "odoo/http.py",
            "import no_such_module",
            "a restart would not bring it back, since Odoo cannot be imported: Mod",
        ),
        ("odoo.conf", "[options]\nworkers = abc\n", "a restart would not bring it back, since Odoo cannot parse its"),
        ("changed.py", "def f(:", "a file that has changed since it was loaded is broken"),
    ],
)
def test_what_is_broken_would_not_survive_a_restart(server: Server, name: str, text: str, said: str) -> None:
    server.start()
    server.write(name, text)
    server.changed = [str(server.folder / "changed.py")]
    for changed in (False, True):
        assert said in server.rehearse_restart(unit_changed=changed)
    # Where Odoo lacks a package, another interpreter may have it; the rehearsal of the restart tells.
    assert server.restart_helps() == (name == "odoo/http.py")


@pytest.fixture
def virtualenv(server: Server) -> str:
    """An interpreter by its full path whose packages a HUP would lose."""
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", str(server.folder / "v")], check=True)
    (packages,) = (server.folder / "v/lib").glob("python*/site-packages")
    (packages / "needed.py").touch()
    server.write("odoo/http.py", "import needed")
    return str(server.folder / "v/bin/python3")


def test_a_restart_finds_the_virtualenv_that_a_hup_would_lose(server: Server, virtualenv: str) -> None:
    server.start([virtualenv, str(server.folder / "odoo-bin")], executable=virtualenv)
    assert server.restart_helps()
    assert server.rehearse_restart() == []


def test_a_start_by_m_survives_a_restart(server: Server) -> None:
    server.write("odoo/__main__.py", "from . import http\n" + ODOO_BIN)
    server.start(["/usr/bin/python3", "-m", "odoo"])
    assert server.restart_helps()
    assert server.rehearse_restart() == []


def test_an_interpreter_that_was_replaced(server: Server, virtualenv: str) -> None:
    real = os.path.realpath(virtualenv)
    (server.folder / "v/bin/python3").unlink()
    shutil.copy2(real, virtualenv)
    server.start([virtualenv, str(server.folder / "odoo-bin")], executable=virtualenv)
    (server.folder / "v/bin/python3").unlink()
    assert server.restart_helps()
    assert "its interpreter %s is gone, and a restart" % virtualenv in server.rehearse_restart()
    said = server.rehearse_restart(unit_changed=True)[0]
    assert said.startswith("anything, since its interpreter")
    shutil.copy2(real, virtualenv)
    assert server.restart_helps()
    assert server.rehearse_restart() == []


@needs_root
def test_what_is_no_plain_python_is_not_run_in_its_name(server: Server) -> None:
    server.write("python3", "#!/bin/sh\necho ran >&2\nexit 0\n")
    (server.folder / "python3").chmod(0o755)
    server.start([str(server.folder / "python3"), "odoo-bin", "-"], executable="/bin/cat")
    assert "is not the interpreter that it runs" in server.rehearse_restart()
    # Not even where the kernel calls it a Python, as long as it has rights that its user has not.
    server.end()
    setgid = server.folder / "python3.9"
    shutil.copy2("/bin/cat", setgid)
    os.chown(setgid, 0, 5)
    setgid.chmod(0o2755)
    server.start([str(server.folder / "python3"), "odoo-bin", "-"], executable=str(setgid))
    assert "is not the interpreter that it runs" in server.rehearse_restart()


def test_a_release_that_was_switched(server: Server) -> None:
    (server.folder / "1").mkdir()
    server.start(["/usr/bin/python3", "../odoo-bin"], cwd=server.folder / "1")
    server.settle()
    (server.folder / "1").rmdir()
    assert server.restart_helps()
    assert "its working directory %s/1 is gone, and a restart" % server.folder in server.rehearse_restart()
    said = server.rehearse_restart(unit_changed=True)[0]
    assert "its working directory" in said
    (server.folder / "2").mkdir()
    assert server.rehearse_restart(cwd=str(server.folder / "2")) == []
    assert "its script" in server.rehearse_restart(cwd="/usr")


@needs_root
def test_a_restart_of_a_server_of_root_is_checked_by_its_files_only(server: Server) -> None:
    server.start()
    server.write("odoo/http.py", "1 / 0")
    assert server.rehearse_restart(uid=0) == ["its code, since it runs as root"]
