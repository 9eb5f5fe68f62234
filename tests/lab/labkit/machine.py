# SPDX-License-Identifier: GPL-3.0-or-later
"""A host as a machine: an overlay root, a cgroup, systemd-nspawn; on, off, gone."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from . import network
from .errors import LabError
from .paths import LAB_DIR, Lab
from .shell import last_lines, run

_OFF_SECONDS = 20.0
_PLUG_SECONDS = 3.0


def mount_root(lab: Lab, host: str, layers: Sequence[Path]) -> Path:
    """Mount a host's root: its own writable layer over shared read-only ones."""
    root = lab.root(host)
    if not os.path.ismount(root):
        base = lab.host_dir(host)
        for part in ("upper", "work", "root"):
            (base / part).mkdir(parents=True, exist_ok=True)
        lower = ":".join(os.fspath(layer) for layer in layers)
        options = f"lowerdir={lower},upperdir={base / 'upper'},workdir={base / 'work'}"
        run(["mount", "-t", "overlay", f"overlay-{lab.machine(host)}", "-o", options, root])
    return root


def boot(lab: Lab, host: str) -> None:
    """Start systemd as PID 1 in the mounted root and the host's network namespace; back when there is a PID 1."""
    name = lab.machine(host)
    argv = ["systemd-nspawn", "-q", "-D", os.fspath(lab.root(host)), "-M", name, "--register=no"]
    argv += [f"--network-namespace-path=/run/netns/{name}", "--resolv-conf=off", "--timezone=off"]
    # nftables, in the host's own network.
    argv.append("--capability=CAP_NET_ADMIN")
    argv += ["--link-journal=no", "--console=pipe", "--boot"]
    volume = lab.host_dir(host) / "containers"
    if volume.is_dir():
        # The storage of podman or docker: an overlay cannot be the writable layer of another one.
        argv[-1:-1] = [f"--bind={volume}:/var/lib/containers", "--system-call-filter=@keyring bpf"]
        # Docker's bridge needs it, and a host may not write there itself.
        run(["ip", "netns", "exec", name, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"])
    # Paths of this machine that a user of the lab wants the hosts to see (tests/coverage).
    argv[-1:-1] = [f"--bind={bind}" for bind in os.environ.get("FLEETOPS_LAB_BIND", "").split()]
    procs = "-"
    if not Path("/run/systemd/system").is_dir():
        # No systemd on this machine to make a scope: without a cgroup of its own two hosts would share one.
        group = _cgroup_root() / name
        group.mkdir(exist_ok=True)
        procs = os.fspath(group / "cgroup.procs")
        argv.insert(1, "--keep-unit")
    with (lab.host_dir(host) / "console.log").open("ab") as console:
        child = subprocess.Popen(
            [LAB_DIR / "labkit" / "boot.sh", procs, *argv],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            start_new_session=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "LC_ALL": "C.UTF-8"},
        )
    if not _until(lambda: init_pid(lab, host) is not None or child.poll() is not None, _OFF_SECONDS):
        raise LabError(f"The host {host} does not boot: {console_tail(lab, host)}")
    if child.poll() is not None:
        raise LabError(f"The host {host} does not boot ({child.returncode}): {console_tail(lab, host)}")


def init_pid(lab: Lab, host: str) -> int | None:
    """The host's PID 1 as this machine sees it, or None when the host is off."""
    level = len(namespace_pids("self"))
    for pid in network.pids(lab, host):
        with contextlib.suppress(OSError):
            # One level down from here: two levels down is the first process of a container on the host.
            if namespace_pids(pid)[level:] == [1]:
                return pid
    return None


def namespace_pids(process: int | str) -> list[int]:
    """A process's pid in each of the PID namespaces it is in, this machine's first."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("NSpid:"):
            return [int(word) for word in line.split()[1:]]
    return []


def parent(pid: int) -> int:
    """The parent of a process."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return int(stat.rpartition(") ")[2].split()[1])


def below(top: int) -> list[int]:
    """Return a process and all that descend from it, by their pids."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                children.setdefault(parent(int(entry)), []).append(int(entry))
    found = [top]
    for pid in found:
        found += children.get(pid, [])
    return sorted(found)


def inside(
    lab: Lab, host: str, argv: Sequence[str], *, check: bool = True, feed: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program in a running host, without ssh."""
    pid = init_pid(lab, host)
    if pid is None:
        raise LabError(f"The host {host} is off; see {lab.host_dir(host) / 'console.log'}.")
    enter = ["nsenter", f"--target={pid}", "--mount", "--uts", "--ipc", "--net", "--pid", f"--root=/proc/{pid}/root"]
    path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
    return run([*enter, "--wdns=/", "--", "env", "-i", path, *argv], check=check, feed=feed)


def power_off(lab: Lab, host: str) -> None:
    """An orderly shutdown; services get their stop signals. Falls back to pulling the plug."""
    pid = init_pid(lab, host)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGRTMIN + 4)
        if not _until(lambda: not _members(lab, host), _OFF_SECONDS):
            pull_plug(lab, host)
    _remove_cgroup(lab, host)


def pull_plug(lab: Lab, host: str) -> None:
    """End every process of the host at once, each by its pid."""
    pid = init_pid(lab, host)
    if pid is not None:
        # Without its PID 1 all of the host is gone, and systemd-nspawn ends by itself and removes its locks.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _until(lambda: not _members(lab, host), _PLUG_SECONDS)
    deadline = time.monotonic() + _OFF_SECONDS
    while members := _members(lab, host):
        for pid in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise LabError(f"The processes {members} of the host {host} do not end.")
        time.sleep(0.02)
    _remove_cgroup(lab, host)


def unmount(lab: Lab, host: str) -> None:
    """Unmount a host's root and anything below it."""
    base = lab.host_dir(host)
    for target in sorted(mounts_below(base), key=len, reverse=True):
        if run(["umount", target], check=False).returncode != 0:
            run(["umount", "-l", target])


def remove_disk(lab: Lab, host: str) -> None:
    """Delete a host's directory, after a look that nothing is mounted in it."""
    base = lab.host_dir(host)
    unmount(lab, host)
    still = mounts_below(base)
    if still:
        raise LabError(f"{still[0]} is still mounted, so {base} is left alone.")
    if base.exists():
        shutil.rmtree(base)


def mounts_below(directory: Path) -> list[str]:
    """The mount points at or below a directory."""
    found: list[str] = []
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        target = line.split()[4].replace("\\040", " ")
        if target == os.fspath(directory) or target.startswith(f"{directory}/"):
            found.append(target)
    return found


def console_tail(lab: Lab, host: str) -> str:
    """Return the last lines of the host's console."""
    path = lab.host_dir(host) / "console.log"
    return last_lines(path.read_text(encoding="utf-8", errors="replace"), 3) if path.is_file() else "no console log"


def cgroups(lab: Lab) -> list[Path]:
    """The cgroups that the lab made."""
    return sorted(_cgroup_root().glob(f"{lab.bridge}-*"))


def scopes(lab: Lab) -> list[Path]:
    """The scopes that the machine's systemd, where there is one, made for the lab."""
    wanted = f"machine-{lab.bridge}-".replace("-", "\\x2d").replace("\\x2d", "-", 1)
    return [path for path in _cgroup_root().glob("machine.slice/*.scope") if path.name.startswith(wanted)]


def _members(lab: Lab, host: str) -> list[int]:
    """The host's processes and those that hold it up (boot.sh, nspawn)."""
    found = set(network.pids(lab, host))
    holding = keepers(lab, host)
    found.update(holding)
    group = _cgroup_root() / lab.machine(host)
    # Cgroups vanish while one looks: os.walk passes over them.
    for directory, _names, _files in os.walk(group):
        with contextlib.suppress(OSError):
            procs = Path(directory, "cgroup.procs").read_text(encoding="ascii").split()
            found.update(int(pid) for pid in procs if pid != "0")
    # boot.sh first, or it would boot the host again.
    return sorted(found, key=lambda pid: (pid not in holding, pid))


def keepers(lab: Lab, host: str | None = None) -> list[int]:
    """boot.sh and systemd-nspawn of one host or of the whole lab, told by the machine name in their arguments."""
    found: list[int] = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{entry}/cmdline").read_bytes().decode(errors="replace").split("\0")
                name = words[words.index("-M") + 1] if "systemd-nspawn" in words and "-M" in words[:-1] else ""
                if name == lab.machine(host) if host else name.startswith(f"{lab.bridge}-"):
                    found.append(int(entry))
    return found


def _cgroup_root() -> Path:
    hybrid = Path("/sys/fs/cgroup/unified")
    return hybrid if (hybrid / "cgroup.procs").exists() else Path("/sys/fs/cgroup")


def _remove_cgroup(lab: Lab, host: str) -> None:
    group = _cgroup_root() / lab.machine(host)

    def gone() -> bool:
        # rmdir alone works on a cgroup: its files are not real ones.
        for directory, _names, _files in list(os.walk(group, topdown=False)):
            with contextlib.suppress(OSError):
                os.rmdir(directory)
        return not group.exists()

    if not _until(gone, _OFF_SECONDS):
        raise LabError(f"The cgroup {group} cannot be removed.")


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
