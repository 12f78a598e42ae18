"""Paths as people type them."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

from nusky.dists import TSD
from nusky.dists.reading import read_tsd
from nusky.files import as_path
from nusky.maps import SkyMap, read_sky_map, write_sky_map
from nusky.selections import PublicRelease, Repository


@pytest.fixture
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home"


def test_a_tilde_is_the_home_directory_for_reading_and_writing(home: pathlib.Path) -> None:
    write_sky_map("~/map.fits", SkyMap(np.ones(48)))
    assert read_sky_map("~/map.fits").nside == 2
    assert read_sky_map(pathlib.Path("~/map.fits")).nside == 2
    TSD([1.0, 2.0]).save("~/tsd.npz")
    assert read_tsd("~/tsd.npz").n_total == 2
    # matplotlib, which healpy imports, makes its own folders there
    assert sorted(p.name for p in home.iterdir() if p.name[0] != ".") == ["map.fits", "tsd.npz"]
    assert not list(pathlib.Path.cwd().iterdir())


@pytest.mark.parametrize("open_it", [lambda p: PublicRelease(p), lambda p: Repository(p).versions])
def test_a_folder_that_is_not_there_is_named_in_full(home: pathlib.Path, open_it: object) -> None:
    with pytest.raises(FileNotFoundError, match=str(home)):
        open_it("~/nothing")  # type: ignore[operator]


@pytest.mark.parametrize("address", ["https://a.org/b.fits", "http://a", "s3://bucket/map.fits", "root://x//y"])
def test_an_address_is_told_to_be_downloaded(address: str) -> None:
    for path in (address, pathlib.Path(address)):
        with pytest.raises(ValueError, match="is an address, not a file; download it first"):
            read_sky_map(path)


@pytest.mark.parametrize("address", ["file:///a/b%20c.fits", "file://localhost/a/b%20c.fits", "FILE:/a/b c.fits"])
def test_an_address_of_a_file_here_is_its_path(address: str) -> None:
    assert as_path(address) == pathlib.Path("/a/b c.fits")
    assert as_path(pathlib.Path("file:///a/b.fits")) == pathlib.Path("/a/b.fits")
    with pytest.raises(ValueError, match="is an address"):
        as_path("file://elsewhere/a.fits")


@pytest.mark.parametrize(("bad", "said"), [("", "is empty"), ("a\0b", "zero byte"), ("~nobody-here/x", "no such home")])
def test_what_is_no_path_is_refused(bad: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        as_path(bad)


def test_bytes_and_numbers_are_no_paths() -> None:
    for bad in (b"/tmp/x", 3, None):
        with pytest.raises(TypeError, match="expected the path"):
            as_path(bad)  # type: ignore[arg-type]
