# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Captured /proc trees of real Odoo servers, served to the code as if they were alive."""

from __future__ import annotations

import functools
import pathlib
import re
import sys
import tarfile
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes import rights
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import Look, look
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Gone, Proc
from hypothesis import settings

CAPTURES = pathlib.Path(__file__).parent / "captures"
#: `pytest tests/unit/processes/test_captures.py --hypothesis-profile=fuzz` looks at a hundred thousand trees.
settings.register_profile("fuzz", max_examples=100_000, deadline=None)
settings.register_profile("unit", max_examples=200, deadline=None)
settings.load_profile("unit")

if sys.version_info < (3, 10):
    # A host's Python may be that old, a controller's may not. A file that tests both sides is run.
    _CONTROLLER = re.compile(r"plugins\.(action|callback|filter|lookup|plugin_utils)|extensions/")
    _HOST = "plugins.module_utils"
    _HERE = pathlib.Path(__file__).parent
    _TEXTS = {str(path.relative_to(_HERE)): path.read_text("utf-8") for path in _HERE.rglob("test_*.py")}
    collect_ignore = [name for name, text in _TEXTS.items() if _CONTROLLER.search(text) and _HOST not in text]
    # These test the controller, or read sources, also where they import something of the host's side.
    collect_ignore += ["controller", "messages", "project", "test_programs.py"]

KINDS = ("19-prefork", "19-threaded", "14-prefork", "14-threaded")


class CapturedProc(Proc):
    """One captured tree: the files of /proc as they were, links and file descriptors as text files."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(root="/nonexistent")
        self.files = files

    def pids(self) -> list[int]:
        return sorted({int(name.split("/")[0]) for name in self.files if name[0].isdigit()})

    def read(self, pid: int, name: str) -> bytes:
        if name == "net/tcp6":
            return b""
        path = name if name.startswith("net/") else f"{pid}/{name}"
        if path not in self.files:
            raise Gone(path)
        return self.files[path]

    def link(self, pid: int, name: str) -> str:
        if name == "ns/net":
            return "net:[1]"
        return self.files.get(f"{pid}/{name}.txt", b"?").decode().strip()

    def runs_python(self, _pid: int) -> bool:
        return True

    def sockets(self, pid: int) -> frozenset[int]:
        return frozenset(int(n) for n in re.findall(rb"socket:\[(\d+)\]", self.files.get(f"{pid}/fd.txt", b"")))

    def children(self, _pid: int) -> list[int]:
        return self.pids()

    def uptime_ticks(self) -> int:
        return int(float(self.files["uptime"].split()[0]) * 100)


@functools.lru_cache(maxsize=None)
def _archive(name: str) -> dict[str, dict[str, bytes]]:
    trees: dict[str, dict[str, bytes]] = {}
    with tarfile.open(CAPTURES / name) as archive:
        for member in archive:
            parts = member.name.split("/")
            if not member.isfile() or "proc" not in parts[1:]:
                continue
            at = parts.index("proc", 1)
            content = t.cast("t.IO[bytes]", archive.extractfile(member)).read()
            trees.setdefault(parts[at - 1], {})["/".join(parts[at + 1 :])] = content
    return trees


def captured(kind: str, state: str) -> CapturedProc:
    """The tree of one moment, such as ``captured("19-prefork", "running")``."""
    return CapturedProc(dict(_archive(f"{kind}-proc.tar.xz")[state]))


def states(kind: str) -> list[str]:
    """Every moment that was captured of this kind of server."""
    return sorted(_archive(f"{kind}-proc.tar.xz"))


def postgres() -> CapturedProc:
    """PostgreSQL's own processes, whose titles name Odoo's databases and users."""
    return CapturedProc(dict(_archive("decoys-postgres.tar.xz")["decoys-postgres-backends"]))


@pytest.fixture(autouse=True)
def _own_rights(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at files with our own rights: those of captured users reach no folder of a test. Not with this marker."""
    if not request.node.get_closest_marker("borrows"):
        monkeypatch.setattr(rights, "may_borrow", lambda: False)


@pytest.fixture
def see() -> t.Callable[[str, str], Look]:
    """Look at one captured moment."""
    return lambda kind, state: look(captured(kind, state))
