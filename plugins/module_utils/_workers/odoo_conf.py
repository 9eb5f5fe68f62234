# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Write the number of workers to odoo.conf: change one line, have Odoo's own parser read it, put it in place."""

from __future__ import annotations

import configparser
import contextlib
import dataclasses
import fcntl
import os
import re
import sys
import time
import typing as t
from dataclasses import dataclass

from .._config.arguments import parse_arguments
from .._config.odoo_conf import section_of_options
from .._config.table import NEW
from .._messages import refused
from .._processes.classify import Instance
from .._processes.options import LARGEST_FILE, Options
from .._processes.proc import Gone, Proc
from .._processes.process import parse_environ
from .._processes.release import major
from .._processes.rights import files_of, open_folder
from .._rehearsal.rehearsal import Restart
from .._server.host import Host
from .._system.errors import Refused
from .._system.files import open_regular

_SECTION = re.compile(r"^\[(?P<name>[^]]+)\]")
_WORKERS = re.compile(r"^(?P<key>workers)(?P<between>\s*[=:]\s*)(?P<value>.*?)(?P<end>\s*)$", re.IGNORECASE)
#: What systemd, editors and we must not lose of a file, apart from owner and mode. Never what gives a program rights
#: (security.capability): the user of the server may write the new file.
_ATTRIBUTES = ("security.selinux", "security.SMACK64", "system.posix_acl", "user.")
#: The ioctl for the attributes of chattr, and those with which a file cannot be replaced: immutable, append only.
_GET_FLAGS, _FIXED = 0x80086601, 0x10 | 0x20
#: The bits of a mode that are kept: none that gives a program rights.
_MODE = 0o777


def with_workers(path: str, text: str, count: int) -> t.Tuple[str, str, str]:
    """Return ``text`` with another number of workers, the line before (empty without one) and after. Pure.

    Everything else stays the same, byte for byte.

    :param path: of the file, for messages. They do not contain its content.
    :raises Refused: the line cannot be found with certainty.
    """
    lines = text.splitlines(keepends=True)
    section: t.Optional[str] = None
    header: t.Optional[int] = None
    found: t.List[int] = []
    for at, line in enumerate(lines):
        named = _SECTION.match(line)
        if named:
            section = named.group("name")
            header = at if section == "options" and header is None else header
        elif section == "options" and _WORKERS.match(line.rstrip("\r\n")):
            found.append(at)
    if header is None:
        raise Refused(refused.CONF_NO_SECTION(path=path))
    if len(found) > 1:
        raise Refused(refused.CONF_REPEATED(path=path, count=len(found)))
    if not found:
        end = lines[header][len(lines[header].rstrip("\r\n")) :] or "\n"
        after = "workers = %d" % count
        lines[header] = lines[header].rstrip("\r\n") + end + after + end
        return _checked(path, text, "".join(lines), count), "", after
    at = found[0]
    if at + 1 < len(lines) and lines[at + 1][:1] in (" ", "\t") and lines[at + 1].strip():
        raise Refused(refused.CONF_MULTILINE(path=path))
    bare = lines[at].rstrip("\r\n")
    parts = t.cast("re.Match[str]", _WORKERS.match(bare))
    if not parts.group("value").isdigit():
        raise Refused(refused.CONF_NOT_A_NUMBER(path=path))
    if int(parts.group("value")) == count:
        return text, bare, bare
    after = "%s%s%d%s" % (parts.group("key"), parts.group("between"), count, parts.group("end"))
    lines[at] = after + lines[at][len(bare) :]
    return _checked(path, text, "".join(lines), count), bare, after


def _checked(path: str, before: str, after: str, count: int) -> str:
    """Return ``after``, if it has this number and all else as before."""
    try:
        old, new = section_of_options(before), section_of_options(after)
    except configparser.Error as exc:
        raise Refused(refused.CONF_NOT_PARSED(path=path, error=type(exc).__name__)) from None
    if new != {**old, "workers": str(count)}:
        raise Refused(refused.CONF_OTHER_CHANGE(path=path))
    return after


@dataclass
class Edit:
    """A change of odoo.conf that is ready to be made.

    :ivar path: as the server sees it; ``real`` as it is reached from here.
    """

    host: Host
    instance: Instance
    path: str
    real: str
    status: os.stat_result
    attributes: t.Mapping[str, bytes]
    content: str
    before: str
    after: str
    backup: t.Optional[str] = None
    #: what the start-up check left out, as noun phrases
    left_out: t.Tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Return whether something must be written."""
        return self.before != self.after

    def told(self) -> t.Dict[str, t.Any]:
        """Return it as the module does."""
        return {
            "path": self.path,
            "changed": self.changes,
            "before": self.before,
            "after": self.after,
            "backup": self.backup,
        }

    def apply(self) -> None:
        """Check the new file, keep the old one under another name, and put the new one in its place.

        :raises Refused: Odoo would not accept it, or the file has changed since. Nothing was changed then.
        :raises OSError: it could not be written. Nothing was changed then.
        """
        if not self.changes:
            return
        folder, name = os.path.split(self.real)
        new = ".%s.fleetops-%d" % (name, os.getpid())
        with _opened_folder(folder) as at:
            try:
                self._put(at, new)
                self._try_out(os.path.join(os.path.dirname(self.path), new))
                self._keep(at, name, new)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(new, dir_fd=at)

    def _put(self, at: int, new: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(new, flags, 0o600, dir_fd=at)
        with os.fdopen(descriptor, "wb") as file:
            file.write(self.content.encode("utf-8", "surrogateescape"))
            file.flush()
            if (self.status.st_uid, self.status.st_gid) != _owner(descriptor):
                os.fchown(descriptor, self.status.st_uid, self.status.st_gid)
            os.fchmod(descriptor, self.status.st_mode & _MODE)
            for key, value in self.attributes.items():
                with contextlib.suppress(OSError):
                    os.setxattr(descriptor, key, value)
            os.fsync(descriptor)

    def _try_out(self, path: str) -> None:
        """Let Odoo parse the new file, as the user of the server, with the mounts of the server."""
        command = self.instance.command
        # Of several the last one counts.
        trial = dataclasses.replace(command, args=(*command.args, "--config", path))
        instance = dataclasses.replace(self.instance, command=trial)
        try:
            # Its databases have nothing to do with the number of its workers.
            tried = self.host.rehearsal.rehearse_restart(self.host.proc, instance, path, (), Restart(database=False))
        except Refused as exc:
            why, remedy = exc.problem.text, exc.problem.remedy
            raise Refused(refused.CONF_REJECTED(path=self.path, line=self.after, why=why, remedy=remedy)) from None
        self.left_out = tried.left_out

    def _keep(self, at: int, name: str, new: str) -> None:
        backup = "%s.%d.%s~" % (name, os.getpid(), time.strftime("%Y-%m-%d@%H:%M:%S"))
        # The old file itself under a second name: nothing of it can be lost on the way.
        os.link(name, backup, src_dir_fd=at, dst_dir_fd=at, follow_symlinks=False)
        kept = os.stat(backup, dir_fd=at, follow_symlinks=False)
        if _key(kept) != _key(self.status):
            os.unlink(backup, dir_fd=at)
            raise Refused(refused.CONF_CHANGED(path=self.path))
        try:
            os.rename(new, name, src_dir_fd=at, dst_dir_fd=at)
        except OSError:
            os.unlink(backup, dir_fd=at)
            raise
        self.backup = os.path.join(os.path.dirname(self.path), backup)


def prepare_edit(host: Host, instance: Instance, options: Options, version: t.Optional[str], count: int) -> Edit:
    """Prepare to write a number of workers to the odoo.conf of a server. Nothing is written yet.

    :raises Refused: it would have no effect, or the file is not what it seems.
    """
    path = options.config_file
    if path is None:
        raise Refused(refused.CONF_NONE())
    if options.config_error:
        raise Refused(refused.CONF_UNREADABLE(error=options.config_error))
    _check_effect(host.proc, instance, version, path)
    folder, name = os.path.split(path)
    try:
        # Held until we end: what is read with the rights of the server and what is written lies in the same folder.
        real = "/proc/self/fd/%d/%s" % (open_folder(host.proc, instance.master, folder), name)
        with files_of(host.proc, instance.master):
            status, attributes, text, fixed = _read(path, real, instance.master.uid)
    except OSError as exc:
        raise Refused(refused.CONF_OS_ERROR(path=path, error=exc.strerror or exc)) from None
    content, before, after = with_workers(path, text, count)
    if before != after:
        _check_replaceable(path, real, fixed=fixed)
    return Edit(host, instance, path, real, status, attributes, content, before, after)


def _check_replaceable(path: str, real: str, *, fixed: bool) -> None:
    """Make sure that a new file can be put in the place of odoo.conf.

    :param fixed: the file is immutable.
    :raises Refused: otherwise.
    """
    folder = os.path.dirname(real)
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        raise Refused(refused.CONF_NOT_PERMITTED(path=path, uid=os.geteuid()))
    if fixed:
        raise Refused(refused.CONF_IMMUTABLE(path=path))
    try:
        mounted = _mount_of(real) != _mount_of(folder + "/.")
    except OSError as exc:
        raise Refused(refused.CONF_OS_ERROR(path=path, error=exc.strerror or exc)) from None
    # A rename fails then (EBUSY). In other mounts than ours it would take the mount away from the server (rename(2)).
    if mounted:
        raise Refused(refused.CONF_MOUNTED(path=path))


def _mount_of(path: str) -> str:
    """Return the ID of the mount that a path leads to. :raises OSError: there is no such file."""
    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        with open("/proc/self/fdinfo/%d" % descriptor) as file:
            return next((line for line in file if line.startswith("mnt_id:")), "")
    finally:
        os.close(descriptor)


def _is_fixed(descriptor: int) -> bool:
    """Return whether a file is immutable or can only be appended to (FS_IOC_GETFLAGS)."""
    flags = bytearray(8)
    try:
        fcntl.ioctl(descriptor, _GET_FLAGS, flags)
    except OSError:  # a filesystem without such flags
        return False
    return bool(int.from_bytes(flags[:4], sys.byteorder) & _FIXED)


def _check_effect(proc: Proc, instance: Instance, version: t.Optional[str], path: str) -> None:
    if "workers" in parse_arguments(instance.command.args, major(version)):
        raise Refused(refused.CONF_ARGUMENTS_WIN(path=path))
    if (major(version) or 0) < NEW:
        return
    try:
        environ = parse_environ(proc.read(instance.master.pid, "environ"))
    except (Gone, PermissionError):
        raise Refused(refused.CONF_ENVIRONMENT_HIDDEN(pid=instance.master.pid)) from None
    if "ODOO_WORKERS" in environ:
        raise Refused(refused.CONF_ENVIRONMENT_WINS(path=path))


def _read(path: str, real: str, uid: int) -> t.Tuple[os.stat_result, t.Dict[str, bytes], str, bool]:
    """Return what the file is, its extended attributes that are kept, its content, and whether it is immutable.

    All of it from one descriptor: the user of the server may put another file in its place in between.

    :raises Refused: it is not what it seems.
    :raises OSError: no such file, no permission, or not a regular file.
    """
    if os.path.islink(real):
        raise Refused(refused.CONF_LINK(path=path))
    descriptor = open_regular(real, os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        data = file.read(LARGEST_FILE + 1)
        attributes, fixed = _attributes_of(descriptor), _is_fixed(descriptor)
    if status.st_nlink > 1:
        raise Refused(refused.CONF_HARD_LINK(path=path))
    if status.st_uid not in (0, uid):
        raise Refused(refused.CONF_OWNER(path=path))
    if len(data) > LARGEST_FILE:
        raise Refused(refused.CONF_TOO_LARGE(path=path, limit=LARGEST_FILE >> 20))
    return status, attributes, data.decode("utf-8", "surrogateescape"), fixed


@contextlib.contextmanager
def _opened_folder(path: str) -> t.Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _attributes_of(descriptor: int) -> t.Dict[str, bytes]:
    found = {}
    # A filesystem may have no such attributes.
    with contextlib.suppress(OSError):
        for name in os.listxattr(descriptor):
            if name.startswith(_ATTRIBUTES):
                found[name] = os.getxattr(descriptor, name)
    return found


def _owner(descriptor: int) -> t.Tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_uid, status.st_gid


def _key(status: os.stat_result) -> t.Tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size
