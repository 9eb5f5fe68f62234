# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running programs of the system: their output, its end, exit codes and time limits."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._system import programs
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import WouldFail
from ansible_collections.fleetops.odoo.plugins.module_utils._system.programs import (
    capture,
    container_program,
    end_of_output,
    output_of,
    run,
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


@pytest.mark.parametrize("runtime", ["cri-o", "containerd", "lxc", "unknown", "../docker"])
def test_only_docker_and_podman_have_a_program(runtime: str) -> None:
    assert container_program(runtime) is None


def test_container_program_is_the_first_that_root_owns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "is_roots", lambda path: path in ("/usr/local/bin/podman", "/bin/podman"))
    assert container_program("podman") == "/usr/local/bin/podman"
    assert container_program("docker") is None


def test_capture_returns_code_and_both_outputs_in_one_line_with_secrets_hidden() -> None:
    code, said = capture(["/bin/sh", "-c", "echo one; echo two >&2; echo db_password=S3cret; exit 3"], 5.0)
    assert (code, said) == (3, "one two db_password=********")


def test_capture_runs_with_a_fixed_environment_in_the_root_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD", "")
    monkeypatch.setenv("SECRET", "x")
    _code, said = capture(["/usr/bin/env"], 5.0)
    assert {word.partition("=")[0] for word in said.split()} <= {"PATH", "LC_ALL"}
    assert capture(["/bin/pwd"], 5.0) == (0, "/")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["/nonexistent/program"], "/nonexistent/program cannot be run: No such file or directory"),
        (["/bin/sleep", "20"], "/bin/sleep 20 did not return within 1 s"),
    ],
)
def test_capture_raises_when_a_program_cannot_be_run_or_takes_too_long(command: list[str], said: str) -> None:
    with pytest.raises(WouldFail) as caught:
        capture(command, 0.1)
    assert str(caught.value) == said


def test_run_returns_the_output_and_raises_for_another_code_than_0() -> None:
    assert run(["/bin/echo", "one", "two"], 5.0) == "one two"
    with pytest.raises(WouldFail, match=r"^/bin/sh -c exit 3 failed: code 3$"):
        run(["/bin/sh", "-c", "exit 3"], 5.0)
    with pytest.raises(WouldFail, match=r"failed: no space$"):
        run(["/bin/sh", "-c", "echo no space >&2; exit 1"], 5.0)
