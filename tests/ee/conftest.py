# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The execution environment, built, and a fleet to use it on. `make ee` runs these tests; the gate does not."""

from __future__ import annotations

import os
import pathlib
import subprocess
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import ROOT, Fleet, lab_up

FLEET = str(pathlib.Path(ROOT) / "tests/integration/fleet.yml")


@pytest.fixture(scope="session")
def image() -> str:
    """The image's name."""
    if os.geteuid() != 0:
        pytest.skip("podman needs root here")
    os.environ["CONTAINERS_CONF"] = str(ROOT / "tests/ee/containers.conf")
    done = subprocess.run([str(ROOT / "tests/ee/build")], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-5000:]
    return done.stdout.strip().splitlines()[-1]


@pytest.fixture(scope="session")
def fleet() -> t.Iterator[Fleet]:
    """The fleet of the integration tests."""
    yield from lab_up(os.environ.get("FLEETOPS_TEST_LAB", "ee"), FLEET)
