# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.
"""The bundle of a host, or the folder of a run of diagnostics, cannot be made, packed or delivered."""

from __future__ import annotations

from .code import Code

# What came from a host
NOT_BASE64 = Code("bundle.not_base64", "the answer of the host is not a bundle (it is not base64)")
CHECKSUM = Code("bundle.checksum", "the bundle of the host was damaged on its way (its checksum is wrong)")
STRANGE_FILE = Code("bundle.strange_file", "the bundle of the host has the file {name!r}, which no bundle has")
TOO_LARGE = Code("bundle.too_large", "the bundle of the host has more files or bytes than a bundle may have")
NOT_UNPACKED = Code("bundle.not_unpacked", "the bundle of the host cannot be unpacked: {error}")
NOT_WRITTEN = Code("bundle.not_written", "dest: the bundle cannot be written to {folder}: {error}")

# The folder of a run
NO_ROOM = Code(
    "bundle.no_room",
    "min_free must be available, but {folder} has {free:d} of {wanted:d} MB free",
    "Free some space, or set another report_dir or a smaller min_free.",
)
NOT_A_RUN = Code("bundle.not_a_run", "run must be a run that state=begun has returned, got {value!r}")

# Its way to another place
BAD_DELIVERY = Code(
    "bundle.bad_delivery",
    "deliver must be controller, a host and a folder such as backup1:/srv/dumps, or http_put:https://..., got {value}",
)
UNKNOWN_HOST = Code("bundle.unknown_host", "deliver must name a host of the inventory, got {value!r}")
BAD_URL = Code(
    "bundle.bad_url", "deliver must have a URL such as https://files.example.com/ after http_put:, got {value}"
)
NOT_TAKEN = Code("bundle.not_taken", "{place} answered {answer}")
NOT_COMPLETE = Code("bundle.not_complete", "the run is not complete: {faults}", "The output above says why.")
