# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose Odoo runs in containers of docker: Debian's own docker.io, and the image of the containers.

Only a fleet with such a host needs the packages, so they are a layer of their own and not in the base image. A host
has the image as a tarball, which its docker imports at the first boot.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from .containers import IMAGES, LEFT_OUT, image_name, remove_odoo
from .errors import LabError
from .fleet import Host, Server
from .mirror import find_mirror
from .recipe import RECIPES
from .shell import run, write_file

#: dumb-init is another first process of containers, beside the tini that comes with docker.io.
PACKAGES = ("docker.io", "dumb-init")
#: On the disk of the machine: an overlay cannot be the writable layer of another one.
_STORE = "/var/lib/containers/docker"


def install(root: Path) -> None:
    """Install docker in the root of a host of Odoo 19, and remove the Odoo there. Needs the mirror."""
    work = root / "var/tmp/docker"  # on the disk, and gone at the end
    recipe = RECIPES["odoo19"]
    mirror = find_mirror()
    for part in ("lists/partial", "cache/archives/partial", "download"):
        (work / part).mkdir(parents=True)
    (work / "sources.list").write_text(mirror.source(recipe.suite) + "\n", encoding="utf-8")
    # Odoo itself is installed without what it depends on, which apt would want to mend first.
    known = (root / "var/lib/dpkg/status").read_text(encoding="utf-8")
    (work / "status").write_text(_without(known, recipe.odoo_package), encoding="utf-8")
    options = [
        f"Dir::State::Lists={work}/lists",
        f"Dir::State::status={work}/status",
        f"Dir::Cache={work}/cache",
        f"Dir::Etc::SourceList={work}/sources.list",
        "Dir::Etc::SourceParts=/dev/null",
        "Acquire::Languages=none",
        "Acquire::Check-Valid-Until=false",
        "Acquire::Check-Date=false",
        "APT::Sandbox::User=root",
    ]
    apt = ["apt-get", *(word for option in options for word in ("-o", option)), "-qq", "-y", "--no-install-recommends"]
    run([*apt, "update"])
    run([*apt, "--download-only", "install", *PACKAGES])
    found = sorted((work / "cache/archives").glob("*.deb"))
    if not found:
        raise LabError(f"apt has downloaded none of {', '.join(PACKAGES)}.")
    inside = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--net", f"--root={root}", "--mount-proc"]
    refuse = root / "usr/sbin/policy-rc.d"
    write_file(refuse, "#!/bin/sh\nexit 101\n", 0o755)
    try:
        files = [f"/{path.relative_to(root)}" for path in found]
        run([*inside, "dpkg", "--force-unsafe-io", "--force-depends", "--install", *files])
    finally:
        refuse.unlink()
        run(["rm", "-r", os.fspath(work)])
    remove_odoo(root)


def _without(status: str, package: str) -> str:
    """Return dpkg's list of packages without one of them."""
    kept = [one for one in status.split("\n\n") if not re.match(rf"Package: {re.escape(package)}$", one, re.MULTILINE)]
    return "\n\n".join(kept)


def make_tarball(base: Path, version: str, part: Path) -> None:
    """Write the tarball of the image of a base to part/tree."""
    target = part / "tree" / _tarball(version)
    target.parent.mkdir(parents=True)
    left_out = [f"--exclude=./{path}" for path in LEFT_OUT]
    run(["tar", "-C", os.fspath(base), "--numeric-owner", *left_out, "-cf", os.fspath(target), "."])


def _tarball(version: str) -> str:
    return f"{IMAGES}/odoo{version}.tar"


def settings(root: Path, host: Host) -> None:
    """Write docker's own file."""
    content = {
        "data-root": _STORE,
        "storage-driver": "overlay2",
        "exec-opts": [f"native.cgroupdriver={host.docker.get('cgroups', 'systemd')}"],
    }
    write_file(root / "etc/docker/daemon.json", json.dumps(content, indent=1) + "\n")


def unit(host: Host, commands: Sequence[tuple[Server, str]]) -> str:
    """The unit's text, for servers and their command lines inside the container."""
    image = image_name(host.version)
    lines = [f"/bin/sh -c 'docker image inspect {image} >/dev/null || docker import /{_tarball(host.version)} {image}'"]
    for server, command in commands:
        known = f"docker container inspect {server.program} >/dev/null"
        lines.append(f"/bin/sh -c '{known} && exec docker start {server.program}; exec {_run(host, server, command)}'")
    starts = "\n".join(f"ExecStart={line}" for line in lines)
    return f"""\
[Unit]
Description=Starts the containers in which Odoo runs
After=docker.service
Requires=docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=180
{starts}

[Install]
WantedBy=multi-user.target
"""


def run_options(host: Host, server: Server) -> list[str]:
    """Return the options of `docker run` for a server; each is a service of one compose project."""
    labels = {"project": "shop", "service": server.program, "container-number": "1"}
    words = [f"--label=com.docker.compose.{key}={value}" for key, value in labels.items()]
    words += [f"--volume={place}" for place in ("/etc/odoo:/etc/odoo:ro", "/opt/lab/addons:/opt/lab/addons:ro")]
    words += [f"--volume={place}:{place}" for place in ("/var/lib/odoo", "/var/log/odoo")]
    if host.docker.get("network") == "host":
        words.append("--network=host")
    else:
        words += [f"--publish={port}:{port}" for port in (server.port, server.gevent_port)]
    if host.docker.get("pid1") != "odoo":
        words.append("--init")
    if host.setproctitle:
        words.append("--env=PYTHONPATH=/opt/lab/setproctitle")
    return [*words, "--user=odoo"]


def _run(host: Host, server: Server, command: str) -> str:
    words = ["docker", "run", "--detach", f"--name={server.program}", f"--restart={host.docker.get('restart', 'no')}"]
    return " ".join([*words, *run_options(host, server), image_name(host.version), command])
