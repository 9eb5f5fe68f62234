# SPDX-License-Identifier: GPL-3.0-or-later
"""One row to fight for, and a scheduled action that takes its time."""

import ast
import logging
import pathlib
import threading
import time

from odoo import api, fields, models

_logger = logging.getLogger(__name__)
_tree = []
_tree_lock = threading.Lock()


def walk_syntax_trees(seconds):
    """Use the CPU for so long with what a QUIT does not like on Python 3.10 and 3.11: frames without a line number.

    (Two threads that parse at once fail on 3.11, so that is done once in a process.)
    """
    with _tree_lock:
        if not _tree:
            _tree.append(ast.parse(pathlib.Path(ast.__file__).read_text()))
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        for node in _tree[0].body:
            ast.NodeVisitor().visit(node)


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
        """The scheduled action: sleeps, or walks, as long as the parameter lab_slow.cron_seconds or cron_walks says."""
        parameters = self.env["ir.config_parameter"].sudo()
        seconds = float(parameters.get_param("lab_slow.cron_seconds", "20"))
        walks = float(parameters.get_param("lab_slow.cron_walks", "0"))
        _logger.info("lab slow cron: begins, %s s", walks or seconds)
        if walks:
            walk_syntax_trees(walks)
        else:
            time.sleep(seconds)
        _logger.info("lab slow cron: ends")
