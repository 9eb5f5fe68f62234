# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The rules of a gate as nftables reads and writes them. Pure.

A closed port is an element of a set, with a timeout, so that the kernel opens it again without us. A connection that is
new begins with a SYN that has no ACK: that alone is refused, so established connections go on and nothing is tracked.
"""

from __future__ import annotations

import ipaddress
import json
import re
import typing as t
from dataclasses import dataclass

from .connections import Network, collapsed

#: A table of its own: nothing that others have is touched.
TABLE = "inet fleetops_odoo_gate"
#: Before the filters of others, and before the addresses of containers are put in (-100), where ports still are those
#: of the host.
_INPUT, _PREROUTING = -10, -150
#: Characters of an element's comment, and the most of them that the kernel takes.
_PLAIN = re.compile(r"[^\w .@()/:+-]", re.ASCII)
_LONGEST = 100


@dataclass(frozen=True)
class Closed:
    """A port that is closed.

    :ivar expires: seconds after which it opens by itself.
    """

    port: int
    expires: float
    owner: str = ""


@dataclass(frozen=True)
class Gate:
    """The closed ports of a host, and the networks that are let through to all of them."""

    closed: t.Tuple[Closed, ...] = ()
    allow: t.Tuple[Network, ...] = ()

    @property
    def ports(self) -> t.Tuple[int, ...]:
        """The closed ports."""
        return tuple(one.port for one in self.closed)


def closing(ports: t.Iterable[int], lease: float, allow: t.Sequence[Network], owner: str, *, published: bool) -> str:
    """Return the commands that close ports, or renew what is closed. nft takes all of them or none.

    :param lease: seconds.
    :param allow: takes the place of what was let through before.
    :param published: also for ports that lead to containers, which pass no input hook.
    """
    seconds = max(1, round(lease))
    lines = [
        "add table %s" % TABLE,
        "add set %s closed { type inet_service; flags timeout; }" % TABLE,
        "add chain %s judge" % TABLE,
        "flush chain %s judge" % TABLE,
        'add rule %s judge iifname "lo" return' % TABLE,
    ]
    for version, family in ((4, "ip"), (6, "ip6")):
        lines += [
            "add set %s allow%d { type ipv%d_addr; flags interval,timeout; }" % (TABLE, version, version),
            "flush set %s allow%d" % (TABLE, version),
            "add rule %s judge %s saddr @allow%d return" % (TABLE, family, version),
        ]
    lines.append("add rule %s judge reject with tcp reset" % TABLE)
    lines += ["add element %s allow%d { %s timeout %ds }" % (TABLE, net.version, _shown(net), seconds) for net in allow]
    for name, priority in (("input", _INPUT), *([("prerouting", _PREROUTING)] if published else [])):
        lines += [
            "add chain %s %s { type filter hook %s priority %d; policy accept; }" % (TABLE, name, name, priority),
            "flush chain %s %s" % (TABLE, name),
            "add rule %s %s tcp flags & (fin|syn|rst|ack) == syn tcp dport @closed jump judge" % (TABLE, name),
        ]
    comment = _PLAIN.sub("", owner)[:_LONGEST]
    mark = ' comment "%s"' % comment if comment else ""
    for port in sorted(set(ports)):
        # The timeout of an element that is there cannot be changed.
        lines += [*_without(port), "add element %s closed { %d timeout %ds%s }" % (TABLE, port, seconds, mark)]
    return "\n".join(lines)


def opening(ports: t.Iterable[int], now: Gate) -> str:
    """Return the commands that open ports. With the last one the whole table goes."""
    going = set(ports)
    if going.issuperset(now.ports):
        return "delete table %s" % TABLE
    return "\n".join(line for port in now.ports if port in going for line in _without(port))


def _without(port: int) -> t.List[str]:
    """Return the commands after which a port has no element. One that has run out meanwhile does no harm."""
    return ["%s element %s closed { %d }" % (verb, TABLE, port) for verb in ("add", "delete")]


def _shown(network: Network) -> str:
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def told_closed(gate: Gate) -> t.List[t.Dict[str, t.Any]]:
    """Return closed ports as modules do."""
    return [{"port": one.port, "expires": one.expires, "owner": one.owner} for one in gate.closed]


def parse(text: str) -> Gate:
    """Parse what ``nft -j list table`` prints.

    :raises ValueError: it is something else.
    """
    closed: t.List[Closed] = []
    allow: t.List[Network] = []
    try:
        for one in [item["set"] for item in json.loads(text)["nftables"] if "set" in item]:
            for element in one.get("elem", []):
                value = element["elem"]
                if one["name"] == "closed":
                    expires = float(value.get("expires", 0))
                    closed.append(Closed(int(value["val"]), expires, str(value.get("comment", ""))))
                else:
                    allow.append(_network(value["val"]))
    except (KeyError, TypeError, AttributeError) as exc:
        raise ValueError("not a list of a table: %s" % exc) from exc
    return Gate(tuple(sorted(closed, key=lambda one: one.port)), collapsed(allow))


def _network(value: t.Any) -> Network:
    if isinstance(value, dict):
        return ipaddress.ip_network("%s/%d" % (value["prefix"]["addr"], value["prefix"]["len"]))
    return ipaddress.ip_network(str(value))
