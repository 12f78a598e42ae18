"""FITS files that may be damaged or a stranger's: their checksums, what they unpack to, headers that lead nowhere."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import re
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["MOST_BYTES", "add_checksums", "checked_fits", "damage_said", "guarded", "unpacked", "with_checksums"]

#: What a packed file may unpack to, and a column may hold: a flat map of nside 8192 in single precision.
MOST_BYTES = 1 << 32

_GZIP = b"\x1f\x8b"
_BLOCK = 2880
_COUNTS = re.compile(rb"(NAXIS[0-9]*|TFIELDS|PCOUNT|GCOUNT) *= *(-?[0-9]+)")
_MOST_COUNTED = 999
_CARD = 80
# The first four letters of these keywords as a number: of a file of many pixels one number in twenty is looked at
_COUNT_STARTS = np.frombuffer(b"NAXITFIEPCOUGCOU", dtype="<u4")


class _Guarded(io.BytesIO):
    """The content of a file, read a limited number of times over: a damaged one leads in circles."""

    left = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.left -= len(data) + 100
        if self.left < 0:
            raise OSError("the headers lead in circles")
        return data


def unpacked(name: str, content: Any, most: int | None = None, *, what: str = "FITS") -> bytes | None:
    """What is in a gzip file, if it is whole and not a bomb; None if the content is not packed.

    Parameters
    ----------
    name : str
        For messages.
    content : open binary file
        Read from its beginning; stands there again where it is not packed.
    most : int, optional
        Bytes that are believed; default: `MOST_BYTES`.
    what : str
        What it is to hold, for messages.

    Raises
    ------
    ValueError
        Damaged, or more than that.
    """
    start = content.read(len(_GZIP))
    content.seek(0)
    if start != _GZIP:
        return None
    most = MOST_BYTES if most is None else most
    try:
        # astropy takes what comes out of half a gzip file for a file without tables
        with gzip.GzipFile(fileobj=content) as packed:
            data = packed.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{name} cannot be read as {what} ({error}); is the file complete?") from error
    if len(data) > most:
        raise ValueError(f"{name} unpacks to more than {most >> 30} GiB; unpack it first if that is right")
    return data


def guarded(name: str, content: Any) -> Any:
    """A FITS file for astropy, which finds no end on some damaged headers.

    Parameters
    ----------
    name : str
        For messages.
    content : open binary file

    Returns
    -------
    open binary file
        At its beginning. Its last block is filled up where it can be: a file without that is complete all the same.

    Raises
    ------
    ValueError
        A header counts backwards, or further than FITS can.
    """
    size = content.seek(0, io.SEEK_END)
    content.write(b"\0" * (-size % _BLOCK)) if size % _BLOCK and content.writable() else None
    content.seek(0)
    if not isinstance(content, io.BytesIO):
        return content
    whole = content.getvalue()
    _check_counts(name, whole)
    content = _Guarded(whole)
    content.left = 20 * size + 10_000_000
    return content


def _check_counts(name: str, content: bytes) -> None:
    starts = np.ndarray(len(content) // _CARD, dtype="<u4", buffer=content, strides=(_CARD,))
    for card in np.flatnonzero(np.any([starts == one for one in _COUNT_STARTS], axis=0)).tolist():
        match = _COUNTS.match(content, card * _CARD, (card + 1) * _CARD)
        if match is None:
            continue
        keyword, value = (group.decode("ascii") for group in match.groups())
        if int(value[:30]) < 0 or (keyword in ("NAXIS", "TFIELDS") and int(value[:30]) > _MOST_COUNTED):
            raise ValueError(f"{name}: {keyword}={value[:30]} in the header cannot be; is the file damaged?")


def with_checksums(path: str | os.PathLike[str]) -> bytes:
    """Content of a FITS file (gzipped or not, as its name says) with checksums in every header."""
    from astropy.io import fits

    image = io.BytesIO()
    with fits.open(path) as hdus:
        add_checksums(hdus)
        hdus.writeto(image)
    content = image.getvalue()
    return gzip.compress(content, 4, mtime=0) if Path(path).suffix == ".gz" else content


def add_checksums(hdus: Any) -> None:
    """Put the keywords into every header, without a date: the same content gives the same bytes."""
    for hdu in hdus:
        hdu.add_checksum(when="checksum of this extension")


@contextlib.contextmanager
def checked_fits(path: str | os.PathLike[str]) -> Iterator[Any]:
    """The extensions of a FITS file whose checksums, where it has any, are right.

    Raises
    ------
    ValueError
        A checksum is wrong, or the file cannot be unpacked.
    Exception
        Whatever astropy says of a damaged file.
    """
    from astropy.io import fits

    name, content = os.fspath(path), io.BytesIO(Path(path).read_bytes())
    data = unpacked(name, content, 2 * MOST_BYTES)  # a scan of nside 4096 has 6 GB
    content = guarded(name, content if data is None else io.BytesIO(data))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with fits.open(content, checksum=True, lazy_load_hdus=False, memmap=False) as hdus:
            if damage := damage_said(said):
                raise ValueError(damage)
            yield hdus


def damage_said(said: list[Any], *, data_only: bool = False) -> str:
    """What astropy's warnings say about checksums; "" where all are right.

    Parameters
    ----------
    said : list of warnings
        As ``warnings.catch_warnings(record=True)`` gives.
    data_only : bool
        Only that of the values: a header that was edited keeps the old checksum.
    """
    for warning in said:
        text = str(warning.message)
        if "Datasum verification failed" in text or (not data_only and "Checksum verification failed" in text):
            what = "its values" if data_only else "its values or its header"
            return f"{what} changed after they were written: wrong checksum"
    return ""
