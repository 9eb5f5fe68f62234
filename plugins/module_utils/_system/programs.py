# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Running a program of the system for what it prints."""

from __future__ import annotations

import errno
import os
import select
import subprocess
import time
import typing as t

from .files import is_roots

#: Seconds that a program may take.
_LONGEST = 10
_CHUNK = 1 << 16
#: Bytes that a program may print.
_MOST_PRINTED = 64 << 20

_DIRECTORIES = ("/usr/bin", "/usr/local/bin", "/bin")


#: Where programs are looked up.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: What a program of the system may know of our environment, besides: its home, and how it finds a container engine.
_KEPT = ("HOME", "XDG_RUNTIME_DIR", "DOCKER_HOST", "CONTAINERS_CONF")


def environment() -> t.Dict[str, str]:
    """Return the environment of programs of the system: one PATH, the language C, and a few variables of ours."""
    return {"PATH": PATH, "LC_ALL": "C", **{name: os.environ[name] for name in _KEPT if name in os.environ}}


def start(command: t.Sequence[str], **keywords: t.Any) -> subprocess.Popen[bytes]:
    """Start a program: no shell, terminal or input, no output unless the caller wants it, and the environment above.

    :param command: its full path, which root owns, and its arguments.
    :param keywords: for Popen. A program that runs as another user gets an environment of its own (``env``).
    :raises OSError: it cannot be started.
    """
    return subprocess.Popen(  # pylint: disable=ansible-bad-function,consider-using-with
        command,
        **{
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.DEVNULL,
            "stderr": subprocess.DEVNULL,
            "env": environment(),
            "cwd": "/",
            # The user of a program that root has started can control it, and would type into our terminal.
            "start_new_session": True,
            **keywords,
        },
    )


def finish(program: subprocess.Popen[bytes], seconds: float) -> bytes:
    """Wait for a program; return what it printed. When its time is up, or it prints too much, it is killed.

    A program that runs as another user may print without end.

    :raises subprocess.TimeoutExpired: its time was up.
    :raises OSError: it has printed more than 64 MB.
    """
    until = time.monotonic() + seconds
    with program:
        try:
            printed = b"" if program.stdout is None else b"".join(_blocks(program, program.stdout, until, seconds))
            program.wait(max(0.0, until - time.monotonic()))
        except (OSError, subprocess.TimeoutExpired):
            program.kill()
            raise
    return printed


def _blocks(program: subprocess.Popen[bytes], output: t.IO[bytes], until: float, seconds: float) -> t.Iterator[bytes]:
    left = _MOST_PRINTED
    while select.select([output], [], [], max(0.0, until - time.monotonic()))[0]:
        data = os.read(output.fileno(), _CHUNK)
        left -= len(data)
        if left < 0:
            raise OSError(errno.EFBIG, "it printed more than %d MB" % (_MOST_PRINTED >> 20))
        if not data:
            return
        yield data
    raise subprocess.TimeoutExpired(program.args, seconds)


def output_of(*command: str) -> str:
    """Return the output of a program; empty if it cannot be run or takes longer than ten seconds.

    :param command: its full path, which root owns, and its arguments. No shell is involved.
    """
    try:
        return finish(start(command, stdout=subprocess.PIPE), _LONGEST).decode("utf-8", "replace")
    except (OSError, subprocess.TimeoutExpired):
        return ""


def end_of_output(most: int, *command: str) -> str:
    """Return the same as :func:`output_of`, but only the last ``most`` bytes, without keeping the others in memory.

    After a timeout the output so far is returned.
    """
    try:
        program = start(command, stdout=subprocess.PIPE)
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
    """Return the program of docker or podman, if root owns it; None for other runtimes, which have other commands."""
    if runtime not in ("docker", "podman"):
        return None
    return next((path for path in ("%s/%s" % (d, runtime) for d in _DIRECTORIES) if is_roots(path)), None)
