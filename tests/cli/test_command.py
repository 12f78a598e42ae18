"""The command line, as a person uses it: what it prints, what it writes, and what it says to a mistake."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import healpy as hp
import numpy as np
import pytest

import nusky as cy
from nusky.cli import command as cli
from nusky.cli.demo import tutorial_prior
from nusky.cli.search import Search, Steps, _pictures
from nusky.maps.multiorder import MultiOrderMap


def run(*args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A process of its own, with the warnings that a user would see turned into errors."""
    command = [sys.executable, "-W", "error", "-m", "nusky", *args]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, timeout=300)


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The same without the two seconds that importing takes: returns what was printed."""

    def call(*args: str) -> str:
        code = cli.main(args)
        printed = capsys.readouterr()
        assert code == 0, printed.err
        return printed.out

    return call


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    folder = tmp_path_factory.mktemp("demo")
    done = run("demo", "--out", "result", cwd=folder)
    assert done.returncode == 0, done.stderr
    return SimpleNamespace(out=folder / "result", text=done.stdout, errors=done.stderr)


def test_the_demo_finds_the_source_it_injected(demo: SimpleNamespace) -> None:
    fit = cy.Fit.read(demo.out / "fit.json")
    assert fit.status == cy.Status.OK
    assert fit.ts > 25
    assert 10 < fit.ns < 35
    injected = re.search(r"injected +([\d.]+)°, ([-+\d.]+)°, 20 events", demo.text)
    assert injected is not None
    true_ra, true_dec = np.radians([float(x) for x in injected.groups()])
    away = hp.rotator.angdist([np.pi / 2 - true_dec, true_ra], [np.pi / 2 - fit.dec, fit.ra])
    assert np.degrees(away) < 2


def test_the_demo_prints_the_numbers_that_it_stores(demo: SimpleNamespace) -> None:
    fit = cy.Fit.read(demo.out / "fit.json")
    assert f"TS        {fit.ts:.2f} with the prior" in demo.text
    assert f"n_s       {fit.ns:.2f}" in demo.text
    assert f"{np.degrees(fit.ra):.2f}°, {np.degrees(fit.dec):+.2f}°" in demo.text
    assert "Scanning 48984 locations" in demo.text
    assert demo.errors == ""


def test_the_demo_names_every_file_and_says_how_long_it_took(demo: SimpleNamespace) -> None:
    for path in demo.out.iterdir():
        assert path.name in demo.text
    assert f"Files in {demo.out.resolve()}" in demo.text
    assert len(re.findall(r"^    \d+\.\d\d s$", demo.text, flags=re.MULTILINE)) >= 4


def test_the_maps_of_the_demo_hold_its_best_fit(demo: SimpleNamespace) -> None:
    fit = cy.Fit.read(demo.out / "fit.json")
    ts = hp.read_map(demo.out / "scan.fits", field=0, dtype=None)
    prior = hp.read_map(demo.out / "prior.fits", dtype=None)
    with np.errstate(divide="ignore"):
        total = ts + 2 * np.log(prior / prior.max())
    dec = np.pi / 2 - hp.pix2ang(64, np.arange(ts.size))[0]
    total[np.abs(dec) > np.radians(85)] = -np.inf
    assert total.argmax() == fit.pixel
    assert total.max() == pytest.approx(fit.ts, abs=1e-9)


def test_the_pictures_of_the_demo_are_pictures(demo: SimpleNamespace) -> None:
    import matplotlib.image

    for name in ("prior.png", "ts.png", "ts_with_prior.png", "zoom.png"):
        image = matplotlib.image.imread(demo.out / name)
        assert min(image.shape[:2]) > 500
        assert image[..., :3].std() > 0.02, f"{name} is blank"


@pytest.mark.slow
def test_the_same_seed_gives_the_same_demo_and_another_seed_another(
    demo: SimpleNamespace, tmp_path: Path, here: Callable[..., str]
) -> None:
    first = json.loads((demo.out / "fit.json").read_text())
    here("demo", "--out", str(tmp_path / "again"), "--threads", "1")
    assert json.loads((tmp_path / "again" / "fit.json").read_text()) == first
    here("demo", "--out", str(tmp_path / "other"), "--seed", "2")
    assert json.loads((tmp_path / "other" / "fit.json").read_text())["ts"] != first["ts"]


@pytest.mark.slow
def test_the_demo_runs_on_the_real_season(shared_data: Path, tmp_path: Path, here: Callable[..., str]) -> None:
    text = here("demo", "--real", str(shared_data / "icecube_ic86_2011"), "--out", str(tmp_path / "real"))
    assert cy.Fit.read(tmp_path / "real" / "fit.json").ts > 20
    assert "synthetic" not in text


def test_a_scan_with_a_prior_of_ones_own_writes_the_same_files(
    demo: SimpleNamespace, tmp_path: Path, here: Callable[..., str]
) -> None:
    cy.write_sky_map(tmp_path / "prior.fits", cy.SpatialPrior(tutorial_prior()))
    here("scan", str(tmp_path / "prior.fits"), "--n-sig", "20", "--out", str(tmp_path / "scan"))
    assert {p.name for p in (tmp_path / "scan").iterdir()} == {p.name for p in demo.out.iterdir()}
    fit, reference = cy.Fit.read(tmp_path / "scan" / "fit.json"), cy.Fit.read(demo.out / "fit.json")
    assert fit.ts == pytest.approx(reference.ts, rel=1e-9)


def test_a_map_that_does_not_say_what_it_is_can_be_told(tmp_path: Path, here: Callable[..., str]) -> None:
    path = no_kind(tmp_path)[1]
    here("scan", path, "--kind", "density", "--nside", "8", "--out", str(tmp_path / "scan"))
    assert cy.SkyScan.read(tmp_path / "scan" / "scan.fits").nside == 8


def test_a_multi_order_map_is_scanned_at_the_resolution_asked_for(tmp_path: Path, here: Callable[..., str]) -> None:
    sky = cy.read_sky_map(tutorial_prior(32), kind="density")
    cy.write_sky_map(tmp_path / "multi.fits", MultiOrderMap.from_flat(sky))
    here("scan", str(tmp_path / "multi.fits"), "--nside", "16", "--out", str(tmp_path / "scan"))
    assert cy.SkyScan.read(tmp_path / "scan" / "scan.fits").nside == 16


def test_a_truth_scan_says_so(tmp_path: Path, here: Callable[..., str]) -> None:
    cy.write_sky_map(tmp_path / "prior.fits", cy.SpatialPrior(tutorial_prior(16)))
    here("scan", str(tmp_path / "prior.fits"), "--truth", "--out", str(tmp_path / "scan"))
    assert cy.Fit.read(tmp_path / "scan" / "fit.json").TRUTH
    assert cy.SkyScan.read(tmp_path / "scan" / "scan.fits").nside == 16


def test_config_says_what_a_bug_report_needs() -> None:
    done = run("config")
    assert done.returncode == 0
    for word in ("nusky", "python", "numpy", "healpy", "threads"):
        assert re.search(rf"^{word} ", done.stdout, flags=re.MULTILINE)


def a_file(folder: Path) -> list[str]:
    (folder / "file").write_text("x")
    return ["demo", "--out", str(folder / "file")]


def no_map(folder: Path) -> list[str]:
    from astropy.table import Table

    Table({"a": [1.0, 2.0]}).write(folder / "table.fits")
    return ["scan", str(folder / "table.fits"), "--out", str(folder / "out")]


def no_kind(folder: Path) -> list[str]:
    hp.write_map(folder / "map.fits", np.ones(3072), coord="C", dtype=float)
    return ["scan", str(folder / "map.fits"), "--out", str(folder / "out")]


def polar_prior(folder: Path) -> list[str]:
    cy.write_sky_map(folder / "polar.fits", cy.SpatialPrior(np.where(np.arange(12 * 16**2) < 4, 1.0, 0.0)))
    return ["scan", str(folder / "polar.fits"), "--max-dec", "60", "--out", str(folder / "out")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "--n-sig", "-3"], "-3 is negative"),
        (["demo", "--n-sig", "many"], "'many' is not a whole number"),
        (["demo", "--threads", "-1"], "-1 is negative"),
        (["demo", "--seed", "0.5"], "'0.5' is not a whole number"),
        (["demo", "--real", "nowhere"], "nowhere"),
        (["dmeo"], "invalid choice: 'dmeo'"),
        ([], "COMMAND"),
        (["scan"], "prior"),
        (["scan", "nowhere.fits"], "nowhere.fits"),
        (["scan", "p.fits", "--min-dec", "-95"], "-90 … 90"),
        (["scan", "p.fits", "--min-dec", "20", "--max-dec", "-20"], "exchange them"),
        (["scan", "p.fits", "--truth", "--n-sig", "5"], "leave --n-sig 5 away"),
        (a_file, "is a file; name a directory"),
        (no_map, "table.fits"),
        (no_kind, "give --kind probability (per pixel), density"),
        (polar_prior, "the prior is zero in every allowed pixel"),
        (["demo", "--out", "/proc/nothing/here"], "/proc/nothing"),
        (["scan", "p.fits", "--kind", "counts"], "invalid choice: 'counts'"),
    ],
)
def test_a_mistake_is_one_line_on_standard_error_and_exit_code_2(
    arguments: list[str] | Callable[[Path], list[str]],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    argv = arguments(tmp_path) if callable(arguments) else arguments
    try:
        code: Any = cli.main(argv)
    except SystemExit as stopped:  # argparse's way
        code = stopped.code
    errors = capsys.readouterr().err
    assert code == 2
    assert message in errors
    assert errors.count("\n") == 1
    assert "Traceback" not in errors


def test_traceback_shows_where_a_mistake_was_found(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError):
        cli.main(["--traceback", *a_file(tmp_path)])


def test_ctrl_c_ends_with_130_and_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_config", interrupt)
    assert cli.main(["config"]) == 130
    assert capsys.readouterr().err.strip() == "nusky config: interrupted"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, nusky.cli.command\n"
        "try: nusky.cli.command.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print({'matplotlib', 'healpy', 'astropy', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("set()")


def test_ts_with_prior_is_cut_at_zero_and_blank_where_nothing_was_asked() -> None:
    ts = np.array([0.0, 5.0, 9.0, 0.0] * 3)
    status = np.zeros(12, dtype=np.int8)
    status[0] = cy.Status.NOT_SCANNED
    scan = cy.SkyScan(np.vstack([ts, ts, ts, ts]), status)
    p = np.ones(12)
    p[1], p[2] = 0.0, np.exp(-2.0)
    search = Search(fit=None, scan=scan, prior=cy.SpatialPrior(p), trial=None)  # type: ignore[arg-type]
    found = search.ts_with_prior
    assert np.isnan(found[[0, 1]]).all()
    assert found[2] == pytest.approx(9.0 - 4.0)
    assert (found[[3, 7, 11]] == 0).all()


def test_the_colours_of_each_map_reach_to_its_own_largest_value(demo: SimpleNamespace) -> None:
    scan = cy.SkyScan.read(demo.out / "scan.fits")
    prior = cy.SpatialPrior(tutorial_prior())
    fit = cy.Fit.read(demo.out / "fit.json")
    trial = SimpleNamespace(evss=(), ra=np.empty(0), dec=np.empty(0))
    search = Search(fit=fit, scan=scan, prior=prior, trial=trial)  # type: ignore[arg-type]
    top = {
        name: max(mesh.get_clim()[1] for mesh in figure.axes[0].collections if mesh.get_array() is not None)
        for name, _, figure in _pictures(search, "")
    }
    assert top["ts.png"] == pytest.approx(scan.ts.max())
    assert top["ts_with_prior.png"] == pytest.approx(np.nanmax(search.ts_with_prior))
    assert top["ts_with_prior.png"] == pytest.approx(fit.ts)


def test_steps_tell_the_seconds_of_each_block() -> None:
    lines: list[str] = []
    ticks = iter([1.0, 3.25])
    steps = Steps(lines.append, clock=lambda: next(ticks))
    with steps("First"):
        lines.append("inside")
    assert lines == ["--- First", "inside", "    2.25 s"]
    assert steps.seconds == {"First": 2.25}
