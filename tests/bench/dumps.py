# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what reading and explaining stack dumps costs, against odoo-activity's parser in the same run.

    PYTHONPATH=$ANSIBLE_COLLECTIONS_PATH python tests/bench/dumps.py [DIRECTORY]

DIRECTORY holds odoo-activity, as ``pip install --no-deps --target DIRECTORY odoo-activity`` puts it there. Without it
only the own figures are taken. Exit code 1 when a bound is missed. Seconds are those of the CPU: the machine is shared.
"""

from __future__ import annotations

import gc
import pathlib
import resource
import sys
import tarfile
import tempfile
import time
import types
import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.parse import DumpReader
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.analyse import analyse
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.logs import read_logs

CAPTURES = pathlib.Path(__file__).resolve().parents[1] / "unit" / "captures"
SIZE = 20_000_000
PIECE = 1 << 18
HOSTS = 1000


def captured() -> str:
    """Every captured log of dumps in a row."""
    with tarfile.open(CAPTURES / "dumps.tar.xz") as archive:
        logs = [t.cast("t.IO[bytes]", archive.extractfile(one)).read() for one in archive if one.name.endswith(".log")]
    return "\n".join(log.decode().replace("\r", "") for log in logs)


def pieces(text: str) -> t.Iterator[str]:
    """A log as it is read from a file."""
    return (text[at : at + PIECE] for at in range(0, len(text), PIECE))


def spent(call: t.Callable[[], t.Any], tries: int = 5) -> float:
    """Seconds of the CPU, the best of some tries."""
    best = float("inf")
    for _try in range(tries):
        gc.collect()
        begin = time.process_time()
        result = call()
        best = min(best, time.process_time() - begin)
        del result
    return best


def theirs(directory: str) -> t.Callable[[str], t.Any]:
    """The parser of odoo-activity."""
    sys.path.insert(0, directory)
    sys.modules.setdefault("pyperclip", types.ModuleType("pyperclip"))  # it wants a clipboard
    from odoo_activity.probes import parse_stack_dump  # type: ignore[import-not-found]  # noqa: PLC0415

    return t.cast("t.Callable[[str], t.Any]", parse_stack_dump)


def fleet(text: str) -> float:
    """Seconds for the logs of a thousand hosts, read and explained."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "one.log")
        path.write_text(text)
        files = [{"path": str(path), "host": f"h{number}"} for number in range(HOSTS)]
        return spent(lambda: analyse(read_logs(files)), 1)


def main() -> int:
    """Measure; returns the exit code."""
    once = captured()
    text = once * (SIZE // len(once) + 1)
    rows: list[tuple[str, float, str, bool]] = []
    ours = spent(lambda: DumpReader().read(pieces(text)))
    rows.append(("MB/s", len(text) / ours / 1e6, "", True))
    if len(sys.argv) > 1:
        parse = theirs(sys.argv[1])
        rows.append(
            ("times odoo-activity's", spent(lambda: parse(text)) / ours, ">= 5", spent(lambda: parse(text)) >= 5 * ours)
        )
    twice = spent(lambda: DumpReader().read(pieces(text + text)))
    rows.append(("cost of twice the size", twice / ours, "<= 3", twice <= 3 * ours))
    one = (CAPTURES / "dumps" / "19-prefork.log").read_text()
    seconds = fleet(one)
    rows.append((f"s for {HOSTS} hosts", seconds, "<= 60", seconds <= 60))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows.append(("MB at most", memory, "<= 1024", memory <= 1024))
    for name, figure, bound, held in rows:
        print(f"{name:<24} {figure:8.1f}  {bound:<8} {'' if held else 'MISSED'}".rstrip())
    return 0 if all(row[-1] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
