"""HDF5 maps are read in a process of their own, which ends whatever the library does."""

from __future__ import annotations

import io
import pathlib
import time

import numpy as np
import pytest

from nusky.maps import hdf5_process, read_sky_map
from nusky.maps.table import read_map_table

h5py = pytest.importorskip("h5py", reason="HDF5 maps need h5py")


def content(**attributes: object) -> bytes:
    image = io.BytesIO()
    with h5py.File(image, "w") as file:
        file["PROBDENSITY"] = np.arange(48.0)
        file["PROBDENSITY"].attrs["_FillValue"] = 3.0
        file["PROBDENSITY"].attrs["unit"] = "sr-1"
        for name, value in {"ORDERING": "NESTED", "COORDSYS": "C", **attributes}.items():
            file.attrs[name] = value
    return image.getvalue()


def endless() -> bytes:
    """A file whose text of variable length says that it is 0 bytes long: the library looks for its end for ever."""
    data = bytearray(content())
    at = data.find(b"GCOL")
    assert at > 0
    data[at + 24 : at + 32] = bytes(8)
    return bytes(data)


def test_values_missing_ones_units_and_keywords_come_across() -> None:
    table = read_map_table(content(LEVELS=np.array([1.5, 2.5]), EVENT=np.int64(7), NOTE="Größe"))
    assert np.ma.getmaskarray(table.columns["PROBDENSITY"]).nonzero()[0].tolist() == [3]
    assert np.asarray(table.columns["PROBDENSITY"])[5] == 5.0
    assert table.units["PROBDENSITY"] == "sr-1"
    assert table.header["ORDERING"] == "NESTED"
    assert (table.header["EVENT"], table.header["NOTE"]) == (7, "Größe")
    assert table.header["LEVELS"] == [1.5, 2.5]


def test_a_file_on_which_the_library_finds_no_end_is_refused_by_name(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hdf5_process, "_SECONDS", 0.1)
    path = tmp_path / "endless.h5"
    path.write_bytes(endless())
    begin = time.process_time()
    with pytest.raises(ValueError, match=r"endless\.h5 cannot be read as HDF5 \(the HDF5 library finds no end"):
        read_sky_map(path)
    assert time.process_time() - begin < 1.0  # this process only waits


def test_a_library_that_crashes_takes_nothing_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5_process, "_run", lambda *_: "the HDF5 library ended with signal 11")
    with pytest.raises(ValueError, match=r"the bytes cannot be read as HDF5 .*signal 11"):
        read_map_table(content())


def test_modules_of_the_folder_that_one_works_in_are_not_run(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "h5py.py").write_text("raise SystemExit('the wrong h5py')")
    monkeypatch.chdir(tmp_path)
    assert read_map_table(content()).columns["PROBDENSITY"].size == 48


def test_half_an_answer_is_an_error_that_names_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5_process, "_run", lambda *_: "")
    with pytest.raises(ValueError, match="the bytes cannot be read as HDF5"):
        read_map_table(content())
