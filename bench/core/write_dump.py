"""Raw dump of an analysis for the stand-alone benchmark, so that real seasons run through it too."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nusky.files.atomic import atomic_write

if TYPE_CHECKING:
    from nusky.analysis.analysis import Analysis

__all__ = ["write_dump"]


def write_dump(ana: Analysis, path: str | Path) -> Path:
    """Write the per-event columns of every season for ``nusky_bench --dump``.

    Little-endian, no padding: 8 bytes ``NUSKYDMP``; uint64 version (1), K seasons, G gamma nodes, D sin(dec) nodes;
    float64 gamma nodes (G,), sin(dec) nodes (D,), ln acceptance (K, D, G); then for each season uint64 N, float64 ra,
    dec (rad), sigma (rad), background (1/sr), each (N,), and float32 ln R (N, G).

    Parameters
    ----------
    ana : Analysis
    path : where to write

    Returns
    -------
    pathlib.Path
    """
    target = Path(path)
    sindec_nodes, log_acceptance = ana.acceptance_table()
    gamma_nodes = np.asarray(ana.gamma_nodes, dtype="<f8")
    with atomic_write(target) as out:
        out.write(b"NUSKYDMP")
        out.write(np.array([1, len(ana), gamma_nodes.size, sindec_nodes.size], dtype="<u8").tobytes())
        for table in (gamma_nodes, sindec_nodes, log_acceptance):
            out.write(np.ascontiguousarray(table, dtype="<f8").tobytes())
        for season in ana:
            out.write(np.array([len(season.data)], dtype="<u8").tobytes())
            for column in (season.data.ra, season.data.dec, season.data.sigma, season.background_density):
                out.write(np.ascontiguousarray(column, dtype="<f8").tobytes())
            out.write(np.ascontiguousarray(season.log_energy_ratio, dtype="<f4").tobytes())
    return target
