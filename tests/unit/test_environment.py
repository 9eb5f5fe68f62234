# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""tests/env.sh, which every target of the Makefile sources. `make fresh ARGS=--cluttered` tries the targets with it."""

from __future__ import annotations

import pathlib
import subprocess
import typing as t

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def sourced(tmp_path: pathlib.Path, **variables: str) -> dict[str, str]:
    """Return the environment after a shell with these variables has sourced tests/env.sh."""
    given = {"HOME": str(tmp_path), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **variables}
    done = subprocess.run(
        ["bash", "-euc", ". tests/env.sh; env -0"], cwd=ROOT, env=given, check=True, capture_output=True, text=True
    )
    assert done.stderr == ""
    return dict(t.cast("tuple[str, str]", tuple(line.split("=", 1))) for line in done.stdout.split("\0") if line)


@pytest.mark.parametrize(
    "name",
    [
        "ANSIBLE_STDOUT_CALLBACK",
        "ANSIBLE_VAULT_PASSWORD_FILE",
        "CDPATH",
        "FORCE_COLOR",
        "PYTEST_ADDOPTS",
        "PYTHONPATH",
        "PYTHONWARNINGS",
        "PY_COLORS",
        "VIRTUAL_ENV",
    ],
)
def test_a_variable_for_ansible_python_or_pytest_is_unset(tmp_path: pathlib.Path, name: str) -> None:
    assert name not in sourced(tmp_path, **{name: "/"})


def test_variables_for_the_network_and_for_the_tests_are_kept(tmp_path: pathlib.Path) -> None:
    kept = {"https_proxy": "http://proxy.example.com", "PIP_CERT": "/ca.pem", "FLEETOPS_ALL": "1"}
    assert sourced(tmp_path, **kept).items() >= kept.items()


def test_the_configuration_and_the_language_are_those_of_the_tests(tmp_path: pathlib.Path) -> None:
    found = sourced(tmp_path, ANSIBLE_CONFIG="/root/.ansible.cfg", LANG="C", LC_ALL="C")
    assert found["ANSIBLE_CONFIG"] == str(ROOT / "tests/ansible.cfg")
    assert found["LC_ALL"] == "C.UTF-8"


def test_shims_are_taken_off_the_path_and_the_environment_comes_first(tmp_path: pathlib.Path) -> None:
    (tmp_path / "shims").mkdir()
    (tmp_path / "conda/bin").mkdir(parents=True)
    path = sourced(tmp_path, PATH=f"{tmp_path}/conda/bin:{tmp_path}/shims:/usr/bin:/bin")
    assert path["PATH"].split(":")[:2] == [f"{path['VENV']}/bin", f"{tmp_path}/conda/bin"]
    assert f"{tmp_path}/shims" not in path["PATH"].split(":")
