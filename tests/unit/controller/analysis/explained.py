# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of dumps of several hosts."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack import Dump
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.analyse import analyse
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.work import Source


def explained(*dumps: t.Sequence[Dump], **more: t.Any) -> dict[str, t.Any]:
    """The report of the dumps of one host and further ones."""
    report = analyse([Source(f"h{number}", one) for number, one in enumerate(dumps, 1)], **more)
    json.dumps(report, allow_nan=False)
    assert len(report["lines"]) >= 3
    return report
