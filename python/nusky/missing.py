"""One rule for values that are not there: masks of any kind, NaN, healpy's UNSEEN.

A masked entry hides what lies under it, a NaN is no number, and healpy marks a pixel nobody looked at with −1.6375e30.
All three come out as NaN, with a count of each. ±inf is a value, not a gap: who cannot use it says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["UNSEEN", "is_unseen", "split_mask", "without_missing"]

#: healpy's mark of an unobserved pixel.
UNSEEN = -1.6375e30
_NO_MARK = -1e30


def is_unseen(values: Any) -> NDArray[np.bool_]:
    """Where values are healpy's mark of an unobserved pixel, also after a way through float32.

    Examples
    --------
    >>> is_unseen([1.0, -1.6375e30, np.float32(-1.6375e30)]).tolist()
    [False, True, True]
    """
    return np.isclose(np.asarray(values, dtype=np.float64), UNSEEN, rtol=1e-6, atol=0.0)


def split_mask(values: Any) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Plain array and mask (True: missing; None: nothing is) of an array that may have one.

    Parameters
    ----------
    values : array_like
        Also a NumPy masked array, an astropy ``Masked`` array or ``MaskedColumn``, a pandas Series with ``NA``.

    Examples
    --------
    >>> split_mask(np.ma.array([1, 2], mask=[False, True]))
    (array([1, 2]), array([False,  True]))
    """
    if isinstance(values, np.ma.MaskedArray):
        data, mask = np.asarray(values.data), np.ma.getmaskarray(values)
        if mask.dtype.names:
            raise TypeError("a masked structured array is a table: give its columns one by one")
    elif hasattr(values, "unmasked") and hasattr(values, "mask"):  # astropy.utils.masked.Masked
        data, mask = np.asarray(values.unmasked), np.broadcast_to(np.asarray(values.mask), np.shape(values))
    elif hasattr(values, "isna") and hasattr(values, "to_numpy"):  # pandas
        gone = np.asarray(values.isna(), dtype=bool)
        if getattr(values.dtype, "kind", "O") not in "fiub" or gone.any():
            data = _as_numbers(values)
        else:
            data = values.to_numpy()
        data = np.asarray(data)
        # A NaN of a float column is a NaN, not a mask
        mask = gone if data.dtype.kind not in "f" or hasattr(values.dtype, "na_value") else np.zeros(len(gone), bool)
    elif isinstance(values, (list, tuple)) and any(item is np.ma.masked for item in values):
        data = np.asarray([np.nan if item is np.ma.masked else item for item in values])
        mask = np.array([item is np.ma.masked for item in values])
    else:
        return np.asarray(values), None
    return data, (np.array(mask) if mask.any() else None)


def _as_numbers(series: Any) -> Any:
    try:
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        return series.to_numpy()


def without_missing(values: Any, name: str = "values") -> tuple[NDArray[np.float64], dict[str, int]]:
    """float64 copy with NaN where a value is missing, and how many there were by reason.

    Parameters
    ----------
    values : array_like of real numbers or booleans
        Big-endian, integer and masked ones too.
    name : str
        What to call it in messages.

    Returns
    -------
    values : float64 array of the same shape
    counts : dict
        ``"masked"``, ``"nan"``, ``"unseen"``; only those that occurred.

    Raises
    ------
    TypeError
        No real numbers.

    Examples
    --------
    >>> without_missing(np.ma.array([1.0, 5.0, np.nan, -1.6375e30], mask=[0, 1, 0, 0]))
    (array([ 1., nan, nan, nan]), {'masked': 1, 'nan': 1, 'unseen': 1})
    """
    data, mask = split_mask(values)
    if data.dtype.kind not in "fiub":
        raise TypeError(f"{name}: expected real numbers, got dtype {data.dtype}")
    out = np.array(data, dtype=np.float64)
    # Most arrays have no gap, and one look tells: the smallest value is a number, and not the mark
    if mask is None and (not out.size or out.min() > _NO_MARK):
        return out, {}
    hidden = np.zeros(out.shape, dtype=bool) if mask is None else mask
    nan = np.isnan(out) & ~hidden
    unseen = is_unseen(out) & ~hidden
    counts = {
        reason: int(np.count_nonzero(where))
        for reason, where in (("masked", hidden), ("nan", nan), ("unseen", unseen))
        if where.any()
    }
    if "masked" in counts:
        out[hidden] = np.nan
    if "unseen" in counts:
        out[unseen] = np.nan
    return out, counts
