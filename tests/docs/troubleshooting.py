# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write docs/troubleshooting.md from the table of codes: python -m tests.docs.troubleshooting."""

from __future__ import annotations

import importlib
import inspect
import pathlib
import re

from ansible_collections.fleetops.odoo.plugins.module_utils._messages import code as code_file
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.code import Code

HERE = pathlib.Path(__file__).parent
TARGET = HERE.parents[1] / "docs" / "troubleshooting.md"
#: Groups in the order of the page, and their headings.
GROUPS = {
    "option": "Options and variables",
    "host": "Hosts",
    "refused": "Refused by a rule",
    "rehearsal": "Refused by the start-up check",
    "supervisor": "systemd, supervisord, containers",
    "timeout": "Timeouts",
    "failed": "Failures",
    "dump": "Stack dumps, statistics, logs, PostgreSQL",
    "bundle": "Bundles and runs of the diagnostics",
    "roll": "Rolls and load balancers",
    "awx": "AWX",
}


def shown(text: str) -> str:
    """Return a sentence with its placeholders as a reader sees them.

    >>> shown("pid {pid:d} has {name!r}")
    'pid <pid> has <name>'
    """
    return re.sub(r"\{(\w+)[^{}]*\}", lambda match: f"<{match[1].replace('_', ' ')}>", text)


def page() -> str:
    """Return the page."""
    lines = [(HERE / "troubleshooting.begin.md").read_text(encoding="utf-8").rstrip()]
    for group, heading in GROUPS.items():
        module = importlib.import_module(f"{code_file.__package__}.{group}")
        codes = [value for value in vars(module).values() if isinstance(value, Code)]
        lines += ["", f"## {heading}", "", inspect.getdoc(module) or ""]
        for code in sorted(codes, key=lambda one: one.name):
            lines += ["", f"### {code.name}", "", f"> {shown(code.sentence)}"]
            if code.remedy and code.remedy != "{remedy}":
                lines += ["", shown(code.remedy)]
    lines += ["", (HERE / "troubleshooting.end.md").read_text(encoding="utf-8").rstrip()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page, if it differs."""
    made = page()
    if TARGET.read_text(encoding="utf-8") != made:
        TARGET.write_text(made, encoding="utf-8")
        print("docs/troubleshooting.md")


if __name__ == "__main__":
    main()
