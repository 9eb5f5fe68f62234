# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Write what the processes of a host answered into the folder of a run, and make the record of the host."""

from __future__ import annotations

import json
import os
import typing as t

from .._roll.faults import failure
from ..outcomes import of_run

Record = dict[str, t.Any]
Results = t.Sequence[t.Mapping[str, t.Any]]
Variables = t.Mapping[str, t.Any]

#: Names of the variables in which the role registers the results of its tasks.
DUMPS, BUNDLE, CACHES = "diagnostics_dumps", "diagnostics_gathered", "diagnostics_cached"
#: What the role notes of a host that did not answer, and of one without a bundle.
NOTED, WITHOUT = "diagnostics_host", "diagnostics_without"


def write_dumps(folder: str, host: str, results: Results) -> str:
    """Write the stacks of a host, and its sessions of PostgreSQL if there are any.

    :param folder: of the run; it is made if it is missing.
    :param results: what the module ``stack_dump`` returned.
    :returns: path of the stacks, or "" if no process wrote any. Then nothing is written.
    :raises OSError: a file cannot be written.
    """
    raw = [str(one["raw"]) for result in results for one in result.get("dumps") or []]
    if not raw:
        return ""
    path = os.path.join(folder, f"{host}.log")
    _write(path, "\n".join(raw) + "\n")
    told = [one["postgres"] for one in results if one.get("postgres")]
    if told:
        rows = [row for one in told for row in one.get("rows") or []]
        unsaid = list(dict.fromkeys(one["reason"] for one in told if one.get("reason")))
        _write(os.path.join(folder, f"{host}.postgres.json"), json.dumps({"rows": rows, "unsaid": unsaid}) + "\n")
    return path


def write_part(folder: str, host: str, name: str, results: Results) -> None:
    """Write results of a module as a part of the bundle of a host.

    :raises OSError: it cannot be written.
    """
    text = json.dumps(results, indent=4, sort_keys=True, ensure_ascii=False, default=str)
    _write(os.path.join(folder, host, name), text + "\n")


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        # Texts of a log may have bytes that no encoding has.
        file.write(text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def record(variables: Variables, host: str, run: str, folder: str) -> Record:
    """Return the record of a host; empty if its task left nothing of this run. Pure.

    :param variables: those of the host; only the names above are read.
    :param run: name of the run. What an earlier run has left does not count.
    :param folder: of the run.
    """
    noted, dumps = of_run(variables, NOTED, run), of_run(variables, DUMPS, run)
    found: Record = {}
    if noted.get("failure"):
        found["failure"] = noted["failure"]
    elif dumps.get("file"):
        found.update(ok=True, file={"path": dumps["file"], "host": host}, missing=dumps.get("missing") or [])
    without = of_run(variables, WITHOUT, run)
    bundle = variables.get(BUNDLE)
    if without.get("failure"):
        found["bundle"] = {"failure": without["failure"]}
    elif isinstance(bundle, t.Mapping) and bundle.get("dest") == os.path.join(folder, host):
        uncached = of_run(variables, CACHES, run).get("reason") if bundle.get("servers") else None
        left_out = [{"part": "caches.json", "reason": uncached}] if uncached else []
        found["bundle"] = {
            "parts": len(bundle["parts"]),
            "packed": bundle["packed"],
            "servers": bundle["servers"],
            "left_out": [*bundle["left_out"], *left_out],
        }
    return found


def why(result: t.Mapping[str, t.Any]) -> str:
    """Return as a sentence why a module has no results."""
    return str(failure(result, "caches")["reason"])
