"""The raw dump holds what the analysis holds, byte for byte where nusky_bench looks for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from write_dump import write_dump

from small_analysis import small_analysis


def test_every_number_stands_where_the_description_says(tmp_path: Path) -> None:
    ana = small_analysis("one", "two", n_data=50, n_sim=2000)
    raw = write_dump(ana, tmp_path / "two.dump").read_bytes()
    at = 0

    def take(dtype: str, *shape: int) -> np.ndarray:
        nonlocal at
        values = np.frombuffer(raw, dtype, int(np.prod(shape)), offset=at).reshape(shape)
        at += values.nbytes
        return values

    assert take("S8", 1)[0] == b"NUSKYDMP"
    version, n_seasons, n_gamma, n_sindec = take("<u8", 4).tolist()
    sindec_nodes, log_acceptance = ana.acceptance_table()
    assert (version, n_seasons, n_gamma, n_sindec) == (1, 2, len(ana.gamma_nodes), len(sindec_nodes))
    np.testing.assert_array_equal(take("<f8", n_gamma), ana.gamma_nodes)
    np.testing.assert_array_equal(take("<f8", n_sindec), sindec_nodes)
    np.testing.assert_array_equal(take("<f8", n_seasons, n_sindec, n_gamma), log_acceptance)
    for season in ana:
        (n,) = take("<u8", 1).tolist()
        assert n == len(season.data) == 50
        for column in (season.data.ra, season.data.dec, season.data.sigma, season.background_density):
            np.testing.assert_array_equal(take("<f8", n), column)
        np.testing.assert_array_equal(take("<f4", n, n_gamma), season.log_energy_ratio)
    assert at == len(raw)
