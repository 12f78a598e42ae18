"""TS distributions on disk: one npz file with the numbers and a JSON description, no pickles."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky.atomic import atomic_write
from nusky.binned_tsd import BinnedTSD
from nusky.tsd import TSD, Chi2TSD
from nusky.version import code_version

__all__ = ["read_tsd", "write_tsd"]

FORMAT = "nusky-tsd-1"


def write_tsd(path: str | os.PathLike[str], tsd: TSD | BinnedTSD) -> None:
    """Write `tsd` to `path` (as it is named, ".npz" is not added), atomically."""
    meta: dict[str, Any] = {"format": FORMAT, "kind": type(tsd).__name__, "version": code_version()}
    arrays: dict[str, NDArray[Any]]
    if isinstance(tsd, BinnedTSD):
        arrays = {"counts": tsd._counts, "edges": tsd._edges, "n_zero": np.array(tsd.n_zero)}
    else:
        arrays = {"values": tsd._nonzero, "n_zero": np.array(tsd.n_zero)}
        if isinstance(tsd, Chi2TSD):
            meta["fit"] = dict(tsd.fit_options)
    with atomic_write(path) as f:
        np.savez(f, meta=np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8), **arrays)  # type: ignore[arg-type]


def read_tsd(path: str | os.PathLike[str]) -> TSD | BinnedTSD:
    """Read what `write_tsd` wrote."""
    path = Path(path)
    try:
        with open(path, "rb") as f, np.load(f, allow_pickle=False) as z:  # np.load alone leaks a damaged file
            arrays = {name: z[name] for name in z.files}
        meta = json.loads(arrays["meta"].tobytes())
        kind = meta["kind"]
        if meta["format"] != FORMAT:
            raise ValueError(f"{path} has the format {meta['format']!r}; this version reads {FORMAT!r}")
        n_zero = int(arrays["n_zero"])
        if kind == "BinnedTSD":
            counts = arrays["counts"]
            return BinnedTSD.from_counts(counts[:-1], arrays["edges"], n_zero=n_zero, n_overflow=int(counts[-1]))
        if kind == "Chi2TSD":
            return Chi2TSD(arrays["values"], n_zero, **meta["fit"])
        return TSD(arrays["values"], n_zero)
    except (KeyError, zipfile.BadZipFile, EOFError, json.JSONDecodeError) as e:
        raise ValueError(f"{path} is damaged or no TS distribution ({e}): write it again with TSD.save") from e
