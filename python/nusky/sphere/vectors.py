"""Unit vectors of directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nusky.typing import F64

__all__ = ["unit_vectors"]


def unit_vectors(ra: F64, dec: F64) -> F64:
    """(N, 3) unit vectors of directions, rad.

    Examples
    --------
    >>> unit_vectors(np.array([0.0]), np.array([np.pi / 2])).round(12).tolist()
    [[0.0, 0.0, 1.0]]
    """
    cos_dec = np.cos(dec)
    return np.stack([cos_dec * np.cos(ra), cos_dec * np.sin(ra), np.sin(dec)], axis=1)
