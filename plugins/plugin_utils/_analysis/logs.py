# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Log files on the controller, read for their dumps."""

from __future__ import annotations

import bisect
import glob
import json
import lzma
import os
import stat
import typing as t
import zlib
from collections import deque

from ...module_utils._dumps.parse import DumpReader, backwards
from ...module_utils._forms.carrier import Unwrapper
from ...module_utils._forms.line import head_of
from ...module_utils._log.jobs import Job, Jobs
from ...module_utils._messages import dump as _codes
from ...module_utils._system.errors import Refused
from ...module_utils._system.redact import redact_text
from .sessions import Backend, backends_of
from .unpack import opened, rotation, spooled
from .work import Source

#: Characters that are read at a time, and lines about cron jobs that are kept of one log.
_CHUNK, _JOB_LINES = 1 << 18, 200_000
#: What a line about a cron job holds, and characters of a line that are shown.
_JOB, _WIDTH = "ir_cron", 160
#: How the standard input is named.
_STDIN = ("-", "/dev/stdin")
#: The end of the name of what PostgreSQL said.
_BESIDE = ".postgres.json"


def paths_of(given: t.Any) -> list[dict[str, str]]:
    """Return what people write for log files as a list of ``path`` and ``host``.

    :param given: a path, a text of paths with commas, or a list of paths and dictionaries of ``path`` and ``host``. A
        path may have wildcards. What begins with no slash is looked for where ansible-playbook was started.
    :raises Refused: it is something else, or there is no such file.
    """
    if isinstance(given, str):
        given = _listed(given)
    if not isinstance(given, (list, tuple)):
        raise Refused(_codes.NOT_PATHS(value=given))
    found: list[dict[str, str]] = []
    for entry in given:
        one = {"path": entry} if isinstance(entry, str) else entry
        if not isinstance(one, dict) or not all(isinstance(one.get(key, ""), str) for key in ("path", "host")):
            raise Refused(_codes.NOT_A_FILE_ENTRY(value=entry))
        if set(one) - {"path", "host"} or "path" not in one:
            raise Refused(_codes.NOT_A_FILE_ENTRY(value=entry))
        if not one["path"].strip():
            continue
        if one["path"].strip() in _STDIN:
            found.append({"path": spooled(_standard_input()), "host": one.get("host", "") or "stdin"})
            continue
        path = os.path.join(os.environ.get("PWD") or os.getcwd(), os.path.expanduser(one["path"].strip()))
        matching = [path] if os.path.exists(path) else sorted(glob.glob(path))
        if not matching:
            raise Refused(_codes.NO_FILE(path=one["path"].strip()))
        found += [{"path": spooled(each), "host": one.get("host", "")} for each in matching]
    if not found:
        raise Refused(_codes.NO_FILES())
    unique = {(one["path"], one["host"]): one for one in found}
    return _with_hosts(list(unique.values()))


def _standard_input() -> str:
    """Return the standard input of ansible-playbook, which runs each task in a child without one.

    :raises Refused: it is neither a pipe nor a file.
    """
    for path in ("/proc/self/fd/0", f"/proc/{os.getppid()}/fd/0"):
        try:
            mode = os.stat(path).st_mode
        except OSError:
            continue
        if stat.S_ISFIFO(mode) or stat.S_ISREG(mode):
            return path
    raise Refused(_codes.NO_INPUT())


def read_logs(files: t.Sequence[t.Mapping[str, str]]) -> list[Source]:
    """Return the dumps in these logs. A file without dumps gives an empty source.

    :param files: as of :func:`paths_of`.
    :raises Refused: a file cannot be read, or no file has a dump.
    """
    sources = list(each_log(files))
    if not any(source.dumps for source in sources):
        for source in sources:
            if source.strange is not None:
                raise Refused(_codes.STRANGE_FORM(host=source.host, line=redact_text(source.strange)[:_WIDTH]))
        for one in files:
            line = _without_records(one["path"])
            if line is not None:
                raise Refused(_codes.UNKNOWN_FORM(path=one["path"], line=redact_text(line)[:_WIDTH]))
        names = ", ".join(one["path"] for one in files[:3]) + (" or the other files" if len(files) > 3 else "")
        raise Refused(_codes.NO_STACKS(files=names))
    return sources


def _without_records(path: str) -> str | None:
    """Return the first line of a log without one record that can be parsed; None if it has one, or is empty."""
    with opened(path) as log:
        lines = [line for line in log.read(_CHUNK).split("\n") if line.strip()]
    if not lines or any(head_of(line) for _carrier, line in Unwrapper().each(lines)):
        return None
    return lines[0].strip()


def each_log(files: t.Sequence[t.Mapping[str, str]]) -> t.Iterator[Source]:
    """Yield the same as :func:`read_logs`, one host after the other, to save memory.

    :raises Refused: a file cannot be read.
    """
    reader = DumpReader()
    paths: dict[str, list[str]] = {}
    for one in files:
        paths.setdefault(one["host"], []).append(one["path"])
    for host, several in paths.items():
        read = [_read(reader, group, host) for group in rotation(several)]
        # Samples in files of their own, or a log that was rotated.
        dumps = [dump for one in read for dump in one.dumps] if len(read) > 1 else read[0].dumps
        yield Source(
            host,
            dumps,
            jobs={key: jobs for one in read for key, jobs in one.jobs.items()},
            backends=[backend for one in read for backend in one.backends],
            unsaid=[why for one in read for why in one.unsaid],
            strange=next((one.strange for one in read if one.strange is not None), None),
        )


def beside(files: t.Sequence[t.Mapping[str, str]], folder: str) -> dict[str, str]:
    """Return for each host the name of its log in a directory, if it is there."""
    return {
        one["host"]: os.path.basename(one["path"])
        for one in files
        if folder and os.path.dirname(os.path.abspath(one["path"])) == os.path.abspath(folder)
    }


def _listed(text: str) -> list[t.Any]:
    """Return a list from paths with commas, or from JSON, because -e makes a text of a list."""
    if text.strip().startswith("["):
        try:
            return t.cast("list[t.Any]", json.loads(text))
        except ValueError:
            pass  # a file may have such a name
    return [word.strip() for word in text.split(",")]


def _with_hosts(files: list[dict[str, str]]) -> list[dict[str, str]]:
    """Name each file: the shortest unique end of its path. The files of one rotation have one name."""
    nameless = [one for one in files if not one["host"]]
    groups = rotation([one["path"] for one in nameless])
    newest = {path: group[-1] for group in groups for path in group}
    for one in nameless:
        parts = newest[one["path"]].split("/")
        for length in range(1, len(parts) + 1):
            name = "/".join(parts[-length:])
            if sum(1 for other in set(newest.values()) if ("/" + other).endswith("/" + name)) == 1:
                break
        one["host"] = name
    return files


def _read(reader: DumpReader, paths: t.Sequence[str], host: str) -> Source:
    """Return the dumps of one log, whose files are read in this order."""
    about_jobs: deque[str] = deque(maxlen=_JOB_LINES)
    dumps = reader.read(chunk for path in paths for chunk in _noting(path, about_jobs))
    if reader.is_backwards:
        dumps = reader.read([backwards("".join(chunk for path in paths for chunk in _noting(path, deque())))])
        about_jobs.reverse()
    backends, unsaid = _beside(paths[-1], host)
    jobs = _jobs(about_jobs, [(dump.pid, dump.time) for dump in dumps])
    return Source(host, dumps, jobs=jobs, backends=backends, unsaid=unsaid, strange=reader.strange)


def _beside(path: str, host: str) -> tuple[list[Backend], list[str]]:
    """Return the answers of PostgreSQL, and why they are incomplete, from h1.postgres.json beside h1.log."""
    beside = path.removesuffix(".log") + _BESIDE
    if not os.path.isfile(beside):
        return [], []
    try:
        with open(beside, encoding="utf-8") as file:
            told = json.load(file)
        return backends_of(told["rows"], host), [str(why) for why in told["unsaid"]]
    except OSError as exc:
        raise Refused(_codes.UNREADABLE(path=beside, error=exc.strerror)) from exc
    except (ValueError, KeyError, TypeError, RecursionError) as exc:
        raise Refused(_codes.STRANGE_SESSIONS(path=beside)) from exc


def _noting(path: str, about_jobs: deque[str]) -> t.Iterator[str]:
    """Yield a file in chunks, and note the lines about cron jobs."""
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise Refused(_codes.DIRECTORY(path=path))
        if not stat.S_ISREG(mode):
            raise Refused(_codes.NOT_PLAIN(path=path))
        with opened(path) as log:
            yield from _chunks(log, about_jobs)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as exc:
        why = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
        raise Refused(_codes.UNREADABLE(path=path, error=why)) from exc


def _chunks(log: t.TextIO, about_jobs: deque[str]) -> t.Iterator[str]:
    rest = ""
    while True:
        chunk = log.read(_CHUNK)
        if _JOB in chunk or _JOB in rest + chunk[:20]:
            text = rest + chunk
            # A last line that is cut is looked at again with the next chunk.
            whole = text.split("\n")[: -1 if chunk else None]
            about_jobs.extend(line for line in whole if _JOB in line)
        rest = chunk[chunk.rfind("\n") + 1 :] if "\n" in chunk else (rest + chunk)[-10_000:]
        if not chunk:
            return
        yield chunk


def _jobs(lines: t.Iterable[str], dumps: t.Iterable[tuple[int, str]]) -> dict[tuple[int, str], list[Job]]:
    """Return the jobs in progress for each pid at each time."""
    wanted = sorted(set(dumps), key=lambda one: one[1])
    times = [time for _pid, time in wanted]
    jobs, found, done = Jobs(), dict[tuple[int, str], list[Job]](), 0
    for line in lines:
        began = jobs.time_of(line)
        if began is None:
            continue
        upto = bisect.bisect_left(times, began)
        for pid, time in wanted[done:upto]:
            found[pid, time] = jobs.of(pid)
        done = max(done, upto)
        jobs.take(line)
    for pid, time in wanted[done:]:
        found[pid, time] = jobs.of(pid)
    return {key: under_way for key, under_way in found.items() if under_way}
