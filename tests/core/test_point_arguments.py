"""What the loop over trials of positions refuses, before it draws anything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nusky import _core

COLUMNS = _core.EventColumns(
    np.array([0.1, 0.2]), np.array([0.02, 0.03]), np.ones(2), None, np.empty(0), cut_n_sigma=5.0, extension=0.0
)
RECORDS = _core.PointRecords(COLUMNS)
LIKELIHOOD = _core.Likelihood(np.empty(0), np.array([-1.0, 1.0]), np.zeros((1, 2, 1)))


def test_positions_of_one_declination_are_evenly_spaced() -> None:
    assert len(RECORDS) == 2
    _core.PointSource([RECORDS], np.array([6.0, 6.0 - np.pi]), 0.1)
    for ra, message in (
        ([], "at least one right ascension"),
        ([0.0, 3.0], "evenly spaced"),
        ([7.0], "within 0 and 2 pi"),
        (np.arange(1001) * 2 * np.pi / 1001, "at most 1000"),
    ):
        with pytest.raises(ValueError, match=message):
            _core.PointSource([RECORDS], np.array(ra), 0.1)


def test_trials_that_do_not_fit_are_refused() -> None:
    source = _core.PointSource([RECORDS], np.array([1.0, 1.0 + np.pi]), 0.1)
    first = np.array([0, 1, 2])
    good: dict[str, Any] = {
        "sources": [source], "numbers": np.array([0, 1]), "rows": np.empty((2, 2, 2)),
        "injected": [[(RECORDS, np.ones(2), first)]],
    }  # fmt: skip

    def fit(**changed: Any) -> tuple[int, bool]:
        options = {**good, **changed}
        return _core.fit_point_trials(LIKELIHOOD, options.pop("sources"), None, key=1, **options)

    assert fit() == (2, False)
    for changed, message in (
        ({"sources": []}, "at least one is needed"),
        ({"rows": np.empty((2, 3, 2))}, r"rows: expected shape \(n, 2, 1 to 3\)"),
        ({"rows": np.empty((1, 2, 2))}, "rows: expected shape"),
        ({"rows": np.empty((2, 2, 4))}, "rows: expected shape"),
        ({"numbers": np.array([0, -1])}, "entry 1 is negative"),
        ({"injected": [[(RECORDS, np.ones(2), np.array([0, 2]))]]}, "injected: first"),
        ({"injected": [[(RECORDS, np.ones(2), np.array([0, 1, 1]))]]}, "must ascend from 0"),
        ({"injected": [[(RECORDS, np.ones(1), first)]]}, "injected: ra"),
        ({"injected": [[]]}, "one entry for each season"),
        ({"injected": [[(RECORDS, np.ones(2), first)]] * 2}, "one entry for each source"),
    ):
        with pytest.raises(ValueError, match=message):
            fit(**changed)
