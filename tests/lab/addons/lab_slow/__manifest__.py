# SPDX-License-Identifier: GPL-3.0-or-later
{
    "name": "Lab: slow requests",
    "summary": "Requests and a scheduled action that take as long as a test wants",
    "version": "1.0",
    "license": "GPL-3",
    "author": "fleetops",
    "category": "Hidden",
    "depends": ["base", "web"],
    "data": ["security/ir.model.access.csv", "data/lab_slow.xml"],
    "installable": True,
}
