# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The releases of Python and of ansible-core with which the collection must work; ``make matrix`` runs it.

A session whose Python this machine lacks is skipped, and nox says so at the end. `make test` covers the releases in
tests/requirements.txt only.
"""

from __future__ import annotations

import os
import pathlib

import nox

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "venv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = False

REQUIREMENTS = pathlib.Path("tests/requirements.txt").read_text(encoding="utf-8").splitlines()
CORES = nox.parametrize(
    ("python", "core"),
    [("3.11", "2.16"), ("3.11", "2.18"), ("3.11", "2.19"), ("3.12", "2.21")],
    ids=["2.16", "2.18", "2.19", "2.21"],
)
#: Each Python with an ansible-core that it can run. Up to 3.9 it is a host's and no controller's:
#: tests/unit/conftest.py leaves the controller's side out, and the old ansible-core is there for its module_utils.
PYTHONS = nox.parametrize(
    ("python", "core"),
    [
        ("3.8", "2.13"),
        ("3.9", "2.15"),
        ("3.10", "2.16"),
        ("3.11", "2.18"),
        ("3.12", "2.21"),
        ("3.13", "2.19"),
    ],
    ids=["3.8", "3.9", "3.10", "3.11", "3.12", "3.13"],
)


def pinned(*names: str) -> list[str]:
    """The same releases of these packages as everywhere else."""
    return [line for line in REQUIREMENTS if line.partition("==")[0] in names]


#: What running pytest takes, beside an ansible-core.
_TESTING = ("aiohttp", "hypothesis", "jmespath", "psutil", "pytest", "pytest-timeout")
TESTING = pinned(*_TESTING)
#: Our releases of them need a newer Python than these.
OLD = ("3.8", "3.9", "3.10")


@nox.session
@PYTHONS
def units(session: nox.Session, core: str) -> None:
    """Unit tests."""
    if "ANSIBLE_COLLECTIONS_PATH" not in os.environ:
        session.error("run it by `make matrix`, which makes the collection importable")
    testing = _TESTING if session.python in OLD else TESTING
    session.install(f"ansible-core~={core}.0", *testing)
    env = {"PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"]}
    session.run("pytest", "tests/unit", *session.posargs, env=env)


@nox.session(python=False)
def newest(session: nox.Session) -> None:
    """Unit tests on Python 3.14, in a root of Debian sid (as root)."""
    env = {"FLEETOPS_PACKAGES": " ".join(["ansible-core~=2.21.0", *TESTING])}
    session.run("tests/newest_python", *session.posargs, env=env, external=True)


@nox.session
@CORES
def rolls(session: nox.Session, core: str) -> None:
    """Run the tests of stopped rolls and of AWX jobs on real servers (as root)."""
    session.install(f"ansible-core~={core}.0", *TESTING, *pinned("ansible-runner"))
    env = {"PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"], "FLEETOPS_ALL": "1"}
    session.run(
        "pytest", *(f"tests/integration/test_{name}.py" for name in ("roll_table", "runner")), *session.posargs, env=env
    )


@nox.session
@CORES
def sanity(session: nox.Session, core: str) -> None:
    """ansible-test's sanity tests."""
    session.install(f"ansible-core~={core}.0")
    session.run("tests/sanity", *session.posargs, env={"FLEETOPS_VENV": session.virtualenv.location}, external=True)
