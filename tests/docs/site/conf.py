# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configure Sphinx for tests/docs/docsite. The guides stay plain Markdown; this file has the settings of the site."""

from __future__ import annotations

import posixpath
import re
import typing as t

from pygments.lexers.special import TextLexer  # type: ignore[import-untyped]

project = "fleetops.odoo"
title = html_title = html_short_title = "fleetops.odoo"
author = "fleetops.odoo contributors"
project_copyright = "2026, fleetops.odoo contributors"

extensions = ["myst_parser", "sphinx_antsibull_ext"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
myst_heading_anchors = 4
#: What has no language is output or a command.
highlight_language = "text"
pygments_style = "ansible"
html_theme = "sphinx_ansible_theme"
html_show_sphinx = False
html_copy_source = False
smartquotes = False
nitpicky = True

#: What stands below the first page. Below docs/README stands what it links to.
_PARTS = """docs/README
Reference <reference/index>
reference/playbooks
Changes <CHANGELOG>
CONTRIBUTING
SECURITY"""
#: Labels of Ansible's own documentation that antsibull-docs refers to.
_ANSIBLES = {"action_plugins", "ansible_configuration_settings", "callback_plugins", "common_return_values"}
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def moved(target: str, docname: str) -> str:
    """Map files of the checkout to pages of the site: its first page, and the files of antsibull-docs."""
    if target == "../README.md" and docname.startswith("docs/"):
        return "../index.md"
    if target == "README.md" and docname.startswith("reference/"):
        return "index.rst"
    target = re.sub(r"(^|/)reference/README\.md$", r"\1reference/index.rst", target)
    return re.sub(r"(^|/)(modules|roles|filters|lookups|callbacks)/(\w+)\.md$", _renamed, target)


def _renamed(match: re.Match[str]) -> str:
    return f"{match[1]}{match[3]}_{match[2].removesuffix('s')}.rst"


def adapt(text: str, docname: str, pages: t.Collection[str]) -> str:
    """Return a page of the checkout for the site: a link to a file outside of the site becomes plain text."""

    def link(match: re.Match[str]) -> str:
        words, target = match[1], moved(match[2], docname)
        name, mark, heading = target.partition("#")
        if re.match(r"\w+:", target) or not name:
            return match[0]
        # docs/reference is reference here, beside docs.
        name = re.sub(r"^reference/", "../reference/", name) if docname.startswith("docs/") else name
        name = re.sub(r"^docs/reference/", "reference/", name)
        page = posixpath.normpath(posixpath.join(posixpath.dirname(docname), name))
        return f"[{words}]({name}{mark}{heading})" if page.rpartition(".")[0] in pages else words

    text = _LINK.sub(link, text)
    # The index by what a reader wants comes first on the page, and has pages in another order.
    guides = dict.fromkeys(reversed(re.findall(r"\]\((\w+)\.md\)", text)))
    entries = {"index": _PARTS, "docs/README": "\n".join(reversed(guides))}.get(docname)
    # Below the title: behind the last heading it would be part of that.
    title, newline, rest = text.partition("\n")
    return title + newline + (f"\n```{{toctree}}\n:hidden:\n\n{entries}\n```\n" if entries else "") + rest


def _read(app: t.Any, docname: str, source: list[str]) -> None:
    if str(app.env.doc2path(docname, base=False)).endswith(".md"):
        source[0] = adapt(source[0], docname, app.env.found_docs)


def _elsewhere(_app: t.Any, _env: t.Any, node: t.Any, content: t.Any) -> t.Any:
    """Ansible's documentation is not linked, plugins of other collections neither: it cannot be asked from here."""
    target = str(node.get("reftarget", ""))
    foreign = re.match(r"ansible_collections\.(?!fleetops\.odoo\.)", target) or target in _ANSIBLES
    return content if foreign else None


def setup(app: t.Any) -> None:
    """Called by Sphinx."""
    for language in ("dump", "haproxy", "sudoers"):
        app.add_lexer(language, TextLexer)
    app.connect("source-read", _read)
    app.connect("missing-reference", _elsewhere)
