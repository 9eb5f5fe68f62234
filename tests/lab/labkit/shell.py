# SPDX-License-Identifier: GPL-3.0-or-later
"""Running programs, telling progress, holding locks: the effects every part of the lab shares."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from .errors import LabError

_STARTED = time.monotonic()


def say(text: str) -> None:
    """One progress line with the seconds since the tool was started."""
    print(f"[{time.monotonic() - _STARTED:5.1f} s] {text}", file=sys.stderr, flush=True)


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    check: bool = True,
    feed: str | None = None,
    timeout: float = 600,
) -> subprocess.CompletedProcess[str]:
    """Run a program without a shell; a failure is one sentence with its last words."""
    words = [os.fspath(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            input=feed,
            stdin=subprocess.DEVNULL if feed is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise LabError(f"The program {words[0]} is not installed.") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"`{' '.join(words[:4])} ...` did not end within {timeout:.0f} s.") from error
    if check and done.returncode != 0:
        raise LabError(f"`{' '.join(words)}` failed ({done.returncode}): {last_lines(done.stderr or done.stdout, 3)}")
    return done


def last_lines(text: str, count: int) -> str:
    """The last lines of some output, joined for a one-sentence message."""
    return " / ".join(line.strip() for line in text.strip().splitlines()[-count:]) or "no output"


@contextlib.contextmanager
def locked(path: Path, waiting_for: str) -> Iterator[None]:
    """Hold an exclusive lock on a file; print a message while another process has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another lab process: {waiting_for}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def write_file(path: Path, text: str, mode: int = 0o644, owner: tuple[int, int] | None = None) -> None:
    """Write a file whole or not at all, with its parents."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.chmod(mode)
    if owner is not None:
        os.chown(temporary, *owner)
    temporary.replace(path)
