"""Columns of tables keep unit and mask wherever they are taken; moments are MJD, whatever clock they come from."""

from __future__ import annotations

import datetime
import warnings
from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.data import Uptime
from nusky.data.plausible import check_units
from nusky.data.specs import CustomDataSpec
from nusky.events import EditableEvents, Events, as_events
from nusky.selections.npy_files import read_custom
from nusky.source import TimeWindow

units = pytest.importorskip("astropy.units")
tables = pytest.importorskip("astropy.table")
times = pytest.importorskip("astropy.time")
RIGHT = np.radians([180.0, 90.0])


def season(seed: int = 1, n: int = 400, n_sim: int = 2000) -> tuple[dict[str, Any], dict[str, Any]]:
    rng = np.random.default_rng(seed)
    exp = {
        "ra": rng.uniform(0, 2 * np.pi, n), "dec": np.arcsin(rng.uniform(-1, 1, n)), "sigma": np.full(n, 0.02),
        "log10energy": 3 + rng.exponential(0.4, n), "mjd": np.sort(rng.uniform(56_000, 56_100, n)),
    }  # fmt: skip
    true_dec, log_true = np.arcsin(rng.uniform(-0.99, 0.99, n_sim)), rng.uniform(2, 7, n_sim)
    true_ra = rng.uniform(0, 2 * np.pi, n_sim)
    mc = {
        "ra": true_ra, "dec": np.clip(true_dec + 0.02 * rng.standard_normal(n_sim), -1.5, 1.5),
        "sigma": np.full(n_sim, 0.02), "log10energy": log_true, "true_ra": true_ra, "true_dec": true_dec,
        "true_energy": 10**log_true, "oneweight": np.ones(n_sim),
    }  # fmt: skip
    return exp, mc


def read(exp: Any, mc: Any, **more: Any) -> Any:
    return read_custom(CustomDataSpec(exp, mc, livetime=100.0, key="MINE", **more))


def table() -> Any:
    return tables.QTable({"ra": [180.0, 90.0] * units.deg, "dec": [0.0, 0.1] * units.rad})


@pytest.mark.parametrize("kind", ["QTable", "Table"])
def test_tables_keep_their_units(kind: str) -> None:
    given = getattr(tables, kind)(table())
    for found in (Events(given), EditableEvents(given), as_events(given, "events", ["ra"])):
        np.testing.assert_allclose(found.ra, RIGHT)
    editable = EditableEvents({"ra": [0.0, 0.0], "energy": [1e3, 1e3], "log10energy": [3.0, 3.0]})
    editable["ra"] = given["ra"]
    editable["energy"] = [1.0, 10.0] * units.TeV
    np.testing.assert_allclose(editable.ra, RIGHT)
    np.testing.assert_allclose(editable.log10energy, [3.0, 4.0])


def test_tables_keep_their_masks() -> None:
    masked = np.ma.array([1.0, 2.0], mask=[False, True])
    with pytest.raises(ValueError, match="column 'ra': 1 of 2 values are masked, the first in row 1"):
        as_events({"ra": masked}, "events", ["ra"])
    with pytest.raises(ValueError, match="column 'ra': 1 of 2 values are masked"):
        EditableEvents({"ra": [0.0, 0.0]})["ra"] = masked
    pandas = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="column 'ra': 1 of 2 values are masked"):
        as_events(pandas.DataFrame({"ra": pandas.array([1, None], dtype="Int64")}), "events", ["ra"])


def test_the_units_of_a_fits_table_are_those_of_its_header() -> None:
    fits = pytest.importorskip("astropy.io.fits")
    exp, mc = season()
    turned = {name: np.degrees(v) if name in ("ra", "dec", "sigma") else v for name, v in exp.items()}
    unit = dict.fromkeys(("ra", "dec", "sigma"), "deg") | {"log10energy": "log10(GeV)", "mjd": "d"}
    records = fits.BinTableHDU.from_columns(
        [fits.Column(k, "D", unit=unit[k], array=v) for k, v in turned.items()]
    ).data
    np.testing.assert_allclose(read(records, mc).data.ra, exp["ra"])
    np.testing.assert_allclose(read(records, mc).data.sigma, exp["sigma"])


def test_names_of_columns_in_other_cases() -> None:
    exp, mc = season()
    found = read({name.upper(): values for name, values in exp.items()}, mc)
    np.testing.assert_array_equal(found.data.ra, exp["ra"])
    degrees = {**exp, "RA": np.degrees(exp["ra"]) * units.deg}
    del degrees["ra"]
    np.testing.assert_allclose(read(degrees, mc).data.ra, exp["ra"])
    with pytest.raises(ValueError, match="columns 'ra' and 'RA' mean the same but differ"):
        read({**exp, "RA": exp["ra"] + 0.1}, mc)
    with pytest.raises(ValueError, match=r"none of the columns \(alpha, delta\) has a name known here"):
        read({"alpha": exp["ra"], "delta": exp["dec"]}, mc)


def test_energies_and_directions_that_do_not_fit_each_other() -> None:
    exp, mc = season()
    with pytest.raises(ValueError, match=r"outside the simulated ones .* is it log10\(E / GeV\) in both"):
        read({**exp, "log10energy": exp["log10energy"] - 3}, mc)
    with pytest.raises(ValueError, match=r"directions are .* deg \(median\) from the true ones.*sign, frame or order"):
        read(exp, {**mc, "true_dec": -mc["true_dec"]})
    with pytest.raises(ValueError, match=r"of the data lie outside log10energy_bins"):
        read(exp, mc, logenergy_bins=np.logspace(1, 8, 29))
    for factor, decades in ((1e-3, "-3.0"), (1e9, "9.0")):
        with pytest.warns(UserWarning, match=rf"true_energy is 10\^{decades} times"):
            check_units("mine", Events(exp), Events({**mc, "true_energy": mc["true_energy"] * factor}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(exp, mc)


@pytest.mark.parametrize("livetime", ["100", True, [100.0], np.array([100.0])])
def test_a_livetime_is_one_number(livetime: Any) -> None:
    with pytest.raises(TypeError, match=r"CustomDataSpec 'custom': livetime=.*one number, days"):
        CustomDataSpec("exp.npy", "mc.npy", livetime)


WHEN = [
    (lambda: times.Time(57_000.5, format="mjd"), 57_000.5),
    (lambda: times.Time(57_000.5, format="mjd", scale="tai"), 57_000.5 - 35 / 86_400),
    (lambda: times.Time(1_187_008_882.0, format="gps"), 57_982.5 + 2464 / 86_400),
    (lambda: 57_000.5 * units.day, 57_000.5),
    (lambda: [times.Time(57_000.5, format="mjd")], 57_000.5),
]


@pytest.mark.parametrize(("when", "mjd"), WHEN)
def test_moments_are_utc(when: Any, mjd: float) -> None:
    np.testing.assert_allclose(cy.sources(1.0, 0.1, mjd=when(), t_100=1.0).mjd, mjd, rtol=0, atol=1e-8)
    window = TimeWindow(mjd - 1e-4, 2e-4)
    assert np.all(window.inside(when()))
    np.testing.assert_allclose(window.elapsed(when()), 1e-4, rtol=1e-3)
    assert np.all(Uptime(np.array([mjd - 1e-4]), np.array([mjd + 1e-4])).contains(when()))


@pytest.mark.parametrize(
    "when",
    [
        1_187_008_882.0 * units.s, np.datetime64("2017-08-17"), datetime.datetime(2017, 8, 17), 3 * units.m,
        [datetime.datetime(2017, 8, 17)], np.array(["2017-08-17"], "M8[s]"),
    ],
)  # fmt: skip
def test_other_clocks_are_refused(when: Any) -> None:
    for call in (
        lambda: cy.sources(1.0, 0.1, mjd=when, t_100=1.0), lambda: TimeWindow(57_000.0, 1.0).inside(when),
        lambda: TimeWindow(57_000.0, 1.0).profile(when), lambda: Events({"mjd": np.atleast_1d(when)}),
    ):  # fmt: skip
        with pytest.raises(TypeError, match=r"mjd"):
            call()


def test_times_of_pandas_are_refused_in_any_zone() -> None:
    pandas = pytest.importorskip("pandas")
    exp, mc = season()
    series = pandas.Series(times.Time(exp["mjd"], format="mjd").datetime64)
    for given in (series, series.dt.tz_localize("UTC")):
        with pytest.raises(TypeError, match=r"exp array: column 'mjd': mjd=.*give it as astropy\.time\.Time"):
            read({**exp, "mjd": given}, mc)


def test_of_sources() -> None:
    assert cy.sources([1.0, 2.0], 0.1, name=np.array([b"a", b"b"])).name == ("a", "b")
    for missing in (["a", None], np.ma.array(["a", "b"], mask=[False, True]), ["a", float("nan")]):
        with pytest.raises(ValueError, match=r"name\[1\] is missing"):
            cy.sources([1.0, 2.0], 0.1, name=missing)
    with pytest.raises(ValueError, match=r"dec\[1\] = nan .*give a finite number"):
        cy.sources([1.0, 2.0], [0.1, np.nan])
    for flag in ({"ra": True, "dec": 0.1}, {"ra": 1.0, "dec": 0.1, "mjd": 57_000.0, "t_100": True}):
        with pytest.raises(TypeError, match="must be numbers, got True"):
            cy.sources(**flag)
    with pytest.warns(UserWarning, match="sigma_t = 1000 is tails of 1000 days. If seconds are meant"):
        cy.sources(1.0, 0.1, mjd=57_000.0, t_100=1.0, sigma_t=1000)
    with pytest.warns(UserWarning, match=r"extension=0.3 rad is 17.2 degrees.*np\.radians"):
        cy.sources(10.0, 1.0, deg=True, extension=0.3)


def test_of_fluxes() -> None:
    with pytest.warns(UserWarning, match=r"gamma=-2 is a spectrum that rises, E\^2: E\^-2 has gamma=2"):
        cy.hyp.PowerLawFlux(-2)
    flux = cy.hyp.PowerLawFlux(2)
    for name, wrong in (("E0", "100 TeV"), ("E0", None), ("E0", [1.0, 2.0]), ("E0", True), ("unit", None)):
        with pytest.raises(TypeError, match=rf"{name}=.*give one number, or a Quantity"):
            flux.to_E2dNdE(10, 2e9, **{name: wrong})
    with pytest.raises(TypeError, match="gamma=None: must be a number"):
        cy.hyp.PowerLawFlux(None)


def runs(**columns: Any) -> Any:
    exp, mc = season()
    return read_custom(CustomDataSpec(exp, mc, grl=columns, key="MINE"))


def test_good_runs_in_other_units() -> None:
    span = {"start": [56_000.0], "stop": [56_100.0]}
    assert runs(**span, livetime=[99.0]).livetime == 99.0
    assert runs(**span, livetime=[99.0 * 24] * units.hour).livetime == pytest.approx(99.0)
    assert runs(start=times.Time([56_000.0], format="mjd"), stop=[56_100.0]).livetime == pytest.approx(100.0)
    for livetime in (99.0 * 24, 99.0 * 86_400):
        with pytest.raises(
            ValueError, match=r"'livetime' sums to .* days, and the runs last 100 days .*hours or seconds"
        ):
            runs(**span, livetime=[livetime])
    for clock in (2_400_000.5, 1e9):
        with pytest.raises(ValueError, match=r"column 'start', row 0 .* is no MJD"):
            runs(start=[56_000.0 + clock], stop=[56_100.0 + clock])
    with pytest.raises(ValueError, match=r"400 of 400 events .* are in no good run \(57000 … 57100\)"):
        runs(start=[57_000.0], stop=[57_100.0])


def test_other_files_in_place_of_npy_files(tmp_path: Any) -> None:
    exp, mc = season()
    tables.Table(exp).write(tmp_path / "exp.fits")
    np.savez(tmp_path / "exp.npz", **exp)
    (tmp_path / "exp.csv").write_text("ra,dec\n1,2\n")
    (tmp_path / "exp.npy.gz").write_bytes(b"\x1f\x8b\x08")
    for name, said in (
        ("exp.fits", r"a FITS file.*QTable\.read"), ("exp.npz", r"an npz archive.*dict\(np\.load\(path\)\)"),
        ("exp.csv", r"not an npy file .*read_csv"), ("exp.npy.gz", "packed with gzip"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=rf"{name}: {said}"):
            read(tmp_path / name, mc)
    with pytest.raises(FileNotFoundError, match=r"none\.npy: no such file \(exp\)"):
        read(tmp_path / "none.npy", mc)
    np.save(tmp_path / "exp.npy", np.rec.fromarrays(list(exp.values()), names=list(exp)))
    (tmp_path / "link.npy").symlink_to(tmp_path / "exp.npy")
    assert len(read([tmp_path / "exp.npy"], mc).data) == 400
    with pytest.raises(ValueError, match=r"exp\.npy is given twice: its events would count double"):
        read([tmp_path / "exp.npy", str(tmp_path / "link.npy")], mc)


@pytest.mark.parametrize("key", [5, "a\nb", "x" * 200, b"IC86"])
def test_a_season_has_a_name(key: Any) -> None:
    with pytest.raises(ValueError, match=r"key=.*give the season's name"):
        CustomDataSpec("exp.npy", "mc.npy", 100.0, key=key)


def test_of_distributions() -> None:
    values = np.random.default_rng(2).chisquare(1, 500)
    bg = cy.dists.Chi2TSD(tables.Table({"ts": values}))
    assert bg.values.tolist() == np.sort(values).tolist()
    assert bg.is_extrapolated([bg.reach, np.nextafter(bg.reach, 99)]).tolist() == [False, True]
    assert f"extrapolated above TS {bg.reach:.2f}" in repr(bg)
    assert "extrapolated" in bg._repr_html_()
    assert bg.isf_nsigma(5) > bg.reach
    for n_zero in (2.5, float("nan"), None, "3", True, -1):
        with pytest.raises(ValueError, match=r"n_zero = .*an integer >= 0"):
            cy.dists.TSD([1.0], n_zero=n_zero)
    with pytest.raises(ValueError, match="nsigma = inf: give numbers up to 37"):
        bg.isf_nsigma(np.inf)


def test_of_windows_weights_and_masks() -> None:
    with pytest.raises(ValueError, match=r"t_100\[0\] = 1e-09 s is shorter than an MJD in float64 can tell"):
        cy.sources(1.0, 0.1, mjd=56_010.0, t_100=1 * units.ns)
    for weight in ([1e308, 1e308], [1e-200, 1e200]):
        with pytest.raises(ValueError, match=r"weight runs from .*divide by the largest"):
            cy.sources([1.0, 2.0], 0.1, weight=weight)
    sky = np.zeros(768)
    sky[:9] = 1.0
    for wrong in (np.where(sky > 0, 2, 0), np.arange(768) // 2):
        with pytest.raises(
            ValueError, match=r"pixmask: 768 integers, as many as there are pixels.*`map > 0` for a mask"
        ):
            cy.pixels.select_pixels(8, pixmask=wrong)
    for right in (sky > 0, (sky > 0).astype(int), np.arange(9)):
        assert cy.pixels.select_pixels(8, pixmask=right).pixels.tolist() == list(range(9))


def test_of_priors() -> None:
    from types import SimpleNamespace

    sky = np.exp(-np.arange(768) / 50)
    turned = cy.SpatialPrior(SimpleNamespace(map=sky, coord="G"))
    assert turned.peak == cy.read_sky_map(sky, frame="G").peak != 0
    for call in (lambda: cy.SpatialPrior(sky, nest="RING"), lambda: cy.plotting.mesh.as_full_map(sky, "RING")):
        with pytest.raises(TypeError, match=r"nest='RING': give nest=True"):
            call()
    with pytest.raises(TypeError, match="ra='1': give one number, rad"):
        cy.priors.gaussian("1", 0.1, fwhm=0.1)
    with pytest.raises(ValueError, match="nside=100 is not a power of two"):
        cy.priors.gaussian(1.0, 0.1, fwhm=0.1, nside=100)
