"""HDF5 groups that hold a sky map. Links to other files are not followed: a file says only what is in it.

Run by `hdf5_process` in a process of its own, since the HDF5 library does not come to an end on some damaged files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nusky.files import MOST_BYTES
from nusky.maps.table import MapTable, by_name, is_index_name, remarks_of

__all__ = ["read_hdf5"]

_VALUES = {"PROBDENSITY", "PROBABILITY", "PROB"}


def read_hdf5(name: str, content: Any, group: int | str | None) -> MapTable:
    """Table of an HDF5 file, read in this process.

    Parameters
    ----------
    name : str
        Of the file, for messages.
    content : open binary file
    group : str, optional

    Raises
    ------
    ValueError
        Damaged, no map in it, or values that lie in another file.
    """
    import h5py

    try:
        with h5py.File(content, "r") as file:
            found = _groups(h5py, name, file, group)
            if found:
                return _table(name, file, *found[0])
    except ValueError as error:
        if name in str(error):
            raise
        raise ValueError(f"{name} cannot be read as HDF5 ({error}); is the file complete?") from error
    except Exception as error:  # a damaged file makes h5py fail in any way
        raise ValueError(
            f"{name} cannot be read as HDF5 ({type(error).__name__}: {error}); is the file complete?"
        ) from error
    raise ValueError(
        f"{name}: no group holds a sky map (looked for ipix with CL, or PROBDENSITY, PROBABILITY, PROB); "
        "give hdu='group' and column='name'"
    )


def _groups(h5py: Any, name: str, file: Any, group: int | str | None) -> list[tuple[str, dict[str, Any]]]:
    if isinstance(group, str) and group not in file:
        raise ValueError(f"{name} has no group {group!r}; it has {', '.join(file)}")
    found: list[tuple[str, dict[str, Any]]] = []

    def look(path: str, node: Any) -> None:
        members: dict[str, Any] = {}
        if isinstance(node, h5py.Group):
            own = [key for key in node if isinstance(node.get(key, getlink=True), h5py.HardLink)]
            members = {k: v for k in own if isinstance(v := node[k], h5py.Dataset) and v.ndim == 1}
        elif node.dtype.names and node.ndim == 1:
            members = dict.fromkeys(node.dtype.names, node)
        if members and _could_be_map(members):
            found.append((path, members))

    top = file[group] if isinstance(group, str) else file
    if isinstance(group, str) and top.file.filename != file.filename:
        raise ValueError(f"{name}: the group {group!r} lies in another file; give that one")
    look(top.name, top)
    if isinstance(top, h5py.Group):
        top.visititems(look)
    return found


def _table(name: str, file: Any, path: str, members: Mapping[str, Any]) -> MapTable:
    node = file[path]
    read = []
    for key, dataset in members.items():
        if dataset.is_virtual or dataset.external:
            raise ValueError(
                f"{name}:{path}: the values of {key!r} lie in another file; give a file that holds them itself"
            )
        if dataset.nbytes > 2 * MOST_BYTES:
            raise ValueError(f"{name}:{path}: {key!r} has {dataset.nbytes / 2**30:.3g} GiB; that is no sky map")
        values = np.asarray(dataset[key] if dataset.dtype.names else dataset[()])
        unset = dataset.attrs.get("_FillValue")
        if unset is not None and values.dtype.kind in "iuf" and np.size(unset) == 1:
            values = np.ma.masked_equal(values, np.asarray(unset).item())
        read.append((key, values, _text(dataset.attrs.get("unit", dataset.attrs.get("units", "")))))
    columns, units = by_name(read)
    header = {str(k).upper(): _text(v) for k, v in {**file.attrs, **node.attrs}.items()}
    # Attributes of the root speak of its own numbers ("units: degrees"), not of the map's.
    header.pop("UNITS", None)
    return MapTable(f"{name}:{node.name}", columns, {k: str(v) for k, v in units.items()}, header, remarks_of(header))


def _could_be_map(members: Mapping[str, Any]) -> bool:
    names = {name.upper() for name in members}
    return bool(names & _VALUES) or ("CL" in names and any(is_index_name(name) for name in names))


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.item() if isinstance(value, np.generic) else value
