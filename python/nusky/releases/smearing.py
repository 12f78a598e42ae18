"""Smearing matrices of the track releases: read and checked."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

import numpy as np

from nusky.releases.text import read_columns
from nusky.response import SmearingResponse
from nusky.typing import F64, Bool

__all__ = ["SMEARING_COLUMNS", "read_smearing"]

Log = Callable[[str], None]

SMEARING_COLUMNS: dict[str, tuple[str, ...]] = {
    "true_min": ("log10(E_nu/GeV)_min",),
    "true_max": ("log10(E_nu/GeV)_max",),
    "dec_min": ("Dec_nu_min[deg]",),
    "dec_max": ("Dec_nu_max[deg]",),
    "energy_min": ("log10(E/GeV)_min",),
    "energy_max": ("log10(E/GeV)_max",),
    "psi_min": ("PSF_min[deg]",),
    "psi_max": ("PSF_max[deg]",),
    "sigma_min": ("AngErr_min[deg]",),
    "sigma_max": ("AngErr_max[deg]",),
    "fraction": ("Fractional_Counts",),
}

#: How far the fractions of a cell may be from 1 without a word: 8000 numbers rounded to six decimals are off by 3e-5.
_SUM_TOLERANCE = 1e-3
#: And with one: what lies outside the bins. Rows that are missing take more away.
_SUM_LIMIT = 0.02


def read_smearing(path: pathlib.Path, log: Log) -> tuple[SmearingResponse, str]:
    """A smearing matrix, and a note on it.

    Raises
    ------
    ValueError
        No row has a width, an edge or fraction is impossible, or the fractions of a cell do not sum to 1: the message
        says which cell, and by how much.
    """
    rows = read_columns(path, SMEARING_COLUMNS, log)
    # Early seasons hold place-holder rows, without width in AngErr, where hardly any event was simulated; taken as a
    # cell they would be events of perfect resolution.
    empty = rows["sigma_max"] == rows["sigma_min"]
    if empty.all():
        raise ValueError(f"{path}: every row has AngErr_min = AngErr_max; no smearing in this file")
    off = _check_sums(path, rows, empty)
    note = f"response from {path.name}"
    if off:
        note += f" ({off}; scaled to 1)"
    if empty.any():
        note += f" ({int(np.count_nonzero(empty))} rows without width in AngErr left out)"
    used = ~empty & (rows["fraction"] != 0)  # a NaN stays, to be refused

    def pair(name: str, scale: float = 1.0) -> F64:
        # Popped one by one: a matrix of full size has gigabytes of rows.
        low, high = rows.pop(f"{name}_min"), rows.pop(f"{name}_max")
        return np.asarray(np.stack([low[used], high[used]], axis=1) * scale)

    degree = float(np.pi / 180.0)
    try:
        response = SmearingResponse(
            pair("true"),
            np.sin(pair("dec", degree)),
            pair("energy"),
            pair("psi", degree),
            pair("sigma", degree),
            rows.pop("fraction")[used],
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return response, note


def _check_sums(path: pathlib.Path, rows: dict[str, F64], empty: Bool) -> str:
    """The fractions of every (E_ν, δ_ν) cell sum to 1, with or without its place-holder rows, or to 0.

    Gives a few words on small differences; raises for large ones.
    """
    true, at_true = np.unique(rows["true_min"], return_inverse=True)
    dec, at_dec = np.unique(rows["dec_min"], return_inverse=True)
    cell = at_true * len(dec) + at_dec
    fraction = rows["fraction"]
    if not np.all(np.isfinite(fraction)) or np.any(fraction < 0):
        row = int(np.argmax(~(fraction >= 0) | ~np.isfinite(fraction)))
        raise ValueError(
            f"{path}: smearing matrix: row {row} (counted from 0) has Fractional_Counts {fraction[row]}; fractional "
            "counts must be finite, nowhere negative; download the file again"
        )
    n = len(true) * len(dec)
    every = np.bincount(cell, fraction, n)
    kept = np.bincount(cell, np.where(empty, 0.0, fraction), n)
    off = np.minimum(np.abs(every - 1.0), np.abs(kept - 1.0))
    off[every == 0] = 0.0
    if off.max() <= _SUM_TOLERANCE:
        return ""
    k = int(np.argmax(off))
    first = int(np.argmax(cell == k))
    edges = [float(rows[name][first]) for name in ("true_min", "true_max", "dec_min", "dec_max")]
    where = (
        f"the cell log10 E_nu {edges[0]:g} … {edges[1]:g}, Dec_nu {edges[2]:g} … {edges[3]:g} deg sum to "
        f"{every[k]:.4f}, {every[k] - 1:+.4f} off 1"
    )
    count = int(np.count_nonzero(off > _SUM_TOLERANCE))
    if off.max() > _SUM_LIMIT:
        raise ValueError(
            f"{path}: the fractions of {where} (first row: {first}, counted from 0); {count} such cell(s). Rows are "
            "missing or altered: download the file again"
        )
    return f"fractions of {count} cell(s) do not sum to 1: those of {where}"
