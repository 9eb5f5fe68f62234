# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Who keeps a server running, as its cgroup tells. Pure."""

from __future__ import annotations

import re
import typing as t

_UNIT = re.compile(r"/([^/]+\.service)(?=/|$)")
_CONTAINER = re.compile(r"(?:^|/)(?:docker[-/]|libpod-|cri-containerd-|crio-|lxc[./])")


def supervisor(cgroup: str) -> t.Tuple[str, t.Optional[str]]:
    """Kind (``systemd``, ``container`` or ``none``) and unit of what a process runs under."""
    if _CONTAINER.search(cgroup):
        return "container", None
    units = _UNIT.findall(cgroup)
    # A shell of a login session stands under user@UID.service, or in a scope: nobody would start Odoo again there.
    if units and not re.match(r"^user@\d+\.service$", units[-1]) and not cgroup.endswith(".scope"):
        return "systemd", units[-1]
    return "none", None
