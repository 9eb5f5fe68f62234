# SPDX-License-Identifier: GPL-3.0-or-later
"""The Ansible inventory of a lab."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from . import balancer
from .fleet import UNIT_STARTS, Fleet, Host, Server
from .paths import Lab


def ssh_options(lab: Lab) -> list[str]:
    """Return the options of ssh for a lab host: its key changes with every `up`, and a dead host must be noticed."""
    return [
        *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"),
        *("-o", "ControlMaster=auto", "-o", "ControlPersist=60s", "-o", f"ControlPath={lab.control_dir}/%C"),
        *("-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3", "-o", "ConnectTimeout=10"),
    ]


def inventory(lab: Lab, fleet: Fleet, addresses: Mapping[str, str]) -> str:
    """The text of inventory.yml."""
    groups: dict[str, Any] = {"odoo": {"hosts": {}}}
    for host in fleet.hosts:
        groups["odoo"]["hosts"][host.name] = _odoo_vars(host, addresses[host.name])
        for group in (f"odoo{host.version}", host.mode, *(["balanced"] if host.balanced else [])):
            groups.setdefault(group, {"hosts": {}})["hosts"][host.name] = None
    groups["database"] = {"hosts": {"db": {"ansible_host": addresses["db"]}}}
    if fleet.balancer:
        groups["balancer"] = {
            "hosts": {
                "lb": {
                    "ansible_host": addresses["lb"],
                    "lab_url": f"http://{addresses['lb']}",
                    "lab_haproxy_socket": balancer.SOCKET,
                    "lab_haproxy_backend": "odoo",
                }
            }
        }
    everything = {
        "all": {
            "vars": {
                "ansible_user": "root",
                "ansible_ssh_private_key_file": str(lab.key),
                "ansible_ssh_common_args": " ".join(ssh_options(lab)),
                "ansible_python_interpreter": "/usr/bin/python3",
                "lab_name": lab.name,
                "lab_dir": str(lab.dir),
            },
            "children": groups,
        }
    }
    head = f"# Written by `lab up` for the lab {lab.name}; gone with `lab down`.\n"
    return head + yaml.safe_dump(everything, sort_keys=False)


def _odoo_vars(host: Host, address: str) -> dict[str, Any]:
    common = {
        "ansible_host": address,
        "lab_version": host.version,
        "lab_start": host.start,
        "lab_setproctitle": host.setproctitle,
        "lab_health_path": host.health_path,
    }
    if host.instances:
        return {**common, "lab_instances": [{"name": s.name, **_server_vars(host, s)} for s in host.servers]}
    return {**common, **{f"lab_{key}": value for key, value in _server_vars(host, host.servers[0]).items()}}


def _server_vars(host: Host, server: Server) -> dict[str, Any]:
    return {
        "mode": server.mode,
        "workers": server.workers,
        "max_cron_threads": server.max_cron_threads,
        "http_port": server.port,
        "gevent_port": server.gevent_port,
        "database": host.label(server),
        "user": server.user,
        "config": server.config,
        "data_dir": server.data_dir,
        "log": server.log,
        "log_file": server.log_file if server.log == "file" else None,
        "service": server.service if host.start in UNIT_STARTS else None,
        "program": server.program if host.start == "supervisord" else None,
        "container": server.program if host.in_container else None,
    }
