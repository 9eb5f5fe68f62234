# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry of `lab`, which runs this directory with the machine's own Python."""

from __future__ import annotations

import sys
from pathlib import Path

# Run as a directory, the package is not one yet, and its modules would stand in for others of their names.
sys.path[0] = str(Path(__file__).resolve().parent.parent)
sys.dont_write_bytecode = True

try:
    from labkit.cli import main
except ModuleNotFoundError as error:
    if error.name != "yaml":
        raise
    sys.exit("lab: PyYAML is missing for /usr/bin/python3: apt-get install python3-yaml.")

if __name__ == "__main__":
    sys.exit(main())
