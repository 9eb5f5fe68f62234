# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook explain_dumps over captured logs. It needs no lab: no host is contacted."""

from __future__ import annotations

import gzip
import json
import os
import pathlib
import subprocess
import typing as t

import pytest

DUMPS = pathlib.Path(__file__).resolve().parents[1] / "unit" / "captures" / "dumps"


def explain(folder: pathlib.Path, *options: str, **variables: t.Any) -> tuple[int, str]:
    """Run the playbook in a directory as a user would: its exit code and what it printed."""
    command = ["ansible-playbook", "fleetops.odoo.explain_dumps", "-e", json.dumps(variables), *options]
    # An inventory whose hosts cannot be reached: no task may try.
    command += ["-i", "unreachable.invalid,"]
    environment = {**os.environ, "PWD": str(folder)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    return done.returncode, done.stdout + done.stderr


def test_logs_are_explained_and_the_report_is_written(tmp_path: pathlib.Path) -> None:
    (tmp_path / "old.log.1.gz").write_bytes(gzip.compress((DUMPS / "14-threaded.log").read_bytes()))
    log = (DUMPS / "19-prefork.log").read_text()
    (tmp_path / "new.log").write_text(log.replace("/lab/sleep/10)", "/lab/sleep/10?access_token=LAB-SECRET-1)"))
    code, output = explain(tmp_path, "-vvv", explain_dumps_files="new.log,*.gz", explain_dumps_report_dir="out")
    assert code == 0, output
    assert "2 requests sleep in lab_slow.sleep" in output
    assert "LAB-SECRET" not in output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (report["schema"], report["hosts"], report["dumps"]) == (1, ["new.log", "old.log.1.gz"], 6)
    assert [one["kind"] for one in report["findings"]] == ["work", "cron"]
    assert "LAB-SECRET" not in (tmp_path / "out" / "report.json").read_text()
    assert {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == {
        "report.json": 0o600,
        "report.html": 0o600,
    }
    assert "LAB-SECRET" not in (tmp_path / "out" / "report.html").read_text()


def test_a_template_in_a_log_stays_text(tmp_path: pathlib.Path) -> None:
    log = (DUMPS / "19-prefork.log").read_text()
    evil = "/lab/{{7*191}}{{lookup('pipe','touch${IFS}taken')}}{%raw%}"
    (tmp_path / "evil.log").write_text(log.replace("/lab/sleep/10)", evil + ")"))
    code, output = explain(tmp_path, explain_dumps_files="evil.log", explain_dumps_report_dir="out")
    assert code == 0, output
    assert "/lab/{{7*191}}" in output
    assert evil in (tmp_path / "out" / "report.json").read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"evil.log", "out"}


def test_files_may_be_given_a_host_and_check_mode_writes_nothing(tmp_path: pathlib.Path) -> None:
    files = [{"path": str(DUMPS / "19-prefork.log"), "host": "h1"}]
    code, output = explain(tmp_path, "--check", explain_dumps_files=files)
    assert code == 0, output
    assert "on h1 (pid 41)" in " ".join(output.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("files", "code", "named"),
    [
        ("", "dump.no_files", "explain_dumps_files:"),
        (["."], "dump.directory", "is a directory, not a log file"),
        # One filter says all of them (tests/unit/controller/analysis/test_logs.py).
        *[
            pytest.param(*case, marks=pytest.mark.thorough)
            for case in (
                ("nowhere.log", "dump.no_file", "explain_dumps_files: The file nowhere.log"),
                ("empty.log", "dump.unknown_form", "/empty.log"),
                ([3], "dump.not_a_file_entry", "got 3"),
                ([{"file": "x"}], "dump.not_a_file_entry", "got {'file': 'x'}"),
                ({"path": "x"}, "dump.not_paths", "got {'path': 'x'}"),
            )
        ],
    ],
)
def test_wrong_input_is_one_sentence(tmp_path: pathlib.Path, files: t.Any, code: str, named: str) -> None:
    (tmp_path / "empty.log").write_text("nothing\n")
    status, output = explain(tmp_path, explain_dumps_files=files)
    assert status == 2
    said = " ".join(output.split())
    assert [part for part in ("explain_dumps_files: ", named, f"[{code}]") if part not in said] == []
    assert "Traceback" not in output


def test_a_report_that_cannot_be_written_is_told(tmp_path: pathlib.Path) -> None:
    (tmp_path / "taken").write_text("")
    files = str(DUMPS / "19-prefork.log")
    code, output = explain(tmp_path, explain_dumps_files=files, explain_dumps_report_dir="taken")
    assert code == 2
    said = " ".join(output.split())
    assert [
        part for part in ("explain_dumps_report_dir: ", "/taken", "[option.not_writable]") if part not in said
    ] == []
