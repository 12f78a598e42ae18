"""Events that must not be fitted together, and questions that a release cannot answer."""

from __future__ import annotations

import pathlib

import pytest
from astropy import units as u

import nusky as cy
from nusky.releases import check_combination
from release_writer import TINY, write_first_year, write_release


@pytest.mark.parametrize(
    ("seasons", "message"),
    [
        ([("IC40", "icetracks-dr1"), ("IC59", "icetracks-dr2-v2.0")], "IC59 is of icetracks-dr2-v2.0, IC40 of icetr"),
        ([("IC86_2011", "ic86-first-year"), ("IC40", "icetracks-dr1")], "must not be combined with those of another"),
        ([("IC40", "icetracks-dr2-v1.0"), ("IC59", "icetracks-dr2-v2.0")], "take all seasons from one release"),
        ([("IC86_2011_2021", "icetracks-dr2"), ("IC86_2015", "icetracks-dr2")], r"share events \(IC86_V\)"),
        ([("IC86_2012_2014", "icetracks-dr1"), ("IC86_2014_2016", "icetracks-dr1")], r"share events \(IC86_IV\)"),
    ],
)
def test_what_would_count_twice_is_refused(seasons: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_combination(seasons)


def test_whole_releases_and_own_seasons_are_fine() -> None:
    check_combination([("IC40", "icetracks-dr2"), ("IC86_2011_2021", "icetracks-dr2"), ("MINE", "custom")])
    check_combination([("IC86_2012", "version-003"), ("IC86_2012_2017", "version-004")])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("two")
    write_release(folder / "dr2", "dr2-2.0", **TINY)
    write_first_year(folder / "first", size=0.01)
    return folder


def test_an_analysis_of_two_releases_is_refused(folder: pathlib.Path) -> None:
    old = cy.get_analysis(cy.selections.PublicRelease(folder / "first"), logging=False)
    new = cy.get_analysis(cy.selections.PublicRelease(folder / "dr2"), logging=False)
    with pytest.raises(ValueError, match=r"IC40 is of icetracks-dr2-v2\.0, IC86_2011 of ic86-first-year"):
        cy.Analysis([*old, *new])
    with pytest.raises(ValueError, match="share events"):
        cy.get_analysis(cy.selections.PublicRelease(folder / "dr2"), ["IC86_2011_2013", "IC86_2012"], logging=False)


def test_a_window_outside_the_release_is_refused_with_its_span(folder: pathlib.Path) -> None:
    source = {"mjd": 58_700.0, "t_100": 1000 * u.s}
    ana = cy.get_analysis(cy.selections.PublicRelease(folder / "dr2"), specs="IC86_2011", logging=False)
    span = (
        rf"no season took data in the window MJD 58700.*IC86_2011 \(MJD {ana[0].mjd_min:.4f} … {ana[0].mjd_max:.4f}\)"
    )
    with pytest.raises(ValueError, match=span):
        cy.get_trial_runner(src=cy.sources(1.0, 0.1, **source), ana=ana)


def test_a_window_finer_than_whole_days_is_refused(folder: pathlib.Path) -> None:
    ana = cy.get_analysis(cy.selections.PublicRelease(folder / "first"), logging=False)
    source = cy.sources(1.0, 0.1, mjd=55_800.0, t_100=1000 * u.s)
    with pytest.raises(ValueError, match=r"times to 1 day only \(MJD are whole numbers\): a window of t_100=1000 s"):
        cy.get_trial_runner(src=source, ana=ana, use_grl=False)
