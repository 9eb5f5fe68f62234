# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Calls of the kernel that Python has late or not at all. No other file loads libc."""

from __future__ import annotations

import ctypes
import os
import platform
import typing as t

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION = 0x20080522
#: Numbers of the call setgroups with IDs of 32 bits, and bytes of a pointer. The function of libc sets the groups of
#: every thread.
_SETGROUPS = {
    "x86_64": (116, 8),
    "aarch64": (159, 8),
    "riscv64": (159, 8),
    "ppc64le": (81, 8),
    "s390x": (206, 8),
    "i686": (206, 4),
    "armv7l": (206, 4),
}

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *values: t.Any, error: t.Optional[str] = None) -> int:
    """Call a function of libc. Integers become longs, because a variadic function takes no shorter ones.

    :param error: what the error names instead of the function.
    :raises OSError: it returns -1.
    """
    result = int(getattr(_libc, name)(*[ctypes.c_long(one) if isinstance(one, int) else one for one in values]))
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), error or name)
    return result


def enter_held(descriptor: int, name: str = "setns") -> None:
    """Move this thread into a namespace that is held by a descriptor.

    :param name: what the error names.
    :raises OSError: we may not.
    """
    _call("setns", descriptor, 0, error=name)


def forbid_new_privileges() -> None:
    """Let nothing that this process executes gain privileges, by setuid or file capabilities. There is no way back.

    :raises OSError: the kernel refuses it.
    """
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def end_with_parent(signal_number: int) -> None:
    """Let the kernel send this signal to this process when its parent ends.

    :raises OSError: the kernel refuses it.
    """
    _call("prctl", _PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


def ptrace(request: int, thread: int, data: int = 0) -> None:
    """Make a request of ptrace about a thread.

    :raises OSError: ESRCH if it has ended; another number if the kernel refuses the request.
    """
    _call("ptrace", request, thread, None, ctypes.c_void_p(data))


def set_filesystem_ids(uid: int, gid: int) -> None:
    """Give this thread the filesystem IDs of a user.

    :raises PermissionError: the kernel does not let us.
    """
    # These return the former ID, and no error. With an unused ID they only return it.
    for name, number in (("setfsgid", gid), ("setfsuid", uid)):
        function = getattr(_libc, name)
        function(ctypes.c_uint(number))
        if ctypes.c_uint(function(ctypes.c_uint(0xFFFFFFFF))).value != number:
            raise PermissionError("the rights of uid %d cannot be taken" % uid)


def set_groups(groups: t.Sequence[int]) -> None:
    """Give this thread these groups; the other threads keep theirs.

    :raises OSError: the kernel does not let us.
    """
    number, size = _SETGROUPS.get(platform.machine(), (0, 0))
    if size != ctypes.sizeof(ctypes.c_void_p):
        # A machine that is not known, or a Python of 32 bits on one of 64. We have one thread that works.
        os.setgroups(groups)
        return
    array = (ctypes.c_uint32 * max(len(groups), 1))(*groups)
    _call("syscall", number, len(groups), array, error="setgroups")


def effective_capabilities() -> int:
    """Return the effective capabilities of this thread, a bit each."""
    _header, data = _capabilities()
    return int(data[0] | data[3] << 32)


def set_effective_capabilities(wanted: int) -> None:
    """Make these capabilities of this thread effective, as far as it is permitted to have them.

    :raises OSError: the kernel does not let us.
    """
    header, data = _capabilities()
    wanted &= int(data[1] | data[4] << 32)
    data[0], data[3] = wanted & 0xFFFFFFFF, wanted >> 32
    _call("capset", header, data)


def _capabilities() -> t.Tuple[t.Any, t.Any]:
    """Return the header and the sets of this thread: effective, permitted and inheritable, the low half first."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    data = (ctypes.c_uint32 * 6)()
    _call("capget", header, data)
    return header, data
