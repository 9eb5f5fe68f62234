# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The releases of ansible-core between which the collection must work; ``make matrix`` runs it.

A session whose Python this machine lacks is skipped. `make test` covers the release in tests/requirements.txt only.
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
    [("3.11", "2.16"), ("3.11", "2.19"), ("3.12", "2.21")],
    ids=["2.16", "2.19", "2.21"],
)


def pinned(*names: str) -> list[str]:
    """The same releases of these packages as everywhere else."""
    return [line for line in REQUIREMENTS if line.partition("==")[0] in names]


#: What running pytest takes, beside an ansible-core.
TESTING = pinned("aiohttp", "hypothesis", "jmespath", "psutil", "pytest", "pytest-timeout")


@nox.session
@CORES
def units(session: nox.Session, core: str) -> None:
    """Unit tests."""
    if "ANSIBLE_COLLECTIONS_PATH" not in os.environ:
        session.error("run it by `make matrix`, which makes the collection importable")
    session.install(f"ansible-core~={core}.0", *TESTING)
    env = {"PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"]}
    session.run("pytest", "tests/unit", *session.posargs, env=env)


@nox.session
@CORES
def rolls(session: nox.Session, core: str) -> None:
    """What stops a roll, and jobs as AWX runs them, on real servers (as root)."""
    session.install(f"ansible-core~={core}.0", *TESTING, *pinned("ansible-runner"))
    env = {"PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"]}
    session.run(
        "pytest", *(f"tests/integration/test_{name}.py" for name in ("roll_table", "runner")), *session.posargs, env=env
    )


@nox.session
@CORES
def sanity(session: nox.Session, core: str) -> None:
    """ansible-test's sanity tests."""
    session.install(f"ansible-core~={core}.0")
    session.run("tests/sanity", *session.posargs, env={"FLEETOPS_VENV": session.virtualenv.location}, external=True)
