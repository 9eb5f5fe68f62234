# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: parse_dumps
short_description: Read the stack dumps in a log of Odoo
version_added: 1.0.0
author:
  - fleetops.odoo contributors (@fleetops)
description:
  - Finds every dump that Odoo has written to its log after a QUIT, and parses it into threads and frames.
  - Reads log files, the output of C(journalctl) in any of its formats, logs of containers, syslog's files, JSON, tables
    with commas, records of other formatters, the output of a terminal, and pasted text without a beginning. It removes
    what tools put in front of every line and behind it. Lines of other records may be in between, and the newest line
    may come first.
  - The filter hides nothing. Addresses may contain secrets; the playbook C(fleetops.odoo.explain_dumps) hides them.
options:
  _input:
    description: The log as a text or as a list of lines.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Which requests are under way?
  ansible.builtin.debug:
    msg: "{{ (lookup('ansible.builtin.file', 'odoo-server.log') | fleetops.odoo.parse_dumps)
             | map(attribute='threads') | flatten | rejectattr('idle') | map(attribute='url') }}"
"""

RETURN = r"""
_value:
  description:
    - One dictionary for each dump, in the order of the log, with C(pid) in the log, C(time) in ISO 8601 and UTC,
      C(database) (these are V(none) if the log does not show them), C(other), which are lines above the first thread,
      C(understood), and C(threads).
    - C(understood) is false if the dump is cut off, a thread has no frame, or threads of two processes are in it. Such
      a dump does not show what the process does.
    - Each thread has C(name), C(db), C(uid), C(url), C(query_count), C(query_time) and C(python_time) in seconds (these
      are V(none) if the dump does not show them), C(idle), C(frames), and C(other), which are lines without a frame.
      C(idle) comes from the frames; the thread of an idle worker still shows its last request.
    - Each frame has C(file), C(line), C(function) and C(source), the innermost last.
  type: list
  elements: dict
"""

import typing as t

from ansible_collections.fleetops.odoo.plugins.plugin_utils.problems import filter_error
from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted


def parse_dumps(log: t.Any) -> list[dict[str, t.Any]]:
    """Apply the filter, see the documentation above."""
    from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.parse import parse_dumps as parse_lines
    from ansible_collections.fleetops.odoo.plugins.module_utils._messages.dump import NOT_A_LOG

    if isinstance(log, str):
        dumps = parse_lines(log.split("\n"))
    elif isinstance(log, (list, tuple)) and all(isinstance(line, str) for line in log):
        dumps = parse_lines(log)
    else:
        raise filter_error(NOT_A_LOG(value=f"a value of type {type(log).__name__}"))
    return untrusted([dump.told() for dump in dumps])


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return names and functions."""
        return {"parse_dumps": parse_dumps}
