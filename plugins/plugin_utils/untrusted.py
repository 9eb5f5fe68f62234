# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Mark texts of logs so that they are not templated: every sender of a request writes its address into a log."""

from __future__ import annotations

import typing as t

_T = t.TypeVar("_T")


def untrusted(value: _T) -> _T:
    """``value`` with all texts in it marked as no templates.

    ansible-core before 2.19 resolves braces in variables unless they are marked; since then the mark is the default.
    """
    try:
        from ansible.template import trust_as_template as _newer  # noqa: F401, PLC0415 - only whether it is there
    except ImportError:
        from ansible.utils.unsafe_proxy import wrap_var  # noqa: PLC0415 - it goes with ansible-core 2.23

        return t.cast(_T, wrap_var(value))
    return value
