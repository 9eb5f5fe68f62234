# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Run the program of a supervisor: one PATH, one environment, no shell."""

from __future__ import annotations

import subprocess
import typing as t

from .._messages import supervisor as codes
from .._system.errors import Refused
from .._system.programs import finish, start
from .._system.redact import redact_text


def run(command: t.Sequence[str], timeout: float) -> str:
    """Return what a program says that has succeeded, on one line, secrets hidden.

    :param timeout: in seconds; it has one at least.
    :raises Refused: it cannot be run, takes longer, or fails.
    """
    seconds = max(timeout, 1.0)
    try:
        program = start(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output = finish(program, seconds)
    except subprocess.TimeoutExpired:
        raise Refused(codes.COMMAND_TIMEOUT(command=" ".join(command), seconds=seconds)) from None
    except OSError as exc:
        raise Refused(codes.COMMAND_NOT_RUN(command=command[0], error=exc.strerror or str(exc))) from None
    said = redact_text(" ".join(output.decode("utf-8", "replace").split()))
    if program.returncode:
        raise Refused(codes.COMMAND_FAILED(command=" ".join(command), said=said or "code %d" % program.returncode))
    return said
