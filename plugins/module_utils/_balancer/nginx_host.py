# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""nginx on this host: its files, its program, its processes and their connections."""

from __future__ import annotations

import contextlib
import glob
import os
import re
import socket
import stat
import typing as t
from dataclasses import dataclass

from .._messages import roll
from .._processes.process import parse_established
from .._system.errors import Refused
from .._system.files import is_roots, read_regular
from .._system.timeout import TooSlow, within
from .nginx_tree import split
from .programs import first_of, run

#: Bytes of one file.
_LARGEST = 8 << 20
#: Seconds that nginx -V, nginx -t and systemctl may take.
_PATIENCE = 60.0
#: Seconds for the name of a server to resolve.
_NAME_PATIENCE = 10.0
_SYSTEMCTL = ("/usr/bin/systemctl", "/bin/systemctl")
_TITLE = re.compile(r"\w+: (?:(?P<master>master process)|worker process(?P<leaving> is shutting down)?)(?: |$)")

End = t.Tuple[str, int]


class RealFiles:
    """The files of this host."""

    def read(self, path: str) -> str:
        """Return the text of a file; bytes that are not UTF-8 survive.

        :raises Refused: it cannot be read.
        """
        try:
            data = read_regular(path, _LARGEST + 1)
        except OSError as exc:
            raise Refused(roll.NGINX_UNREADABLE(path=path, error=exc.strerror or exc)) from exc
        if len(data) > _LARGEST:
            raise Refused(roll.NGINX_UNREADABLE(path=path, error="it has more than %d bytes" % _LARGEST))
        return data.decode("utf-8", "surrogateescape")

    def matching(self, pattern: str) -> t.List[str]:
        """Return the files that an include names; one without wildcards must be there."""
        return sorted(glob.glob(pattern)) if re.search(r"[*?\[]", pattern) else [pattern]


def write_file(path: str, text: str) -> None:
    """Put a file in the place of another one, with its owner, mode and attributes. A link stays a link.

    :raises Refused: another user could have a hand in it, or it cannot be written.
    """
    target = os.path.realpath(path)
    if not is_roots(path) or not is_roots(target):
        raise Refused(roll.NGINX_NOT_ROOTS(path=path))
    # No include takes a name that begins with a dot.
    temporary = os.path.join(os.path.dirname(target), ".%s.fleetops-%d" % (os.path.basename(target), os.getpid()))
    try:
        status = os.stat(target)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))
            os.fchown(descriptor, status.st_uid, status.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(status.st_mode))
            for name in os.listxattr(target):
                with contextlib.suppress(OSError):
                    os.setxattr(descriptor, name, os.getxattr(target, name))
            file.flush()
            os.fsync(descriptor)
        os.rename(temporary, target)
    except OSError as exc:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise Refused(roll.NGINX_NOT_WRITTEN(path=path, error=exc.strerror or exc)) from exc


@dataclass(frozen=True)
class Worker:
    """A worker process of nginx.

    :ivar leaving: it got no new connection since a reload, and ends with its last one.
    """

    pid: int
    start: int
    leaving: bool


class Nginx:
    """The nginx of one configuration."""

    def __init__(self, program: str, config: t.Optional[str], proc_root: str = "/proc") -> None:
        self._proc_root = proc_root
        found = first_of([program])
        code, text, _said = run((found, "-V"), _PATIENCE) if found else (-1, "", "")
        if found is None or code:
            raise Refused(roll.NGINX_NO_PROGRAM(path=program))
        self.program = found
        self._built = parse_version(text)
        self.config = config or self._place(self._built.get("conf-path", "conf/nginx.conf"))

    def _place(self, path: str) -> str:
        return os.path.join(self._built.get("prefix", "/usr/local/nginx"), path)

    def pid_file(self, configured: t.Optional[str]) -> str:
        """Return where the master writes its pid."""
        return self._place(configured or self._built.get("pid-path", "logs/nginx.pid"))

    def master(self, configured_pid_file: t.Optional[str]) -> int:
        """Return the pid of the master process.

        :raises Refused: it does not run.
        """
        path = self.pid_file(configured_pid_file)
        with contextlib.suppress(OSError, ValueError):
            pid = int(read_regular(path, 32))
            found = _TITLE.match(self._title(pid))
            if found and found["master"] and self._owner(pid) == 0:
                return pid
        raise Refused(roll.NGINX_NOT_RUNNING(path=self.config, pid_file=path))

    def workers(self, master: int) -> t.List[Worker]:
        """Return the worker processes of a master."""
        found = []
        for name in os.listdir(self._proc_root):
            if not name.isdigit():
                continue
            with contextlib.suppress(OSError, ValueError, IndexError):
                title = _TITLE.match(self._title(int(name)))
                if not title or title["master"]:
                    continue
                fields = self._read(int(name), "stat").rpartition(b")")[2].split()
                if int(fields[1]) == master and fields[0] not in (b"Z", b"X"):
                    found.append(Worker(int(name), int(fields[19]), bool(title["leaving"])))
        return found

    def connections(self, worker: Worker, ends: t.Container[End]) -> int:
        """Count the connections of a worker to these addresses."""
        count = 0
        try:
            folder = "%s/%d/fd" % (self._proc_root, worker.pid)
            inodes = set()
            for name in os.listdir(folder):
                with contextlib.suppress(FileNotFoundError):  # closed since
                    target = os.readlink(os.path.join(folder, name))
                    if target.startswith("socket:["):
                        inodes.add(int(target[8:-1]))
            for table in ("net/tcp", "net/tcp6"):
                text = self._read(worker.pid, table).decode("ascii", "replace")
                count += sum(inode in inodes and far in ends for inode, _near, far in parse_established(text))
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has ended, and its connections with it
        return count

    def test(self) -> t.Optional[str]:
        """Run nginx -t; return its error, or an empty text."""
        code, _text, said = run((self.program, "-t", "-c", self.config), _PATIENCE)
        return said or "exit code %d" % code if code else None

    def reload(self, master: int) -> t.Optional[str]:
        """Reload nginx, through systemd if systemd runs it; return the error, or an empty text."""
        systemctl, unit = first_of(_SYSTEMCTL), self._unit(master)
        if systemctl and unit:
            shown = run((systemctl, "show", "--property=MainPID,CanReload", unit), _PATIENCE)[1].split()
            if "MainPID=%d" % master in shown and "CanReload=yes" in shown:
                code, _text, said = run((systemctl, "reload", unit), _PATIENCE)
                return said or "exit code %d" % code if code else None
        code, _text, said = run((self.program, "-s", "reload", "-c", self.config), _PATIENCE)
        return said or "exit code %d" % code if code else None

    def _unit(self, pid: int) -> str:
        with contextlib.suppress(OSError):
            for line in self._read(pid, "cgroup").decode("utf-8", "replace").splitlines():
                name = line.rpartition("/")[2]
                if name.endswith(".service"):
                    return name
        return ""

    def _owner(self, pid: int) -> int:
        return os.stat("%s/%d" % (self._proc_root, pid)).st_uid

    def _title(self, pid: int) -> str:
        return self._read(pid, "cmdline").replace(b"\0", b" ").decode("utf-8", "replace").strip()

    def _read(self, pid: int, name: str) -> bytes:
        with open("%s/%d/%s" % (self._proc_root, pid, name), "rb") as file:
            return file.read(64 << 20)


def parse_version(text: str) -> t.Dict[str, str]:
    """Parse what ``nginx -V`` prints: the arguments that it was built with. Pure."""
    return dict(re.findall(r"--((?:conf|pid)-path|prefix)=(\S+)", text))


def ends_of(address: str) -> t.Optional[t.Set[End]]:
    """Return the addresses and ports that a server's address stands for; None for a unix socket.

    A name that does not resolve any more stands for none.
    """
    if address.startswith("unix:"):
        return None
    host, port = split(address)
    try:
        found = within(_NAME_PATIENCE, lambda: socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM))
    except (OSError, TooSlow, UnicodeError):
        return set()
    return {(str(one[4][0]).partition("%")[0], int(one[4][1])) for one in found}
