"""Damaged files are read as what they were, as something sensible, or refused by name; the bench does it 10⁵ times."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

from nusky.files import DamagedFile, read_npz, write_npz
from nusky.maps import SkyMap, read_sky_map, write_sky_map
from nusky.trial import SkyScan

pytest.importorskip("mutated_files", reason="the benches are not beside the tests")
from file_kinds import Kind, all_kinds
from mutated_files import flipped, run, wrong

SURE = (
    *("tsd", "chi2_tsd", "binned_tsd", "declinations", "fit", "trial set", "n_sig result"),
    *("scan fits", "scan fits.gz", "scan npz", "analysis cache", "spec"),
    *("store shard", "store manifest", "library shard", "library manifest"),
)


def test_damaged_files_are_read_rightly_or_refused_by_name() -> None:
    assert run(60, seed=7) == {}


@pytest.mark.slow
def test_many_damaged_files_are_read_rightly_or_refused_by_name() -> None:
    assert run(500, seed=8) == {}


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kind]:
    return {kind.name: kind for kind in all_kinds(tmp_path_factory.mktemp("kinds")) if kind.sure}


@pytest.mark.parametrize("name", SURE)
def test_a_flipped_bit_changes_nothing_in_silence(kinds: dict[str, Kind], name: str) -> None:
    kind = kinds[name]
    content, original = kind.path.read_bytes(), kind.read()
    refused = 0
    for i in range(12):
        kind.path.write_bytes(flipped(content, np.random.default_rng([3, i])))
        assert wrong(kind, original) == ""
        refused += is_refused(kind)
    kind.path.write_bytes(content)
    assert refused > 2  # not every bit of a zip file or of a FITS header says anything
    assert kind.read() == original


def is_refused(kind: Kind) -> bool:
    try:
        kind.read()
    except (ValueError, OSError):
        return True
    return False


def test_every_kind_with_checksums_is_tried(kinds: dict[str, Kind]) -> None:
    assert set(kinds) == set(SURE)


@pytest.mark.parametrize(
    ("card", "value"),
    [
        ("NAXIS2", "1000000000000"),
        ("NAXIS2", "-5"),
        ("NAXIS", "999999999999"),
        ("TFIELDS", "100000"),
        ("PCOUNT", "-99"),
    ],
)
def test_headers_that_lie_about_sizes_are_refused_at_once(tmp_path: pathlib.Path, card: str, value: str) -> None:
    path = write_sky_map(tmp_path / "a.fits", SkyMap(np.ones(48)))
    content = bytearray(path.read_bytes())
    at = content.rfind(card.ljust(8).encode() + b"=")
    content[at : at + 80] = f"{card:<8}= {value:>20}".ljust(80).encode()
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"a\.fits"):
        read_sky_map(path)


def test_a_bomb_is_not_unpacked(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gzip

    from nusky.files import fits_file

    monkeypatch.setattr(fits_file, "MOST_BYTES", 10_000)
    (tmp_path / "bomb.fits.gz").write_bytes(gzip.compress(b"\0" * 20_000))
    with pytest.raises(ValueError, match=r"bomb\.fits\.gz unpacks to more than"):
        read_sky_map(tmp_path / "bomb.fits.gz")


def test_hdf5_does_not_reach_into_other_files(tmp_path: pathlib.Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["PROBDENSITY"] = np.ones(48)
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["PROBDENSITY"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "PROBDENSITY")
    with pytest.raises(ValueError, match=r"link\.h5"):
        read_sky_map(tmp_path / "link.h5", nest=True, frame="C")
    raw = tmp_path / "raw.bin"
    raw.write_bytes(np.ones(48).tobytes())
    with h5py.File(tmp_path / "outside.h5", "w") as file:
        file.create_dataset("PROBDENSITY", shape=(48,), dtype="f8", external=[(str(raw), 0, 384)])
    with pytest.raises(ValueError, match=r"outside\.h5.*another file"):
        read_sky_map(tmp_path / "outside.h5", nest=True, frame="C")


def test_an_array_whose_name_changed_is_damage(tmp_path: pathlib.Path) -> None:
    write_npz(tmp_path / "a.npz", {"ts": np.arange(3.0), "ns": np.arange(3.0)}, {"format": "mine"})
    content = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(content.replace(b"ts.npy", b"tt.npy"))  # zip has no checksum of names
    with pytest.raises(DamagedFile, match=r"a\.npz .*not those that were written"):
        read_npz(tmp_path / "a.npz")
    with pytest.raises(ValueError, match="a key"):
        write_npz(tmp_path / "b.npz", {}, {"arrays": 1})


def test_a_packed_scan_that_ends_too_soon_is_refused(tmp_path: pathlib.Path) -> None:
    scan = SkyScan(np.zeros((4, 192)), np.zeros(192, np.int8), ("mlog10p", "ts", "ns", "gamma"), {})
    scan.save(tmp_path / "scan.fits.gz")
    content = (tmp_path / "scan.fits.gz").read_bytes()
    for length in (len(content) // 2, len(content) - 9):
        (tmp_path / "scan.fits.gz").write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"scan\.fits\.gz .*is the file complete"):
            SkyScan.read(tmp_path / "scan.fits.gz")


def test_flipped_bits_that_leave_the_sum_of_fits_as_it_was_are_seen(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "scan.fits"
    SkyScan(np.full((4, 192), 0.7), np.zeros(192, np.int8), ("mlog10p", "ts", "ns", "gamma"), {}).save(path)
    content = bytearray(path.read_bytes())
    at = len(content) - 2880 - 2880 % 4
    values = np.frombuffer(bytes(content[at - 2880 : at]), dtype=np.uint8).reshape(-1, 4)
    column = int(np.argmax((values & 16).astype(bool).sum(axis=0)))
    high, low = (int(np.flatnonzero((values[:, column] & 16 > 0) == on)[0]) for on in (True, False))
    for row in (high, low):  # one bit down, the same one up in another word
        content[at - 2880 + 4 * row + column] ^= 16
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"scan\.fits .*changed after they were written\)"):
        SkyScan.read(path)
