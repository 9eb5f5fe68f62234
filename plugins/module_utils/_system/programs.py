# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Running a program of the system for what it prints."""

from __future__ import annotations

import os
import select
import subprocess
import time
import typing as t

from .files import is_roots

#: Seconds that a program may take.
_LONGEST = 10
_CHUNK = 1 << 16

_DIRECTORIES = ("/usr/bin", "/usr/local/bin", "/bin")


def output_of(*command: str) -> str:
    """What a program prints; empty when it cannot be run or takes longer than ten seconds.

    :param command: its full path, which root owns, and its arguments. No shell is involved.
    """
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function  # there is no AnsibleModule here
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_LONGEST,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")


def end_of_output(most: int, *command: str) -> str:
    """As :func:`output_of`, but only the last ``most`` bytes: what is before them is never held.

    What was printed before the time was up is returned.
    """
    try:
        program = subprocess.Popen(  # pylint: disable=ansible-bad-function,consider-using-with
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError:
        return ""
    output = t.cast(t.IO[bytes], program.stdout)
    kept, cut, until = b"", False, time.monotonic() + _LONGEST
    try:
        while select.select([output], [], [], max(0.0, until - time.monotonic()))[0]:
            data = os.read(output.fileno(), _CHUNK)
            if not data:
                break
            kept += data
            if len(kept) > 2 * most:
                kept, cut = kept[-most:], True
    finally:
        program.kill()
        output.close()
        program.wait()
    if cut or len(kept) > most:
        # What a cut line begins with may be the end of a secret that nothing names any more.
        kept = kept[-most:].partition(b"\n")[2]
    return kept.decode("utf-8", "replace")


def container_program(runtime: str) -> t.Optional[str]:
    """The program of docker or podman, if root owns it; None for other runtimes, which have other commands."""
    if runtime not in ("docker", "podman"):
        return None
    return next((path for path in ("%s/%s" % (d, runtime) for d in _DIRECTORIES) if is_roots(path)), None)
