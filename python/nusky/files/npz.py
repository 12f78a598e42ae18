"""Arrays with a JSON description in one npz file: written whole or not at all, read without pickles."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky.files.atomic import atomic_write
from nusky.files.paths import as_path

__all__ = ["DamagedFile", "read_format", "read_npz", "write_npz"]

_META = "meta"
_NAMES = "arrays"  # in the description, which has a checksum: the names in a zip file have none


class DamagedFile(ValueError):
    """The file is not whole, or something else than it should be."""


def write_npz(
    path: str | os.PathLike[str],
    arrays: Mapping[str, NDArray[Any]],
    meta: Mapping[str, Any],
    *,
    durable: bool = True,
) -> int:
    """Write arrays and their description.

    Parameters
    ----------
    path : path-like
        Used as it is: ".npz" is not added.
    arrays : mapping of str to array
        No name may be "meta".
    meta : mapping
        What JSON can hold. No key may be "arrays".
    durable : bool
        See `atomic_write`.

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    ValueError
        For an array called "meta", or a key called "arrays".
    OSError
        Full disk, no permission: the file is named and nothing half-written is left.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "x.npz"
    >>> n_bytes = write_npz(path, {"a": np.arange(3)}, {"format": "mine"})
    >>> read_npz(path)
    ({'format': 'mine'}, {'a': array([0, 1, 2])})
    """
    if _META in arrays:
        raise ValueError('an array is called "meta", the name of the description inside the file: rename it')
    if _NAMES in meta:
        raise ValueError('the description has a key "arrays", where the file lists what is in it: rename it')
    meta = {**meta, _NAMES: sorted(arrays)}
    described: dict[str, Any] = {
        _META: np.frombuffer(json.dumps(meta, sort_keys=True).encode(), dtype=np.uint8),
        **arrays,
    }
    with atomic_write(path, durable=durable) as f:
        np.savez(f, **described)
        return f.tell()


def read_npz(
    path: str | os.PathLike[str], names: Collection[str] | None = None
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read what `write_npz` wrote; the checksum of every array read is compared.

    Parameters
    ----------
    path : path-like
    names : collection of str, optional
        Only these arrays, as far as they are there; an empty one reads the description alone.

    Returns
    -------
    meta : dict
    arrays : dict of str to array

    Raises
    ------
    FileNotFoundError
    DamagedFile
        Truncated, with a wrong checksum, or no such file at all.
    """
    with open(as_path(path), "rb") as f:  # np.load given a name would leave a damaged file open
        try:
            with np.load(f, allow_pickle=False) as z:
                _refuse_packed(z.zip)
                meta = json.loads(z[_META].tobytes())
                if not isinstance(meta, dict):
                    raise ValueError("its description is no mapping")
                held = sorted(name for name in z.files if name != _META)
                if meta.pop(_NAMES, held) != held:
                    raise ValueError("its arrays are not those that were written")
                return meta, {name: z[name] for name in z.files if name != _META and (names is None or name in names)}
        except Exception as error:  # the bytes are not to be trusted: any parser may fail in any way
            # numpy says of anything that is no zip file that it holds pickles
            what = "not a file of arrays" if "pickle" in str(error) else str(error)
            raise DamagedFile(f"{Path(path)} is damaged or something else ({type(error).__name__}: {what})") from error


def _refuse_packed(archive: zipfile.ZipFile) -> None:
    """Ours are not compressed; what is could be a thousand times larger than the file."""
    packed = [member.filename for member in archive.infolist() if member.compress_type != zipfile.ZIP_STORED]
    if packed:
        raise ValueError(f"{packed[0]} is compressed, which nusky writes nowhere")


def read_format(
    path: str | os.PathLike[str], expected: str, what: str
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """As `read_npz`, of a file whose description names its format.

    Parameters
    ----------
    path : path-like
    expected : str
        The format.
    what : str
        What has this format, for the message.

    Raises
    ------
    FileNotFoundError
    DamagedFile
        As `read_npz`, or another format.
    """
    meta, arrays = read_npz(path)
    if meta.get("format") != expected:
        raise DamagedFile(f"{path} has the format {meta.get('format')!r}, {what} {expected!r}")
    return meta, arrays
