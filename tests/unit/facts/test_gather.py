# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the surroundings of a server: start, log, load, staleness, supervisor, and its successor."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import time

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.gather import (
    find_load,
    find_successor,
    has_old_configuration,
    log_place,
    rehearsal_inputs,
    survey,
    survey_one,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import Loaded, ServerRecords, Trace
from ansible_collections.fleetops.odoo.plugins.module_utils._log.place import FILE, JOURNAL, NOWHERE, LogPlace
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Gone, Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.find import Supervisor, SupervisorKind
from ansible_collections.fleetops.odoo.plugins.module_utils._system.clock import uptime

from .. import build
from ..conftest import captured
from ..scene import RESTART_19, Scene

UNIT = Supervisor(SupervisorKind.SYSTEMD, "odoo.service")


@pytest.fixture
def store(tmp_path: pathlib.Path) -> ServerRecords:
    """An open directory of notes."""
    made = ServerRecords(str(tmp_path / "state"))
    made.open()
    return made


class Disk:
    """A captured server without a unit, whose odoo.conf and addons are files of the test."""

    def __init__(self, folder: pathlib.Path, moment: str = "running") -> None:
        self.proc = captured("19-prefork", moment)
        self.proc.root = str(folder / "proc")
        # Without a unit, systemctl of this machine is not asked about one.
        for name in [name for name in self.proc.files if name.endswith("/cgroup")]:
            self.proc.files[name] = b"0::/user.slice/session-1.scope\n"
        for instance in look(self.proc).instances:
            root = folder / "proc" / str(instance.master.pid) / "root"
            (root / "etc/odoo").mkdir(parents=True)
            (root / "srv/addons/shop").mkdir(parents=True)
            (root / "etc/odoo/odoo.conf").write_text(
                "[options]\naddons_path = /srv/addons\nworkers = 2\nmax_cron_threads = 1\n"
            )
            (root / "srv/addons/shop/cart.py").touch()


def test_the_note_of_the_present_exec_is_the_best_evidence_of_a_load(store: ServerRecords) -> None:
    master = build.process(7)
    store.remember(master, 5.0, 6.0)
    nowhere = LogPlace(NOWHERE, None, shows_dumps=True)
    assert find_load(Proc("/nonexistent"), master, store, nowhere, 1.0) == Loaded(5.0, 6.0, "marker")
    again = dataclasses.replace(master, fingerprint=1)
    assert find_load(Proc("/nonexistent"), again, store, nowhere, 1.0).evidence == "process"


def test_without_a_note_the_log_tells_when_the_server_loaded(store: ServerRecords, tmp_path: pathlib.Path) -> None:
    fds, root = tmp_path / "7/fd", tmp_path / "7/root"
    fds.mkdir(parents=True)
    root.mkdir()
    now = time.time()
    master = build.process(7, start=int((uptime() - 60) * os.sysconf("SC_CLK_TCK")))
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now - 30))
    (root / "odoo.log").write_text(f"{at},000 7 INFO ? odoo: Odoo version 19.0\n")
    (fds / "3").symlink_to(root / "odoo.log")
    found = find_load(Proc(str(tmp_path)), master, store, LogPlace(FILE, "/odoo.log", shows_dumps=True), now - 60)
    assert (found.evidence, found.not_after) == ("log", float(int(now - 30)))


@pytest.mark.parametrize(
    ("stderr", "kind", "path"),
    [
        ("/var/log/odoo.err", FILE, "/var/log/odoo.err"),
        ("socket:[4711]", JOURNAL, None),
        (Gone("7"), JOURNAL, None),
        (PermissionError(), JOURNAL, None),
    ],
)
def test_log_place_reads_where_the_standard_error_goes(stderr: str | Exception, kind: str, path: str | None) -> None:
    class Linked(Proc):
        def link(self, _pid: int, name: str) -> str:
            assert name == "fd/2"
            if isinstance(stderr, Exception):
                raise stderr
            return stderr

    place = log_place(Linked(), build.process(7), build.options(), UNIT)
    assert (place.kind, place.path) == (kind, path)


def test_survey_tells_about_each_server_and_walks_no_code_unless_asked(
    store: ServerRecords, tmp_path: pathlib.Path
) -> None:
    disk = Disk(tmp_path, "decoys")
    seen = look(disk.proc)
    facts = survey(disk.proc, seen, store, staleness=False)
    assert set(facts) == {instance.identity for instance in seen.instances}
    assert len(facts) == 3
    for one in facts.values():
        assert one.supervisor.kind in (SupervisorKind.NONE, SupervisorKind.CONTAINER)
        assert (one.unit, one.staleness, one.load.evidence) == (None, None, "process")


@pytest.mark.parametrize(("loaded", "old"), [(-60.0, True), (60.0, False)])
def test_a_configuration_is_old_when_odoo_conf_changed_after_the_load(
    store: ServerRecords, tmp_path: pathlib.Path, loaded: float, *, old: bool
) -> None:
    disk = Disk(tmp_path)
    seen = look(disk.proc)
    (instance,) = seen.instances
    conf = tmp_path / f"proc/{instance.master.pid}/root/etc/odoo/odoo.conf"
    store.remember(instance.master, conf.stat().st_ctime + loaded, time.time() + 90)
    assert has_old_configuration(disk.proc, seen, instance, store) is old
    # One that cannot be parsed is not passed over.
    conf.write_text("garbage\n")
    assert not has_old_configuration(disk.proc, look(disk.proc), instance, store)


def test_a_configuration_is_old_when_a_link_to_it_was_switched(store: ServerRecords, tmp_path: pathlib.Path) -> None:
    disk = Disk(tmp_path)
    (instance,) = look(disk.proc).instances
    folder = tmp_path / f"proc/{instance.master.pid}/root/etc"
    (folder / "odoo").rename(folder / "odoo-1")
    (folder / "odoo-2").mkdir()
    (folder / "odoo-2/odoo.conf").write_text("[options]\n")
    (folder / "odoo").symlink_to("odoo-1")
    later = time.time() + 90
    store.remember(instance.master, later, later, Trace({"/etc/odoo": "/etc/odoo-1"}))
    assert not has_old_configuration(disk.proc, look(disk.proc), instance, store)
    (folder / "odoo").unlink()
    (folder / "odoo").symlink_to("odoo-2")
    assert has_old_configuration(disk.proc, look(disk.proc), instance, store)


def test_code_that_changed_after_the_load_makes_a_server_stale(store: ServerRecords, tmp_path: pathlib.Path) -> None:
    disk = Disk(tmp_path)
    seen = look(disk.proc)
    (instance,) = seen.instances
    store.remember(instance.master, 0.0, 1.0)
    found = survey_one(disk.proc, seen, instance, store).staleness
    assert found is not None
    assert set(found.files) == {"/etc/odoo/odoo.conf", "/srv/addons/shop/cart.py"}
    conf, unit, changed = rehearsal_inputs(disk.proc, seen, instance, store)
    assert (conf, unit, list(changed)) == ("/etc/odoo/odoo.conf", None, ["/srv/addons/shop/cart.py"])


def test_code_that_is_older_than_the_load_is_fresh(store: ServerRecords, tmp_path: pathlib.Path) -> None:
    disk = Disk(tmp_path)
    seen = look(disk.proc)
    (instance,) = seen.instances
    store.remember(instance.master, time.time() + 60, time.time() + 60)
    found = survey_one(disk.proc, seen, instance, store).staleness
    assert found is not None
    assert not found.stale
    assert rehearsal_inputs(disk.proc, seen, instance, store)[2] == ()


def test_the_server_that_systemd_started_instead_is_the_successor(tmp_path: pathlib.Path) -> None:
    scene = Scene("19-prefork", RESTART_19, tmp_path)
    seen = look(scene)
    (old,) = seen.instances
    assert find_successor(scene, old, seen, UNIT) is None
    scene.go_on()
    assert find_successor(scene, old, seen, UNIT) is None
    scene.go_to("running")
    found = find_successor(scene, old, seen, UNIT)
    assert found is not None
    assert found[1].master.pid == 472


@pytest.mark.parametrize(
    "supervisor",
    [
        Supervisor(SupervisorKind.NONE),
        Supervisor(SupervisorKind.CONTAINER, "c0ffee"),
        Supervisor(SupervisorKind.SYSTEMD, "other.service"),
        Supervisor(SupervisorKind.SUPERVISORD),
    ],
)
def test_another_supervisor_has_no_successor(supervisor: Supervisor, tmp_path: pathlib.Path) -> None:
    scene = Scene("19-prefork", RESTART_19, tmp_path)
    seen = look(scene)
    scene.go_to("running")
    assert find_successor(scene, seen.instances[0], seen, supervisor) is None


def test_a_limit_of_memory_that_outlives_a_hup_needs_a_restart(store: ServerRecords, tmp_path: pathlib.Path) -> None:
    disk = Disk(tmp_path)
    pid = look(disk.proc).instances[0].master.pid
    conf = tmp_path / f"proc/{pid}/root/etc/odoo/odoo.conf"
    conf.write_text(conf.read_text() + "limit_memory_hard = 0\n")
    needs = {}
    for soft in ("2684354560", "unlimited"):
        disk.proc.files[f"{pid}/limits"] = f"Max address space   {soft}   unlimited   bytes\n".encode()
        seen = look(disk.proc)
        store.remember(seen.instances[0].master, time.time() + 60, time.time() + 60)
        found = survey_one(disk.proc, seen, seen.instances[0], store)
        needs[soft] = ([one.running for one in found.differences], found.staleness and str(found.staleness.needs))
    assert needs == {"2684354560": ([2684354560], "restart"), "unlimited": ([], "none")}
