# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The option ``health`` of the modules that ask servers for it."""

from __future__ import annotations

import re
import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._messages import option
from .._server.health import HealthCheck
from .common import fail
from .numbers import bad_timeout

#: What http.client would refuse is refused here: by then a signal may have been sent.
_URL_PATH = re.compile(r"/[\x21-\x7e]*\Z")
_HOST = re.compile(r"[\x21-\x7e]+\Z")
#: The option of every module that asks servers for their health.
HEALTH_SPEC: t.Dict[str, t.Any] = {
    "health": {
        "type": "dict",
        "default": {},
        "options": {
            "enabled": {"type": "bool", "default": True},
            "path": {"type": "str"},
            "port": {"type": "int"},
            "address": {"type": "str"},
            "host": {"type": "str", "default": "localhost"},
            "status": {"type": "list", "elements": "int", "default": [200]},
            "timeout": {"type": "float", "default": 10.0},
        },
    },
}


def health_of(module: AnsibleModule, given: t.Optional[t.Dict[str, t.Any]]) -> t.Optional[HealthCheck]:
    """Return the option ``health``; None if no request is wanted. A bad value ends the module."""
    given = {key: value for key, value in (given or {}).items() if value is not None}
    if not given.pop("enabled", True):
        return None
    if not _URL_PATH.match(given.get("path", "/")):
        fail(module, option.NOT_A_URL_PATH(option="health.path", value=given["path"]))
    for name in ("address", "host"):
        if not _HOST.match(given.get(name, "localhost")):
            fail(module, option.NOT_A_HOST(option="health." + name, value=given[name]))
    if not 0 < given.get("port", 1) < 65536:
        fail(module, option.OUT_OF_RANGE(option="health.port", least=1, most=65535, value=given["port"]))
    problem = bad_timeout("health.timeout", given.get("timeout", 1))
    if problem:
        fail(module, problem)
    if "status" in given:
        given["status"] = _status_of(module, given["status"])
    return HealthCheck(**given)


def _status_of(module: AnsibleModule, given: t.List[int]) -> t.Tuple[int, ...]:
    if not given:
        fail(module, option.NO_STATUS(option="health.status"))
    for status in given:
        if not 100 <= status <= 599:
            fail(module, option.OUT_OF_RANGE(option="health.status", least=100, most=599, value=status))
    return tuple(given)
