# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that the examples of the documentation exist and are accepted; tests/integration/test_docs.py runs them."""

from __future__ import annotations

import functools
import itertools
import json
import os
import pathlib
import re
import subprocess
import typing as t

import pytest
import yaml
from ansible import constants
from ansible.inventory.manager import InventoryManager
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible_collections.fleetops.odoo.plugins.plugin_utils import fleet as _fleet
from ansible_collections.fleetops.odoo.tests.docs import examples, reference

from ..dumps.dumped import captures

ROOT = examples.ROOT

#: Commands that nothing here looks into, and who does.
OTHERS = {
    "ansible-galaxy collection build": "tests/ee builds it",
    "ansible-galaxy collection install fleetops-odoo-*.tar.gz": "tests/ee installs it",
    "ansible-galaxy collection install --no-deps fleetops-odoo-*.tar.gz": "tests/archive does it",
    "ansible-galaxy collection build --force": "tests/archive does it",
    "ansible-galaxy collection install --force fleetops-odoo-*.tar.gz": "tests/archive does it",
    "ansible-galaxy collection list fleetops.odoo": "tests/archive does it",
    "ansible-builder build --tag registry.example.com/odoo/ee:1.0.0": "tests/ee builds it",
    "ansible-rulebook": "tests/ee/test_rulebook.py runs it",
    "export CONTROLLER_HOST=https://awx.example.com CONTROLLER_OAUTH_TOKEN=...": "test_awx_setup.py has them set",
}
#: Playbooks take too long to be run once more for the guides: where each of them is run for real, with these variables.
RUN_BY = {
    "awx_setup": "test_awx_setup.py",
    "balancer_info": "test_balancer_info.py",
    "cache_report": "test_cache_stats.py",
    "diagnostics": "test_diagnostics.py",
    "doctor": "test_doctor.py",
    "drain": "test_graceful_drain.py",
    "explain_dumps": "test_explain_dumps.py",
    "fleet_info": "test_fleet_info.py",
    "not_approved": "test_runner.py",
    "recycle_workers": "test_workers.py",
    "release": "test_roll_table.py",
    "rolling_restart": "rolls.py",
    "scale_workers": "test_workers.py",
    "undrain": "test_graceful_drain.py",
}
#: Modules of collections that are not installed for the tests: their options cannot be looked at.
NOT_HERE = {"community.aws.elb_target", "hetzner.hcloud.load_balancer_target"}
#: Variables of Ansible's own that examples set, and those of the task files for Apache.
ANSIBLES = {"ansible_become", "ansible_become_user", "ansible_pipelining"}
ANSIBLES |= {"apache_manager", "apache_worker", "apache_row"}
#: Variables that roles set for the tasks of a site that run at the end.
REPORTS = {f"{role}_report" for role in ("rolling_restart", "graceful_drain", "diagnostics")}
#: Every setting of Ansible's.
DEFINITIONS: dict[str, t.Any] = constants.config.get_configuration_definitions()
#: What names files and targets of the checkout.
PROSE = [*examples.GUIDES, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "tests/lab/README.md"]
KEYWORDS = {
    "name",
    "register",
    "run_once",
    "when",
    "changed_when",
    "failed_when",
    "loop",
    "loop_control",
    "vars",
    "until",
    "retries",
    "delay",
    "delegate_to",
    "become",
    "check_mode",
    "no_log",
}


@functools.cache
def known() -> dict[str, dict[str, reference.Record]]:
    """All that ansible-doc tells of the collection."""
    return reference.collected()


@functools.cache
def others() -> dict[str, reference.Record]:
    """The options of modules of Ansible's own, and of AWX's, that examples use, by name."""
    theirs = ("ansible.builtin.", "awx.awx.")
    names = sorted({module for _where, task in all_tasks() for module in task if module.startswith(theirs)})
    done = subprocess.run(["ansible-doc", "--json", "-t", "module", *names], check=True, capture_output=True, text=True)
    return {name: one["doc"]["options"] for name, one in json.loads(done.stdout).items()}


@functools.cache
def variables() -> dict[str, reference.Record]:
    """Every variable of every role. Which of them a playbook needs is another question."""
    return {
        name: {**option, "required": False}
        for role in known()["role"].values()
        for point in role["entry_points"].values()
        for name, option in point["options"].items()
    }


def hosts_variables() -> set[str]:
    """Variables that the playbooks themselves read."""
    texts = (path.read_text(encoding="utf-8") for path in examples.PLAYBOOKS)
    return {name for text in texts for name in re.findall(r"(\w+_hosts) \| default", text)}


def rulebook_variables() -> set[str]:
    """Variables that the rulebook reads from ``--vars``."""
    text = (ROOT / "extensions/eda/rulebooks/odoo_trouble.yml").read_text(encoding="utf-8")
    return set(re.findall(r"\{\{ (\w+) \| default", text))


def spec(options: reference.Record) -> dict[str, t.Any]:
    """An argument spec from a documentation."""
    made = {}
    for name, one in options.items():
        kept = {key: one[key] for key in ("type", "elements", "choices", "required", "aliases") if key in one}
        inner = one.get("suboptions") or one.get("options")
        if inner:
            kept["options"] = spec(inner)
        made[name] = kept
    return made


def faults(options: reference.Record, given: dict[str, t.Any]) -> list[str]:
    """Return the errors of Ansible's validation. Templates are not validated."""
    templates = {name for name, value in given.items() if "{{" in json.dumps(value)}
    unknown = [f"{name} is no option" for name in templates if name not in options]
    asked = {
        name: {
            **one,
            "required": bool(one.get("required")) and name not in templates,
            # Some modules of Ansible describe each choice.
            **({"choices": list(one["choices"])} if isinstance(one.get("choices"), dict) else {}),
        }
        for name, one in spec(options).items()
    }
    validated = ArgumentSpecValidator(asked).validate({k: v for k, v in given.items() if k not in templates})
    return [*unknown, *validated.error_messages]


def module_of(task: dict[str, t.Any]) -> str:
    """Return the one key of a task that is not a keyword."""
    (module,) = task.keys() - KEYWORDS
    return module


def shown() -> t.Iterator[tuple[str, list[dict[str, t.Any]]]]:
    """Every list of tasks or plays that is shown, with its place."""
    for kind, several in known().items():
        for name, one in several.items():
            if one.get("examples"):
                yield f"{kind} {name}", examples.listed(one["examples"])
    for block in yaml_blocks():
        loaded = yaml.safe_load(block.text)
        if isinstance(loaded, list):
            yield block.where, loaded


def yaml_blocks() -> list[examples.Block]:
    return [one for path in examples.GUIDES for one in examples.blocks(path) if one.language == "yaml"]


def all_tasks() -> list[tuple[str, dict[str, t.Any]]]:
    """Every task that is shown, alone or in a play."""
    found = []
    for where, several in shown():
        for one in several:
            found += [(where, task) for task in (one.get("tasks", []) if "hosts" in one else [one])]
    return [(where, task) for where, task in found if "import_playbook" not in task]


def test_the_reference_is_what_make_docs_writes() -> None:
    assert reference.differing(reference.pages(known())) == []


@pytest.mark.parametrize("path", [*examples.GUIDES, *reference.TARGET.rglob("*.md")], ids=lambda path: path.name)
def test_links_lead_somewhere(path: pathlib.Path) -> None:
    assert examples.broken_links(path) == []


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages == set(re.findall(r"\]\((\w+\.md)\)", index))


@pytest.mark.parametrize("path", PROSE, ids=lambda path: path.name)
def test_files_and_targets_that_are_named_exist(path: pathlib.Path) -> None:
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r"(?<![\w./-])(?:tests|plugins|roles|docs|extensions|playbooks|changelogs)/[\w./*-]*", text):
        # What is made lies there afterwards.
        assert name.startswith("tests/output") or any(ROOT.glob(name.rstrip("./"))), name
    targets = re.findall(r"(?m)^([\w -]+):", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert set(re.findall(r"`make ([a-z-]+)|^ +make ([a-z-]+)", text, re.MULTILINE)) <= set(
        itertools.chain(*(((name, ""), ("", name)) for line in targets for name in line.split()))
    )


def test_what_is_shown_agrees_with_the_code_and_with_itself() -> None:
    pages = {path.name: path.read_text(encoding="utf-8") for path in examples.GUIDES if path != ROOT / "docs/README.md"}
    assert re.search(r"^- " + r" +".join(_fleet.COLUMNS) + "$", pages["first_roll.md"], re.MULTILINE)
    for figures in re.findall(r"\d+ of \d{4}", pages["README.md"]):
        assert f"{figures} lost" in pages["rolling.md"], figures


def test_the_demonstration_was_like_that() -> None:
    """Every line of README that is shown of it, but for what is left out at a dot leader."""
    (shown,) = (one.text for one in examples.blocks(ROOT / "README.md") if one.language == "")
    pieces = [re.escape(piece.strip()) for piece in re.split(r"…|\n", shown) if piece.strip()]
    printed = (pathlib.Path(__file__).parents[1] / "captures/demo.log").read_text(encoding="utf-8")
    assert re.search(r"[\s\S]*?".join(pieces), printed)


def test_names_of_the_collection_exist() -> None:
    named = {name for several in known().values() for name in several} | {path.stem for path in examples.PLAYBOOKS}
    # The rulebook, and the group of all modules for module_defaults.
    named |= {path.stem for path in (ROOT / "extensions/eda/rulebooks").glob("*.yml")} | {"all"}
    for path in [*examples.GUIDES, *reference.TARGET.rglob("*.md"), *examples.PLAYBOOKS]:
        text = path.read_text(encoding="utf-8")
        assert set(re.findall(r"fleetops\.odoo\.([a-z]\w*)", text)) <= named, path


def test_variables_that_the_guides_name_exist() -> None:
    roles = "|".join(known()["role"])
    exist = {*variables(), *hosts_variables(), *known()["role"], *REPORTS}
    for path in examples.GUIDES:
        text = path.read_text(encoding="utf-8")
        for name in re.findall(rf"`((?:{roles})_\w*\w)`", text) + re.findall(rf"-e ((?:{roles})_\w+)=", text):
            assert name in exist, f"{path.name}: {name}"


def test_tasks_are_accepted() -> None:
    wrong = {}
    for where, task in all_tasks():
        module = module_of(task)
        if module in NOT_HERE:
            continue
        if module.startswith("fleetops.odoo."):
            options = known()["module"][module.split(".")[-1]]["doc"]["options"]
        else:
            options = others()[module]
        # set_fact takes any name.
        found = [] if "key_value" in options else faults(options, task[module] or {})
        if found or "name" not in task:
            wrong[f"{where}: {task}"] = found or ["it has no name"]
    assert wrong == {}


@pytest.mark.parametrize("block", yaml_blocks(), ids=lambda block: block.where)
def test_yaml_is_what_it_seems(block: examples.Block, tmp_path: pathlib.Path) -> None:
    loaded = yaml.safe_load(block.text)
    # test_the_inventory_of_instances_makes_their_names reads an inventory of a plugin.
    if isinstance(loaded, list) or "plugin" in loaded:
        return
    if any("hosts" in (group or {}) for group in loaded.values() if isinstance(group, dict)):
        path = tmp_path / "hosts.yml"
        path.write_text(block.text, encoding="utf-8")
        inventory = InventoryManager(DataLoader(), sources=[str(path)])
        assert set(loaded) <= set(inventory.groups)
        assert inventory.get_hosts()
        return
    elsewhere = ANSIBLES | rulebook_variables()
    assert faults(variables(), {name: value for name, value in loaded.items() if name not in elsewhere}) == []


def test_the_dump_was_written_by_a_server() -> None:
    """Line by line, but for those that are left out, by one process."""
    (block,) = (one for one in examples.blocks(ROOT / "docs/dumps.md") if one.language == "dump")
    written = iter(map(str.rstrip, captures()["19-prefork/dumps/quit-rowlock-holder-and-waiter.log"].split("\n")))
    for line in block.text.splitlines():
        assert line == "…" or line in written, line


def objections(where: str, command: str) -> list[str]:
    """Return the errors of a command."""
    program, _blank, rest = command.partition(" ")
    if command in OTHERS or program in OTHERS:
        return []
    if program == "ansible":
        typed = examples.adhoc(where, command)
        if typed.module == "ansible.builtin.package":
            return []
        return faults(known()["module"][typed.module.removeprefix("fleetops.odoo.")]["doc"]["options"], typed.given)
    if program == "ansible-playbook":
        return _objections_to_playbook(examples.playbook(where, command))
    if program == "make":
        found = re.search(rf"(?m)^{rest}:", (ROOT / "Makefile").read_text(encoding="utf-8"))
        return [] if found else ["the Makefile has no such target"]
    if program == "export":
        settings = {one["name"] for entry in DEFINITIONS.values() for one in entry.get("env") or []}
        return [f"Ansible knows no {name}" for name in re.findall(r"(\w+)=", rest) if name not in settings]
    return ["no test knows what this is"]


def _objections_to_playbook(typed: examples.Playbook) -> list[str]:
    name = typed.name.removeprefix("fleetops.odoo.")
    if name not in {path.stem for path in examples.PLAYBOOKS}:
        return ["there is no such playbook"]
    role = known()["role"].get(name, {"entry_points": {}})
    required = {
        variable
        for point in role["entry_points"].values()
        for variable, option in point["options"].items()
        if option.get("required")
    }
    given = {variable: value for variable, value in typed.variables.items() if variable not in hosts_variables()}
    options = set(typed.options) - {"-i", "inventory", "instances.generator.yml", "--check", "-e", "@our-awx.yml"}
    return [
        *faults(variables(), given),
        *(f"{variable} is missing" for variable in required - set(given)),
        *(f"{option} is not known to the tests" for option in options),
    ]


def test_commands_are_accepted() -> None:
    wrong = {f"{where}: {command}": objections(where, command) for where, command in examples.commands()}
    assert {place: found for place, found in wrong.items() if found} == {}


def test_every_playbook_is_run_for_real() -> None:
    assert set(RUN_BY) == {path.stem for path in examples.PLAYBOOKS}
    for name, file in RUN_BY.items():
        text = (ROOT / "tests/integration" / file).read_text(encoding="utf-8")
        assert re.search(rf"\b{name}\b", text), name


def test_ansible_reads_all_of_it(tmp_path: pathlib.Path) -> None:
    """One syntax check: modules are found, and keywords of tasks and plays are known."""
    plays: list[dict[str, t.Any]] = []
    for _where, several in shown():
        tasks = [
            one for one in several if not {"hosts", "import_playbook"} & set(one) and module_of(one) not in NOT_HERE
        ]
        plays += [one for one in several if {"hosts", "import_playbook"} & set(one)]
        plays.append({"hosts": "localhost", "gather_facts": False, "tasks": tasks})
    plays += [{"import_playbook": f"fleetops.odoo.{path.stem}"} for path in examples.PLAYBOOKS]
    book = tmp_path / "all.yml"
    book.write_text(yaml.safe_dump(plays, sort_keys=False), encoding="utf-8")
    done = subprocess.run(
        ["ansible-playbook", "--syntax-check", "-i", "odoo,", str(book)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "ANSIBLE_LOCALHOST_WARNING": "false"},
    )
    assert done.returncode == 0, done.stderr


def test_the_inventory_of_instances_makes_their_names(tmp_path: pathlib.Path) -> None:
    blocks = re.findall(r"(?ms)^```yaml\n(.*?)^```", (ROOT / "docs" / "rolling.md").read_text(encoding="utf-8"))
    shown, variables = blocks[0], yaml.safe_load(blocks[1])
    path = tmp_path / "instances.generator.yml"
    path.write_text(shown, encoding="utf-8")
    done = subprocess.run(["ansible-inventory", "-i", path, "--list"], check=True, capture_output=True, text=True)
    listed = json.loads(done.stdout)
    names = {f"{host}-{name}" for host in ("odoo1", "odoo2") for name in ("shop", "erp", "wiki")}
    assert set(listed["odoo_instances"]["hosts"]) == names
    told = listed["_meta"]["hostvars"]["odoo2-erp"]
    assert told["rolling_restart_instance"] == "erp"
    # Some releases of Ansible mark what was made from a template.
    assert "odoo2.example.com" in str(told["ansible_host"])
    known = yaml.safe_load((ROOT / "roles" / "rolling_restart" / "defaults" / "main.yml").read_text(encoding="utf-8"))
    assert {name for name in variables if name.startswith("rolling_restart")} <= set(known)
