# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Run a program of the system for its exit code and all that it prints."""

from __future__ import annotations

import subprocess
import typing as t

from .._system.files import is_roots
from .._system.programs import finish, start


def first_of(paths: t.Sequence[str]) -> t.Optional[str]:
    """Return the first of these programs that is there and that only root can change."""
    return next((path for path in paths if is_roots(path)), None)


def run(command: t.Sequence[str], seconds: float) -> t.Tuple[int, str, str]:
    """Run a program; return its exit code, its output, and what it complains of on one line.

    :param command: its full path, which only root can change, and its arguments. No shell is involved.
    """
    try:
        program = start(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = finish(program, seconds).decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        return -1, "", "no answer within %g s" % seconds
    except OSError as exc:
        return -1, "", exc.strerror or str(exc)
    return program.returncode, said, " ".join(said.split())
