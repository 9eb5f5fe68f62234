# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Make a page of HTML in one file that needs no network: templates and their common parts.

The templates, styles and scripts are in the folder ``templates`` beside this file. Only the scripts and styles of the
page itself may run, by their hashes: text of a log that became markup would have no effect.
"""

from __future__ import annotations

import base64
import hashlib
import json
import pathlib
import re
import typing as t
import zlib

import jinja2
import markupsafe

_FOLDER = pathlib.Path(__file__).parent / "templates"

#: Logs are written by strangers, so every text is escaped.
_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_FOLDER),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


#: Where a long name or path may be broken, so that no word and no number is.
_BREAK = re.compile(r"(?<=[\w)\]}'\"][./_:=,;&?@)\]}])(?!(?<=\d[.,:])\d)(?=[^\s.])|(?<=[^\W_])(?=[(\[{])")


def breaks(text: t.Any) -> markupsafe.Markup:
    """Return a text with places where a browser may break names and paths.

    >>> str(breaks("IrUiView._get <b>"))
    'IrUiView.<wbr>_get &lt;b&gt;'
    """
    return markupsafe.Markup("<wbr>").join(markupsafe.escape(part) for part in _BREAK.split(str(text)))


_TEMPLATES.filters["breaks"] = breaks


def render(template: str, styles: t.Sequence[str], scripts: t.Sequence[str], **values: t.Any) -> str:
    """Return a whole page.

    :param template: name of a template that extends ``base.html.j2``.
    :param styles: names of the page's own files of CSS, beside those that all pages share; ``scripts`` likewise.
    :param values: the values of the template.
    """
    style, script = _joined("base.css", *styles), _joined("base.js", *scripts)
    return _TEMPLATES.get_template(template).render(
        style=markupsafe.Markup(style),  # noqa: S704 - files of our own
        script=markupsafe.Markup(script),  # noqa: S704
        policy=f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; "
        "form-action 'none'",
        data=_data,
        **values,
    )


def packed(text: str) -> str:
    """``text`` deflated and in base64, as the page's script unpacks it."""
    return base64.b64encode(zlib.compress(text.encode("utf-8", "backslashreplace"), 9)).decode("ascii")


def _joined(*names: str) -> str:
    return "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in names)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _data(value: t.Any) -> markupsafe.Markup:
    """Return a value as JSON that can be inside a script element: no text in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for one in "<>&\u2028\u2029":
        text = text.replace(one, f"\\u{ord(one):04x}")
    return markupsafe.Markup(text)  # noqa: S704 - it has no markup any more
