# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception that reaches the user, as one sentence."""

from __future__ import annotations


class LabError(Exception):
    """Something the person at the keyboard can act on; str() is the whole message."""
