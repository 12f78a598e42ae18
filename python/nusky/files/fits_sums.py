"""Checksums of FITS files: the keywords CHECKSUM and DATASUM of the standard."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["add_checksums", "checked_fits", "damage_said", "with_checksums"]


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
        A checksum is wrong.
    Exception
        Whatever astropy says of a damaged file.
    """
    from astropy.io import fits

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with fits.open(path, checksum=True, lazy_load_hdus=False, memmap=False) as hdus:
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
