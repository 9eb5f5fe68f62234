# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The core's coverage as a table, and whether it is enough. Its argument is what `coverage json` wrote."""

from __future__ import annotations

import json
import pathlib
import sys
import typing as t

#: Percent of the core's lines that the tests must run.
ENOUGH = 95.0
#: What runs on hosts and decides there. The rest is told without being asked for.
CORE = "plugins/module_utils/"

Summary = t.Dict[str, t.Any]


def percent(part: int, whole: int) -> float:
    """A share; all of nothing is all."""
    return 100.0 * part / whole if whole else 100.0


def row(name: str, summary: Summary, missing: str = "") -> str:
    """One line of the table."""
    lines = percent(summary["covered_lines"], summary["num_statements"])
    branches = percent(summary["covered_branches"], summary["num_branches"])
    counted = f"{summary['num_statements']:6d} {lines:6.1f} {summary['num_branches']:8d} {branches:6.1f}"
    return f"{name:36s} {counted}  {missing}".rstrip()


def total(summaries: t.Iterable[Summary]) -> Summary:
    """The sum of files."""
    keys = ("covered_lines", "num_statements", "covered_branches", "num_branches")
    listed = list(summaries)
    return {key: sum(summary[key] for summary in listed) for key in keys}


def main(path: str) -> int:
    """Print the table; 1 if the core has too little."""
    files = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))["files"]
    groups: dict[str, dict[str, t.Any]] = {}
    for name, file in sorted(files.items()):
        groups.setdefault(name.rpartition("/")[0] + "/", {})[name.rpartition("/")[2]] = file
    print(f"{'':36s}  lines      % branches      %  lines that no test ran")
    core_files = {name.removeprefix(CORE): file for name, file in sorted(files.items()) if name.startswith(CORE)}
    for name, file in core_files.items():
        print(row(name, file["summary"], ", ".join(spans(file["missing_lines"]))))
    for directory, members in groups.items():
        print(row(directory, total(file["summary"] for file in members.values())))
    core = total(file["summary"] for file in core_files.values())
    got = percent(core["covered_lines"], core["num_statements"]) if core["num_statements"] else 0.0
    print(f"\nthe core: {got:.2f} % of its lines, and {ENOUGH:.0f} % are asked for")
    return int(got < ENOUGH)


def spans(lines: t.Sequence[int]) -> list[str]:
    """Lines as "3-5, 9"."""
    found: list[list[int]] = []
    for line in lines:
        if found and line == found[-1][1] + 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    return [str(first) if first == last else f"{first}-{last}" for first, last in found]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
