from __future__ import annotations

import numpy as np
import pytest

from nusky.data.good_runs import clean_good_runs, count_outside


def test_runs_are_sorted_with_their_columns() -> None:
    runs, notes = clean_good_runs("list", [3.0, 1.0], [4.0, 2.0], run=[30, 10])
    np.testing.assert_array_equal(runs.run, [10, 30])
    assert len(notes) == 1
    assert clean_good_runs("list", [1.0, 3.0], [2.0, 4.0])[1] == ()


@pytest.mark.parametrize(
    ("start", "stop", "message"),
    [
        ([], [], "empty"),
        ([1.0, np.nan], [2.0, 3.0], "'start', row 1"),
        ([1.0], [np.inf], "'stop', row 0"),
        ([2.0], [1.0], "row 0 .* stops at 1.0 before it starts at 2.0"),
        ([1.0, 1.5], [2.0, 3.0], "overlaps the next"),
    ],
)
def test_impossible_lists_are_refused(start: list[float], stop: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        clean_good_runs("list", start, stop)


def test_overlaps_within_a_second_are_rounding() -> None:
    runs, _ = clean_good_runs("list", [1.0, 2.0 - 5e-6], [2.0, 3.0])
    assert len(runs) == 2


def test_times_are_placed_in_runs_and_gaps() -> None:
    runs, _ = clean_good_runs("list", [1.0, 3.0], [2.0, 4.0])
    for time, outside in zip([0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 4.5], [1, 0, 0, 0, 1, 0, 0, 1], strict=True):
        assert count_outside(runs, [time]) == outside
    assert count_outside(runs, [0.5, 1.5, 2.5]) == 2
    assert count_outside(runs, [2.0 + 5e-6]) == 0
