"""``nusky library``: made by jobs, joined, asked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nusky import conf
from nusky.cli.command import main
from nusky.dists.reading import read_tsd
from nusky.dists.tsd import TSD
from nusky.executors.spec import write_spec
from nusky.maps.skymap import SkyMap
from nusky.maps.writer import write_sky_map
from nusky.priors.prior import SpatialPrior
from nusky.sensitivity.post_trial import hottest_spots
from nusky.source.positions import sources
from nusky.store.scans import ScanLibrary
from small_analysis import small_analysis


@pytest.fixture(scope="module")
def sstr() -> Any:
    return conf.get_sky_scan_trial_runner(ana=small_analysis("one"), nside=8)


@pytest.fixture(scope="module")
def spec(sstr: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_spec(sstr, tmp_path_factory.mktemp("spool"))[0]


@pytest.fixture(scope="module")
def made(spec: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Parts of jobs 0 and 2 of three, 5 + 2 scans."""
    where = tmp_path_factory.mktemp("library")
    for job in (0, 2):
        assert make(spec, where, job) == 0
    return where


def make(spec: str, where: Path, job: int) -> int:
    words = ["library", "make", "--runner", spec, "--seed", "1", "--job", str(job), "--per-job", "5", "--of", "12"]
    return main([*words, "--threads", "1", "--out", str(where / "parts" / str(job))])


def test_jobs_make_parts_and_the_merge_lists_what_is_missing_until_it_is_there(
    sstr: Any, spec: str, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    merge = ["library", "merge", "--parts", str(made / "parts"), "--out", str(tmp_path / "all")]
    merge += ["--expect", "0:12", "--per-job", "5", "--resubmit", str(tmp_path / "resubmit.txt")]
    assert main(merge) == 3
    assert "missing: scans 5:10 of seed 1" in capsys.readouterr().out
    assert (tmp_path / "resubmit.txt").read_text() == "1\n"
    assert main(["library", "status", str(tmp_path / "all"), "--expect", "0:12"]) == 3
    said = capsys.readouterr().out
    assert "7 scans of seed 1" in said
    assert make(spec, tmp_path, 1) == 0
    assert main([*merge, str(tmp_path / "parts" / "1")]) == 0
    assert (tmp_path / "resubmit.txt").read_text() == ""
    direct = ScanLibrary(tmp_path / "direct", sstr)
    direct.add(sstr, range(12), seed=1)
    assert ScanLibrary(tmp_path / "all").fit(None).tobytes() == direct.fit(None).tobytes()
    capsys.readouterr()
    assert make(spec, tmp_path, 1) == 0
    assert "5 of them are in" in capsys.readouterr().out


def test_a_prior_is_asked_for_its_background_and_p_values(
    sstr: Any, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = np.exp(-np.linspace(0, 5, 768))
    write_sky_map(tmp_path / "prior.fits", SkyMap(values / values.sum()))
    scan = sstr.get_one_scan(seed=99)
    scan.save(tmp_path / "scan.fits")
    part = str(made / "parts" / "0")
    words = ["library", "query", part, "--prior", str(tmp_path / "prior.fits"), "--ts", "4.5", "--ts", "-1"]
    assert main([*words, "--scan", str(tmp_path / "scan.fits"), "--out", str(tmp_path / "tsd.npz")]) == 0
    said = capsys.readouterr().out
    library = ScanLibrary(part)
    prior = SpatialPrior(SkyMap(values / values.sum()))
    expected = TSD(library.fit(prior)["ts"][:, 0])
    assert f"TS = 4.5: {expected.p_value(4.5)}" in said
    assert re.search(r"TS = -1: .*1", said)
    for spot in hottest_spots(scan, library, prior).values():
        assert f"{spot}" in said
    np.testing.assert_array_equal(np.sort(read_tsd(tmp_path / "tsd.npz").values), np.sort(expected.values))
    assert (
        main(["library", "query", part, "--min-dec", "0", "--max-dec", "30", "--scan", str(tmp_path / "scan.fits")])
        == 0
    )
    spots = hottest_spots(scan, library, regions={"limits": (0.0, float(np.radians(30)))})
    assert f"{spots['limits']}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["make", "--seed", "1", "--out", "x"], "one of the arguments --scans --job is required"),
        (["make", "--seed", "1", "--scans", "3:1", "--out", "x"], "'3:1' is no range"),
        (["query", "x", "--ts", "nan"], "'nan' is no finite number"),
    ],
)
def test_bad_options_are_told_in_one_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["library", *words])
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_what_is_no_library_or_no_sky_scan_is_refused(
    sstr: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["library", "query", str(tmp_path / "none")]) == 2
    assert "there is no store there" in capsys.readouterr().err
    point, _ = write_spec(conf.get_trial_runner(src=sources(1.0, 0.3), ana=sstr.analysis), tmp_path)
    assert main(["library", "make", "--runner", point, "--seed", "1", "--scans", "0:1", "--out", "x"]) == 2
    assert "which scans no map" in capsys.readouterr().err


@pytest.mark.slow
def test_without_a_runner_the_synthetic_season_is_scanned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["library", "make", "--seed", "1", "--scans", "0:2", "--nside", "8", "--out", str(tmp_path / "s")]
    assert main(words) == 0
    assert len(ScanLibrary(tmp_path / "s")) == 2
