# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""A part of a bundle is missing, or a bundle was not made. Nothing was signalled or changed."""

from __future__ import annotations

from .code import Code

SECRET_LEFT = Code(
    "bundle.secret_left",
    "{part} would show a secret ({kind}), so nothing was sent",
    "Hide the secret where the server writes it, or call the module with match for the other servers.",
)
ANY_ERROR = Code("bundle.error", "{error}")
PARTS_TOO_LARGE = Code(
    "bundle.parts_too_large",
    "all parts together would be larger than {limit:d} bytes (max_size)",
    "Set a larger max_size, or choose fewer servers.",
)
PART_TOO_LARGE = Code(
    "bundle.part_too_large", "the part has {size:d} bytes, and a part of this kind may have {limit:d}"
)
NOT_PERMITTED = Code(
    "bundle.not_permitted", "this user may not read it", "Run the task as root or as the user of the server (become)."
)
PROCESS_ENDED = Code("bundle.process_ended", "the process has ended")
NO_CONF = Code("bundle.no_conf", "the server was started without a configuration file")
NOT_READ = Code("bundle.not_read", "{path} cannot be read ({error})")
NO_UNIT = Code("bundle.no_unit", "the server has no systemd unit (its supervisor: {kind})")
NO_UNIT_FILE = Code("bundle.no_unit_file", "no file of unit {unit} was found")
DISK_TIMEOUT = Code("bundle.disk_timeout", "the file system of {path} did not answer within {seconds:g} s")
