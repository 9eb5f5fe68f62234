# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Running a program of the system for what it prints."""

from __future__ import annotations

import subprocess
import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._files import is_roots

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
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")


def container_program(runtime: str) -> t.Optional[str]:
    """The program of docker or podman, if root owns it; None for other runtimes, which have other commands."""
    if runtime not in ("docker", "podman"):
        return None
    return next((path for path in ("%s/%s" % (d, runtime) for d in _DIRECTORIES) if is_roots(path)), None)
