# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written into a host's root before it boots: names, keys, odoo.conf, unit drop-ins, the virtualenv."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from .fleet import Host
from .paths import LAB_DIR, Lab
from .shell import write_file
from .templates import SECRET

ADMIN_SECRET = "LAB-SECRET-admin-passwd"
_DIST = "usr/lib/python3/dist-packages"
_DROP_INS = "etc/systemd/system/odoo.service.d"
_OPTIONS = "--config /etc/odoo/odoo.conf"
_LOGFILE = "--logfile /var/log/odoo/odoo-server.log"
VENV = "/opt/odoo/venv"
SOURCE = "/opt/odoo/src"


def machine(lab: Lab, root: Path, name: str, addresses: Mapping[str, str]) -> None:
    """Name, hosts file, ssh: the same for Odoo's hosts and the service hosts."""
    write_file(root / "etc/hostname", f"{name}\n")
    lines = ["127.0.0.1 localhost", *(f"{address} {host}" for host, address in addresses.items())]
    write_file(root / "etc/hosts", "\n".join(lines) + "\n")
    identity = hashlib.md5(lab.machine(name).encode(), usedforsecurity=False).hexdigest()
    write_file(root / "etc/machine-id", f"{identity}\n", 0o444)
    write_file(root / "etc/ssh/sshd_config.d/lab.conf", "UseDNS no\nMaxStartups 200\nMaxSessions 200\n")
    public = lab.key.with_suffix(".pub").read_text(encoding="ascii")
    for home, user in (("root", "root"), ("home/ops", "ops")):
        owner = account(root, user)
        directory = root / home / ".ssh"
        directory.mkdir(mode=0o700, exist_ok=True)
        os.chown(directory, *owner)
        write_file(directory / "authorized_keys", public, 0o600, owner)


def enable(root: Path, unit: str) -> None:
    """As `systemctl enable` for a unit of multi-user.target."""
    link = root / "etc/systemd/system/multi-user.target.wants" / unit
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(f"/lib/systemd/system/{unit}")


def account(root: Path, user: str) -> tuple[int, int]:
    """A user's uid and gid inside the root."""
    for line in (root / "etc/passwd").read_text(encoding="utf-8").splitlines():
        fields = line.split(":")
        if fields[0] == user:
            return int(fields[2]), int(fields[3])
    raise KeyError(user)


def odoo(root: Path, host: Host, database_address: str, filestore: Path) -> None:
    """Everything about Odoo on one host; Debian's own unit stays, the rest are drop-ins."""
    owner = account(root, "odoo")
    write_file(root / "etc/odoo/odoo.conf", odoo_conf(host, database_address), 0o640, owner)
    for name, text in drop_ins(host).items():
        write_file(root / _DROP_INS / name, text)
    shutil.copytree(LAB_DIR / "addons", root / "opt/lab/addons", ignore=shutil.ignore_patterns("__pycache__"))
    if filestore.is_dir():
        target = root / "var/lib/odoo/filestore" / host.name
        shutil.copytree(filestore, target)
        for path in (target.parent, target, *target.rglob("*")):
            os.chown(path, *owner)
    if host.setproctitle:
        packages = root / _DIST if host.start == "package" else venv_packages(root, host.version)
        shutil.copytree(root / "opt/lab/setproctitle", packages, dirs_exist_ok=True)
    enable(root, "odoo.service")


def odoo_conf(host: Host, database_address: str) -> str:
    """The text of odoo.conf; the host's own `conf` wins over everything."""
    options: dict[str, str] = {
        "addons_path": "/opt/lab/addons",
        "admin_passwd": ADMIN_SECRET,
        "data_dir": "/var/lib/odoo",
        "db_host": database_address,
        "db_port": "5432",
        "db_user": "odoo",
        "db_password": SECRET,
        "db_name": host.name,
        "dbfilter": f"^{host.name}$",
        "list_db": "False",
        "http_interface": "0.0.0.0",
        "proxy_mode": "True",
        "workers": str(host.workers),
        "max_cron_threads": str(host.max_cron_threads),
        **host.conf,
    }
    return "[options]\n" + "".join(f"{key} = {value}\n" for key, value in options.items())


def drop_ins(host: Host) -> dict[str, str]:
    """The drop-in files of odoo.service, by name; none for an ordinary host."""
    command = "/usr/bin/odoo" if host.start == "package" else f"{VENV}/bin/python3 {SOURCE}/odoo-bin"
    logging = f" {_LOGFILE}" if host.log == "file" else ""
    files: dict[str, str] = {}
    if host.start != "package" or host.log != "file":
        files["10-start.conf"] = f"[Service]\nExecStart=\nExecStart={command} {_OPTIONS}{logging}\n"
    if host.start == "venv-on-path":
        path = f"{VENV}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        files["20-path.conf"] = f"[Service]\nEnvironment=PATH={path}\n"
    if host.unit:
        files["30-unit.conf"] = "[Service]\n" + "".join(f"{key}={value}\n" for key, value in host.unit.items())
    return files


def venv_packages(root: Path, version: str) -> Path:
    """The site-packages of the host's virtualenv."""
    python = {"19": "python3.11", "14": "python3.9"}[version]
    return root / VENV.lstrip("/") / "lib" / python / "site-packages"


def move_into_venv(root: Path, version: str) -> None:
    """Turn a Debian installation into a hand-made one: source in /opt/odoo/src, dependencies in a virtualenv.

    Afterwards the system's Python can import neither Odoo nor psycopg2; psutil it keeps, as Ansible's modules need it.
    """
    packages = venv_packages(root, version)
    packages.mkdir(parents=True)
    binaries = root / VENV.lstrip("/") / "bin"
    binaries.mkdir()
    for name in ("python3", "python"):
        (binaries / name).symlink_to("/usr/bin/python3" if name == "python3" else "python3")
    write_file(root / VENV.lstrip("/") / "pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = false\n")
    source = root / SOURCE.lstrip("/")
    source.mkdir()
    for item in sorted((root / _DIST).iterdir()):
        if item.name.startswith("psutil"):
            copy = shutil.copytree if item.is_dir() else shutil.copy2
            copy(item, packages / item.name)
        elif item.name == "odoo":
            shutil.move(item, source / "odoo")
        elif not item.name.startswith(("odoo-", "__pycache__")):
            shutil.move(item, packages / item.name)
        else:
            shutil.rmtree(item)
    script = source / "odoo-bin"
    shutil.move(root / "usr/bin/odoo", script)
    text = script.read_text(encoding="utf-8").split("\n", 1)[1]
    script.write_text(f"#!/usr/bin/env python3\n{text}", encoding="utf-8")
