"""One rule for values that are not there, in whatever way they are marked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nusky.missing import UNSEEN, is_unseen, split_mask, without_missing

VALUES = np.array([1.0, 2.0, 3.0, 4.0])
GONE = np.array([False, True, False, True])


def masked_quantity() -> Any:
    units, masked = pytest.importorskip("astropy.units"), pytest.importorskip("astropy.utils.masked")
    return masked.Masked(VALUES / units.sr, mask=GONE)


def masked_column() -> Any:
    return pytest.importorskip("astropy.table").MaskedColumn(VALUES, mask=GONE)


def pandas_series() -> Any:
    return pytest.importorskip("pandas").Series(VALUES).astype("Float64").mask(GONE)


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.ma.array(VALUES, mask=GONE),
        lambda: np.ma.array(VALUES.astype("i4"), mask=GONE),
        lambda: np.ma.array(VALUES.astype(">f4"), mask=GONE),
        lambda: [1.0, np.ma.masked, 3.0, np.ma.masked],
        masked_quantity,
        masked_column,
        pandas_series,
    ],
)
def test_a_mask_of_any_kind_hides_its_values(make: Any) -> None:
    found, counts = without_missing(make())
    np.testing.assert_array_equal(found, [1.0, np.nan, 3.0, np.nan])
    assert counts == {"masked": 2}


@pytest.mark.parametrize("dtype", ["f8", "f4", ">f4"])
def test_nan_and_unseen_are_missing_and_counted_apart(dtype: str) -> None:
    found, counts = without_missing(np.array([1.0, np.nan, UNSEEN, np.inf, -np.inf], dtype=dtype))
    np.testing.assert_array_equal(found, [1.0, np.nan, np.nan, np.inf, -np.inf])
    assert counts == {"nan": 1, "unseen": 1}


def test_what_is_under_a_mask_counts_as_masked_only() -> None:
    assert without_missing(np.ma.array([np.nan, UNSEEN, 1.0], mask=[1, 1, 0]))[1] == {"masked": 2}


def test_the_callers_array_is_not_touched_and_an_empty_mask_is_none() -> None:
    given = np.array([1.0, UNSEEN])
    without_missing(given)
    assert given[1] == UNSEEN
    assert split_mask(np.ma.array(VALUES))[1] is None
    assert not is_unseen([-1.6e30, 0.0]).any()


@pytest.mark.parametrize("bad", [["a"], [1j], [None], np.array([(1.0,)], dtype=[("x", "f8")])])
def test_what_is_no_number_is_refused(bad: Any) -> None:
    with pytest.raises(TypeError, match="my map: expected real numbers"):
        without_missing(bad, "my map")
