"""The generator in plain NumPy: what every draw of a trial must equal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nusky import _core


def philox(counter: NDArray[np.uint32], key: int) -> NDArray[np.uint32]:
    """Philox4x32-10 (Salmon et al., SC'11) of counters (n, 4), word by word."""
    c0, c1, c2, c3 = (column.astype(np.uint64) for column in counter.T)
    k0, k1, low = np.uint64(key & 0xFFFFFFFF), np.uint64(key >> 32), np.uint64(0xFFFFFFFF)
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (b >> np.uint64(32)) ^ c1 ^ k0, b & low, (a >> np.uint64(32)) ^ c3 ^ k1, a & low
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & low, (k1 + np.uint64(0xBB67AE85)) & low
    return np.stack([c0, c1, c2, c3], axis=1).astype(np.uint32)


def blocks(key: int, trial: int, purpose: str, season: int, n: int) -> NDArray[np.uint32]:
    """The blocks of n items as the contract names them."""
    counter = np.zeros((n, 4), dtype=np.uint32)
    counter[:, 0] = np.arange(n)
    counter[:, 1] = _core.purposes[purpose] * 2**24 + season
    counter[:, 2], counter[:, 3] = trial & 0xFFFFFFFF, trial >> 32
    return philox(counter, key)


def uniforms(key: int, trial: int, purpose: str, season: int, n: int) -> NDArray[np.float64]:
    """The two numbers of n items with 53 bits."""
    words = blocks(key, trial, purpose, season, n).astype(np.uint64)
    return ((words[:, 1::2] << np.uint64(32) | words[:, ::2]) >> np.uint64(11)) * 2.0**-53
