"""Where things are: the repository, its pages, the public data beside it."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
SHARED = Path(os.environ.get("NUSKY_SHARED", ROOT.parent / "shared"))
