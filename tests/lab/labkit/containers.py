# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose Odoo runs in podman's containers, and the image that those are made from.

The image is imported once: `python3 -m labkit.containers BASE19 BASE NAME STORE`, in namespaces of its own, has
podman make an image store of a base in the empty directory STORE. All hosts of that kind share it, read-only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .errors import LabError
from .fleet import Host, Server
from .shell import last_lines, run, write_file

# Where a host sees the shared image store.
IMAGES = "opt/lab/images"
UNIT = "odoo-containers.service"
# What a container has no use for.
LEFT_OUT = (
    *("boot", "dev", "etc/systemd", "opt/lab/addons", "usr/bin/podman", "usr/bin/runc", "usr/lib/postgresql"),
    *("usr/lib/systemd", "usr/sbin/haproxy", "usr/share/postgresql", "var/lib/apt", "var/lib/dpkg/info"),
)

# runc, as crun wants limits that a lab host may not set; no limits, as there may be no controllers for them.
_CONTAINERS_CONF = """\
[containers]
default_ulimits = []
pids_limit = 0
log_driver = "k8s-file"
netns = "host"

[engine]
runtime = "runc"
cgroup_manager = "{cgroups}"
"""
_STORAGE_CONF = f"""\
[storage]
driver = "overlay"
graphroot = "/var/lib/containers/storage"
runroot = "/run/containers/storage"

[storage.options]
additionalimagestores = ["/{IMAGES}"]
"""


def image_name(version: str) -> str:
    """The image's name, without localhost/ before it."""
    return f"lab/odoo:{version}"


def make_store(base19: Path, base: Path, version: str, part: Path) -> None:
    """Fill part/tree with the image store. Takes about 10 s."""
    store = part / "tree" / IMAGES
    store.mkdir(parents=True)
    argv = ["setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    argv += ["--net", sys.executable, "-m", "labkit.containers"]
    argv += [os.fspath(word) for word in (base19, base, image_name(version), store)]
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.fspath(Path(__file__).parent.parent), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    if done.returncode != 0:
        raise LabError(f"The container image of Odoo {version} could not be made: {last_lines(done.stderr, 3)}")


def _import(base19: Path, base: Path, name: str, store: Path) -> None:
    """Everything mounted here goes with this process's namespace."""
    run(["mount", "-t", "tmpfs", "tmpfs", "/mnt"])
    for part in ("upper", "work", "root"):
        (Path("/mnt") / part).mkdir()
    root = Path("/mnt/root")
    run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={base19},upperdir=/mnt/upper,workdir=/mnt/work", root])
    for place in ("dev", "proc", "sys"):
        run(["mount", "--rbind", f"/{place}", root / place])
    run(["mount", "-t", "tmpfs", "tmpfs", root / "run"])
    (root / "store").mkdir()
    run(["mount", "--bind", store, root / "store"])
    tar = ["tar", "-C", os.fspath(base), "--numeric-owner", *(f"--exclude=./{path}" for path in LEFT_OUT), "-cf", "-"]
    podman = ["chroot", os.fspath(root), "podman", "--root=/store", "--runroot=/run/store", "--storage-driver=overlay"]
    archive = subprocess.Popen([*tar, "."], stdout=subprocess.PIPE)
    done = subprocess.run([*podman, "import", "--quiet", "-", name], stdin=archive.stdout, check=False)
    if archive.wait() or done.returncode:
        raise LabError(f"tar ended with {archive.returncode}, podman import with {done.returncode}.")
    run(["umount", root / "store/overlay"], check=False)


def remove_odoo(root: Path) -> None:
    """A host with containers has no Odoo of its own."""
    packages = root / "usr/lib/python3/dist-packages"
    for tree in (packages / "odoo", *packages.glob("odoo-*")):
        shutil.rmtree(tree)
    for file in ("usr/bin/odoo", "lib/systemd/system/odoo.service", "etc/init.d/odoo", "etc/odoo/odoo.conf"):
        (root / file).unlink(missing_ok=True)


def settings(root: Path, host: Host) -> None:
    """Write podman's own files."""
    text = _CONTAINERS_CONF.format(cgroups=host.podman.get("cgroups", "systemd"))
    write_file(root / "etc/containers/containers.conf", text)
    write_file(root / "etc/containers/storage.conf", _STORAGE_CONF)


def unit(host: Host, commands: Sequence[tuple[Server, str]]) -> str:
    """The unit's text, for servers and their command lines inside the container."""
    lines = []
    for server, command in commands:
        known = f"podman container exists {server.program}"
        lines.append(
            f"ExecStart=/bin/sh -c '{known} && exec podman start {server.program}; exec {_run(host, server, command)}'"
        )
        lines.append(f"ExecStop=/usr/bin/podman stop {server.program}")
    return f"""\
[Unit]
Description=Starts the containers in which Odoo runs
After=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
{chr(10).join(lines)}

[Install]
WantedBy=multi-user.target
"""


def _run(host: Host, server: Server, command: str) -> str:
    words = ["podman", "run", "--detach", f"--name={server.program}", f"--restart={host.podman.get('restart', 'no')}"]
    words += [f"--volume={place}" for place in ("/etc/odoo:/etc/odoo:ro", "/opt/lab/addons:/opt/lab/addons:ro")]
    words += [f"--volume={place}:{place}" for place in ("/var/lib/odoo", "/var/log/odoo")]
    if host.setproctitle:
        words.append("--env=PYTHONPATH=/opt/lab/setproctitle")
    if host.podman.get("pid1") == "odoo":
        return " ".join([*words, "--user=odoo", image_name(host.version), command])
    return " ".join([*words, image_name(host.version), "runuser -u odoo --", command])


def main() -> int:
    """Entry for the isolated child process."""
    base19, base, name, store = sys.argv[1:]
    try:
        _import(Path(base19), Path(base), name, Path(store))
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
