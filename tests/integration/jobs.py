# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs as AWX runs them: ansible-runner over a private data directory that is laid out as AWX's is.

AWX runs each job in a container, and a cancel kills all that is in it. So each job is here in a namespace of processes
of its own: with ansible-playbook the kernel kills what that has left behind, such as a connection that ssh keeps open.
"""

from __future__ import annotations

import configparser
import functools
import json
import os
import pathlib
import shutil
import subprocess
import threading
import time
import typing as t

import ansible_runner
import yaml
from ansible_collections.fleetops.odoo.plugins.plugin_utils._awx.survey import survey_spec
from ansible_collections.fleetops.odoo.tests.integration.conftest import ROOT, Fleet, no_secrets
from ansible_collections.fleetops.odoo.tests.integration.fake_awx_survey import filled

SHIPPED = yaml.safe_load((ROOT / "roles/awx_setup/files/awx.yml").read_text(encoding="utf-8"))


@functools.cache
def archive(folder: pathlib.Path) -> pathlib.Path:
    """The collection as it is published, built from what git would commit."""
    copy = folder / "collection"
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    subprocess.run(
        ["ansible-galaxy", "collection", "build", "--output-path", str(folder), str(copy)],
        check=True,
        capture_output=True,
    )
    return next(folder.glob("fleetops-odoo-*.tar.gz"))


def answers(template: str, **given: t.Any) -> dict[str, t.Any]:
    """Return what AWX makes of a survey: its defaults, and then what was answered.

    What is given here is not looked at, so that a test can send what AWX would refuse.
    """
    return filled(survey_spec(template, SHIPPED["job_templates"][template]["survey"])["spec"], given)


def every_answer(template: str, **given: t.Any) -> dict[str, t.Any]:
    """Return answers to all questions of a survey as AWX types them: what is given, else what a role takes."""
    questions = SHIPPED["job_templates"][template]["survey"]
    return answers(
        template, **{**{one["variable"]: one["otherwise"] for one in questions if "otherwise" in one}, **given}
    )


class Dumper(yaml.SafeDumper):
    """Marks texts as AWX does, so that none of them is a template."""


Dumper.add_representer(str, lambda dumper, text: dumper.represent_scalar("!unsafe", text, style="'"))


#: As a container: the program is process 1, and its end is that of all the others.
_CONTAINER = """#!/bin/sh
exec unshare --pid --fork --kill-child=KILL --mount-proc -- {program} "$@"
"""


class Ended(t.NamedTuple):
    """The result of a job. ``told`` has the values of set_stats."""

    status: str
    code: int
    output: str
    told: dict[str, t.Any]
    stats: dict[str, t.Any]
    events: list[dict[str, t.Any]]
    artifacts: pathlib.Path

    def tasks(self, event: str, task: str) -> list[str]:
        """Hosts for which a task had such an event."""
        return [
            one["event_data"]["host"]
            for one in self.events
            if one["event"] == event and one["event_data"].get("task") == task
        ]


class Awx:
    """A directory with what a synced project and an inventory would put there."""

    def __init__(self, folder: pathlib.Path, fleet: Fleet) -> None:
        self.folder = folder
        project = folder / "project"
        shutil.copytree(ROOT / "docs/awx-project", project)
        # The project's own, and how the hosts of the lab are reached.
        settings = configparser.RawConfigParser()
        settings.read([os.environ["ANSIBLE_CONFIG"], project / "ansible.cfg"])
        with (project / "ansible.cfg").open("w", encoding="utf-8") as stream:
            settings.write(stream)
        built = folder / "built"
        built.mkdir()
        packed = archive(built)
        shutil.copy2(packed, project / "collections")
        requirements = {"collections": [{"source": f"collections/{packed.name}", "type": "file"}]}
        (project / "collections/requirements.yml").write_text(yaml.safe_dump(requirements), encoding="utf-8")
        # The sync of a project does this; the dependencies are in AWX's cache, or in its execution environment.
        subprocess.run(
            [
                *("ansible-galaxy", "collection", "install", "--no-deps", "--offline"),
                *("-r", "collections/requirements.yml", "-p", str(folder / "requirements_collections")),
            ],
            cwd=project,
            check=True,
            capture_output=True,
            # Under pytest the checkout is importable, and would pass for what is installed already.
            env={**os.environ, "PYTHONPATH": "", "ANSIBLE_COLLECTIONS_PATH": str(folder / "requirements_collections")},
        )
        for name in ("community", "awx"):
            (folder / "requirements_collections/ansible_collections" / name).symlink_to(
                pathlib.Path(os.environ["ANSIBLE_COLLECTIONS_PATH"]) / "ansible_collections" / name
            )
        listed = subprocess.run(
            ["ansible-inventory", "-i", fleet.inventory, "--list"], check=True, capture_output=True, text=True
        )
        # AWX hands its inventory on as a program that prints it.
        program = folder / "inventory/hosts"
        program.parent.mkdir()
        program.write_text(f"#!/usr/bin/env python3\nprint({listed.stdout!r})\n", encoding="utf-8")
        program.chmod(0o700)
        self._programs = folder / "programs"
        self._programs.mkdir()
        contained = self._programs / "ansible-playbook"
        contained.write_text(_CONTAINER.format(program=shutil.which("ansible-playbook")), encoding="utf-8")
        contained.chmod(0o700)

    def job(
        self,
        number: int,
        playbook: str,
        variables: dict[str, t.Any],
        cancel_at: str = "",
        **options: t.Any,
    ) -> Ended:
        """Run a job to its end.

        :param cancel_at: the name of a task; when it has begun, the job is cancelled.
        """
        events: list[dict[str, t.Any]] = []
        seen = threading.Event()

        def handle(event: dict[str, t.Any]) -> bool:
            events.append(event)
            if (
                cancel_at
                and event["event"] == "playbook_on_task_start"
                and event["event_data"]["name"].endswith(cancel_at)
            ):
                seen.set()
            return True

        facts = self.folder / "artifacts" / str(number) / "fact_cache"
        # In a container it is /runner.
        place = "/runner" if options.get("process_isolation") else str(self.folder)
        environment = {
            "ANSIBLE_COLLECTIONS_PATH": f"{place}/requirements_collections:/usr/share/ansible/collections",
            "PYTHONPATH": "",
            "ANSIBLE_CONFIG": f"{place}/project/ansible.cfg",
            "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": f"{place}/artifacts/{number}/fact_cache",
            # ansible-core 2.16 colours what goes to a terminal, and ansible-runner gives it one.
            "ANSIBLE_NOCOLOR": "true",
            "AWX_PRIVATE_DATA_DIR": place,
            "JOB_ID": str(number),
            # Reports go below the directory that a job runs in, and that is not this one.
            "PWD": f"{place}/project",
        }
        if not options.get("process_isolation"):
            environment["PATH"] = f"{self._programs}:{os.environ['PATH']}"
        own = {"awx_job_id": number, "tower_job_id": number, "awx_user_name": "operator", **variables}
        # Not as an argument: ansible-runner would write it down without the marks.
        (self.folder / "env").mkdir(exist_ok=True)
        (self.folder / "env/extravars").write_text(yaml.dump(own, Dumper=Dumper), encoding="utf-8")
        runner = ansible_runner.run(
            private_data_dir=str(self.folder),
            playbook=f"playbooks/{playbook}.yml",
            ident=str(number),
            envvars=environment,
            settings={"suppress_env_files": True, "job_timeout": 240},
            event_handler=handle,
            cancel_callback=seen.is_set,
            quiet=True,
            **options,
        )
        with runner.stdout as stream:
            output = stream.read()
        no_secrets(output)
        no_secrets(json.dumps(events))
        last = [one["event_data"] for one in events if one["event"] == "playbook_on_stats"]
        told = last[0].get("artifact_data", {}) if last else {}
        return Ended(runner.status, runner.rc, output, told, runner.stats or {}, events, facts.parent)


def eventually(holds: t.Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)
