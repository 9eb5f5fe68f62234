# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole rehearsal, run with a package that only looks like Odoo."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._rehearsal import trial as _trial

from ..build import failing
from .rehearsed import CONFIG, ODOO_BIN, SECRET, SQL_DB, Server, server

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
        assert said.startswith("rehearsal.syntax_error: ")
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
        ("odoo/service/server.py", "import os; os._exit(3)", "rehearsal.trial_ended: "),
        ("odoo/service/server.py", "raise SystemExit(1)", "rehearsal.import_error: "),
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
    said = server.rehearse()
    assert said.startswith("rehearsal.no_trial: ")
    assert "No space left on device" in said


def test_files_that_are_gone(server: Server) -> None:
    server.start()
    (server.folder / "odoo-bin").unlink()
    assert server.rehearse().startswith("rehearsal.script_gone: ")
    assert server.rehearse(executable="/usr/bin/python3.11 (deleted)").startswith("rehearsal.interpreter_replaced: ")


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
    assert not server.rehearse().startswith("rehearsal.trial_ended: ")


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
        "from ansible_collections.fleetops.odoo.tests.unit.rehearsal.test_rehearsal_run import Server\n"
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
    # A HUP executes sys.argv, whose first word is then .../odoo/__main__.py: this does not start Odoo. Odoo 19.0 dies
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
    assert server.rehearse_restart(unit_changed=True) == ["the changes in its unit"]
    assert not list(server.folder.rglob("__pycache__"))


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("odoo/http.py", "import no_such_module", "rehearsal.import_error: "),
        ("odoo.conf", "[options]\nworkers = abc\n", "rehearsal.bad_configuration: "),
        ("changed.py", "def f(:", "rehearsal.syntax_error: "),
    ],
)
def test_what_is_broken_would_not_survive_a_restart(server: Server, name: str, text: str, code: str) -> None:
    server.start()
    server.write(name, text)
    server.changed = [str(server.folder / "changed.py")]
    for changed in (False, True):
        assert str(server.rehearse_restart(unit_changed=changed)).startswith(code)
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
    assert str(server.rehearse_restart()).startswith("rehearsal.restart_lost: ")
    assert f"its interpreter {virtualenv} " in str(server.rehearse_restart())
    said = server.rehearse_restart(unit_changed=True)[0]
    assert said.startswith("anything, because its interpreter")
    shutil.copy2(real, virtualenv)
    assert server.restart_helps()
    assert server.rehearse_restart() == []


@needs_root
def test_a_program_that_is_not_plain_python_is_not_run(server: Server) -> None:
    server.write("python3", "#!/bin/sh\necho ran >&2\nexit 0\n")
    (server.folder / "python3").chmod(0o755)
    server.start([str(server.folder / "python3"), "odoo-bin", "-"], executable="/bin/cat")
    assert str(server.rehearse_restart()).startswith("rehearsal.other_interpreter: ")
    # Not even where the kernel calls it a Python, as long as it has rights that its user has not.
    server.end()
    setgid = server.folder / "python3.9"
    shutil.copy2("/bin/cat", setgid)
    os.chown(setgid, 0, 5)
    setgid.chmod(0o2755)
    server.start([str(server.folder / "python3"), "odoo-bin", "-"], executable=str(setgid))
    assert str(server.rehearse_restart()).startswith("rehearsal.other_interpreter: ")


def test_a_release_that_was_switched(server: Server) -> None:
    (server.folder / "1").mkdir()
    server.start(["/usr/bin/python3", "../odoo-bin"], cwd=server.folder / "1")
    server.settle()
    (server.folder / "1").rmdir()
    assert server.restart_helps()
    assert str(server.rehearse_restart()).startswith("rehearsal.restart_lost: ")
    assert f"its working directory {server.folder}/1 " in str(server.rehearse_restart())
    said = server.rehearse_restart(unit_changed=True)[0]
    assert "its working directory" in said
    (server.folder / "2").mkdir()
    assert server.rehearse_restart(cwd=str(server.folder / "2")) == []
    assert str(server.rehearse_restart(cwd="/usr")).startswith("rehearsal.restart_lost: ")
    assert " its script " in str(server.rehearse_restart(cwd="/usr"))


@needs_root
def test_a_restart_of_a_server_of_root_is_checked_by_its_files_only(server: Server) -> None:
    server.start()
    server.write("odoo/http.py", "1 / 0")
    assert server.rehearse_restart(uid=0) == ["its code, because it runs as root"]


DOWN = 'down["%s"] = "no such host"'


@pytest.mark.parametrize(
    ("names", "state", "fatal", "said"),
    [
        ("", "", False, ""),
        ("one", "", False, ""),
        ("one,two", "may_create = True", False, ""),
        # It starts without, and answers with errors.
        ("", DOWN % "postgres", False, "no such host"),
        ("one", DOWN % "postgres", True, "no such host"),
        ("one,two", DOWN % "two", False, "no such host"),
        (
            "one,gone",
            "may_create = True",
            False,
            "no database gone exists",
        ),
        # Behind a pooler a database may have another name.
        ("alias", "", False, ""),
        ("alias", DOWN % "alias", False, "no such host"),
        (f"postgres://odoo:{SECRET}@h/d", "may_create = True", False, ""),
        ("one", 'down["postgres"] = ""', True, "OSError"),
        # libpq would wait for minutes.
        ("one", 'down["postgres"] = "%(PGCONNECT_TIMEOUT)s"', True, "10"),
        ("one", f'down["postgres"] = "what {SECRET}?"', True, "what ********?"),
        ("", 'config["db_user"] = "postgres"', True, "it does not start as the database user postgres"),
    ],
)
def test_its_databases(server: Server, names: str, state: str, *, fatal: bool, said: str) -> None:
    server.start()
    server.write("odoo.conf", f"[options]\nworkers = 2\ndb_password = {SECRET}\ndb_name = {names}\n")
    server.write("odoo/sql_db.py", SQL_DB + state)
    if not said:
        assert server.rehearse() == ""
        return
    code = "rehearsal.no_postgresql: " if fatal else "rehearsal.no_database: "
    for refused in (server.rehearse(), str(server.rehearse_restart())):
        assert refused.startswith(code)
        assert said in refused
        assert SECRET not in refused
    server.force = True
    expected = code if fatal else f"forced: {code}"
    assert server.rehearse().startswith(expected)
    forced = server.rehearse_restart()
    assert (forced if fatal else forced[0]).startswith(expected)  # type: ignore[union-attr]


def test_its_databases_as_odoo_19_has_them(server: Server) -> None:
    server.write(
        "odoo/tools/__init__.py", CONFIG + "config._parse_config = lambda args: config.update(db_name=['one'])"
    )
    server.write("odoo/sql_db.py", SQL_DB + DOWN % "one")
    server.start()
    said = server.rehearse()
    assert said.startswith("rehearsal.no_database: ")
    assert "no such host" in said


def test_who_is_not_to_ask_does_not(server: Server) -> None:
    server.start()
    server.write("odoo/sql_db.py", SQL_DB + DOWN % "postgres")
    server.asks = False
    assert server.rehearse_restart() == []


@pytest.mark.parametrize(
    ("version", "names", "state", "why"),
    [
        ("19.0", "one,two", "", None),
        # Here only what it has loaded is asked.
        ("19.0", "one", DOWN % "postgres", None),
        ("19.0", "", DOWN % "one", None),
        ("19.0", "one,two", DOWN % "two", "no such host"),
        (None, "one", DOWN % "one", "no such host"),
        # Seen on 15.0 to 18.0: their masters go on without PostgreSQL.
        ("18.0", "gone", DOWN % "gone", None),
        ("14.0", "one", DOWN % "one", None),
    ],
)
def test_a_master_that_starts_a_worker(
    server: Server, version: str | None, names: str, state: str, why: str | None
) -> None:
    server.start()
    server.write("odoo.conf", f"[options]\nworkers = 2\ndb_name = {names}\n")
    server.write("odoo/sql_db.py", SQL_DB + "from . import tools\n" + state)
    # Of Odoo nothing else is imported.
    server.write("odoo/http.py", "1 / 0")
    if why is None:
        assert server.rehearse_spawn(version) is None
    else:
        with failing("rehearsal.spawn_without_database") as caught:
            server.rehearse_spawn(version)
        assert caught.value.problem.values == {"error": why}


def test_what_is_broken_on_the_disk_says_nothing_about_a_master_that_runs(server: Server) -> None:
    server.start()
    server.write("odoo/sql_db.py", "1 / 0")
    doubt = "rehearsal.databases_unknown: "
    assert str(server.rehearse_spawn()).startswith(doubt)
    server.write("odoo/sql_db.py", "import os; os._exit(3)")
    assert str(server.rehearse_spawn()).startswith(doubt)
    assert f"pid {server.pid} " in str(server.rehearse_spawn(start=1))
    server.end()
    server.start(["/nonexistent/python3", str(server.folder / "odoo-bin")])
    assert "does not exist any more" in str(server.rehearse_spawn())


@needs_root
def test_of_a_server_of_root_nothing_is_run_for_a_worker_either(server: Server) -> None:
    server.start()
    server.write("odoo/sql_db.py", SQL_DB + DOWN % "one")
    assert server.rehearse_spawn(uid=0) is None


def test_no_database_is_asked_in_a_network_that_must_not_be_entered(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.start()
    server.write("odoo/sql_db.py", SQL_DB + DOWN % "postgres")
    monkeypatch.setattr(_trial, "differs", lambda _root, _pid, kind: kind == "net")
    assert (server.rehearse() == "") == (os.geteuid() != 0)
    instance = server.instance()
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    entered: list[t.Any] = []
    monkeypatch.setattr(
        _trial,
        "becoming",
        lambda *arguments: contextlib.nullcontext(entered.append(arguments[-1])),  # type: ignore[func-returns-value]
    )
    start = _trial.Start("/usr/bin/python3", "python3", str(server.folder), {"PATH": "/usr/bin"})
    task: dict[str, t.Any] = {
        "script": str(server.folder / "odoo-bin"),
        "package": None,
        "args": [],
        "config_file": None,
        "modules": [],
        "imports": False,
    }
    answer, _said = _trial.try_out(Proc(), instance.master, {**task, "changed": [], "database": True}, start)
    assert json.loads(answer)["stage"] == "done"
    # Where it may, it goes where the server's own 127.0.0.1 is.
    assert entered == [("mnt", "net")]
