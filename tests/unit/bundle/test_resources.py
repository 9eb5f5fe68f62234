# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The machine beside Odoo: memory, load, disks, and the limits of cgroups."""

from __future__ import annotations

import os
import pathlib

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._bundle.resources import cgroup, disk, load, machine, memory


def test_this_machine_has_a_name_memory_load_and_a_disk() -> None:
    assert machine()["name"] == os.uname().nodename
    assert memory()["MemTotal"] > 1 << 20
    assert len(load()["average"]) == 3
    assert disk("/", "/shown")["size"] > 0
    assert disk("/", "/shown")["path"] == "/shown"


def test_disk_of_a_missing_path_raises() -> None:
    with pytest.raises(FileNotFoundError):
        disk("/nonexistent", "/")


def test_disk_runs_the_given_command(tmp_path: pathlib.Path) -> None:
    (tmp_path / "srv").mkdir()
    found = disk("/srv", "data_dir", lambda path: os.statvfs(f"{tmp_path}{path}"))
    assert (found["path"], found["size"]) == ("data_dir", disk(str(tmp_path), "")["size"])
    assert 0 <= found["available"] <= found["free"] <= found["size"]


def test_meminfo_is_read_in_bytes(tmp_path: pathlib.Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:        2039920 kB\nHugePages_Total:       3\nbroken\nMemFree: x kB\n")
    assert memory(str(tmp_path)) == {"MemTotal": 2039920 * 1024, "HugePages_Total": 3}


def test_load_is_read_from_the_files_of_proc(tmp_path: pathlib.Path) -> None:
    (tmp_path / "pressure").mkdir()
    (tmp_path / "loadavg").write_text("0.52 1.25 3.00 2/345 6789\n")
    (tmp_path / "uptime").write_text("7054.80 12345.67\n")
    (tmp_path / "stat").write_text("cpu  10 0 20 300\ncpu0 10 0 20 300\n")
    (tmp_path / "pressure" / "cpu").write_text("some avg10=1.00 avg60=0.50 avg300=0.10 total=9\n")
    found = load(str(tmp_path))
    assert (found["average"], found["processes"], found["uptime"]) == ([0.52, 1.25, 3.0], "2/345", 7054.8)
    assert found["cpu_ticks"] == ["10", "0", "20", "300"]
    assert found["pressure"] == {"cpu": "some avg10=1.00 avg60=0.50 avg300=0.10 total=9", "io": "", "memory": ""}


def test_without_proc_memory_and_load_are_empty(tmp_path: pathlib.Path) -> None:
    assert memory(str(tmp_path)) == {}
    found = load(str(tmp_path))
    assert (found["average"], found["processes"], found["uptime"], found["cpu_ticks"]) == ([], None, 0.0, [])


def test_cgroups_of_both_versions(tmp_path: pathlib.Path) -> None:
    def put(path: str, text: str) -> None:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")

    put("system.slice/odoo.service/memory.max", "2147483648")
    put("system.slice/memory.max", "4294967296")
    put("memory/docker/abc/memory.limit_in_bytes", "1073741824")
    text = "9:name=systemd:/x\n4:memory:/docker/abc\n2:cpuacct,cpu:/docker/abc\n0::/system.slice/odoo.service\n"
    assert cgroup(text, str(tmp_path)) == [
        {"path": f"{tmp_path}/memory/docker/abc", "memory.limit_in_bytes": "1073741824"},
        {"path": f"{tmp_path}/system.slice/odoo.service", "memory.max": "2147483648"},
        {"path": f"{tmp_path}/system.slice", "memory.max": "4294967296"},
    ]
    assert cgroup("0::/../../etc\n", str(tmp_path)) == []
