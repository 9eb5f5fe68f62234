# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of the AWX of ``make awx``. AWX includes this file into its own (AWX_SETTINGS_FILE)."""

from __future__ import annotations

import os

_PLACE = os.environ["FLEETOPS_AWX_PLACE"]
_REDIS = f"unix://{_PLACE}/redis.sock"

#: It protects the credentials of a test.
SECRET_KEY = "only-for-tests"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
CLUSTER_HOST_ID = "fleetops-awx"
DATABASES = {
    "default": {
        "ATOMIC_REQUESTS": True,
        "ENGINE": "awx.main.db.profiled_pg",
        "NAME": "awx",
        "USER": "postgres",
        "HOST": _PLACE,
        "PORT": "5432",
    }
}
BROKER_URL = _REDIS
CACHES = {"default": {"BACKEND": "awx.main.cache.AWXRedisCache", "LOCATION": f"{_REDIS}?db=1"}}
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [_REDIS], "capacity": 10000}}
}
# One node, which runs its jobs itself.
IS_K8S = False
AWX_AUTO_DEPROVISION_INSTANCES = False
GLOBAL_JOB_EXECUTION_ENVIRONMENTS = [{"name": "Test environment", "image": os.environ["FLEETOPS_AWX_IMAGE"]}]
CONTROL_PLANE_EXECUTION_ENVIRONMENT = os.environ["FLEETOPS_AWX_IMAGE"]
CSRF_COOKIE_SECURE = False
SESSION_COOKIE_SECURE = False
