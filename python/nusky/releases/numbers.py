"""Rows of numbers from bytes of text: by pyarrow where it is installed, else by NumPy (two to three times slower)."""

from __future__ import annotations

import pathlib

import numpy as np

from nusky.typing import F64

__all__ = ["parse_block"]

#: Whatever separates columns becomes a blank. Quotes go the same way.
_SEPARATORS = b"\t,;\r\"'\x0b\x0c"
_BLANKS = bytes.maketrans(_SEPARATORS, b" " * len(_SEPARATORS))
#: Bytes whose neighbours are compared at a time; more than the processor's cache holds takes seven times as long.
_CACHED = 1 << 20


def parse_block(
    path: pathlib.Path, text: bytes, n_columns: int, chosen: tuple[int, ...], first_row: int, first_line: int
) -> F64:
    """Numbers of whole lines.

    Parameters
    ----------
    path : Path
        For messages.
    text : bytes
        Whole lines.
    n_columns : int
        That every line must have; empty lines are passed over.
    chosen : tuple of int
        Columns to give.
    first_row, first_line : int
        Rows and lines of the file before this block, for messages.

    Returns
    -------
    (len(chosen), rows) array

    Raises
    ------
    ValueError
        A row has other than so many numbers: file, row, line and what stands there.

    Examples
    --------
    >>> parse_block(pathlib.Path("a.csv"), b"1, 2\\n 3, 4\\n", 2, (1,), 0, 0)
    array([[2., 4.]])
    """
    single = _single_blanks(text)
    if not single:
        return np.empty((len(chosen), 0))
    try:
        table = _by_pyarrow(single, n_columns, chosen)
    except ImportError:
        table = _by_numpy(single, n_columns, chosen)
    return _line_by_line(path, text, n_columns, chosen, first_row, first_line) if table is None else table


def _single_blanks(text: bytes) -> bytes:
    """One blank between numbers, none at the start or end of a line, no empty line."""
    if any(separator in text for separator in _SEPARATORS):
        text = text.translate(_BLANKS)
    parts = []
    before = 10  # a line starts here
    for start in range(0, len(text), _CACHED):
        piece = np.frombuffer(text, dtype=np.uint8, count=min(_CACHED, len(text) - start), offset=start)
        keep = np.empty(len(piece), dtype=np.bool_)
        keep[0] = piece[0] != 32 or before > 32
        np.logical_or(piece[1:] != 32, piece[:-1] > 32, out=keep[1:])
        parts.append(piece[keep].tobytes())
        before = int(piece[-1])
    text = b"".join(parts).replace(b" \n", b"\n")
    while b"\n\n" in text:
        text = text.replace(b"\n\n", b"\n")
    return text.strip(b" \n")


def _by_pyarrow(text: bytes, n_columns: int, chosen: tuple[int, ...]) -> F64 | None:
    """None for text that pyarrow does not take: a look at each line says why."""
    import pyarrow
    from pyarrow import csv

    names = [str(k) for k in range(n_columns)]
    try:
        table = csv.read_csv(
            pyarrow.BufferReader(text),
            read_options=csv.ReadOptions(column_names=names, block_size=max(len(text) // 2, 1 << 16)),
            parse_options=csv.ParseOptions(delimiter=" ", quote_char=False),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pyarrow.float64()),
                include_columns=[str(k) for k in chosen],
                null_values=[],
            ),
        )
    except pyarrow.ArrowInvalid:
        return None
    return np.stack([column.to_numpy() for column in table.columns])


def _by_numpy(text: bytes, n_columns: int, chosen: tuple[int, ...]) -> F64 | None:
    """As `_by_pyarrow`; numbers are read one after the other, so that lines are counted first."""
    piece = np.frombuffer(text + b"\n", dtype=np.uint8)
    ends = np.flatnonzero(piece <= 32)
    lines = np.flatnonzero(piece[ends] == 10)
    if not np.array_equal(lines, np.arange(1, len(lines) + 1) * n_columns - 1):
        return None
    try:
        numbers = np.fromstring(text.decode("latin-1"), sep=" ")
    except (ValueError, DeprecationWarning):
        return None
    if len(numbers) != len(ends):
        return None
    return np.ascontiguousarray(numbers.reshape(-1, n_columns)[:, list(chosen)].T)


def _line_by_line(
    path: pathlib.Path, text: bytes, n_columns: int, chosen: tuple[int, ...], first_row: int, first_line: int
) -> F64:
    """The same, slowly; finds what is wrong, or takes a number that the fast ways do not know."""
    rows: list[list[float]] = []
    for number, line in enumerate(text.split(b"\n"), first_line + 1):
        cells = line.translate(_BLANKS).decode("latin-1").split()
        if not cells:
            continue
        where = f"{path}: row {first_row + len(rows)} (counted from 0; line {number} of the file)"
        shown = " ".join(cells)[:80]
        if len(cells) != n_columns:
            raise ValueError(
                f"{where} has {len(cells)} columns where {n_columns} are expected: {shown!r}; is the file cut short? "
                "Download it again or correct that line"
            )
        try:
            rows.append([float(cell) for cell in cells])
        except ValueError:
            raise ValueError(f"{where} is not a row of numbers: {shown!r}; correct or remove that line") from None
    return np.ascontiguousarray(np.array(rows).reshape(-1, n_columns)[:, list(chosen)].T)
