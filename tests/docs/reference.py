# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write docs/reference from what ansible-doc says of the collection: python -m tests.docs.reference."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import typing as t

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = ROOT / "docs" / "reference"
COLLECTION = "fleetops.odoo"
#: The kinds as ansible-doc names them, the directory of each, and its heading in the index.
KINDS = {
    "role": ("roles", "Roles"),
    "module": ("modules", "Modules"),
    "filter": ("filters", "Filters"),
    "lookup": ("lookups", "Lookups"),
    "callback": ("callbacks", "Callbacks"),
}
#: How the filters that serve a role only begin to describe themselves.
INNER = "Used by the role"
#: Entry points of a role stand in the order in which a playbook runs them.
ORDER = ("preflight", "main", "explain", "merge", "summary", "undrain", "release")

Record = dict[str, t.Any]


def collected() -> dict[str, dict[str, Record]]:
    """Return the documentation from ansible-doc, by kind and by name without the collection.

    :raises subprocess.CalledProcessError: if the documentation of something cannot be read.
    """
    done = subprocess.run(["ansible-doc", "--metadata-dump", COLLECTION], check=True, capture_output=True, text=True)
    everything = json.loads(done.stdout)["all"]
    return {kind: {name.split(".")[-1]: one for name, one in everything[kind].items()} for kind in KINDS}


def pages(everything: dict[str, dict[str, Record]]) -> dict[str, str]:
    """Every page of the reference, by its path below docs/reference."""
    made = {"README.md": _index(everything), "playbooks.md": _playbooks()}
    for kind, (folder, _heading) in KINDS.items():
        for name, one in everything[kind].items():
            page = _role(name, one) if kind == "role" else _plugin(kind, name, one)
            made[f"{folder}/{name}.md"] = page
    return made


# --- Ansible's markup -----------------------------------------------------------------------------------------------


def _inline(text: str) -> str:
    """One paragraph of a documentation, as Markdown. Links lead from one directory of the reference to another."""
    kept: list[str] = []

    def keep(markdown: str) -> str:
        kept.append(markdown)
        return f"\0{len(kept) - 1}\0"

    def code(match: re.Match[str]) -> str:
        # C() is older and knows no escapes.
        word = match[2] if match[1] else re.sub(r"\\(.)", r"\1", match[4])
        word = re.sub(r"^[\w.]+#\w+:", "", word)
        return keep(f"`{word}`")

    def plugin(match: re.Match[str]) -> str:
        name, _hash, kind = match[2].partition("#")
        return keep(_link(name, kind or "module"))

    text = re.sub(r"\b(?:(C)\(([^)]*)\)|(V|O|RV|E)\(((?:[^)\\]|\\.)*)\))", code, text)
    text = re.sub(r"\b(M|P)\(([^)]*)\)", plugin, text)
    text = re.sub(r"\bL\(([^,)]*), *([^)]*)\)", lambda match: keep(f"[{match[1]}]({match[2]})"), text)
    text = re.sub(r"\bU\(([^)]*)\)", lambda match: keep(f"<{match[1]}>"), text)
    # Markdown does not read an underscore within a word as markup.
    text = re.sub(r"([*<>\[\]`|]|\b_|_\b)", r"\\\1", text)
    return re.sub(r"\0(\d+)\0", lambda match: kept[int(match[1])], text)


def _link(name: str, kind: str) -> str:
    collection, _dot, short = name.rpartition(".")
    return f"[`{name}`](../{KINDS[kind][0]}/{short}.md)" if collection == COLLECTION else f"`{name}`"


def _paragraphs(value: t.Any) -> list[str]:
    return [_inline(one) for one in ([value] if isinstance(value, str) else value or [])]


def _value(value: t.Any) -> str:
    return f"`{value if isinstance(value, str) and value else json.dumps(value)}`"


def _sample(value: t.Any) -> list[str]:
    """A value that may be returned, on the line if it is short."""
    short = _value(value)
    if len(short) < 100 and "\n" not in short:
        return [f"Such as {short}"]
    shown = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110)
    return ["Such as", "", "```yaml", *shown.splitlines(), "```"]


# --- parts of a page ------------------------------------------------------------------------------------------------


def _entry(name: str, one: Record, indent: str, inner: str) -> list[str]:
    """An option or a returned value with what is inside of it, as an item of a list."""
    kind = one.get("type", "str") + (f" of {one['elements']}" if "elements" in one else "")
    facts = [f"**`{name}`**", kind]
    if one.get("required"):
        facts.append("**required**")
    if one.get("choices"):
        facts.append("one of " + ", ".join(_value(choice) for choice in one["choices"]))
    if one.get("default") is not None:
        facts.append(f"default {_value(one['default'])}")
    lines = [f"{indent}- {' · '.join(facts)}"]
    returned = one.get("returned")
    for paragraph in _paragraphs(one.get("description")) + (
        [f"Returned: {_inline(returned)}."] if returned and returned not in ("always", "success") else []
    ):
        lines += ["", f"{indent}  {paragraph}"]
    if "sample" in one:
        lines += ["", *(f"{indent}  {line}".rstrip() for line in _sample(one["sample"]))]
    for below, value in (one.get(inner) or {}).items():
        lines += ["", *_entry(below, value, indent + "  ", inner)]
    return lines


def _entries(heading: str, entries: Record | None, inner: str) -> list[str]:
    if not entries:
        return []
    lines = [heading, ""]
    for name, one in entries.items():
        lines += [*_entry(name, one, "", inner), ""]
    return lines


def _attributes(attributes: Record | None) -> list[str]:
    if not attributes:
        return []
    lines = ["## Attributes", "", "| | | |", "|---|---|---|"]
    for name, one in attributes.items():
        said = [*_paragraphs(one.get("description")), *_paragraphs(one.get("details"))]
        lines.append(f"| `{name}` | {one.get('support', '')} | {' '.join(said)} |")
    return [*lines, ""]


def _seealso(several: list[Record] | None) -> list[str]:
    lines = []
    for one in several or []:
        if "module" in one:
            link = _link(one["module"], "module")
        elif "plugin" in one:
            link = _link(one["plugin"], one["plugin_type"])
        else:
            link = f"[{one['name']}]({one['link']})"
        said = _paragraphs(one.get("description"))
        lines.append(f"- {link}{': ' + said[0] if said else ''}")
    return ["## See also", "", *lines, ""] if lines else []


def _bullets(heading: str, several: t.Any) -> list[str]:
    lines = [f"- {one}" for one in _paragraphs(several)]
    return [heading, "", *lines, ""] if lines else []


def _joined(lines: list[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"


def _head(kind: str, name: str) -> list[str]:
    return [f"# {COLLECTION}.{name}", "", f"*{kind}* · [all of the reference](../README.md)", ""]


def _plugin(kind: str, name: str, one: Record) -> str:
    doc = one["doc"]
    lines = [*_head(kind, name), f"{_inline(doc['short_description'])}.", ""]
    for paragraph in _paragraphs(doc.get("description")):
        lines += [paragraph, ""]
    lines += _bullets("## Requirements", doc.get("requirements"))
    lines += _entries("## Options", doc.get("options"), "suboptions")
    lines += _bullets("## Notes", doc.get("notes"))
    if one.get("examples"):
        lines += ["## Examples", "", "```yaml", one["examples"].strip("\n"), "```", ""]
    lines += _entries("## Returned values", one.get("return"), "contains")
    lines += _attributes(doc.get("attributes"))
    return _joined(lines + _seealso(doc.get("seealso")))


def _role(name: str, one: Record) -> str:
    lines = _head("role", name)
    shown: Record | None = None
    points = one["entry_points"]
    for point in sorted(points, key=lambda point: ORDER.index(point) if point in ORDER else len(ORDER)):
        spec = points[point]
        lines += [f"## Entry point `{point}`", "", f"{_inline(spec['short_description'])}.", ""]
        for paragraph in _paragraphs(spec.get("description")):
            lines += [paragraph, ""]
        options = spec.get("options") or {}
        if shown is None:
            lines += _entries("### Variables", options, "options")
            shown = options
        elif options == shown:
            lines += ["It has the same variables as the entry point above.", ""]
        else:
            raise ValueError(f"{name}: entry point {point} has variables of its own, for which there is no form yet")
    return _joined(lines)


def _playbooks() -> str:
    """Return the first comments of the playbooks."""
    lines = ["# Playbooks", "", "*playbooks* · [all of the reference](README.md)", ""]
    for path in sorted((ROOT / "playbooks").glob("*.yml")):
        lines += [f"## {COLLECTION}.{path.stem}", ""]
        for line in _comment(path):
            # Indented lines are commands, as in Markdown; the rest is text.
            lines.append(f"  {line}" if line.startswith("  ") else re.sub(_NAMES, _named, line))
        lines += ["", f"Its text: [playbooks/{path.name}](../../playbooks/{path.name})", ""]
    return _joined(lines)


#: Words in these comments that are not English.
_NAMES = r"ansible-doc [\w. -]+\w|\broles/(?P<role>\w+)|\b\w+_\w+\b"


def _named(match: re.Match[str]) -> str:
    return f"[`{match[0]}`](roles/{match['role']}.md)" if match["role"] else f"`{match[0]}`"


def _comment(path: pathlib.Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    taken = []
    for line in lines[lines.index("---") + 1 :]:
        if not line.startswith("#"):
            break
        taken.append(line[2:])
    return taken


def _index(everything: dict[str, dict[str, Record]]) -> str:
    lines = [
        "# Reference",
        "",
        "Made by `make docs` from what `ansible-doc` says; nobody edits it. The same is shown by",
        "`ansible-doc fleetops.odoo.reload`, `ansible-doc -t filter fleetops.odoo.batches` and",
        "`ansible-doc -t role fleetops.odoo.rolling_restart`.",
        "",
        "## Playbooks",
        "",
        "| | |",
        "|---|---|",
    ]
    for path in sorted((ROOT / "playbooks").glob("*.yml")):
        text = " ".join(_comment(path))
        first = re.split(r"(?<=[.?:]) ", text)[0].rstrip(":.")
        lines.append(f"| [`{path.stem}`](playbooks.md#fleetopsodoo{path.stem}) | {first} |")
    inner: list[str] = []
    for kind, (folder, heading) in KINDS.items():
        rows: list[str] = []
        for name, one in everything[kind].items():
            said = _purpose(name) if kind == "role" else one["doc"]["short_description"]
            row = f"| [`{name}`]({folder}/{name}.md) | {_inline(said)} |"
            served = kind == "filter" and any(INNER in text for text in one["doc"]["description"])
            (inner if served else rows).append(row)
        lines += ["", f"## {heading}", "", "| | |", "|---|---|", *rows]
    lines += ["", "## Filters that serve the roles", "", "| | |", "|---|---|", *inner]
    return _joined(lines)


def _purpose(role: str) -> str:
    """Return the purpose of a role: each of its entry points describes only a part."""
    text = (ROOT / "roles" / role / "meta" / "main.yml").read_text(encoding="utf-8")
    return str(yaml.safe_load(text)["galaxy_info"]["description"])


def differing(made: dict[str, str]) -> list[str]:
    """Paths below docs/reference that are out of date, missing, or too many."""
    there = {str(path.relative_to(TARGET)): path.read_text(encoding="utf-8") for path in TARGET.rglob("*.md")}
    return sorted(path for path in {*made, *there} if made.get(path) != there.get(path))


def main() -> None:
    """Write what differs, and remove what is of nothing any more."""
    made = pages(collected())
    for path in differing(made):
        file = TARGET / path
        if path in made:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(made[path], encoding="utf-8")
        else:
            file.unlink()
        print(f"docs/reference/{path}")


if __name__ == "__main__":
    main()
