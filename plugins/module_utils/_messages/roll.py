# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""A host belongs to another roll, or its balancer cannot be asked. Nothing was changed."""

from __future__ import annotations

from .code import Code

LOCKED = Code(
    "roll.locked",
    "the roll {id} of {owner}{reason} holds the lock of this host, which it took {age} ago and may keep for"
    " {minutes:.0f} min",
    "Wait until that roll has ended. If it does not run any more, set take_over to {id}.",
)
LOCK_NOT_WRITTEN = Code("roll.lock_not_written", "the lock of this host cannot be written: {error}")

BALANCER_NO_SOCKET = Code(
    "roll.balancer_no_socket", "the socket {path} does not exist", "Set socket to what haproxy.cfg names stats socket."
)
BALANCER_NOT_PERMITTED = Code(
    "roll.balancer_not_permitted",
    "this user must not connect to the socket {path}",
    "Run the task as root or as a user of the group of the socket (become).",
)
BALANCER_NOT_RUNNING = Code(
    "roll.balancer_not_running",
    "nothing listens on the socket {path}",
    "Start HAProxy, or set socket to what haproxy.cfg names stats socket.",
)
BALANCER_NO_ANSWER = Code("roll.balancer_no_answer", "HAProxy does not answer on the socket {path}: {error}")
BALANCER_NOT_HAPROXY = Code(
    "roll.balancer_not_haproxy",
    "the program behind the socket {path} is not HAProxy: it answers {command!r} with {answer!r}",
    "Set socket to what haproxy.cfg names stats socket.",
)
