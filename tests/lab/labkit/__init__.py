# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab: real Odoo hosts on one machine, for the collection's own tests."""
