# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As much of base_sparse_field as queue_job needs: the real one is not in the lab's images."""

import json

from odoo import fields, models


class IrModelFields(models.Model):
    """The type of the field is known to Odoo."""

    _inherit = "ir.model.fields"

    ttype = fields.Selection(selection_add=[("serialized", "serialized")], ondelete={"serialized": "cascade"})


class Serialized(fields.Field):
    """A value that is stored as JSON."""

    type = "serialized"
    column_type = _column_type = ("text", "text")

    def convert_to_column(self, value, record, values=None, validate=True):
        return self.convert_to_cache(value, record, validate=validate)

    def convert_to_cache(self, value, record, validate=True):
        return json.dumps(value) if isinstance(value, dict) else (value or None)

    def convert_to_record(self, value, record):
        return json.loads(value or "{}")
