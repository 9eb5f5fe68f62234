#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# boot.sh CGROUP_PROCS COMMAND...: runs a host's systemd-nspawn in a cgroup of its own, and again when the host reboots
# (nspawn then ends with 133). A "-" instead of the cgroup leaves that to the machine's systemd.
procs=$1
shift
while :; do
    (
        [ "$procs" = - ] || echo 0 >"$procs"
        exec "$@"
    )
    [ $? -eq 133 ] || exit
done
