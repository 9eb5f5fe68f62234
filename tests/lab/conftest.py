# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own tests: `pytest tests/lab`. Those that need a real lab skip, with a reason, where there can be none."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
