# SPDX-License-Identifier: GPL-3.0-or-later
"""One row to fight for, and a scheduled action that takes its time."""

import logging
import time

from odoo import api, fields, models

_logger = logging.getLogger(__name__)


class LabSlow(models.Model):
    _name = "lab.slow"
    _description = "Lab: slow things"

    name = fields.Char()

    @api.model
    def hold_row(self, seconds):
        """Take the lock of the one row and keep it."""
        row = self.env.ref("lab_slow.row")
        # Locked but not changed: after an UPDATE the second request would fail, and Odoo run it again.
        self.env.cr.execute("SELECT id FROM lab_slow WHERE id = %s FOR UPDATE", (row.id,))
        time.sleep(seconds)

    @api.model
    def repeat_cron(self):
        """Odoo 14 would switch the action off after its first run; later versions have no such counter."""
        cron = self.env.ref("lab_slow.cron")
        if "numbercall" in cron._fields:
            cron.numbercall = -1

    @api.model
    def run_slow_cron(self):
        """The scheduled action: sleeps as long as the parameter lab_slow.cron_seconds says."""
        seconds = float(self.env["ir.config_parameter"].sudo().get_param("lab_slow.cron_seconds", "20"))
        _logger.info("lab slow cron: begins, %s s", seconds)
        time.sleep(seconds)
        _logger.info("lab slow cron: ends")
