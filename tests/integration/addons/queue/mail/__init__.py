# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As much of mail as queue_job needs: the real one is not in the lab's images."""

from odoo import fields, models


class MailThread(models.AbstractModel):
    """Give a model messages."""

    _name = "mail.thread"
    _description = "Messages"

    message_follower_ids = fields.Char()
    message_ids = fields.Char()

    def message_post(self, **_message):
        """Post nothing."""
        return True

    def message_subscribe(self, **_partners):
        """Add no follower."""
        return True


class MailActivityMixin(models.AbstractModel):
    """Give a model activities."""

    _name = "mail.activity.mixin"
    _description = "Activities"

    activity_ids = fields.Char()


class MailMessageSubtype(models.Model):
    """Kind of a message; the data of queue_job makes a record of it."""

    _name = "mail.message.subtype"
    _description = "Subtype"

    name = fields.Char()
    res_model = fields.Char()
    default = fields.Boolean()
