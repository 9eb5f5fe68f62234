# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print what a drain and the way back must leave as it was: processes, units and files below /run.

It runs on a host of the lab, as root, with the pids of the processes as arguments: see before.py.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pathlib
import pwd
import re
import subprocess
import sys
import typing as t

#: Variables that are true of one process alone, or that Python and Odoo set for the process that a HUP makes of them.
OF_ONE = frozenset(
    [
        *("INVOCATION_ID", "JOURNAL_STREAM", "XDG_SESSION_ID", "SYSTEMD_EXEC_PID", "ODOO_HTTP_SOCKET_FD"),
        *("ODOO_READY_SIGHUP_PID", "LC_CTYPE", "TZ", "LISTEN_PID", "NOTIFY_SOCKET", "_"),
    ]
)
STATUS = re.compile(r"^(Uid|Gid|Groups|Umask|Cap\w+|Seccomp|NoNewPrivs|Cpus_allowed_list):\s*(.*?)\s*$", re.MULTILINE)
PROPERTIES = (
    *("Id", "LoadState", "ActiveState", "SubState", "Result", "UnitFileState", "FragmentPath", "DropInPaths"),
    *("NeedDaemonReload", "Restart", "RestartForceExitStatus", "ExecMainStatus", "RefuseManualStart", "LogNamespace"),
)
#: Units of the logins of these tests, and of containers, whose names are new with every start.
PASSING = re.compile(
    r"^(session-|user-0|user@0|user-runtime-dir@0|run-user-0|run-r|run-docker|var-lib-(docker|containers)|libpod-|docker-"
    r"|[0-9a-f]{12,})"
)
#: Files of the kernel, of systemd and of runtimes that are new with every start of any unit, login or container.
OTHERS = re.compile(
    r"^/run/(log|udev|pg|lock|sudo|motd|containerd|containers|crun|docker|libpod|lxc|netns|podman|runc|user/0)(/|$)"
    r"|^/run/systemd/(ask-password|inaccessible|journal|machines|notify|propagate|seats|sessions|unit-root|units|users)"
    r"|^/run/systemd/(transient/(session-|libpod-|docker-)|nspawn|show-status|private|userdb|dynamic-uid|generator)"
    r"|^/run/user/\d+/(systemd/(inaccessible|units|generator|propagate)|bus|gnupg|libpod|containers|crun)"
    r"|^/run/(docker|containerd)[^/]*$"
    # A first call makes the folder of the collection, and the file of a lock stays, without content.
    # The record of the load of a process goes with it.
    r"|^/run/fleetops-odoo(/[^/]+\.lock|/\d+-\d+(\.workers)?\.json)?$"
)
HASHED = ("/run/systemd/system/", "/run/systemd/transient/", "/run/fleetops-odoo/", "/run/user/")


def read(pid: int | str, name: str) -> str:
    """Return the text of a file of a process."""
    return pathlib.Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace")


def target(path: str) -> str:
    """Return where a descriptor leads to, without the number of a pipe or socket."""
    return re.sub(r":\[\d+\]", "", os.readlink(path))


def process(pid: str) -> dict[str, t.Any]:
    """Return what is the same of a process that was started in the same way."""
    stat = read(pid, "stat").rpartition(") ")[2].split()
    environment = dict(entry.partition("=")[::2] for entry in read(pid, "environ").split("\0") if entry)
    argv = read(pid, "cmdline").rstrip("\0").split("\0")
    ended = [line for line in read(pid, "limits").splitlines() if "pending signals" not in line]
    return {
        # A HUP shortens the name of the interpreter.
        "argv": [os.path.basename(argv[0]), *argv[1:]],
        "cwd": os.readlink(f"/proc/{pid}/cwd"),
        "rights": dict(STATUS.findall(read(pid, "status"))),
        "limits": ended,
        "nice": stat[16],
        "scheduling": stat[37:39],
        "oom_score_adj": read(pid, "oom_score_adj").strip(),
        "environment": {name: value for name, value in sorted(environment.items()) if name not in OF_ONE},
        "cgroup": re.sub(r"session-c?\d+|[0-9a-f]{64}", "N", read(pid, "cgroup").splitlines()[-1]),
        "output": [target(f"/proc/{pid}/fd/{number}") for number in (1, 2)],
        "leads_a_session": stat[3] == pid,
        "parent": name_of(stat[1]) if stat[1] != "0" else None,
        "own_namespaces": sorted(
            name
            for name in ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
            if os.readlink(f"/proc/{pid}/ns/{name}") != os.readlink(f"/proc/1/ns/{name}")
        ),
    }


def units(*words: str) -> dict[str, dict[str, str]]:
    """Return the units that systemd has, but for those that are inactive and have no drop-in."""
    command = [*words, "show", "--all", f"--property={','.join(PROPERTIES)}", "*"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = {}
    for block in shown.split("\n\n"):
        values = dict(line.partition("=")[::2] for line in block.splitlines() if line)
        name = values.pop("Id", "")
        kept = values.get("ActiveState") != "inactive" or values.get("DropInPaths")
        if name and kept and not name.endswith(".device") and not PASSING.match(name):
            found[name] = values
    return found


def units_of_users() -> dict[str, dict[str, dict[str, str]]]:
    """Return the units of the users whose systemd outlives their sessions (linger), by the name of the user."""
    found = {}
    for place in pathlib.Path("/run/user").glob("*/systemd/private"):
        uid = int(place.parts[3])
        with contextlib.suppress(KeyError):
            entry = pwd.getpwuid(uid)
            rights = ["setpriv", f"--reuid={uid}", f"--regid={entry.pw_gid}", "--init-groups"]
            if os.path.exists(f"/var/lib/systemd/linger/{entry.pw_name}"):
                runtime = f"XDG_RUNTIME_DIR=/run/user/{uid}"
                found[entry.pw_name] = units(*rights, "env", runtime, "systemctl", "--user")
    return found


def files() -> dict[str, list[str]]:
    """Return the files below /run with their rights, those that a drain may write with their content."""
    found = {}
    for folder, folders, names in os.walk("/run"):
        for path in (os.path.join(folder, name) for name in [*folders, *names]):
            with contextlib.suppress(FileNotFoundError):
                status = os.lstat(path)
                empty_lock = path.endswith(".lock") and status.st_size == 0
                if OTHERS.match(path) and (empty_lock or not path.endswith(".lock")):
                    continue
                told = [oct(status.st_mode), f"{status.st_uid}:{status.st_gid}"]
                if os.path.isfile(path) and path.startswith(HASHED):
                    told.append(hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()[:12])
                found[path] = told
        folders[:] = [name for name in folders if not OTHERS.match(os.path.join(folder, name) + "/")]
    return found


def name_of(pid: str) -> str:
    """Return the name of a program. A server is called python3 from its first HUP on, and odoo before."""
    name, words = read(pid, "comm").strip(), read(pid, "cmdline").split("\0")
    script = os.path.basename(words[1]) if len(words) > 1 else ""
    return script if name.startswith("python") and script.startswith("odoo") else name


def programs() -> list[str]:
    """Return the names of the programs that run, but for those of systemd and of this login."""
    found = set()
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            found.add(name_of(entry))
    passing = {"sshd", "sftp-server", "sh", "bash", "python3", "python3.9", "python3.11", "(sd-pam)"}
    return sorted(name for name in found - passing if not name.startswith(("systemd", "runc", "kworker", "(")))


def main(pids: t.Sequence[str]) -> None:
    """Print all of it as JSON."""
    told = {
        "processes": {pid: process(pid) for pid in pids},
        "units": units("systemctl"),
        "units_of_users": units_of_users(),
        "files": files(),
        "programs": programs(),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
