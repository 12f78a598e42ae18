"""Trials for other programs: HDF5, Parquet, npz."""

from __future__ import annotations

import io
import json
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky.files import as_path
from nusky.files.atomic import atomic_write
from nusky.files.identity import Identity

__all__ = ["export_trials"]


def export_trials(path: str | os.PathLike[str], trials: NDArray[Any], identity: Identity) -> None:
    """Write a structured array of trials and what it was made with.

    Parameters
    ----------
    path : path-like
        The suffix says the format: ``.h5`` or ``.hdf5`` (a table ``trials``, readable by h5py and PyTables),
        ``.parquet`` (a column a field), ``.npz`` (an array a field). The identity is the attribute, file metadata key,
        or array ``nusky`` (JSON).
    trials : (n,) structured array
    identity : Identity

    Raises
    ------
    ValueError
        For another suffix.
    ImportError
        If the library for the format is missing; it is named.
    """
    path = as_path(path)
    about = json.dumps(identity.as_dict())
    if path.suffix in (".h5", ".hdf5"):
        import h5py

        # HDF5 seeks back and forth in its file, so it is made in memory and written in one piece
        image = io.BytesIO()
        with h5py.File(image, "w") as h5:
            h5.create_dataset("trials", data=trials)
            h5.attrs["nusky"] = about
        with atomic_write(path) as f:
            f.write(image.getbuffer())
    elif path.suffix == ".parquet":
        import pyarrow
        import pyarrow.parquet

        names = list(trials.dtype.names or ())
        table = pyarrow.table({name: np.ascontiguousarray(trials[name]) for name in names})
        with atomic_write(path) as f:
            pyarrow.parquet.write_table(table.replace_schema_metadata({"nusky": about}), f)
    elif path.suffix == ".npz":
        arrays: dict[str, Any] = {name: np.ascontiguousarray(trials[name]) for name in trials.dtype.names or ()}
        with atomic_write(path) as f:
            np.savez_compressed(f, nusky=np.frombuffer(about.encode(), dtype=np.uint8), **arrays)
    else:
        raise ValueError(f"{path}: the suffix {path.suffix!r} is none of .h5, .hdf5, .parquet, .npz")
