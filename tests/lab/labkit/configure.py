# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the configuration of a host before it boots: names, keys, users, odoo.conf, the way Odoo starts."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from . import venv, ways
from .fleet import Host, Server
from .paths import LAB_DIR, Lab
from .shell import write_file
from .templates import SECRET

ADMIN_SECRET = "LAB-SECRET-admin-passwd"
_DIST = "usr/lib/python3/dist-packages"


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


def account(root: Path, user: str) -> tuple[int, int]:
    """A user's uid and gid inside the root."""
    for line in (root / "etc/passwd").read_text(encoding="utf-8").splitlines():
        fields = line.split(":")
        if fields[0] == user:
            return int(fields[2]), int(fields[3])
    raise KeyError(user)


def odoo(root: Path, host: Host, database_address: str, filestore: Path, accounts: Path) -> None:
    """Everything about Odoo on one host; `accounts` is the root in which Odoo's users are."""
    shutil.copytree(LAB_DIR / "addons", root / "opt/lab/addons", ignore=shutil.ignore_patterns("__pycache__"))
    for server in host.servers:
        if server.user != "odoo":
            _add_user(root, server.user, server.data_dir)
        owner = account(accounts, server.user)
        write_file(_in(root, server.config), odoo_conf(host, server, database_address), 0o640, owner)
        data = _in(root, server.data_dir)
        if filestore.is_dir():
            shutil.copytree(filestore, data / "filestore" / host.label(server))
        data.mkdir(exist_ok=True)
        for path in (data, *data.rglob("*")):
            os.chown(path, *owner)
        if server.log == "file" and server.name:
            write_file(_in(root, server.log_file), "", 0o640, owner)
    if any(server.user != "odoo" for server in host.servers):
        (root / "var/log/odoo").chmod(0o755)
    if accounts != root:
        os.chown(root / "var/log/odoo", *account(accounts, "odoo"))
    if host.setproctitle and not host.in_container:
        if host.from_source:
            (packages,) = (root / venv.VENV.lstrip("/")).glob("lib/python3.*/site-packages")
        else:
            packages = venv.venv_packages(root, host.version) if host.in_venv else root / _DIST
        shutil.copytree(root / "opt/lab/setproctitle", packages, dirs_exist_ok=True)
    ways.install(root, host)


def _in(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def _add_user(root: Path, name: str, home: str) -> None:
    """A service's own user and group, in the plain files of the root."""
    try:
        account(root, name)
    except KeyError:
        number = 2000 + len((root / "etc/passwd").read_text(encoding="utf-8").splitlines())
        for file, line in (
            ("passwd", f"{name}:x:{number}:{number}::{home}:/usr/sbin/nologin"),
            ("group", f"{name}:x:{number}:"),
            ("shadow", f"{name}:!:19000::::::"),
        ):
            with (root / "etc" / file).open("a", encoding="utf-8") as handle:
                handle.write(f"{line}\n")


def odoo_conf(host: Host, server: Server, database_address: str) -> str:
    """The text of odoo.conf; the server's own `conf` wins over everything."""
    database = host.label(server)
    ports = {"http_port": str(server.port), host.gevent_option: str(server.gevent_port)} if server.name else {}
    options: dict[str, str] = {
        "addons_path": "/opt/lab/addons",
        "admin_passwd": ADMIN_SECRET,
        "data_dir": server.data_dir,
        "db_host": database_address,
        "db_port": "5432",
        "db_user": "odoo",
        "db_password": SECRET,
        # Without a dbfilter: with one Odoo lists the databases for each request that has no session, by a connection of
        # its own, which is two thirds of what /web/health costs.
        "db_name": database,
        "list_db": "False",
        "http_interface": "0.0.0.0",
        "proxy_mode": "True",
        "workers": str(server.workers),
        "max_cron_threads": str(server.max_cron_threads),
        **ports,
        **server.conf,
    }
    return "[options]\n" + "".join(f"{key} = {value}\n" for key, value in options.items())
