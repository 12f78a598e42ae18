"""What is fitted, said by options: the same runner as csky's keywords make, in every command that takes one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import healpy as hp
import numpy as np
import pytest

import nusky as cy
from nusky.cli import inputs, main
from nusky.executors import write_spec
from nusky.store import TrialStore
from transient_season import timed_analysis

MAP = np.exp(-0.5 * ((hp.pix2ang(8, np.arange(768))[0] - 1.4) / 0.3) ** 2)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A small season in place of the data."""
    ana = timed_analysis()
    monkeypatch.setattr(inputs, "analysis_of", lambda *_, **__: ana)
    return ana


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "stack.csv").write_text("ra,dec,weight\n57.3,5.7,1\n120,-20,2\n")
    cy.write_sky_map(tmp_path / "map.fits", cy.maps.SkyMap(MAP / MAP.sum()))
    return tmp_path


def runner(*argv: str) -> Any:
    parser = argparse.ArgumentParser()
    inputs.add_hypothesis_options(parser)
    return inputs.runner_of(parser.parse_args(list(argv)), lambda path: path)


def test_each_hypothesis_is_the_runner_of_its_keywords(files: Path, small: Any) -> None:
    src = cy.sources(57.3, 5.7, deg=True)
    stack = cy.sources([57.3, 120.0], [5.7, -20.0], deg=True, weight=[1, 2])
    sky = cy.read_sky_map(files / "map.fits")
    cases: list[tuple[tuple[str, ...], Any]] = [
        (("--source", "57.3", "5.7"), cy.get_trial_runner(ana=small, src=src)),
        (
            ("--source", "57.3", "5.7", "--time", "utf", "--dt-max", "20", "--gamma", "2"),
            cy.get_trial_runner(
                ana=small, src=src, time="utf", box=True, dt_max=20.0, gamma=2.0, seeder=cy.seeding.UTFSeeder()
            ),
        ),
        (
            ("--sources", str(files / "stack.csv"), "--sigsub", "--flux", "2.5"),
            cy.get_trial_runner(ana=small, src=stack, sigsub=True, flux=cy.hyp.PowerLawFlux(2.5)),
        ),
        (("--each", str(files / "stack.csv")), cy.get_source_list_trial_runner(ana=small, src=stack)),
        (
            ("--each", str(files / "stack.csv"), "--time", "utf", "--dt-max", "9"),
            cy.get_source_list_trial_runner(
                ana=small, src=stack, time="utf", box=True, dt_max=9.0, seeder=cy.seeding.UTFSeeder()
            ),
        ),
        (
            ("--template", str(files / "map.fits"), "--gamma", "2.7"),
            cy.get_trial_runner(ana=small, template=sky, gamma=2.7),
        ),
        (("--prior", str(files / "map.fits")), cy.get_spatial_prior_trial_runner(ana=small, llh_priors=sky)),
        (
            ("--scan", "4", "--min-dec", "0", "--time", "utf"),
            cy.get_sky_scan_trial_runner(
                ana=small, nside=4, min_dec=0.0, time="utf", box=True, seeder=cy.seeding.UTFSeeder()
            ),
        ),
    ]
    for argv, expected in cases:
        assert runner(*argv).config() == expected.config(), argv


def test_commands_take_a_hypothesis(files: Path, small: Any, capsys: pytest.CaptureFixture[str]) -> None:
    stack = ["--sources", str(files / "stack.csv"), "--threads", "1"]
    assert main(["trials", "--seed", "3", "--trials", "0:4", "--out", str(files / "store"), *stack]) == 0
    expected = runner("--sources", str(files / "stack.csv"))
    assert TrialStore(files / "store").read(n_sig=0)["ts"].tolist() == expected.get_many_fits(4, seed=3).ts.tolist()
    assert main(["fit", "--seed", "3", "--n-sig", "12", "--out", str(files / "fit.json"), *stack]) == 0
    fit = expected.get_one_fit(12, seed=3)
    assert cy.Fit.read(files / "fit.json").ts == fit.ts
    assert expected.format_result(fit) in capsys.readouterr().out
    assert main(["fit", "--truth", *stack]) == 0
    assert expected.format_result(expected.get_one_fit(TRUTH=True)) in capsys.readouterr().out
    assert main(["plan", str(files / "job"), "--n-trials", "4", "--per-job", "2", "--seed", "1", *stack]) == 0
    assert (files / "job" / "submit.sh").exists()
    each = ["--each", str(files / "stack.csv"), "--time", "utf", "--dt-max", "5", "--threads", "1"]
    assert main(["trials", "--seed", "3", "--trials", "0:3", "--out", str(files / "flares"), *each]) == 0
    assert (
        TrialStore(files / "flares").read(n_sig=0)["ts"].tolist()
        == runner(*each[:-2]).get_many_fits(3, seed=3).ts.tolist()
    )
    flare = ["--source", "57.3", "5.7", "--time", "utf", "--dt-max", "5"]
    assert main(["sensitivity", "--trials", "40", "--tol", "0.5", "--threads", "1", *flare]) == 0
    assert "n_sig" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--source", "57.3", "5.7", "--kind", "density"], "--kind is for the file of a map, --template or --prior"),
        (["--runner", "SPEC", "--gamma", "2"], "--gamma is said by the runner in"),
        (["--runner", "SPEC", "--season", "IC86"], "--season is said by the runner in"),
        (["--sources", "none.csv"], "no such table of sources"),
        (["--each", "STACK", "--sigsub"], "leave sigsub out"),
        (["--sources", "STACK", "--time", "utf"], "are those of one source, src holds 2"),
        (["--source", "57.3", "5.7", "--dt-max", "3"], "--dt-max 3.0 is that of a flare: add --time utf"),
        (["--source", "57.3", "5.7", "--truth", "--n-sig", "2"], "nothing is injected"),
    ],
)
def test_options_that_do_not_fit_are_told_in_one_line(
    argv: list[str], message: str, files: Path, small: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    spec, _ = write_spec(cy.get_trial_runner(ana=small, src=cy.sources(1.0, 0.1)), files)
    stood_for = {"SPEC": spec, "STACK": str(files / "stack.csv")}
    assert main(["fit", *(stood_for.get(word, word) for word in argv)]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
