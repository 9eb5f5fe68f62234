# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The processes of a host as lines: servers with their children, and one-off runs."""

from __future__ import annotations

from ansible_collections.fleetops.odoo.plugins.module_utils._facts.process_tree import process_tree
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import Look, look

from .. import build
from ..conftest import captured

SECRET = "Q7zX9w"


def test_each_process_is_a_line_with_role_memory_cpu_age_and_redacted_arguments() -> None:
    secret = (*build.SERVER_ARGV, "--db_password", SECRET, "a\nb")
    instance = build.instance(build.prefork(100, argv=secret, rss_pages=25_000, cpu_ticks=150))
    one_off = build.process(7, argv=("odoo", "shell"), start=1000)
    lines = process_tree(Look((instance,), (one_off,), {}, {}, frozenset()), 2100)
    assert lines[0] == (
        "100 master running rss=102.4MB cpu=1.50s age=10.0s /usr/bin/python3 /usr/bin/odoo --config"
        " /etc/odoo/odoo.conf --db_password ******** a b"
    )
    assert [line.split("rss")[0] for line in lines[1:]] == [
        "  101 http current ",
        "  102 http current ",
        "  150 gevent current ",
        "  160 cron current ",
        "7 one-off ",
    ]
    assert SECRET not in "".join(lines)


def test_a_long_command_line_is_cut() -> None:
    instance = build.instance(build.threaded(100, argv=(*build.SERVER_ARGV, "x" * 2000)))
    assert len(process_tree(Look((instance,), (), {}, {}, frozenset()), 0)[0]) == 500


def test_a_captured_host_has_a_line_for_each_process_and_one_off_run() -> None:
    seen = look(captured("19-prefork", "decoys"))
    lines = process_tree(seen, 10_000_000)
    assert len(lines) == sum(1 + len(i.children) for i in seen.instances) + len(seen.one_off)
    assert any("one-off" in line for line in lines)
