"""TS distributions on disk."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky.dists.binned_tsd import BinnedTSD
from nusky.dists.chi2_tsd import Chi2TSD
from nusky.dists.tsd import TSD
from nusky.files.npz import DamagedFile, read_npz, write_npz
from nusky.version import code_version

__all__ = ["read_tsd", "write_tsd"]

FORMAT = "nusky-tsd-1"


def write_tsd(path: str | os.PathLike[str], tsd: TSD | BinnedTSD) -> None:
    """Write `tsd` to `path` (as it is named, ".npz" is not added), atomically."""
    meta: dict[str, Any] = {
        "format": FORMAT,
        "kind": type(tsd).__name__,
        "version": code_version(),
        "config": tsd.config,
    }
    arrays: dict[str, NDArray[Any]] = {"n_zero": np.array(tsd.n_zero)}
    if isinstance(tsd, BinnedTSD):
        arrays |= {"counts": tsd._counts, "edges": tsd._edges}
    else:
        arrays["values"] = tsd._nonzero
        if isinstance(tsd, Chi2TSD):
            meta["fit"] = dict(tsd.fit_options)
    write_npz(path, arrays, meta)


def read_tsd(path: str | os.PathLike[str]) -> TSD | BinnedTSD:
    """Read what `write_tsd` wrote."""
    meta, arrays = read_npz(path)
    if meta.get("format") != FORMAT:
        raise DamagedFile(f"{path} has the format {meta.get('format')!r}, a TS distribution {FORMAT!r}")
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
