# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The variables of the role awx_setup cannot be used, AWX has no project, or an approval was denied."""

from __future__ import annotations

from .code import Code

UNKNOWN_KEY = Code(
    "awx.unknown_key",
    "{where} must have only keys of {known}, got {keys}",
)
NO_PROJECT_URL = Code(
    "awx.no_project_url",
    "project.scm_url is empty",
    "Set it to your copy of docs/awx-project, such as https://git.example.com/odoo-operations.git, or set"
    " scm_type: manual and local_path.",
)
MISSING_KEY = Code("awx.missing_key", "{where} must have {key}")
SLICED = Code(
    "awx.sliced",
    "{where} must not be sliced, because a slice does not know the hosts of the other slices",
    "Set job_slice_count: 1 and ask_job_slice_count_on_launch: false.",
)
TEMPLATE_OR_APPROVAL = Code("awx.template_or_approval", "{where} must have either template or approval")
UNKNOWN_NAME = Code("awx.unknown_name", "{where} must be one of {known}, got {names}")
NO_RECIPIENT = Code("awx.no_recipient", "{where} must have teams or users")
BAD_VARIABLE = Code(
    "awx.bad_variable", "{where} must have a variable that no other question has, with a name of letters, digits and _"
)
NOT_A_CHOICE = Code("awx.not_a_choice", "{where} must have a default that is one of {choices}, got {value!r}")
BAD_DEFAULT = Code("awx.bad_default", "{where} must have a default of type {wanted}, got {value!r}")
BAD_LIMIT = Code("awx.bad_limit", "{where}: {key} must be a whole number, got {value!r}")
DEFAULT_OUT_OF_RANGE = Code(
    "awx.default_out_of_range", "{where}: the default must be from {low} to {high}, got {value!r}"
)
UNKNOWN_TYPE = Code("awx.unknown_type", "{where}: type must be one of {known}, got {value!r}")
PROJECT_UPDATE = Code(
    "awx.project_update",
    "AWX could not update the project {project} from {url} (project update {id}, {status}): {reason}",
    "Correct the cause, then run awx_setup again. In AWX, the job {id} has the whole output.",
)
NOT_APPROVED = Code(
    "awx.not_approved",
    "The rest of the roll was not approved: the approval was denied or timed out. Done: {done}. Not done:"
    " {remaining}. The hosts that are done keep their new code. No lock is left, and no host is out of its load"
    " balancer",
    "Launch the workflow again to reload the hosts that are not done.",
)
