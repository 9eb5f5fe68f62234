# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logs that hypothesis makes of captured lines and of lines that are odd."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from .dumped import lines

#: Lines of every captured kind, and some that no program has written yet.
ODD = [
    "# Thread: (db:",
    "# Greenlet:",
    "# Greenlet: ",
    "# Thread: x (db:a) (foo:b) (uid:3)",
    'File: "',
    "  x",
    "\x00",
    "{",
    "# ",
]


ODD += [
    'File: "a", line 1, in f',
    'File: "a", line 007, in f',
    '  File "/x.py", line 1, in f',
    "\x1b[1m  y",
    "  \x1b[0m",
    "",
]


ODD += [
    json.dumps({"MESSAGE": 'File: "j", line 2, in g', "_PID": "33"}),
    json.dumps({"log": "# Thread: d\n"}),
    '{"log": 1}',
]


ODD += [
    "Nov 24 10:30:22 h odoo[33]: # Thread: s",
    "1999-11-24 10:30:21,608 34 INFO ? odoo.tools.misc: ",
    "\r",
    "plain text",
]


ODD += [
    "2026-11-24 10:30:21,608 34 INFO ? odoo.tools.misc: ",
    "2026-11-24 10:30:21,608 34 INFO x odoo.http: y",
    "odoo | # Thread: c",
]


ANY_LINE = st.one_of(st.sampled_from([*lines("19-prefork"), *lines("14-prefork")[:40], *ODD * 8]), st.text(max_size=60))


LOGS = st.lists(ANY_LINE, max_size=120).map("\n".join)
