"""Distributions of the test statistic from their files; each class writes itself (`TSD.save`)."""

from __future__ import annotations

import os

from nusky.dists.binned_tsd import BinnedTSD
from nusky.dists.chi2_tsd import Chi2TSD
from nusky.dists.tsd import FORMAT, TSD
from nusky.files.npz import read_format

__all__ = ["read_tsd"]


def read_tsd(path: str | os.PathLike[str]) -> TSD | BinnedTSD:
    """Read a distribution written by `TSD.save`: the same class with the same numbers.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it is damaged or something else (named).

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/bg.npz"
    >>> TSD([0.5, 2.0], n_zero=8).save(path)
    >>> read_tsd(path)
    TSD(10 trials, eta=0.200, median=0.000)
    """
    meta, arrays = read_format(path, FORMAT, "a TS distribution")
    n_zero = int(arrays["n_zero"])
    tsd: TSD | BinnedTSD
    if meta["kind"] == "BinnedTSD":
        counts = arrays["counts"]
        tsd = BinnedTSD.from_counts(counts[:-1], arrays["edges"], n_zero=n_zero, n_overflow=int(counts[-1]))
    elif meta["kind"] == "Chi2TSD":
        tsd = Chi2TSD(arrays["values"], n_zero, **meta["fit"])
    else:
        tsd = TSD(arrays["values"], n_zero)
    tsd.config = meta.get("config", {})
    return tsd
