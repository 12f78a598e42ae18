"""Arrays in an uncompressed zip: written at offsets that suit memory maps, and mapped instead of read.

All processes of a machine that open the same file share one copy of it in memory: the operating system's own.
"""

from __future__ import annotations

import io
import mmap
import os
import struct
import zipfile
import zlib
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

__all__ = ["MappedMembers", "write_member"]

Array = NDArray[Any]

#: Members start at multiples of so many bytes, and npy headers are as long: arrays lie on whole cache lines.
_ALIGNED = 64
#: The zip standard's oldest date: equal content makes equal files.
DATE = (1980, 1, 1, 0, 0, 0)

_LOCAL_HEADER = 30
_ZIP64_EXTRA = 20  # zipfile adds it, as we say that a member may be larger than 4 GB
_PADDING_ID = 0xD935  # the field that zipalign pads with


def write_member(archive: zipfile.ZipFile, file: BinaryIO, name: str, array: Array) -> None:
    """Add ``name.npy`` to an archive that is being written to `file`."""
    info = zipfile.ZipInfo(f"{name}.npy", DATE)
    start = file.tell() + _LOCAL_HEADER + len(info.filename.encode()) + _ZIP64_EXTRA
    padding = (-start - 4) % _ALIGNED
    info.extra = struct.pack("<HH", _PADDING_ID, padding) + bytes(padding)
    with archive.open(info, "w", force_zip64=True) as member:
        np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)


class MappedMembers:
    """The members of an open archive as arrays that lie in the file.

    Parameters
    ----------
    archive : ZipFile
    file : binary file
        What `archive` reads from. It may be closed afterwards: the map stays as long as its arrays, also when the file
        is replaced by another (not when its own bytes are changed, which nothing here does).

    Raises
    ------
    ValueError
        By `array` and `check`: a member is not stored as `write_member` does, or its checksum is wrong.
    """

    def __init__(self, archive: zipfile.ZipFile, file: BinaryIO) -> None:
        self._archive = archive
        if os.name == "nt":  # there a mapped file could not be replaced
            file.seek(0)
            self._bytes = memoryview(file.read())
        else:
            self._bytes = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    def check(self, name: str) -> memoryview:
        """The bytes of ``name.npy``, whose checksum was compared."""
        info = self._archive.getinfo(f"{name}.npy")
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise ValueError(f"{name}: compressed; such a file is not mapped")
        names, extra = struct.unpack_from("<HH", self._bytes, info.header_offset + 26)
        start = info.header_offset + _LOCAL_HEADER + names + extra
        raw = self._bytes[start : start + info.file_size]
        if len(raw) != info.file_size or zlib.crc32(raw) != info.CRC:
            raise ValueError(f"{name}: wrong checksum")
        return raw

    def array(self, name: str) -> Array:
        """A read-only array; nothing is copied."""
        raw = self.check(name)
        stream = io.BytesIO(raw[:65_550])
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError(f"{name}: not a version 1.0 npy member")
        shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
        if fortran_order or dtype.hasobject:
            raise ValueError(f"{name}: not a plain C-ordered array")
        array = np.frombuffer(raw, dtype, offset=stream.tell()).reshape(shape)
        return array if array.flags.aligned else array.copy()
