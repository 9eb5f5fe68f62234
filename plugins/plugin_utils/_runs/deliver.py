# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Parse the destination of the archive of a run. Pure."""

from __future__ import annotations

import typing as t
import urllib.parse

from ...module_utils._messages import bundle as _codes
from ...module_utils._system.errors import Refused
from ...module_utils._system.redact import HIDDEN

CONTROLLER, HOST, HTTP_PUT = "controller", "host", "http_put"


def delivery(text: t.Any, hosts: t.Collection[str]) -> dict[str, t.Any]:
    """Return the place that ``deliver`` names, as ``kind``, ``host``, ``path``, and ``shown`` without secrets.

    :param text: ``controller``, ``HOST:/PATH`` or ``http_put:URL``.
    :param hosts: of the inventory.
    :raises Refused: the destination has another form.
    """
    if not isinstance(text, str):
        raise Refused(_codes.BAD_DELIVERY(value=repr(text)))
    kind, _colon, rest = text.partition(":")
    if text == CONTROLLER:
        return {"kind": CONTROLLER, "host": None, "path": None, "shown": "the controller"}
    if kind == HTTP_PUT:
        return _url(rest)
    if not rest.startswith("/") or "/../" in rest + "/":
        raise Refused(_codes.BAD_DELIVERY(value=repr(_safe(text))))
    if kind not in hosts:
        raise Refused(_codes.UNKNOWN_HOST(value=kind))
    path = rest.rstrip("/") or "/"
    return {"kind": HOST, "host": kind, "path": path, "shown": f"{kind}:{path}"}


def _url(url: str) -> dict[str, t.Any]:
    try:
        parts = urllib.parse.urlsplit(url)
        name, _port = parts.hostname, parts.port
    except ValueError as exc:
        raise Refused(_codes.BAD_URL(value="a text that is not a URL")) from exc
    if parts.scheme not in ("http", "https") or not name:
        raise Refused(_codes.BAD_URL(value=f"the scheme {parts.scheme!r} and the host {name!r}"))
    netloc = parts.netloc.rpartition("@")[2]
    return {"kind": HTTP_PUT, "host": None, "path": None, "shown": f"{parts.scheme}://{netloc}{parts.path}"}


def _safe(text: str) -> str:
    head, at, tail = text.rpartition("@")
    return (HIDDEN + at + tail if at else head + tail)[:200]
