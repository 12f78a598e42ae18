from __future__ import annotations

import json
import mmap
import os
import pathlib
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nusky.analysis import cache
from nusky.analysis.cache import DamagedCache, StaleCache, StoredEvents, cache_path, read_cache, write_cache
from nusky.events import Events

ARRAYS = {
    "data/ra": np.arange(1000.0),
    "data/run": np.arange(1000),
    "sim/ra": np.linspace(0, 1, 5000),
    "log_energy_ratio": np.ones((1000, 3), np.float32),
    "neutral": np.array([[True, False]]),
}
META = {"input_hash": "abc", "key": "K", "notes": ["µ"]}


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    path = cache_path(tmp_path, "IC86_2011", "version-003-p02")
    write_cache(path, ARRAYS, META)
    return path


def test_arrays_come_back_with_their_types_read_only_and_without_those_for_later(path):
    meta, arrays = read_cache(path, "abc")
    assert meta["key"] == "K"
    assert meta["notes"] == ["µ"]
    assert set(arrays) == set(ARRAYS) - {"sim/ra"}
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, ARRAYS[name])
        assert array.dtype == ARRAYS[name].dtype
        assert not array.flags.writeable
        assert array.flags.aligned
    np.testing.assert_array_equal(StoredEvents(path, "sim/", "abc")().ra, ARRAYS["sim/ra"])


@pytest.mark.skipif(os.name == "nt", reason="files are read, not mapped, on Windows")
def test_arrays_lie_in_the_file_also_as_events_and_outlive_its_replacement(path):
    def in_a_file(array):
        while isinstance(array, np.ndarray):
            array = array.base
        return isinstance(array.obj, mmap.mmap)

    _, arrays = read_cache(path, "abc")
    assert all(in_a_file(array) for array in arrays.values())
    assert all(array.ctypes.data % 64 == 0 for array in arrays.values())
    events = Events({"ra": arrays["data/ra"], "run": arrays["data/run"]})
    later = StoredEvents(path, "sim/", "abc")()
    assert in_a_file(events.ra)
    assert in_a_file(later.ra)
    write_cache(path, {name: array + 1 for name, array in ARRAYS.items() if name != "neutral"}, META)
    path.unlink()
    np.testing.assert_array_equal(events.ra, ARRAYS["data/ra"])
    np.testing.assert_array_equal(later.ra, ARRAYS["sim/ra"])


def test_numpy_alone_can_open_it_and_it_holds_no_pickle(path):
    with np.load(path, allow_pickle=False) as file:
        np.testing.assert_array_equal(file["data/ra"], ARRAYS["data/ra"])
    with zipfile.ZipFile(path) as archive:
        head = json.loads(archive.read("meta.json"))
    assert head["format"] == "nusky subanalysis"
    assert head["schema"] == cache.SCHEMA


def test_equal_content_makes_equal_files_and_nothing_else_is_left(path, tmp_path):
    write_cache(tmp_path / "b.npz", ARRAYS, META)
    assert (tmp_path / "b.npz").read_bytes() == path.read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_another_input_or_schema_is_stale(path, monkeypatch):
    with pytest.raises(StaleCache, match="other inputs"):
        read_cache(path, "abd")
    monkeypatch.setattr(cache, "SCHEMA", cache.SCHEMA + 1)
    with pytest.raises(StaleCache, match="schema"):
        read_cache(path, "abc")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_file_is_never_trusted(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("cache") / "x.npz"
    write_cache(path, ARRAYS, META)
    whole = path.read_bytes()
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(whole) - 1))
        broken = whole[:at]
    else:
        at = data.draw(st.integers(0, len(whole) - 1))
        broken = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    path.write_bytes(broken)
    try:
        meta, arrays = read_cache(path, "abc")
        later = StoredEvents(path, "sim/", "abc")()
    except (DamagedCache, StaleCache):
        return
    # Not every byte matters (dates, attributes): what is accepted must be what was written.
    assert {name: meta[name] for name in META} == META
    for name, array in {**arrays, "sim/ra": later.ra}.items():
        np.testing.assert_array_equal(array, ARRAYS[name])
    assert set(arrays) | {"sim/ra"} == set(ARRAYS)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x05\x06" + bytes(18)])
def test_other_files_are_damaged_ones(tmp_path, content):
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(DamagedCache):
        read_cache(tmp_path / "x.npz")


def test_a_foreign_npz_is_not_taken_for_a_cache(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.zeros(3))
    with pytest.raises(DamagedCache):
        read_cache(tmp_path / "x.npz")


def test_a_missing_member_is_found_out(path, tmp_path):
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "y.npz", "w") as new:
        for name in old.namelist():
            if name != "data/ra.npy":
                new.writestr(name, old.read(name))
    with pytest.raises(DamagedCache, match="data/ra"):
        read_cache(tmp_path / "y.npz")


def test_events_for_later_refuse_a_file_that_was_replaced_or_removed(path):
    later = StoredEvents(path, "sim/", "abc")
    write_cache(path, ARRAYS, {**META, "input_hash": "new"})
    with pytest.raises(StaleCache, match="call get_analysis again"):
        later()
    path.unlink()
    with pytest.raises(FileNotFoundError, match="call get_analysis again"):
        later()


def test_file_names_hold_only_what_file_systems_like():
    assert cache_path("d", "A/B", "v 1").name == "A_B.subanalysis.v_1.npz"


def test_a_folder_that_cannot_be_written_to_is_refused_by_name_with_the_mend(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"cannot write the analysis cache to dir=.*dir=None") as caught:
        cache.check_writable(tmp_path / "file" / "ana")
    assert isinstance(caught.value, NotADirectoryError)
    if os.geteuid() != 0:
        (tmp_path / "locked").mkdir(mode=0o500)
        with pytest.raises(PermissionError, match="locked"):
            cache.check_writable(tmp_path / "locked")


def test_a_full_disk_leaves_nothing(path, monkeypatch):
    before = path.read_bytes()

    def full(*_args, **_kw):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    with pytest.raises(OSError, match="nothing is left behind"):
        write_cache(path, ARRAYS, META)
    assert path.read_bytes() == before
    assert len(list(path.parent.iterdir())) == 1
