"""Many scan libraries into one."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nusky import conf
from nusky.store.library_merging import merge_libraries
from nusky.store.scans import ScanLibrary
from small_analysis import small_analysis


@pytest.fixture(scope="module")
def sstr() -> Any:
    return conf.get_sky_scan_trial_runner(ana=small_analysis("one"), nside=8)


@pytest.fixture(scope="module")
def parts(sstr: Any, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    where = tmp_path_factory.mktemp("parts")
    for job in range(3):
        ScanLibrary(where / str(job), sstr).add(sstr, range(4 * job, 4 * job + 4), seed=2, chunk=3)
    return [where / str(job) for job in (2, 0, 1)]


def fits(library: ScanLibrary) -> bytes:
    return library.fit(None).tobytes()


def test_a_merged_library_is_that_of_one_run_and_merging_again_changes_nothing(
    sstr: Any, parts: list[Path], tmp_path: Path
) -> None:
    one = ScanLibrary(tmp_path / "one", sstr)
    one.add(sstr, range(12), seed=2)
    merged = merge_libraries(tmp_path / "all", parts)
    assert fits(merged) == fits(one)
    assert merged.missing(seed=2, start=0, stop=13) == [(12, 13)]
    before = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "all" / "shards").iterdir()}
    again = merge_libraries(tmp_path / "all", [*parts, tmp_path / "one"])
    assert {p.name: p.stat().st_mtime_ns for p in (tmp_path / "all" / "shards").iterdir()} == before
    assert fits(again) == fits(one)


def test_where_files_cannot_be_linked_they_are_copied(
    parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked = merge_libraries(tmp_path / "linked", parts)
    monkeypatch.setattr("os.link", lambda *_: (_ for _ in ()).throw(OSError(18, "another file system")))
    copied = merge_libraries(tmp_path / "copied", parts)
    assert fits(copied) == fits(linked)
    assert all(p.stat().st_nlink == 1 for p in (tmp_path / "copied" / "shards").iterdir())


def test_scans_that_contradict_each_other_are_refused_and_equal_ones_taken(
    sstr: Any, parts: list[Path], tmp_path: Path
) -> None:
    ScanLibrary(tmp_path / "shifted", sstr).add(sstr, range(2, 6), seed=2, chunk=4)
    merged = merge_libraries(tmp_path / "all", [*parts, tmp_path / "shifted"])
    assert len(merged) == 12
    assert [s.index for s in merged.scans()] == list(range(12))
    # scans of another seed under the names of this one
    ScanLibrary(tmp_path / "lie", sstr).add(sstr, range(4), seed=3, chunk=3)
    shards = tmp_path / "lie" / "shards"
    for path in list(shards.iterdir()):
        with np.load(path) as z:
            arrays = dict(z)
        text = arrays["meta"].tobytes().replace(b'"seed": 3', b'"seed": 2')
        arrays["meta"] = np.frombuffer(text, dtype=np.uint8)
        np.savez(shards / path.name.replace("seed3", "seed2"), **arrays)
        path.unlink()
    manifest = tmp_path / "lie" / "manifest.jsonl"
    manifest.write_bytes(manifest.read_bytes().splitlines()[0] + b"\n")
    with pytest.raises(ValueError, match="hold different scans 0 of seed 2: one of them is wrong"):
        merge_libraries(tmp_path / "all", [tmp_path / "lie"])
    with pytest.raises(ValueError, match="sources is empty"):
        merge_libraries(tmp_path / "none", [])
    other = conf.get_sky_scan_trial_runner(ana=sstr.analysis, nside=4)
    ScanLibrary(tmp_path / "other", other)
    with pytest.raises(ValueError, match=r"config.nside: stored 8, given 4"):
        merge_libraries(tmp_path / "none", [parts[0], tmp_path / "other"])
    assert not (tmp_path / "none").exists()


def test_damaged_files_are_left_out_and_named(
    parts: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(parts[0], tmp_path / "part")
    victim = min((tmp_path / "part" / "shards").iterdir())
    content = bytearray(victim.read_bytes())
    with np.load(victim) as z:
        content[content.index(z["ts"].tobytes()) + 3] ^= 0x10
    victim.write_bytes(content)
    with caplog.at_level(logging.WARNING, logger="nusky"):
        merged = merge_libraries(tmp_path / "all", [tmp_path / "part"])
    assert victim.name in caplog.text
    assert merged.missing(seed=2, start=8, stop=12) == [(8, 11)]
