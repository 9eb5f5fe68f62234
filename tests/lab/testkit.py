# SPDX-License-Identifier: GPL-3.0-or-later
"""The common parts of tests that need a real lab."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable

from labkit.paths import LAB_DIR

TOOL = LAB_DIR / "lab"


def why_not() -> str:
    """Return why no lab can run here; empty if one can."""
    if os.geteuid() != 0:
        return "a lab needs root"
    if not shutil.which("systemd-nspawn"):
        return "a lab needs systemd-nspawn (apt-get install systemd-container)"
    return ""


def tool(name: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the tool on the lab of that name."""
    argv = [str(TOOL), "--lab", name, *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0 or not check, done.stderr
    return done


def new_name() -> str:
    """A name that no other lab has."""
    return f"t{secrets.token_hex(3)}"


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for it, not for ever."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "that took too long"
        time.sleep(0.1)
