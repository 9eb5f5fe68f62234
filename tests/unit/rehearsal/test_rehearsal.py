# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pure parts of the rehearsal: what would be run, and what its answer means."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._config.cmdline import Command, parse_command
from ansible_collections.fleetops.odoo.plugins.module_utils._rehearsal.interpreter import interpreter_path, path_trap
from ansible_collections.fleetops.odoo.plugins.module_utils._rehearsal.rehearsal import explain, server_arguments
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused

SECRET = "Q7zX9w"
SYSTEM = {"/usr/bin/python3", "/usr/bin/python3.11"}
VENV = {"/v/bin/python3", "/v/pyvenv.cfg"}


def command(line: str) -> Command:
    """Parse a command line that starts Odoo."""
    return t.cast("Command", parse_command(line.split()))


@pytest.mark.parametrize(
    ("line", "environ", "cwd", "found"),
    [
        ("/v/bin/python3 odoo-bin", {}, "/", "/v/bin/python3"),
        ("v/bin/python3 odoo-bin", {}, "/srv", "/srv/v/bin/python3"),
        ("python3 odoo-bin", {"PATH": "/v/bin:/usr/bin"}, "/", "/v/bin/python3"),
        ("python3 odoo-bin", {"PATH": "/nothing::/usr/bin"}, "/", "/usr/bin/python3"),
        ("python3 odoo-bin", {"PATH": "/nothing"}, "/", None),
        ("python3 odoo-bin", {}, "/", None),
    ],
)
def test_the_interpreter(line: str, environ: dict[str, str], cwd: str, found: str | None) -> None:
    assert interpreter_path(command(line), environ, cwd, (SYSTEM | VENV).__contains__) == found


@pytest.mark.parametrize(
    ("executable", "path", "trapped"),
    [
        ("/v/bin/python3", "/usr/bin:/bin", True),
        ("/v/bin/python3", "/usr/bin:/v/bin", True),
        ("/v/bin/python3", "", True),
        ("/v/bin/python3", "/v/bin:/usr/bin", False),
        ("/v/bin/python3", "/nothing:/v/bin/:/usr/bin", False),
        ("/usr/bin/python3", "/bin", False),
    ],
)
def test_the_trap_of_a_virtualenv_by_its_full_path(executable: str, path: str, trapped: bool) -> None:  # noqa: FBT001
    trap = path_trap(executable, {"PATH": path}, None, (SYSTEM | VENV).__contains__)
    assert (trap is not None) == trapped
    if trap:
        assert trap.code == "rehearsal.virtualenv_lost"
        assert trap.values["executable"] == executable


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("-c x", ["-c", "x"]),
        ("server -c x", ["-c", "x"]),
        ("gevent -c x", ["-c", "x"]),
        ("--addons-path=a server -c x", ["--addons-path=a", "-c", "x"]),
        ("-c server", ["-c", "server"]),
        ("-c x --save", ["-c", "x"]),
        ("-s -c x", ["-c", "x"]),
    ],
)
def test_the_arguments_of_the_rehearsal(line: str, words: list[str]) -> None:
    assert server_arguments(line.split()) == words


@pytest.mark.parametrize("word", ["--sav", "--sa", "-sc"])
def test_no_spelling_of_save_gets_through(word: str) -> None:
    assert word not in server_arguments([word, "x"])


def told(**answer: t.Any) -> bytes:
    """An answer of the rehearsal."""
    return json.dumps({"prefix": "/usr", "stage": "import", "error": None, **answer}).encode()


def judge(
    answer: bytes,
    said: str = "",
    unit: str | None = "odoo.service",
    *,
    restart: bool = False,
    force: bool = False,
) -> str:
    """Return the judgement; empty if the server would survive."""
    try:
        overridden = explain(answer, said, "/v/bin/python3", {"PATH": "/usr/bin"}, unit, restart=restart, force=force)
    except Refused as exc:
        return f"{exc.code}: {exc}"
    return "".join(f"forced: {one.code}" for one in overridden)


def test_it_came_to_its_end() -> None:
    assert judge(told(stage="done")) == ""


def test_a_missing_module_names_the_remedy() -> None:
    said = judge(told(error="ModuleNotFoundError: No module named 'babel'", where="/x.py:3"))
    assert "No module named 'babel' (/x.py:3)" in said
    assert "Environment=PATH=/v/bin:/usr/bin into the unit odoo.service" in said
    assert said.startswith("rehearsal.import_error: ")
    assert "Start the server with PATH=" in judge(told(error="ImportError: x"), unit=None)


def test_an_error_in_the_code_names_the_place_and_no_remedy() -> None:
    said = judge(told(error="SyntaxError: invalid syntax", where="/opt/x.py:7"))
    assert said.startswith("rehearsal.import_error: ")
    assert "SyntaxError: invalid syntax (/opt/x.py:7)" in said
    assert "PATH" not in said


def test_a_broken_configuration() -> None:
    said = judge(told(stage="configuration", error="ValueError: 'abc'", where="/etc/odoo.conf:3, workers"))
    assert said.startswith("rehearsal.bad_configuration: ")
    assert "ValueError: 'abc' (/etc/odoo.conf:3, workers)" in said
    assert "no such option" in judge(told(stage="configuration", error="SystemExit"), "usage\nerror: no such option\n")


@pytest.mark.parametrize("answer", [b"", b"{", b"\xff", b"Segmentation"])
def test_no_answer(answer: bytes) -> None:
    assert judge(answer, "first\nlast words\n").startswith("rehearsal.trial_ended: ")
    assert judge(answer, "first\nlast words\n").count("last words)") == 1
    assert judge(answer).count("no message)") == 1


@pytest.mark.parametrize(
    "answer", [b"[]", b"null", b"7", b"{}", b'{"stage": 1}', b'{"stage": "import", "error": null}']
)
def test_an_answer_of_another_form_is_refused(answer: bytes) -> None:
    # The rehearsal runs code of the service's user, which may write what it likes.
    assert judge(answer, "x\n")


def test_secrets_in_errors_are_hidden() -> None:
    assert SECRET not in judge(told(error=f"X: db_password={SECRET}"))
    assert SECRET not in judge(told(error=f"X: postgres://u:{SECRET}@h"))


def test_a_line_of_odoo_conf_that_configparser_quotes() -> None:
    error = f"ParsingError: Source contains parsing errors: '/etc/odoo.conf' [line 3]: 'db_password {SECRET}\\n'"
    assert SECRET not in judge(told(error=error))


@pytest.mark.parametrize(
    ("answer", "options", "code"),
    [
        ({"fatal": True}, {}, "rehearsal.no_postgresql"),
        # Force does not lift what kills.
        ({"fatal": True}, {"force": True}, "rehearsal.no_postgresql"),
        ({"fatal": True}, {"restart": True}, "rehearsal.no_postgresql"),
        ({"fatal": False}, {}, "rehearsal.no_database"),
        ({"fatal": False}, {"force": True}, "forced: rehearsal.no_database"),
        ({"fatal": False}, {"force": True, "restart": True}, "forced: rehearsal.no_database"),
    ],
)
def test_no_database(answer: dict[str, t.Any], options: dict[str, t.Any], code: str) -> None:
    said = judge(told(stage="database", error="no\n\troute", **answer), **options)
    assert said.startswith(code)
    assert code.startswith("forced") or "no route" in said


def test_an_address_in_the_words_of_postgresql() -> None:
    said = judge(told(stage="database", error='invalid "postgresql://odoo:Q7zX9w@h/d"'))
    assert "Q7zX9w" not in said
    assert "postgresql://********@h/d" in said
