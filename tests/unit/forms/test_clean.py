# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signs that terminals, web pages and word processors have changed."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._forms.clean import Cleaner, without_bare_colours

FRAME = 'File: "/usr/bin/odoo", line 6, in <module>'


@pytest.mark.parametrize(
    "line",
    [
        f"\x1b[1;32m{FRAME}\x1b[0m",
        f"\x1b[38;2;255;255;255;48;2;0;0;0m{FRAME}\x1b[0m",
        f"\x1b[?2004h\x1b]0;root@p19: ~\x07{FRAME}\x1b[K",
        f"#033[1m{FRAME}#033[0m",
        f"^[[1m{FRAME}^[[0m",
        f"\ufffd[1m{FRAME}\ufffd[0m",
        f"<ESC>[1m{FRAME}<ESC>[0m",
        FRAME.replace(" ", "\xa0"),
        f"\u200b{FRAME}\ufeff",
        f"<p>{FRAME}</p>",
        f'<div class="line"><span class="n">12</span>{FRAME}</div>',
        f"{FRAME}<br />",
    ],
)
def test_what_is_for_a_terminal_or_a_page_alone_is_taken_off(line: str) -> None:
    assert Cleaner().clean(line) == FRAME


@pytest.mark.parametrize("line", [FRAME, "  '<div>%s</div>'", "  a[1] = m", "  x = '\\\\_a'", "a &amp; b", '  x = ""'])
def test_a_line_as_odoo_wrote_it_is_left(line: str) -> None:
    cleaner = Cleaner()
    assert cleaner.restore(cleaner.clean(line)) == line
    assert not cleaner.is_odd


@pytest.mark.parametrize(
    ("first", "next_line", "restored"),
    [
        ("# Thread: &lt;T&gt;", "  a &lt; b", "  a < b"),
        ("File: &#34;a&#34;, line 1, in f", "  &#39;a&#39;", "  'a'"),
        ("\\# Thread: \\<T\\>", "  my\\_call()", "  my_call()"),
        ('File: ""a"", line 1, in f', '  call(""a"")', '  call("a")'),
        ('File: \\"a\\", line 1, in f', '  call(\\"a\\")', '  call("a")'),
        ("File: \u201ca\u201d, line 1, in f", "  call(\u2018a\u2019)", "  call('a')"),
    ],
)
def test_what_one_line_shows_holds_for_the_next_ones(first: str, next_line: str, restored: str) -> None:
    cleaner = Cleaner()
    assert cleaner.restore(first).startswith(("# Thread: <T>", 'File: "a", line'))
    assert cleaner.is_odd
    assert cleaner.restore(next_line) == restored


def test_a_colour_without_its_escape_character_is_taken_off() -> None:
    assert without_bare_colours("[1;32m[1;49mINFO[0m a[1]") == "INFO a[1]"
