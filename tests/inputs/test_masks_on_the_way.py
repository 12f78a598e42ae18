"""Masks and units that plain ``np.asarray`` would drop: light curves, spectra, angles, p-values, pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nusky.catalogs import binomial_test
from nusky.csky import coord
from nusky.hyp import PixelSpectra
from nusky.plotting import SkyPlotter, SkyZoom
from nusky.priors import gaussian
from nusky.transients import LightCurve

units = pytest.importorskip("astropy.units")
EDGES = np.array([56000.0, 56010.0, 56020.0, 56030.0])
RATES = np.array([1.0, 5.0, 3.0])
HIDDEN = np.array([False, True, False])


def masked(values: np.ndarray) -> list[Any]:
    from astropy.utils.masked import Masked

    return [np.ma.array(values, mask=HIDDEN), Masked(values, mask=HIDDEN)]


def test_light_curves_keep_masks_and_units() -> None:
    from astropy.time import Time

    for rates in masked(RATES):
        with pytest.raises(ValueError, match=r"gap: bin 1 \(MJD 56010\.0000 … 56020\.0000\) has the value nan"):
            LightCurve.of((EDGES, rates))
    with pytest.raises(ValueError, match="edge 1 of the light curve is missing"):
        LightCurve.of((np.ma.array(EDGES, mask=[0, 1, 0, 0]), RATES))
    time = Time(EDGES, format="mjd", scale="utc")
    for edges in (time, time.tt, list(time), EDGES * units.day, (EDGES * units.day).to(units.s)):
        assert LightCurve.of((edges, RATES / units.s)).edges == pytest.approx(tuple(EDGES), abs=1e-9)
    lag = LightCurve.of((EDGES, RATES), range_lag=(-1 * units.day, 12 * units.hour)).range_lag
    assert lag == pytest.approx((-1, 0.5))
    for edges in (EDGES.astype(str), time.datetime):
        with pytest.raises(TypeError, match="mjd"):
            LightCurve.of((edges, RATES))
    with pytest.raises(TypeError, match="values of the light curve must be a number, not text"):
        LightCurve.of((EDGES, RATES.astype(str)))


def test_spectra_of_pixels_keep_masks_and_units() -> None:
    flux, edges = np.outer(np.arange(12.0), [1.0, 0.5]), [1e3, 1e4, 1e5]
    with pytest.raises(ValueError, match=r"template\[3, 1\] = nan: a flux is a number of 0 or more"):
        PixelSpectra(np.ma.array(flux, mask=flux == 1.5), edges)
    tev = (flux / (units.GeV * units.cm**2 * units.s * units.sr)).to(1 / (units.TeV * units.m**2 * units.s * units.sr))
    np.testing.assert_allclose(PixelSpectra(tev, edges).flux, flux)
    with pytest.raises(TypeError, match=r"flux=.* cannot be turned into"):
        PixelSpectra(flux * units.K, edges)


def test_angles_of_csky_have_units_and_gaps() -> None:
    plain = np.radians([100.0, 50.0, 80.0, 10.0])
    for call in (coord.delta_angle, coord.rotate_source_to_xaxis, coord.rotate_xaxis_to_source):
        for latlon in (False, True):
            np.testing.assert_allclose(
                call(*(np.degrees(plain) * units.deg), latlon=latlon), call(*plain, latlon=latlon), atol=1e-12
            )
        assert np.isnan(call(np.ma.array([1.0], mask=[True]), 0.5, 0.2, 0.1)).all()
        with pytest.raises(TypeError, match="must be a number, not text"):
            call("1", 0.5, 0.2, 0.1)


def test_masked_p_values_are_no_p_values() -> None:
    for p in masked(np.array([0.01, 1e-9, 0.5])):
        with pytest.raises(ValueError, match="p must be local p-values"):
            binomial_test(p)


def test_pictures_leave_masked_places_out() -> None:
    plt = pytest.importorskip("matplotlib.pyplot")
    zoom = SkyZoom(1.0, 0.2, width=0.5)
    figure, ax = plt.subplots()
    try:
        for ra in masked(np.array([1.0, 1.1, 1.05])):
            x, _ = SkyPlotter().radec_to_mpl(ra, np.full(3, 0.2))
            assert np.isnan(x).tolist() == HIDDEN.tolist()
            zoom.plot_points(ax, ra, np.full(3, 0.2))
            assert np.isnan(ax.lines[-1].get_xdata()).tolist() == HIDDEN.tolist()
        for values in masked(np.array([1.0, 1e6, 3.0])):
            rings = zoom.plot_rings(ax, np.full(3, 1.0), np.full(3, 0.2), np.full(3, 0.01), values)
            assert np.ma.getmaskarray(rings.get_array()).tolist() == HIDDEN.tolist()
    finally:
        plt.close(figure)


@pytest.mark.parametrize("ra", [100.0, -40.0, np.nan])
def test_a_position_in_degrees_is_no_place_for_a_prior(ra: float) -> None:
    with pytest.raises(ValueError, match="is no position; give rad, ra within two turns"):
        gaussian(ra, 0.5, fwhm=0.1)
