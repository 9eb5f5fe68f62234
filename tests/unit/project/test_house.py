# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folders of the code: their order, their size, and where the unit tests of a file stand."""

from __future__ import annotations

import ast
import pathlib
import re

import pytest
from ansible_collections.fleetops.odoo.tests.conftest import TOGETHER

ROOT = pathlib.Path(__file__).parents[3]
PLUGINS = ROOT / "plugins"
UNITS = ROOT / "tests/unit"

#: A folder imports from the folders before it, and never from those after it. docs/design.md shows the same order.
HOST = (
    "_messages",
    "_system",
    "_config",
    "_processes",
    "_supervisors",
    "_forms",
    "_log",
    "_code",
    "_facts",
    "_signals",
    "_rehearsal",
    "_server",
    "_postgres",
    "_dumps",
    "_drain",
    "_reload",
    "_workers",
    "_bundle",
    "_balancer",
    "_roll",
    "_module",
)
#: On the controller the files of plugin_utils itself come first, and the folders share nothing but _pages.
CONTROLLER = ("", "_waits", "_awx", "_analysis", "_pages", "_roll", "_drains", "_runs")

MOST_FILES = 12


def imported_folders(path: pathlib.Path, side: pathlib.Path) -> set[str]:
    """Folders of the same side that a file imports from; the empty name is the side itself."""
    here = path.relative_to(side).parent.parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom):
            continue
        module = (node.module or "").split(".")
        if node.level == 0:
            assert "fleetops" not in module, f"{path}: imports within a side are relative"
        elif node.level == 1:
            found.add(here[0] if here else module[0] if len(module) > 1 else "")
        elif module[0] != "module_utils" and node.level == 2:
            found.add(module[0] if module[0].startswith("_") else "")
    return found


@pytest.mark.parametrize(("side", "order"), [("module_utils", HOST), ("plugin_utils", CONTROLLER)])
def test_folders_import_only_from_those_before_them(side: str, order: tuple[str, ...]) -> None:
    folder = PLUGINS / side
    assert {path.name for path in folder.iterdir() if path.is_dir() and path.name[:2] != "__"} == set(order) - {""}
    backwards = []
    for path in sorted(folder.rglob("*.py")):
        here = order.index(path.parent.name if path.parent != folder else "")
        later = {name for name in imported_folders(path, folder) if order.index(name) > here}
        backwards += [f"{path.relative_to(folder)} imports from {name}" for name in later]
    assert backwards == []


@pytest.mark.parametrize("side", ["module_utils", "plugin_utils"])
def test_no_folder_holds_more_than_a_dozen_files(side: str) -> None:
    folders = [PLUGINS / side, *(path for path in (PLUGINS / side).iterdir() if path.is_dir())]
    assert {
        path.name: len(list(path.glob("*.py"))) for path in folders if len(list(path.glob("*.py"))) > MOST_FILES
    } == {}


def test_host_code_never_imports_from_the_controller() -> None:
    guilty = [
        path
        for path in (PLUGINS / "module_utils").rglob("*.py")
        if re.search(r"^from .*(plugin_utils|plugins\.(action|filter|lookup))", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert guilty == []


def test_one_file_loads_libc() -> None:
    files = [
        path for path in PLUGINS.rglob("*.py") if re.search(r"(?m)^\s*(import|from) ctypes\b", path.read_text("utf-8"))
    ]
    assert [str(path.relative_to(PLUGINS)) for path in files] == ["module_utils/_system/libc.py"]


def test_the_design_shows_the_order_of_the_folders() -> None:
    text = (ROOT / "docs/design.md").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^\| `(_\w+)` \|", text) == [*HOST, *filter(None, CONTROLLER)]


#: Files without a test file of their name, and why.
WITHOUT_A_TEST_FILE = {
    "module_utils/_drain/brief.py": "tested through module/test_drained.py",
    "module_utils/_drain/leaving.py": "tested through drain/test_drain.py",
    "module_utils/_drain/notes.py": "tested through drain/test_drain.py and drain/test_undrain.py",
    "module_utils/_drain/order.py": "tested through drain/test_drain.py",
    "module_utils/_drain/start_command.py": "tested through drain/test_undrain.py",
    "module_utils/_drain/time_limits.py": "tested through drain/test_drain.py",
    "module_utils/_module/lock_option.py": "roll/test_lock.py tests all that it calls",
    "module_utils/_module/operate.py": "ends a module; the integration tests of every module go through it",
    "module_utils/_module/reload_option.py": "tested through module/test_options.py",
    "module_utils/_rehearsal/interpreter.py": "tested through rehearsal/test_rehearsal.py",
    "module_utils/_rehearsal/trial.py": "tested through rehearsal/test_rehearsal_run.py",
    "module_utils/_reload/prepare.py": "tested through reload/test_reload_restart.py",
    "module_utils/_server/host.py": "one line a method; reload/stage.py and server/test_watch.py stand in for it",
    "module_utils/_server/server.py": "tested through reload/test_reload_failures.py",
    "module_utils/_system/psutil.py": "imports psutil or not; processes/test_proc.py needs it",
    "module_utils/_system/word.py": "tested through facts/test_results.py",
    "module_utils/_workers/workers.py": "tested through workers/test_scale.py",
    "plugin_utils/_awx/fields.py": "tables; controller/awx/test_plan.py reaches them",
}


def test_every_file_has_its_test_or_a_reason() -> None:
    missing = []
    for side, base in (("module_utils", UNITS), ("plugin_utils", UNITS / "controller")):
        for path in sorted((PLUGINS / side).rglob("*.py")):
            name = path.relative_to(PLUGINS / side)
            if name.parts[0] == "_messages" and path.stem != "code":
                continue  # a group of the table, which messages/test_code.py goes through
            folder = base.joinpath(*(part.lstrip("_") for part in name.parent.parts))
            if not (folder / f"test_{path.name}").exists():
                missing.append(f"{side}/{name}")
    assert missing == sorted(WITHOUT_A_TEST_FILE)


def test_every_reason_says_something_and_names_only_test_files_that_exist() -> None:
    for name, reason in WITHOUT_A_TEST_FILE.items():
        assert len(reason.split()) > 1, name
        assert [path for path in re.findall(r"[\w/]+/test_\w+\.py", reason) if not (UNITS / path).exists()] == []


def test_no_two_files_of_tests_share_a_lab() -> None:
    # Three files run side by side, and each takes its lab away at its end.
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "tests/integration").glob("test_*.py")}
    labs = [name for text in texts.values() for name in set(re.findall(r'lab_up\("(\w+)"', text))]
    assert len(labs) > 5
    assert sorted(labs) == sorted(set(labs))


def test_files_that_share_a_fleet_are_run_one_after_the_other() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "tests/integration").glob("test_*.py")}
    used = {name: re.findall(r"(?m)^def fleet\((\w+): Fleet\)", text) for name, text in texts.items()}
    assert {name: fleets[0] for name, fleets in used.items() if fleets} == TOGETHER
