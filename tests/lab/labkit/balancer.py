# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy in front of the fleet, as one would set it up for Odoo."""

from __future__ import annotations

from collections.abc import Sequence

from .fleet import Host

STATS_PORT = 8404
SOCKET = "/run/haproxy/admin.sock"


def haproxy_conf(hosts: Sequence[tuple[Host, str]]) -> str:
    """The text of haproxy.cfg for hosts and their addresses."""
    # A test that needs a request on one certain host sends its name along.
    wishes = "\n".join(
        f"    use-server {host.label(server)} if {{ req.hdr(X-Lab-Server) -m str {host.label(server)} }}"
        for host, _address in hosts
        for server in host.servers
    )
    # HTTP/1.1 with a Host header: Odoo 19 answers 500 to a check without one. 14 has no /web/health.
    health = "/web/health" if all(host.health_path == "/web/health" for host, _address in hosts) else "/web/login"
    servers = "\n".join(
        f"    server {host.label(server)} {address}:{server.port} check"
        for host, address in hosts
        for server in host.servers
    )
    return f"""\
global
    log stdout format raw local0
    stats socket {SOCKET} user root group root mode 600 level admin
    stats timeout 30s
    maxconn 2000

defaults
    mode http
    log global
    option httplog
    option dontlognull
    option forwardfor
    option redispatch
    retries 3
    timeout connect 5s
    timeout client 130s
    timeout server 130s
    timeout queue 30s
    timeout check 3s

frontend web
    bind :80
    default_backend odoo

backend odoo
    balance roundrobin
    option httpchk
    http-check send meth GET uri {health} ver HTTP/1.1 hdr Host lab.internal
    http-check expect status 200
    default-server inter 1s fastinter 500ms downinter 500ms fall 2 rise 1
{wishes}
{servers}

frontend stats
    bind :{STATS_PORT}
    stats enable
    stats uri /
    stats refresh 2s
"""
