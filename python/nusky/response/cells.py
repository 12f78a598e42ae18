"""Cells of a histogram in (sin δ, log10 E): which one an event is in, which one is the nearest that is filled."""

from __future__ import annotations

from typing import Any

import numpy as np

from nusky.typing import F64, I64, Bool

__all__ = ["bin_of", "cell_of", "centres", "log_normalised", "nearest", "overlap", "spread"]


def centres(edges: F64) -> F64:
    """Middle of every bin.

    Examples
    --------
    >>> centres(np.array([0.0, 1.0, 3.0]))
    array([0.5, 2. ])
    """
    return np.asarray(0.5 * (edges[1:] + edges[:-1]))


def bin_of(edges: F64, x: F64) -> I64:
    """Bin of every x; beyond the edges the outermost bin.

    Examples
    --------
    >>> bin_of(np.array([0.0, 1.0, 3.0]), np.array([-5.0, 1.0, 3.0]))
    array([0, 1, 1])
    """
    return np.clip(edges.searchsorted(x, side="right") - 1, 0, len(edges) - 2)


def cell_of(s: F64, log10energy: F64, sindec_bins: F64, log10energy_bins: F64) -> tuple[I64, Any]:
    """Flat cell of the events inside the sin δ bins, and which events those are.

    Energies outside the bins count in the outermost.

    Examples
    --------
    >>> cell, rows = cell_of(np.array([0.5]), np.array([9.0]), np.array([0.0, 1.0]), np.array([1.0, 2.0, 3.0]))
    >>> cell
    array([1])
    """
    inside = (s >= sindec_bins[0] - 1e-12) & (s <= sindec_bins[-1] + 1e-12)
    rows: Any = slice(None) if inside.all() else inside
    cell = bin_of(sindec_bins, s[rows]) * (len(log10energy_bins) - 1)
    return cell + bin_of(log10energy_bins, log10energy[rows]), rows


def log_normalised(histogram: F64) -> F64:
    """ln of a histogram normalised along the last axis; −∞ in empty cells, NaN in empty rows (never used).

    Examples
    --------
    >>> np.exp(log_normalised(np.array([[1.0, 3.0]])))
    array([[0.25, 0.75]])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(histogram) - np.log(histogram.sum(axis=-1, keepdims=True)), dtype=np.float64)


def nearest(filled: Bool) -> I64:
    """(R, M) flat index of the nearest filled cell of the row (the lower of two); a row without any: a nearby row's.

    Examples
    --------
    >>> nearest(np.array([[True, False, False, True], [False, False, False, False]]))
    array([[0, 0, 3, 3],
           [0, 0, 3, 3]])
    """
    n_rows, n_columns = filled.shape
    columns = np.arange(n_columns)
    source = np.empty(filled.shape, dtype=np.int64)
    usable = np.flatnonzero(filled.any(axis=1))
    for row in range(n_rows):
        near = usable[np.argmin(np.abs(usable - row))]
        there = np.flatnonzero(filled[near])
        source[row] = near * n_columns + there[np.argmin(np.abs(columns[:, None] - there), axis=1)]
    return source


def overlap(ranges: F64, edges: F64) -> F64:
    """Share of what is uniform in each range that falls into each bin; the outermost bins are open.

    Parameters
    ----------
    ranges : (Q, 2)
        Lower and upper end; equal ends are a point.
    edges : (M + 1,) increasing

    Returns
    -------
    (Q, M), every row sums to 1

    Examples
    --------
    >>> overlap(np.array([[0.0, 4.0], [1.5, 1.5]]), np.array([1.0, 2.0, 3.0]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    low, high = ranges[:, :1], ranges[:, 1:]
    inner = edges[1:-1]
    width = high - low
    with np.errstate(divide="ignore", invalid="ignore"):
        below = np.where(width > 0, np.clip((inner - low) / width, 0.0, 1.0), inner > low)
    ends = np.ones((len(ranges), 1))
    return np.diff(np.concatenate([0.0 * ends, below, ends], axis=1), axis=1)


def spread(ranges: F64, weight: F64, group: I64, n_groups: int, edges: F64) -> F64:
    """Sums of weights that are uniform in their ranges, by group and bin; the outermost bins are open.

    The same as Σ weight · `overlap` of the rows of each group, at the cost of the bins that a range reaches.

    Parameters
    ----------
    ranges : (Q, 2)
        Lower and upper end; equal ends are a point.
    weight : (Q,)
    group : (Q,) int
    n_groups : int
    edges : (M + 1,) increasing

    Returns
    -------
    (n_groups, M)

    Examples
    --------
    >>> ranges = np.array([[0.0, 4.0], [1.5, 1.5]])
    >>> spread(ranges, np.array([1.0, 3.0]), np.array([0, 0]), 1, np.array([1.0, 2.0, 3.0]))
    array([[3.5, 0.5]])
    """
    low, high = ranges[:, 0], ranges[:, 1]
    n_bins, inner = len(edges) - 1, edges[1:-1]
    first = np.searchsorted(inner, low, side="right")
    last = np.maximum(np.searchsorted(inner, high, side="left"), first)
    open_edges = np.concatenate([[-np.inf], inner, [np.inf]])
    out = np.zeros(n_groups * n_bins)
    rows = np.arange(len(low))
    for step in range(int((last - first).max(initial=0)) + 1):
        rows = rows[first[rows] + step <= last[rows]]
        at = first[rows] + step
        width = high[rows] - low[rows]
        inside = np.minimum(high[rows], open_edges[at + 1]) - np.maximum(low[rows], open_edges[at])
        share = np.divide(inside, width, out=np.ones_like(width), where=width > 0)
        out += np.bincount(group[rows] * n_bins + at, weight[rows] * share, len(out))
    return out.reshape(n_groups, n_bins)
