# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what argument vectors start: the ways to start Odoo, and everything that only looks like it."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._config.cmdline import (
    GEVENT,
    ONE_OFF,
    SERVER,
    Command,
    could_be_odoo,
    lasting_arguments,
    parse_command,
)
from hypothesis import given
from hypothesis import strategies as st

from .command_lines import NOTHING, ONE_OFFS, SERVERS

GEVENTS = [
    "/usr/bin/python3 /usr/bin/odoo gevent --config /etc/odoo/odoo.conf",
    "python3 odoo-bin --addons-path=a gevent",
    "python3 -m odoo gevent",
    "python /usr/bin/openerp-gevent -c x",
]


def _kind(line: str) -> str | None:
    command = parse_command(line.split(" ") if line else [])
    return command.kind if command else None


@pytest.mark.parametrize("line", SERVERS)
def test_a_server(line: str) -> None:
    assert _kind(line) == SERVER
    assert could_be_odoo(line.encode())


@pytest.mark.parametrize("line", GEVENTS)
def test_the_gevent_process(line: str) -> None:
    assert _kind(line) == GEVENT


@pytest.mark.parametrize("line", ONE_OFFS)
def test_a_one_off_run(line: str) -> None:
    assert _kind(line) == ONE_OFF


@pytest.mark.parametrize("line", NOTHING)
def test_command_lines_without_odoo_give_none(line: str) -> None:
    assert _kind(line) is None


@pytest.mark.parametrize(
    "line",
    ["python3 -m coverage html -d odoo", "python3 -m coverage report --include odoo", "python3 -m trace -C odoo x"],
)
def test_a_carrier_that_runs_something_else(line: str) -> None:
    assert _kind(line) is None


def test_a_module_after_clustered_flags() -> None:
    command = parse_command(["python3", "-um", "odoo", "-c", "x"])
    assert command is not None
    assert (command.script, command.package) == (None, "odoo")


@pytest.mark.parametrize("line", ["python3 odoo-bin start -d x", "python3 odoo-bin start"])
def test_the_subcommand_start_is_a_server(line: str) -> None:
    assert _kind(line) == SERVER


def test_the_parts_of_a_command() -> None:
    assert parse_command(["/p/python3", "-m", "odoo.__main__", "-c", "x"]) == Command(
        SERVER, "/p/python3", None, "odoo", ("-c", "x")
    )
    assert parse_command(["/p/python3", "/b/coverage", "run", "odoo-bin", "shell"]) == Command(
        ONE_OFF, "/p/python3", "odoo-bin", None, ("shell",)
    )
    command = parse_command(["/v/bin/python3", "-u", "odoo-bin", "--addons-path=a", "server", "-c", "x"])
    assert command is not None
    assert (command.interpreter, command.script, command.package) == ("/v/bin/python3", "odoo-bin", None)
    assert command.args == ("--addons-path=a", "server", "-c", "x")
    carried = parse_command(["python3", "-m", "debugpy", "--listen", "1", "-m", "odoo.cli", "-c", "x"])
    assert carried is not None
    assert carried == Command(SERVER, "python3", None, "odoo", ("-c", "x"))
    assert parse_command(["python3", "-m", "pdb", "-m", "odoo"]) == Command(SERVER, "python3", None, "odoo", ())
    assert parse_command(["python3", "-m", "pdb", "-m", "odoo", "shell"]) == Command(
        ONE_OFF, "python3", None, "odoo", ("shell",)
    )
    assert parse_command(["/p/python3", "-m", "pdb", "./odoo-bin", "-c", "x"]) == Command(
        SERVER, "/p/python3", "./odoo-bin", None, ("-c", "x")
    )


WORDS = st.sampled_from(
    [
        "python3",
        "/usr/bin/python3",
        "odoo",
        "odoo-bin",
        "-m",
        "-c",
        "-W",
        "-u",
        "-X",
        "-",
        "--",
        "debugpy",
        "coverage",
        "shell",
        "gevent",
        "server",
        "--stop-after-init",
        "--addons-path=x",
        "bash",
        "sudo",
    ]
) | st.text(max_size=8)


@given(st.lists(WORDS, max_size=8))
def test_no_argument_vector_raises_and_only_python_runs_odoo(argv: list[str]) -> None:
    command = parse_command(argv)
    if command is not None:
        assert argv[0].rsplit("/", 1)[-1].startswith(("python", "pypy"))
        assert command.kind in (SERVER, GEVENT, ONE_OFF)
        assert "--stop-after-init" not in command.args or command.kind != SERVER
        assert could_be_odoo("\0".join(argv).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("kind", [SERVER, GEVENT])
def test_what_a_start_by_m_becomes(kind: str) -> None:
    # Its gevent child, and itself after a HUP: argv[0] of Odoo is then the path of __main__.py.
    line = "python3 /usr/lib/python3/dist-packages/odoo/__main__.py"
    assert _kind(line + " gevent" if kind == GEVENT else line) == kind


def test_the_main_of_another_package_is_not_odoo() -> None:
    assert _kind("python3 /usr/lib/python3/dist-packages/pip/__main__.py install odoo") is None


@pytest.mark.parametrize(
    ("line", "lasting"),
    [
        ("-c x -d y", "-c x -d y"),
        ("-u all -c x", "-c x"),
        ("--update all --init base -i web -c x", "-c x"),
        ("--update=all --init=base -uall -ibase -c x", "-c x"),
        ("-sv -c x", "-c x"),
        ("-s -c x --save --i18n-overwrite -d y", "-c x -d y"),
        # Not these, though they begin alike.
        ("--updates=x --initial -c x", "--updates=x --initial -c x"),
        ("-c x -u", "-c x"),
        ("server -i -s -c x", "server -c x"),
    ],
)
def test_what_a_hup_leaves_of_the_arguments(line: str, lasting: str) -> None:
    assert " ".join(lasting_arguments(line.split())) == lasting
