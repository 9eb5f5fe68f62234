# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""send: the one door for signals. Nothing else in this collection signals a process."""

from __future__ import annotations

import dataclasses
import errno
import os
import signal
import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._proc import Gone, Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._process import (
    Process,
    parse_stat,
    parse_status,
    signal_number,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._rules import Refusal, refusal


class Refused(Exception):
    """The door stayed shut; ``refusal`` names the rule."""

    def __init__(self, why: Refusal) -> None:
        super().__init__(why.reason)
        self.refusal = why


def send(proc: Proc, signal_name: str, process: Process, role: str, mode: t.Optional[str], state: str) -> None:
    """Send one signal to one process that an earlier look saw, if it is still that process and may have the signal.

    The process is held by a pidfd from before the checks until the signal is sent, so its pid cannot pass to another
    one in between. Kernels before 5.3 and Python before 3.9 have no pidfd: there the kill follows the checks at once.

    :raises Refused: with the rule that forbids it; nothing was sent.
    """
    handle = _open_pidfd(process)
    try:
        _check(proc, signal_name, process, role, mode, state)
        try:
            if handle is None:
                os.kill(process.pid, signal_number(signal_name))
            else:
                signal.pidfd_send_signal(handle, signal_number(signal_name))  # type: ignore[attr-defined,unused-ignore]
        except ProcessLookupError:
            raise Refused(_gone(process)) from None
        except PermissionError:
            raise Refused(
                Refusal(
                    "privilege",
                    "process %d belongs to uid %d, and we are neither that user nor root" % (process.pid, process.uid),
                )
            ) from None
    finally:
        if handle is not None:
            os.close(handle)


def _open_pidfd(process: Process) -> t.Optional[int]:
    if not hasattr(os, "pidfd_open") or not hasattr(signal, "pidfd_send_signal"):
        return None
    try:
        return os.pidfd_open(process.pid)
    except ProcessLookupError:
        raise Refused(_gone(process)) from None
    except OSError as exc:
        if exc.errno in (errno.ENOSYS, errno.EPERM):  # an old kernel, or a seccomp filter that does not know the call
            return None
        raise


def _check(proc: Proc, signal_name: str, process: Process, role: str, mode: t.Optional[str], state: str) -> None:
    try:
        start = parse_stat(proc.text(process.pid, "stat")).start
        caught = parse_status(proc.text(process.pid, "status")).caught
    except (Gone, ValueError):
        raise Refused(_gone(process)) from None
    if start != process.start:
        raise Refused(
            Refusal("identity", "pid %d now belongs to another process than the one that was looked at" % process.pid)
        )
    now = _with_caught(process, caught)
    why = refusal(signal_name, now, role, mode, state)
    if why:
        raise Refused(why)


def _with_caught(process: Process, caught: int) -> Process:
    return dataclasses.replace(process, caught=caught)


def _gone(process: Process) -> Refusal:
    return Refusal("identity", "process %d has ended since it was looked at" % process.pid)
