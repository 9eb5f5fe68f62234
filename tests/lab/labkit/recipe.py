# SPDX-License-Identifier: GPL-3.0-or-later
"""The content of the two base images. The cache key of an image is made of this file and builder.py."""

from __future__ import annotations

from dataclasses import dataclass

_SYSTEM = (
    "systemd systemd-sysv dbus libpam-systemd openssh-server sudo adduser iproute2 procps util-linux less socat "
    "python3 python3-psutil python3-setproctitle supervisor nftables libjs-jquery libjs-underscore"
)
_ODOO = (
    "babel dateutil docutils freezegun gevent idna jinja2 libsass lxml openssl passlib pil polib psycopg2 pypdf2 "
    "requests tz werkzeug"
)


@dataclass(frozen=True)
class Recipe:
    """One base image: a Debian suite, Odoo's package, and the few packages Odoo needs to run base and web."""

    name: str
    version: str
    suite: str
    odoo_suite: str
    odoo_package: str
    packages: tuple[str, ...]
    addons: tuple[str, ...]


def _packages(extra: str, python: str) -> tuple[str, ...]:
    names = f"{_SYSTEM} {extra}".split() + [f"python3-{name}" for name in f"{_ODOO} {python}".split()]
    return tuple(sorted(set(names)))


RECIPES: dict[str, Recipe] = {
    "odoo19": Recipe(
        name="odoo19",
        version="19",
        suite="bookworm",
        odoo_suite="sid",
        odoo_package="odoo-19",
        # PostgreSQL and the balancers live in this base, disabled, for the lab's two service hosts; podman for those
        # with containers.
        packages=_packages(
            "haproxy nginx apache2 postgresql-15 podman runc netavark uidmap libjs-jquery-form",
            "magic markupsafe pypdf rjsmin",
        ),
        addons=("base", "web", "rpc"),
    ),
    "odoo14": Recipe(
        name="odoo14",
        version="14",
        suite="bullseye",
        odoo_suite="bullseye",
        odoo_package="odoo-14",
        packages=_packages(
            "postgresql-client",
            "chardet decorator feedparser html2text mako mock num2words ofxparse pydot pyparsing qrcode "
            "reportlab serial stdnum suds usb vobject xlrd xlsxwriter xlwt zeep",
        ),
        addons=("base", "web", "bus"),
    ),
}

# Units that only cost boot time on a lab host, or that cannot work inside systemd-nspawn.
MASKED_UNITS = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "logrotate.timer",
    "man-db.timer",
    "console-getty.service",
    "getty@.service",
    "getty.target",
    "systemd-ask-password-console.path",
    "systemd-ask-password-wall.path",
    "systemd-firstboot.service",
    "systemd-hwdb-update.service",
    "systemd-machine-id-commit.service",
    "systemd-network-generator.service",
    "systemd-networkd.service",
    "systemd-networkd-wait-online.service",
    "systemd-pcrphase.service",
    "systemd-pcrphase-sysinit.service",
    "systemd-resolved.service",
    "systemd-timesyncd.service",
    "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service",
    "sys-kernel-config.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
)
DISABLED_UNITS = (
    "postgresql.service",
    "haproxy.service",
    "nginx.service",
    "apache2.service",
    "apache-htcacheclean.service",
    "odoo.service",
    "supervisor.service",
    "podman.service",
    "podman.socket",
    "podman-auto-update.service",
    "podman-auto-update.timer",
    "podman-restart.service",
)
# Sockets of every login session: the lab does not use GnuPG, which podman requires.
UNWANTED_USER_UNITS = (
    "dirmngr.socket",
    "gpg-agent.socket",
    "gpg-agent-browser.socket",
    "gpg-agent-extra.socket",
    "gpg-agent-ssh.socket",
)
