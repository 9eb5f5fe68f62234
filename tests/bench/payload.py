# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what each module ships to a host: files of this collection, their size, and the CPU time of importing them.

Part of ``make bench``, so that it is seen when a module grows. The files are those that Ansible itself would pack.
"""

from __future__ import annotations

import pathlib
import statistics
import subprocess
import sys
import typing as t

from ansible.executor.module_common import ModuleDepFinder

ROOT = pathlib.Path(__file__).resolve().parents[2]
PREFIX = ("ansible_collections", "fleetops", "odoo", "plugins")
#: Imports of one module that are timed; the median counts.
RUNS = 5


def imports(path: pathlib.Path) -> t.Iterator[pathlib.Path]:
    """Files of this collection that a file imports, as AnsiballZ finds them."""
    name = ".".join((*PREFIX, *path.relative_to(ROOT / "plugins").with_suffix("").parts))
    tree = compile(path.read_text(encoding="utf-8"), str(path), "exec", 0x400)  # an abstract syntax tree
    for found in ModuleDepFinder(name, tree).submodules:
        for parts in (found, found[:-1]):
            file = ROOT.joinpath("plugins", *parts[len(PREFIX) :]).with_suffix(".py")
            if parts[: len(PREFIX)] == PREFIX and file.is_file():
                yield file
                break


def payload(module: pathlib.Path) -> set[pathlib.Path]:
    """All files that a module needs, itself included."""
    needed, todo = {module}, [module]
    while todo:
        for file in imports(todo.pop()):
            if file not in needed:
                needed.add(file)
                todo.append(file)
    return needed


def import_seconds(module: pathlib.Path) -> float:
    """CPU seconds that a fresh interpreter takes to import the files of a module, beyond Ansible's own."""
    names = [".".join((*PREFIX, *path.relative_to(ROOT / "plugins").with_suffix("").parts)) for path in payload(module)]
    code = (
        "import importlib, sys, time\nimport ansible.module_utils.basic\nbegun = time.process_time()\n"
        "for name in sys.argv[1:]: importlib.import_module(name)\nprint(time.process_time() - begun)"
    )
    runs = [
        float(subprocess.run([sys.executable, "-c", code, *names], check=True, capture_output=True, text=True).stdout)
        for _run in range(RUNS)
    ]
    return statistics.median(runs)


def main() -> None:
    """Print a line for each module."""
    print(f"\n{'what a module ships':24s} {'files':>6s} {'kB':>8s} {'CPU s of its imports':>22s}")
    for module in sorted((ROOT / "plugins" / "modules").glob("*.py")):
        files = payload(module)
        size = sum(len(path.read_bytes()) for path in files) / 1000
        print(f"{module.stem:24s} {len(files):6d} {size:8.1f} {import_seconds(module):22.3f}")


if __name__ == "__main__":
    main()
