"""2ΔLLH of alerts: the published region is that of the map, or the reader asks."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest

from nusky.maps import read_sky_map
from nusky.maps.calibration import Calibration, calibration_in, resolve_calibration

NSIDE = 32
SAID = "50%(90%) uncertainty location => Change in 2LLH of 22.2(64.2)"


def two_llh() -> np.ndarray:
    import healpy

    x = np.array(healpy.pix2vec(NSIDE, np.arange(12 * NSIDE**2)))
    psi = np.arccos(np.clip(healpy.ang2vec(120.0, 5.0, lonlat=True) @ x, -1, 1))
    value = (psi / np.radians(1.5)) ** 2
    return value - value.min()


def alert(path: pathlib.Path, primary: dict[str, Any], column: str = "2LLH", **header: Any) -> pathlib.Path:
    from astropy.io import fits

    table = fits.BinTableHDU.from_columns([fits.Column(column, "E", array=two_llh())])
    table.header.update({"PIXTYPE": "HEALPIX", "ORDERING": "RING", "COORDSYS": "C", "NSIDE": NSIDE, **header})
    first = fits.PrimaryHDU()
    first.header.update(primary)
    fits.HDUList([first, table]).writeto(path)
    return path


@pytest.mark.parametrize("key", ["COMMENTS", "COMMENT", "HISTORY", "REMARK"])
@pytest.mark.parametrize("where", ["table", "primary"])
def test_the_levels_in_the_header_give_the_published_area(tmp_path: pathlib.Path, key: str, where: str) -> None:
    head = {key: SAID}
    path = alert(tmp_path / "a.fits.gz", head if where == "primary" else {}, **(head if where == "table" else {}))
    sky = read_sky_map(path)
    assert sky.record.kind == "2dlnl"
    assert sky.record.calibration == "50 % at 22.2, 90 % at 64.2"
    pixel = 4 * np.pi / two_llh().size
    for q, level in ((0.5, 22.2), (0.9, 64.2)):
        assert sky.area(q) == pytest.approx(np.count_nonzero(two_llh() < level) * pixel, rel=0.2)
    wilks = read_sky_map(path, calibration="wilks")
    assert wilks.area(0.9) < 0.15 * sky.area(0.9)


@pytest.mark.parametrize("fill", [-1.0, 0.0])
def test_a_value_for_what_is_not_known_is_no_best_fit(fill: float) -> None:
    given = two_llh()
    unknown = given > 200.0
    with pytest.raises(ValueError, match=rf"\d+ rows \(\d+ % .*smallest 2ΔlnL, {fill:g}.*NaN or healpy\.UNSEEN"):
        read_sky_map(np.where(unknown, fill, given), kind="2dlnl")
    sky = read_sky_map(np.where(unknown, np.nan, given), kind="2dlnl")
    assert sky.area(0.9) == pytest.approx(read_sky_map(given, kind="2dlnl").area(0.9))
    # a coarse scan on a finer grid has its best fit in many pixels, all in one place
    import healpy

    coarse = healpy.ud_grade(given, 4)
    assert read_sky_map(healpy.ud_grade(coarse, NSIDE), kind="2dlnl").area(0.9) < 0.1


def test_without_levels_the_column_of_alerts_is_asked_about(tmp_path: pathlib.Path) -> None:
    path = alert(tmp_path / "a.fits", {}, EVENTMJD=60000.5, START="2023-02-25", RUNID=1)
    with pytest.raises(ValueError, match=r"a\.fits.*calibration=.*64\.2.*wilks"):
        read_sky_map(path)
    sky = read_sky_map(path, calibration={0.5: 22.2, 0.9: 64.2})
    assert dict(sky.record.header) == {"RUNID": "1", "EVENTMJD": "60000.5", "START": "2023-02-25"}
    with pytest.warns(UserWarning, match=r"the column 2LLH of an alert is read by Wilks' theorem.*ten times as large"):
        assert read_sky_map(path, kind="2dlnl").record.calibration == "Wilks"
    assert read_sky_map(path, calibration="wilks").record.calibration == "Wilks"
    assert "Wilks" in str(read_sky_map(two_llh(), kind="2dlnl").record)


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        (SAID, {0.5: 22.2, 0.9: 64.2}),
        ("50% (90%) => change in 2LLH of 22.2 (64.2)", {0.5: 22.2, 0.9: 64.2}),
        ("50 % ( 90 % ) containment: delta 2dLLH = 22.2 ( 64.2 )", {0.5: 22.2, 0.9: 64.2}),
        ("50%(90%): 2 delta lnL 2.2e1(6.42e1)", {0.5: 22.0, 0.9: 64.2}),
        ("the 90% contour is at 2LLH of 64.2", {0.9: 64.2}),
        ("50%: 2LLH 22.2, 90%: 2LLH 64.2", {0.5: 22.2, 0.9: 64.2}),
        ("68%(95%) => change in 2LLH of 3(7)", {0.68: 3.0, 0.95: 7.0}),
        ("Change in 2LLH of 22.2 (64.2) gives the 50% (90%) region", {0.5: 22.2, 0.9: 64.2}),
        ("50 % and 90 % containment: delta 2LLH = 22.2 and 64.2", {0.5: 22.2, 0.9: 64.2}),
        ("2*deltaLLH thresholds: 22.2 (50%), 64.2 (90%)", {0.5: 22.2, 0.9: 64.2}),
        ("90% contour at 2 Delta log L = 64.2; 50% contour at 22.2", {0.5: 22.2, 0.9: 64.2}),
        ("90% containment: 2(LLH_max - LLH) < 64.2", {0.9: 64.2}),
        ("contours: -2lnL 22.2 [50%] 64.2 [90%]", {0.5: 22.2, 0.9: 64.2}),
        ("90 percent region: 2LLH < 64.2, 50 percent region: 2LLH < 22.2", {0.5: 22.2, 0.9: 64.2}),
        ("2LLH=22.2 for 50%, 2LLH=64.2 for 90%", {0.5: 22.2, 0.9: 64.2}),
        ("log-likelihood contour 68% 2.3 90% 4.6 99% 9.2", {0.68: 2.3, 0.9: 4.6, 0.99: 9.2}),
    ],
)
def test_levels_are_found_in_what_people_write(text: str, levels: dict[float, float]) -> None:
    found = calibration_in(["something else", text])
    assert found is not None
    assert dict(found.levels) == pytest.approx(levels)


def test_levels_may_stand_in_several_remarks() -> None:
    halves = ["50%(90%) uncertainty location =>", "Change in 2LLH of 22.2(64.2)"]
    broken = calibration_in([*halves, " ".join(halves)])  # as a long comment comes out of its cards
    assert broken is not None
    assert broken.as_dict() == {0.5: 22.2, 0.9: 64.2}
    found = calibration_in(["50% contour at 2LLH 22.2", "nothing", "90% contour at 2LLH 64.2"])
    assert found is not None
    assert found.as_dict() == {0.5: 22.2, 0.9: 64.2}


@pytest.mark.parametrize(
    "text",
    [
        "0.5 (0.9) containment corresponds to a change in 2LLH of 22.2 (64.2)",
        "50% and 90% uncertainty from the change in 2LLH",
        "90% (50%) region: 2LLH of 22.2 (64.2)",
        "2LLH at the border of the region: 64.2",
    ],
)
@pytest.mark.parametrize("column", ["2LLH", "2DLNL"])
def test_levels_that_cannot_be_read_are_asked_about(text: str, column: str, tmp_path: pathlib.Path) -> None:
    path = alert(tmp_path / "a.fits", {"COMMENTS": text}, column)
    with pytest.raises(ValueError, match=r"a\.fits.*cannot be read; give values of 2ΔLLH as calibration="):
        read_sky_map(path)
    assert read_sky_map(path, calibration={0.9: 64.2}).record.calibration == "90 % at 64.2"


@pytest.mark.parametrize(
    "text",
    [
        "", "90% of the sky", "2LLH map", "uncertainty 64.2", "90 percent at 64.2",
        "scan of LLH at 90% efficiency, version 2.3",
        "uncertainty region from a likelihood scan of 2024-01-05T12:33:00",
        "location by LLH reconstruction v3.1",
    ],
)  # fmt: skip
def test_other_remarks_are_no_levels(text: str) -> None:
    assert calibration_in([text]) is None


def test_levels_are_brought_to_the_scale_of_wilks() -> None:
    scale = Calibration(((0.5, 22.2), (0.9, 64.2)))
    np.testing.assert_allclose(scale.as_wilks(np.array([0, 22.2, 64.2])), [0, -2 * np.log(0.5), -2 * np.log(0.1)])
    steps = np.diff(scale.as_wilks(np.linspace(0, 500, 1000)))
    assert (steps > 0).all()
    np.testing.assert_array_equal(Calibration().as_wilks(np.array([1.0, 2.0])), [1.0, 2.0])


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        *((bad, TypeError) for bad in ("foo", {}, 64.2)),
        *((bad, ValueError) for bad in ({90: 64.2}, {0.9: -1}, {0.5: 64, 0.9: 22}, {0.9: np.nan}, {"a": 1})),
    ],
)
def test_a_senseless_calibration_is_refused(bad: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="calibration"):
        resolve_calibration(bad)


def test_a_calibration_of_a_probability_is_refused() -> None:
    with pytest.raises(ValueError, match="calibration= is for 2ΔlnL"):
        read_sky_map(np.ones(48), calibration="wilks")
