# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The fields of each kind of record that a site may set in AWX, with AWX's own defaults. Pure.

A field that the file does not name gets this default, so that what a site takes out of its file goes out of AWX, too.
None stands for what AWX shows as null. The modules of awx.awx cannot send null; ``left.py`` finds the fields that have
to become null.
"""

from __future__ import annotations

import typing as t

Fields = t.Mapping[str, t.Any]

_NOTIFY: dict[str, list[t.Any]] = {"notify_started": [], "notify_success": [], "notify_error": []}
_ASK_TEMPLATE = (
    "job_slice_count",
    "inventory",
    "limit",
    "job_type",
    "verbosity",
    "variables",
    "tags",
    "skip_tags",
    "credential",
    "diff_mode",
)

JOB_TEMPLATE: Fields = {
    "description": "",
    "inventory": None,
    "execution_environment": None,
    "credentials": [],
    "job_type": "run",
    "limit": "",
    "forks": 0,
    "timeout": 0,
    "verbosity": 0,
    "extra_vars": {},
    "become_enabled": False,
    "diff_mode": False,
    "use_fact_cache": False,
    "allow_simultaneous": False,
    "job_slice_count": 1,
    **{f"ask_{name}_on_launch": False for name in _ASK_TEMPLATE},
    "labels": [],
    "instance_groups": [],
    **_NOTIFY,
}
WORKFLOW: Fields = {
    "description": "",
    "inventory": None,
    "limit": None,
    "allow_simultaneous": False,
    "ask_inventory_on_launch": False,
    "ask_limit_on_launch": False,
    "ask_variables_on_launch": False,
    "extra_vars": {},
    "labels": [],
    **_NOTIFY,
    "notify_approvals": [],
}
PROJECT: Fields = {
    "description": "",
    "scm_type": "git",
    "scm_url": "",
    "scm_branch": "",
    "credential": None,
    "scm_clean": False,
    "scm_update_on_launch": False,
    "scm_update_cache_timeout": 0,
    "timeout": 0,
    "default_environment": None,
}
#: AWX's own default of pull is empty, that of its module is this, and the module cannot send an empty one.
EXECUTION_ENVIRONMENT: Fields = {"description": "", "pull": "missing", "credential": None}
#: Of the sections whose entries are made one by one.
NAMED: t.Mapping[str, Fields] = {
    "credentials": {"description": ""},
    # Variables that are in AWX and not in the file may have been typed there; left.py names them.
    "inventories": {"description": "", "variables": {}},
    "inventory_sources": {
        "description": "",
        "source_path": "",
        "source_vars": {},
        "credential": None,
        "overwrite": False,
        "overwrite_vars": False,
        "update_on_launch": False,
        "update_cache_timeout": 0,
    },
    "constructed_inventories": {"description": "", "source_vars": {}, "limit": "", "update_cache_timeout": 0},
    "notification_templates": {"description": ""},
    "teams": {"description": ""},
}
#: Further keys that an entry may have; they have no default, or AWX is told of them in another way.
OTHERS: t.Mapping[str, frozenset[str]] = {
    "job_templates": frozenset(["name", "playbook", "project", "survey"]),
    "workflows": frozenset(["name", "survey", "nodes"]),
    "project": frozenset(["name", "local_path"]),
    "execution_environment": frozenset(["name", "image"]),
    "organization": frozenset(["name", "description", "galaxy_credentials"]),
    "credentials": frozenset(["name", "credential_type"]),
    "inventories": frozenset(["name"]),
    "inventory_sources": frozenset(["name", "inventory", "source"]),
    "constructed_inventories": frozenset(["name", "input_inventories", "verbosity"]),
    "notification_templates": frozenset(["name", "notification_type", "notification_configuration", "messages"]),
    "teams": frozenset(["name"]),
}
