# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""A bundle or a part of it was not made, or a run of diagnostics cannot be packed or delivered."""

from __future__ import annotations

from .code import Code

SECRET_LEFT = Code(
    "bundle.secret_left",
    "no bundle was made, because {part} contains a secret ({kind}) that the redaction did not hide",
    "Remove the secret where the server writes it, or use match to choose the other servers only.",
)
ANY_ERROR = Code("bundle.error", "{error}")
PARTS_TOO_LARGE = Code(
    "bundle.parts_too_large",
    "no bundle was made, because all its parts together are larger than {limit:d} bytes (max_size)",
    "Set a larger max_size, or choose fewer servers.",
)
PART_TOO_LARGE = Code(
    "bundle.part_too_large", "the part was left out, because it has {size:d} bytes, and the limit is {limit:d} bytes"
)
NOT_PERMITTED = Code(
    "bundle.not_permitted",
    "the user of this task has no permission to read this part",
    "Run the task as root or as the user of the server (become).",
)
PROCESS_ENDED = Code("bundle.process_ended", "the process ended before this part was read")
NO_CONF = Code("bundle.no_conf", "the server was started without a configuration file")
NOT_READ = Code("bundle.not_read", "{path} cannot be read ({error})")
NO_UNIT = Code("bundle.no_unit", "the server has no systemd unit (its supervisor is {kind})")
NO_UNIT_FILE = Code("bundle.no_unit_file", "systemd names no file of unit {unit}")
DISK_TIMEOUT = Code("bundle.disk_timeout", "the file system of {path} did not answer within {seconds:g} s")

# What came from a host
NOT_BASE64 = Code("bundle.not_base64", "the answer of the host is not a bundle (it is not base64)")
CHECKSUM = Code("bundle.checksum", "the bundle of the host was damaged on the way to the controller (wrong checksum)")
STRANGE_FILE = Code(
    "bundle.strange_file", "the bundle of the host was not unpacked, because it has the unexpected file {name!r}"
)
TOO_LARGE = Code(
    "bundle.too_large", "the bundle of the host was not unpacked, because it has more files or bytes than allowed"
)
NOT_UNPACKED = Code("bundle.not_unpacked", "the bundle of the host cannot be unpacked: {error}")
NOT_WRITTEN = Code("bundle.not_written", "dest: cannot write the bundle to {folder}: {error}")

# The folder of a run
NO_ROOM = Code(
    "bundle.no_room",
    "the run was not begun, because {folder} has {free:d} MB free and min_free requires {wanted:d} MB",
    "Free some space, or set another report_dir or a smaller min_free.",
)
NOT_A_RUN = Code(
    "bundle.not_a_run", "run must be the value of run that a call with state=begun has returned, got {value!r}"
)

# Its way to another place
BAD_DELIVERY = Code(
    "bundle.bad_delivery",
    "deliver must be controller, a host and a folder such as backup1:/srv/dumps, or http_put:https://..., got {value}",
)
UNKNOWN_HOST = Code("bundle.unknown_host", "deliver must name a host of the inventory, got {value!r}")
BAD_URL = Code(
    "bundle.bad_url", "deliver must have a URL such as https://files.example.com/ after http_put:, got {value}"
)
NOT_TAKEN = Code("bundle.not_taken", "the archive was not delivered: {place} answered {answer}")
NOT_COMPLETE = Code(
    "bundle.not_complete", "the run is not complete: {faults}", "Read the errors of these hosts in the output above."
)
