"""Sizes and analyses of the statistical tests.

They run in a reduced size unless the environment says ``NUSKY_STATISTICS=full``; what they ask for is always in units
of the statistical error of the size that runs.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

FULL = os.environ.get("NUSKY_STATISTICS", "") == "full"


@pytest.fixture(scope="session")
def size() -> int:
    """Factor on the number of trials: 1, or 20 in full size."""
    return 20 if FULL else 1


@pytest.fixture(scope="session")
def season() -> Any:
    """The synthetic season: 136 244 events and a simulation that matches."""
    from nusky import selections
    from nusky.analysis.analysis import get_analysis

    return get_analysis(selections.demo, logging=False)
