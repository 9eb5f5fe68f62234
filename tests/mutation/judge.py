# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counts what mutmut found, and names the mutants that no test noticed and that equivalent.toml does not explain.

Run in the directory that mutmut worked in; its argument is equivalent.toml. With --again instead it has mutmut try the
survivors of before once more, since tests may have come.
"""

from __future__ import annotations

import collections
import json
import pathlib
import subprocess
import sys
import tomllib
import typing as t

#: mutmut's exit codes. Every other end of a test run means that the tests noticed.
SURVIVED, UNTESTED = (0,), (5, 33)
#: What was never tried, or was interrupted.
UNTRIED = (None, 2, -2)


class Mutant(t.NamedTuple):
    """A mutant that survived: its function, and the lines that it brings."""

    where: str
    becomes: str


def outcomes() -> t.Iterator[tuple[str, str, t.Any]]:
    """File, name and exit code of every mutant."""
    for meta in sorted(pathlib.Path("mutants").rglob("*.py.meta")):
        for name, code in json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"].items():
            yield meta.name[: -len(".py.meta")], name, code


def survivor(name: str) -> Mutant:
    """A mutant."""
    shown = subprocess.run(["mutmut", "show", name], check=True, capture_output=True, text=True).stdout
    added = [line[1:].strip() for line in shown.splitlines() if line.startswith("+") and not line.startswith("+++")]
    return Mutant(name.partition("module_utils.")[2].partition("__mutmut")[0], " ".join(added))


def again() -> int:
    """Forget who survived, and which test calls what."""
    for meta in pathlib.Path("mutants").rglob("*.py.meta"):
        content = json.loads(meta.read_text(encoding="utf-8"))
        codes = content["exit_code_by_key"]
        codes.update({name: None for name, code in codes.items() if code in SURVIVED or code in UNTESTED})
        meta.write_text(json.dumps(content), encoding="utf-8")
    pathlib.Path("mutants/mutmut-stats.json").unlink(missing_ok=True)
    return 0


def main(explained: str) -> int:
    """Print the table; 1 if a survivor is not explained."""
    listed = tomllib.loads(pathlib.Path(explained).read_text(encoding="utf-8"))["equivalent"]
    known = {Mutant(one["where"], becomes) for one in listed for becomes in one["becomes"]}
    counts: dict[str, collections.Counter[str]] = {}
    left: list[tuple[str, Mutant]] = []
    seen: set[Mutant] = set()
    for file, name, code in outcomes():
        counted = counts.setdefault(file, collections.Counter())
        if code in UNTRIED:
            counted["untried"] += 1
        elif code in SURVIVED or code in UNTESTED:
            mutant = survivor(name)
            seen.add(mutant)
            counted["equivalent" if mutant in known else "survived"] += 1
            if mutant not in known:
                left.append((name, mutant))
        else:
            counted["killed"] += 1
    columns = ("mutants", "killed", "equivalent", "survived", "untried")
    print(f"\n{'':12s}" + "".join(f"{column:>12s}" for column in columns))
    counts["all"] = sum(counts.values(), collections.Counter())
    for file, counted in counts.items():
        if counted:
            numbers = (counted.total(), *(counted[column] for column in columns[1:]))
            print(f"{file:12s}" + "".join(f"{number:12d}" for number in numbers))
    for name, mutant in left:
        print(f"\nno test notices {name}\n    {mutant.becomes}")
    if not counts["all"]["untried"]:
        for gone in sorted(known - seen):
            print(f"\nequivalent.toml explains what did not survive: {gone.where}\n    {gone.becomes}")
    return int(bool(left))


if __name__ == "__main__":
    sys.exit(again() if sys.argv[1] == "--again" else main(sys.argv[1]))
