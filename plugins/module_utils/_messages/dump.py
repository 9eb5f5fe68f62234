# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.
"""There is no dump, there are no statistics, or a log cannot be read."""

from __future__ import annotations

from .code import Code

# Logs on the controller
NOT_PATHS = Code("dump.not_paths", "the files must be a list of paths or a text of paths with commas, got {value!r}")
NOT_A_FILE_ENTRY = Code(
    "dump.not_a_file_entry", "each file must be a path, or a dictionary of path and perhaps host, got {value!r}"
)
NO_FILE = Code("dump.no_file", "the file {path} does not exist")
NO_FILES = Code("dump.no_files", "no file is named", "Name at least one log file.")
NO_STACKS = Code(
    "dump.no_stacks",
    "no stack dump is in {files}",
    "Odoo logs one after kill -QUIT, at log_level info or lower.",
)
DIRECTORY = Code("dump.directory", "{path} is a directory, not a log file")
NOT_PLAIN = Code("dump.not_plain", "{path} is not a regular file")
UNREADABLE = Code("dump.unreadable", "{path} cannot be read: {error}")
STRANGE_SESSIONS = Code(
    "dump.strange_sessions", "{path} must be a file that the role diagnostics has written", "Remove it, then try again."
)
NOT_A_LOG = Code("dump.not_a_log", "a log must be a text or a list of lines, got {value}")
NOT_STATISTICS = Code(
    "dump.not_statistics",
    "the cache statistics must be a list of dictionaries with host and results, or of reports of this filter: {error}",
)

# A run over hosts
CHECK_MODE = Code("dump.check_mode", "a check run signals no process, so there is nothing to report")
NONE_WRITTEN = Code("dump.none_written", "no process wrote {what}: {reasons}")
NO_ANSWER = Code("dump.no_answer", "these hosts did not answer: {hosts}", "The output above says why.")
NOT_ASKED = Code("dump.not_asked", "the host left the play before it was asked", "Read the output of the play.")
