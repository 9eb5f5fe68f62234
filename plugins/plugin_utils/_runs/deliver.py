# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Where the archive of a run is to go. Pure."""

from __future__ import annotations

import typing as t
import urllib.parse

from ...module_utils._system.redact import HIDDEN

CONTROLLER, HOST, HTTP_PUT = "controller", "host", "http_put"
_RIGHT = (
    "right is controller, a host of the inventory and a folder there as in backup1:/srv/dumps, or http_put:https://…"
)


class BadDelivery(Exception):
    """It names no place. The message begins with the name of the option."""


def delivery(text: t.Any, hosts: t.Collection[str]) -> dict[str, t.Any]:
    """What is written for a place, as ``kind``, ``host``, ``path``, and ``shown``, which has no secret in it.

    :param text: ``controller``, ``HOST:/PATH`` or ``http_put:URL``.
    :param hosts: of the inventory.
    :raises BadDelivery: it is none of these.
    """
    if not isinstance(text, str):
        raise BadDelivery(f"deliver: {text!r} is no text; {_RIGHT}")
    kind, _colon, rest = text.partition(":")
    if text == CONTROLLER:
        return {"kind": CONTROLLER, "host": None, "path": None, "shown": "the controller"}
    if kind == HTTP_PUT:
        return _url(rest)
    if not rest.startswith("/") or "/../" in rest + "/":
        raise BadDelivery(f"deliver: {_safe(text)!r} names no place; {_RIGHT}")
    if kind not in hosts:
        raise BadDelivery(f"deliver: the inventory has no host {kind!r}; {_RIGHT}")
    path = rest.rstrip("/") or "/"
    return {"kind": HOST, "host": kind, "path": path, "shown": f"{kind}:{path}"}


def _url(url: str) -> dict[str, t.Any]:
    try:
        parts = urllib.parse.urlsplit(url)
        name, _port = parts.hostname, parts.port
    except ValueError as exc:
        raise BadDelivery(
            "deliver: what follows http_put: is no URL; right is one like https://files.example.com/"
        ) from exc
    if parts.scheme not in ("http", "https") or not name:
        raise BadDelivery(
            f"deliver: the URL behind http_put: has the scheme {parts.scheme!r} and the host {name!r}; right is one"
            " like https://files.example.com/"
        )
    netloc = parts.netloc.rpartition("@")[2]
    return {"kind": HTTP_PUT, "host": None, "path": None, "shown": f"{parts.scheme}://{netloc}{parts.path}"}


def _safe(text: str) -> str:
    head, at, tail = text.rpartition("@")
    return (HIDDEN + at + tail if at else head + tail)[:200]
