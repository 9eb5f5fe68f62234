# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As much of mail as queue_job needs: the real one is not in the lab's images."""

from odoo import fields, models


class MailThread(models.AbstractModel):
    """What a model with messages has."""

    _name = "mail.thread"
    _description = "Messages"

    message_follower_ids = fields.Char()
    message_ids = fields.Char()

    def message_post(self, **_message):
        """Post nothing."""
        return True

    def message_subscribe(self, **_partners):
        """Subscribe nobody."""
        return True


class MailActivityMixin(models.AbstractModel):
    """What a model with activities has."""

    _name = "mail.activity.mixin"
    _description = "Activities"

    activity_ids = fields.Char()


class MailMessageSubtype(models.Model):
    """What the data of queue_job makes a record of."""

    _name = "mail.message.subtype"
    _description = "Subtype"

    name = fields.Char()
    res_model = fields.Char()
    default = fields.Boolean()
