# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running programs of the system: their output, its end, exit codes and time limits."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
import time

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._system import programs
from ansible_collections.fleetops.odoo.plugins.module_utils._system.programs import (
    container_program,
    end_of_output,
    finish,
    output_of,
    start,
)


def test_end_of_output_keeps_whole_last_lines_within_the_limit() -> None:
    text = end_of_output(1000, "/bin/sh", "-c", "for i in $(seq 20000); do echo line $i; done")
    assert len(text) <= 1000
    assert text.startswith("line ")
    assert text.endswith("line 20000\n")
    assert end_of_output(1000, "/nonexistent") == ""


def test_end_of_output_returns_short_output_whole() -> None:
    assert end_of_output(1000, "/bin/sh", "-c", "printf 'one\\ntwo'") == "one\ntwo"


def test_output_of_is_what_the_program_prints_without_its_errors() -> None:
    assert output_of("/bin/sh", "-c", "printf 'a\\377b'; echo no >&2; exit 3") == "a\ufffdb"


def test_output_of_a_program_that_cannot_be_run_is_empty() -> None:
    assert output_of("/nonexistent/program") == ""


def test_output_of_a_program_that_takes_too_long_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_LONGEST", 0.05)
    assert output_of("/bin/sh", "-c", "echo early; exec sleep 60") == ""
    assert end_of_output(1000, "/bin/sh", "-c", "echo early; exec sleep 60") == "early\n"


def test_a_program_that_prints_too_much_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_MOST_PRINTED", 1 << 20)
    begun = time.monotonic()
    program = start(["/bin/sh", "-c", "exec cat /dev/zero"], stdout=subprocess.PIPE)
    with pytest.raises(OSError, match="1 MB"):
        finish(program, 60)
    assert program.returncode == -9
    assert output_of("/bin/cat", "/dev/zero") == ""
    assert time.monotonic() - begun < 10


def test_a_program_that_ends_later_than_its_output_is_waited_for() -> None:
    program = start(["/bin/sh", "-c", "echo x; exec >&-; sleep 0.1; exit 3"], stdout=subprocess.PIPE)
    assert (finish(program, 60), program.returncode) == (b"x\n", 3)
    program = start(["/bin/sh", "-c", "echo x; exec >&-; exec sleep 60"], stdout=subprocess.PIPE)
    with pytest.raises(subprocess.TimeoutExpired):
        finish(program, 0.2)
    assert program.returncode == -9


@pytest.mark.parametrize("runtime", ["cri-o", "containerd", "lxc", "unknown", "../docker"])
def test_only_docker_and_podman_have_a_program(runtime: str) -> None:
    assert container_program(runtime) is None


def test_container_program_is_the_first_that_root_owns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "is_roots", lambda path: path in ("/usr/local/bin/podman", "/bin/podman"))
    assert container_program("podman") == "/usr/local/bin/podman"
    assert container_program("docker") is None


def test_a_program_gets_one_path_no_input_and_little_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setenv("DOCKER_HOST", "unix:///x")
    said = output_of("/usr/bin/env")
    assert {line.partition("=")[0] for line in said.splitlines()} <= {"PATH", "LC_ALL", *programs._KEPT}
    assert f"PATH={programs.PATH}\n" in said
    assert "DOCKER_HOST=unix:///x\n" in said
    assert output_of("/bin/sh", "-c", "pwd; cat") == "/\n"


def test_nothing_but_start_starts_a_program() -> None:
    folder = pathlib.Path(programs.__file__).parents[1]
    calls = re.compile(r"subprocess\.(run|call|check_\w+|Popen)\(|os\.(exec|spawn|system|popen|posix_spawn)\w*\(")
    guilty = {path.name for path in folder.rglob("*.py") if calls.search(path.read_text(encoding="utf-8"))}
    # What runs as another user, or is read while it runs, is started there as well.
    assert guilty == {"programs.py"}


def test_a_program_has_no_terminal_of_ours() -> None:
    shown = output_of(sys.executable, "-c", "import os; print(os.getsid(0), os.getpid())").split()
    assert shown[0] == shown[1]


def test_a_program_that_is_started_prints_nothing_unless_it_is_asked_for() -> None:
    program = start(["/bin/echo", "x"])
    assert (program.stdout, program.wait()) == (None, 0)
