# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx in front of the fleet, beside HAProxy, as one would set it up for Odoo."""

from __future__ import annotations

from collections.abc import Sequence

from .fleet import Host

PORT = 81
CONFIG = "etc/nginx/conf.d/odoo.conf"
#: Debian's own site, on the port of HAProxy.
DEFAULT_SITE = "etc/nginx/sites-enabled/default"


def nginx_conf(hosts: Sequence[tuple[Host, str]]) -> str:
    """The text of a file of conf.d for hosts and their addresses."""
    servers = [(server, address) for host, address in hosts for server in host.servers]
    http = "\n".join(f"    server {address}:{server.port};" for server, address in servers)
    # A threaded server has its websockets on its http port.
    evented = "\n".join(
        f"    server {address}:{server.gevent_port if server.workers else server.port};" for server, address in servers
    )
    return f"""\
# Odoo
upstream odoo {{
{http}
}}

upstream odoo_gevent {{
{evented}
}}

map $http_upgrade $connection_upgrade {{
    default upgrade;
    ''      close;
}}

server {{
    listen {PORT};
    client_max_body_size 100m;
    proxy_connect_timeout 5s;
    proxy_read_timeout 130s;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;

    location / {{
        proxy_pass http://odoo;
    }}
    location ~ ^/(websocket|longpolling) {{
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_pass http://odoo_gevent;
    }}
}}
"""
