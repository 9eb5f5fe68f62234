# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manage the folder of a run of diagnostics on the controller. No host is contacted."""

from __future__ import annotations

import calendar
import json
import os
import platform
import re
import time
import typing as t

from ansible.plugins.action import ActionBase
from ansible.release import __version__ as ansible_version
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import bundle as _codes
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import option
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from ansible_collections.fleetops.odoo.plugins.plugin_utils._runs.deliver import delivery
from ansible_collections.fleetops.odoo.plugins.plugin_utils._runs.run_folder import begin, pack, retire
from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import failed

_SPEC: dict[str, dict[str, t.Any]] = {
    "state": {"type": "str", "choices": ["begun", "packed"], "required": True},
    "report_dir": {"type": "path", "required": True},
    "run": {"type": "str"},
    "deliver": {"type": "str", "default": "controller"},
    "min_free": {"type": "int", "default": 500},
    "keep": {"type": "int", "default": 20},
    "hosts": {"type": "dict", "default": {}},
    "options": {"type": "dict", "default": {}},
}
_STAMP = "%Y%m%dT%H%M%SZ"
_CLOCK = "%Y-%m-%dT%H:%M:%SZ"
_COLLECTION = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class ActionModule(ActionBase):
    """Work in this process, without an interpreter or rights on any host."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the plugin."""
        super().run(tmp, task_vars)
        del tmp
        _result, given = self.validate_argument_spec(argument_spec=_SPEC)
        for name in ("min_free", "keep"):
            if given[name] < 0:
                return failed(option.OUT_OF_RANGE(option=name, least=0, most="any number", value=given[name]))
        try:
            if given["state"] == "begun":
                return self._begun(given, task_vars or {})
            return self._packed(given)
        except Refused as exc:
            return failed(exc.problem)
        except OSError as exc:
            return failed(option.NOT_WRITABLE(option="report_dir", path=given["report_dir"], error=exc))

    def _begun(self, given: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        hosts = {host for names in variables.get("groups", {}).values() for host in names}
        place = delivery(given["deliver"], hosts)
        run = begin(given["report_dir"], time.strftime(_STAMP, time.gmtime()), given["min_free"] << 20)
        return {
            "changed": False,
            "run": run,
            "folder": os.path.join(given["report_dir"], run),
            "deliver": place,
        }

    def _packed(self, given: dict[str, t.Any]) -> dict[str, t.Any]:
        run = given["run"] or ""
        folder = os.path.join(given["report_dir"], run)
        stamp = re.fullmatch(r"(\w+)(?:-\d+)?", run)
        try:
            moment = calendar.timegm(time.strptime(stamp.group(1) if stamp else "", _STAMP))
        except ValueError as exc:
            raise Refused(_codes.NOT_A_RUN(value=run)) from exc
        if self._task.check_mode:
            return {"changed": False, "skipped": True}
        about = {
            "began": time.strftime(_CLOCK, time.gmtime(moment)),
            "ended": time.strftime(_CLOCK, time.gmtime()),
            "versions": {
                "collection": _collection_version(),
                "ansible": ansible_version,
                "python": platform.python_version(),
            },
            "options": given["options"],
            "hosts": given["hosts"],
        }
        done = pack(folder, about, moment)
        return {
            "changed": False,
            "archive": done.archive,
            "size": done.size,
            "sha256": done.sha256,
            "unsafe": done.unsafe,
            "retired": retire(given["report_dir"], given["keep"], run),
        }


def _collection_version() -> str | None:
    """Return the version of the installed collection, or of a checkout."""
    try:
        with open(os.path.join(_COLLECTION, "MANIFEST.json"), encoding="utf-8") as file:
            return str(json.load(file)["collection_info"]["version"])
    except (OSError, ValueError, KeyError):
        pass
    try:
        with open(os.path.join(_COLLECTION, "galaxy.yml"), encoding="utf-8") as file:
            lines = [line.partition(":") for line in file]
    except OSError:
        return None
    return next((value.strip() for key, _colon, value in lines if key == "version"), None)
