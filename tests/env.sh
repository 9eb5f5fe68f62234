# shellcheck shell=bash
# The environment that every tool of this checkout shares; sourced, never run:
#
#     . tests/env.sh
#
# It sets FLEETOPS_ROOT (the checkout), FLEETOPS_CACHE (what outlives a run), VENV (the controller's
# virtual environment; `make setup` builds it), ANSIBLE_COLLECTIONS_PATH (holds a link to the
# checkout) and ANSIBLE_CONFIG, and a PATH on which every `python3.x` is a real interpreter: a pyenv
# shim misleads ansible-test, nox and ansible's own discovery alike.
#
# What this machine's user has set for Ansible, Python and pytest and its language have no effect: what a test
# needs of it is set after this file was sourced.

for _name in "${!ANSIBLE_@}" "${!PYTHON@}" "${!PYTEST_@}" "${!PY_@}" VIRTUAL_ENV FORCE_COLOR CDPATH; do
    unset -v "$_name"
done
export LC_ALL=C.UTF-8

FLEETOPS_ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
FLEETOPS_CACHE=${XDG_CACHE_HOME:-~/.cache}/fleetops-odoo
FLEETOPS_PYTHON=${FLEETOPS_PYTHON:-/usr/bin/python3}

_digest() { sha256sum | cut -c1-12; }

# New requirements or another Python make another environment, beside the old one. (nox brings its own.)
VENV=${FLEETOPS_VENV:-$FLEETOPS_CACHE/venv-$({
    readlink -f -- "$FLEETOPS_PYTHON"
    cat -- "$FLEETOPS_ROOT/tests/requirements.txt"
} | _digest)}

# The link is outside the checkout: inside it, every tool that walks the tree would walk in circles.
ANSIBLE_COLLECTIONS_PATH=$FLEETOPS_CACHE/collections-$(printf %s "$FLEETOPS_ROOT" | _digest)
ANSIBLE_CONFIG=$FLEETOPS_ROOT/tests/ansible.cfg

_path=$VENV/bin
IFS=: read -ra _dirs <<<"$PATH"
for _dir in "${_dirs[@]}" ~/.pyenv/versions/3.*/bin; do
    case $_dir in
    */shims | '') ;;
    *) [[ ! -d $_dir || :$_path: == *:"$_dir":* ]] || _path+=:$_dir ;;
    esac
done
PATH=$_path

unset _path _dirs _dir _name
unset -f _digest
export FLEETOPS_ROOT FLEETOPS_CACHE FLEETOPS_PYTHON VENV ANSIBLE_COLLECTIONS_PATH ANSIBLE_CONFIG PATH
