from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.integrate import quad

from nusky import hyp

FLUXES = [
    hyp.PowerLawFlux(2.0),
    hyp.PowerLawFlux(2.7, norm=3e-9, energy_range=(1e2, 1e7), energy_cutoff=1e5),
    hyp.BrokenPowerLawFlux(2.0, 3.5, 3e4, norm=1e-8),
    hyp.TableFlux([1e2, 1e4, 1e8], [1e-6, 1e-9, 1e-20], norm=2.0),
    hyp.BinnedFlux([1e2, 1e5, 1e8], [1e-10, 1e-16]),
]


def test_a_power_law_is_what_it_says():
    e = np.array([1.0, 10.0, 1e5])
    np.testing.assert_allclose(hyp.PowerLawFlux(2.5, norm=4.0)(e), 4.0 * e**-2.5)
    cut = hyp.PowerLawFlux(2.0, energy_cutoff=1e4, energy_range=(10, 1e5))
    np.testing.assert_allclose(cut([5.0, 1e4, 2e5]), [0, 1e-8 * np.exp(-1), 0])
    assert isinstance(cut(1e3), float)


def test_the_tutorials_unit_semantics_hold():
    # E2dNdE = norm f(E0 unit) (E0 unit)^2 / unit: for gamma = 2 it does not depend on E0.
    flux = hyp.PowerLawFlux(2.0)
    acc = 20 / 1.0685e-8
    for e0 in (1, 100, 1e4):
        assert flux.to_E2dNdE(20, acc, E0=e0, unit=1e3) == pytest.approx(1.0685e-11)
    soft = hyp.PowerLawFlux(3.0)
    assert soft.to_E2dNdE(1, 1, E0=100, unit=1e3) == pytest.approx((100e3) ** -1 / 1e3)
    assert soft.to_dNdE(1, 1, E0=100, unit=1e3) == pytest.approx((100e3) ** -3 * 1e3)


def test_dNdE_per_tev_integrated_over_tev_is_dNdE_per_gev_integrated_over_gev():
    flux = hyp.BrokenPowerLawFlux(2.0, 3.0, 3e4, norm=1e-8)
    per_gev = quad(lambda e: flux.to_dNdE(1, 1, E0=e), 1e3, 1e5, points=[3e4])[0]
    per_tev = quad(lambda e: flux.to_dNdE(1, 1, E0=e, unit=1e3), 1, 100, points=[30])[0]
    assert per_tev == pytest.approx(per_gev, rel=1e-6)


@pytest.mark.parametrize("flux", FLUXES, ids=lambda f: type(f).__name__)
def test_counts_to_flux_and_back_is_the_identity(flux):
    ns, acc = np.array([0.5, 20.0]), 3.7e9
    for unit in (1.0, 1e3):
        e0 = 5e3 / unit
        assert flux.to_ns(flux.to_E2dNdE(ns, acc, E0=e0, unit=unit), acc, E0=e0, unit=unit) == pytest.approx(ns)
        assert flux.to_ns(
            flux.to_dNdE(ns, acc, E0=e0, unit=unit), acc, E0=e0, unit=unit, E2dNdE=False
        ) == pytest.approx(ns)


def test_the_norm_of_a_flux_does_not_change_the_flux_that_n_events_mean():
    one, many = hyp.PowerLawFlux(2.2), hyp.PowerLawFlux(2.2, norm=7e-9)
    assert many.to_dNdE(3, 7e-9 * 5e8, E0=10) == pytest.approx(one.to_dNdE(3, 5e8, E0=10))
    assert many.to_model_norm(3, 7e-9 * 5e8) * many.norm == pytest.approx(one.to_model_norm(3, 5e8))


@pytest.mark.parametrize("flux", FLUXES, ids=lambda f: type(f).__name__)
def test_a_flux_travels_through_strict_json_and_is_hashable(flux):
    text = json.dumps(flux.to_json(), allow_nan=False)
    back = hyp.from_json(json.loads(text))
    assert back == flux
    assert hash(back) == hash(flux)
    e = np.geomspace(20, 5e8, 50)
    np.testing.assert_array_equal(back(e), flux(e))
    with pytest.raises(AttributeError):
        flux.norm = 2.0


def test_a_broken_power_law_is_continuous_and_has_both_slopes():
    flux = hyp.BrokenPowerLawFlux(1.8, 3.1, 2e4)
    e = np.array([1e3, 2e3, 1e5, 2e5])
    slope = -np.diff(np.log(flux(e)))[[0, 2]] / np.log(2)
    np.testing.assert_allclose(slope, [1.8, 3.1])
    assert flux(2e4 * (1 - 1e-12)) == pytest.approx(flux(2e4), rel=1e-10)


def test_a_table_of_a_power_law_is_the_power_law_inside_and_zero_outside():
    e = np.geomspace(1e2, 1e6, 7)
    table = hyp.TableFlux(e, e**-2.3)
    x = np.geomspace(1e2, 1e6, 31)[1:-1]
    np.testing.assert_allclose(table(x), x**-2.3, rtol=1e-12)
    assert table(99.0) == 0
    assert table(1.01e6) == 0


def test_a_binned_flux_is_its_histogram_with_both_outer_edges():
    flux = hyp.BinnedFlux([1.0, 10.0, 100.0], [5.0, 7.0])
    np.testing.assert_array_equal(flux([0.5, 1.0, 9.9, 10.0, 100.0, 100.1]), [0, 5, 5, 7, 7, 0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: hyp.PowerLawFlux(math.nan), "gamma"),
        (lambda: hyp.PowerLawFlux(2, norm=0), "norm"),
        (lambda: hyp.PowerLawFlux(2, energy_range=(1e5, 1e3)), "energy_range"),
        (lambda: hyp.PowerLawFlux(2, energy_cutoff=-1), "energy_cutoff"),
        (lambda: hyp.BrokenPowerLawFlux(2, 3, 0), "energy_break"),
        (lambda: hyp.TableFlux([1, 2], [1, 0]), "values"),
        (lambda: hyp.TableFlux([2, 1], [1, 1]), "energy"),
        (lambda: hyp.TableFlux([1, 2], [1]), "one value each"),
        (lambda: hyp.BinnedFlux([1, 2], [1, 2]), "edges"),
        (lambda: hyp.BinnedFlux([1, 2], [0]), "somewhere positive"),
        (lambda: hyp.PowerLawFlux(2)(0.0), "above 0 GeV"),
        (lambda: hyp.PowerLawFlux(2).to_E2dNdE(1, 0), "acceptance"),
        (lambda: hyp.PowerLawFlux(2).to_E2dNdE(math.nan, 1), "ns"),
        (lambda: hyp.PowerLawFlux(2).to_E2dNdE(1, 1, unit=0), "unit"),
        (lambda: hyp.PowerLawFlux(2, energy_range=(1, 10)).to_ns(1, 1, E0=100), "E0"),
    ],
)
def test_nonsense_is_refused_by_name(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_an_unknown_type_in_a_spec_is_named():
    with pytest.raises(KeyError, match="Quark"):
        hyp.from_json({"type": "Quark"})


@pytest.mark.parametrize("name", ["SplineFluxModel", "SeyfertCoreCoronaFlux"])
def test_cskys_spectra_of_tables_say_what_is_there(name: str) -> None:
    with pytest.raises(AttributeError, match=rf"no {name}: TableFlux"):
        getattr(hyp, name)


@pytest.mark.parametrize("make", [lambda e: hyp.TableFlux(e, 1 / e), lambda e: hyp.BinnedFlux(e, 1 / e[1:])])
def test_energies_that_are_likely_logarithms_are_asked_about(make) -> None:
    units = pytest.importorskip("astropy.units")
    logarithms = np.linspace(2.0, 9.5, 20)
    with pytest.warns(UserWarning, match=r"ends at 9\.5 GeV: are these log10\(E / GeV\)"):
        make(logarithms)
    # none of these asks
    make(10**logarithms)
    energy = logarithms * units.GeV
    hyp.TableFlux(energy, 1 / logarithms)
    hyp.BinnedFlux(energy, 1 / logarithms[1:])


def test_masked_numbers_of_a_conversion_stay_missing() -> None:
    masked = np.ma.array([1e-11, 1e-11], mask=[True, False])
    flux = hyp.PowerLawFlux(2.0)
    assert np.isnan(flux.to_ns(masked, 1e9)).tolist() == [True, False]
    with pytest.raises(ValueError, match=r"the number of events must be finite"):
        flux.to_E2dNdE(masked, 1e9)
    with pytest.raises(ValueError, match=r"energy .*nan.* GeV"):
        flux(masked)
