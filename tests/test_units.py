"""Numbers with a unit are converted or refused, everywhere that takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.dists import TSD
from nusky.events import Events
from nusky.hyp import BinnedFlux, PowerLawFlux, TableFlux
from nusky.pixels import select_pixels
from nusky.source import sources
from nusky.units import counted, has_unit, in_unit

u = pytest.importorskip("astropy.units")
FLUX = PowerLawFlux(2.5)


def scan(**changed: Any) -> Any:
    n = 50
    given: dict[str, Any] = {
        "ra": np.full(n, 1.0),
        "dec": np.full(n, 0.2),
        "sigma": np.full(n, 0.02),
        "background": np.full(n, 1 / (4 * np.pi)),
        "log_energy_ratio": None,
        "gamma_nodes": None,
        "src_ra": [1.0],
        "src_dec": [0.21],
    }
    return cy.scan_events(**{**given, **changed}, n_threads=1).ts


SAME: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "ra in deg": (lambda: sources(90 * u.deg, 0 * u.deg).ra, lambda: np.pi / 2),
    "ra in hours": (lambda: sources(6 * u.hourangle, 0 * u.deg).ra, lambda: np.pi / 2),
    "list of Quantities": (lambda: sources([0 * u.deg, 180 * u.deg], [0.0, 0.1]).ra, lambda: [0, np.pi]),
    "extension": (lambda: sources(1, 0, extension=60 * u.arcmin).extension, lambda: np.radians(1)),
    "weight in percent": (lambda: sources(1, 0, weight=50 * u.percent).weight, lambda: 0.5),
    "events, ra": (lambda: Events({"ra": [180] * u.deg}).ra, lambda: np.pi),
    "events, mjd": (lambda: Events({"mjd": [86400 * 5e4] * u.s}).mjd, lambda: 5e4),
    "events, true energy": (lambda: Events({"true_energy": [1] * u.PeV}).true_energy, lambda: 1e6),
    "events, oneweight": (lambda: Events({"oneweight": [1] * u.GeV * u.m**2 * u.sr}).oneweight, lambda: 1e4),
    "events, log of an energy": (lambda: Events({"log10energy": [3] * u.dex(u.TeV)}).log10energy, lambda: 6.0),
    "flux at 1 TeV": (lambda: FLUX(1 * u.TeV), lambda: FLUX(1e3)),
    "norm": (lambda: PowerLawFlux(2, norm=1 / u.TeV / u.cm**2 / u.s).norm, lambda: 1e-3),
    "norm in m2": (lambda: PowerLawFlux(2, norm=1 / u.GeV / u.m**2 / u.s).norm, lambda: 1e-4),
    "energy range": (lambda: PowerLawFlux(2, energy_range=[1, 2] * u.TeV).energy_range, lambda: (1e3, 2e3)),
    "cutoff": (lambda: PowerLawFlux(2, energy_cutoff=1 * u.PeV).energy_cutoff, lambda: 1e6),
    "table": (lambda: TableFlux([1, 2] * u.TeV, [1, 1]).energy, lambda: (1e3, 2e3)),
    "histogram": (lambda: BinnedFlux([1, 2] * u.TeV, [1]).energy_bins, lambda: (1e3, 2e3)),
    "E0": (
        lambda: FLUX.to_E2dNdE(3, 1e9, E0=100 * u.TeV, unit=1e3),
        lambda: FLUX.to_E2dNdE(3, 1e9, E0=100, unit=1e3),
    ),
    "unit as a name": (lambda: FLUX.to_dNdE(3, 1e9, E0=5, unit="TeV"), lambda: FLUX.to_dNdE(3, 1e9, E0=5, unit=1e3)),
    "unit of astropy": (lambda: FLUX.to_dNdE(3, 1e9, unit=u.TeV), lambda: FLUX.to_dNdE(3, 1e9, unit=1e3)),
    "to_ns of a Quantity": (
        lambda: FLUX.to_ns(1e-8 * u.GeV / u.cm**2 / u.s, 1e9, E0=100, unit=1e3),
        lambda: FLUX.to_ns(1e-11, 1e9, E0=100, unit=1e3),
    ),
    "to_ns of dN/dE": (
        lambda: FLUX.to_ns(1e-14 / u.GeV / u.cm**2 / u.s, 1e9, unit=1e3, E2dNdE=False),
        lambda: FLUX.to_ns(1e-11, 1e9, unit=1e3, E2dNdE=False),
    ),
    "declination limit": (lambda: len(select_pixels(8, max_dec=30 * u.deg)), lambda: 592),
    "containment": (
        lambda: len(select_pixels(2, prior=np.arange(48), containment=90 * u.percent)),
        lambda: len(select_pixels(2, prior=np.arange(48), containment=0.9)),
    ),
    "trials": (lambda: TSD([1, 2] * u.one).trials, lambda: [1, 2]),
    "scan: sigma": (lambda: scan(sigma=np.full(50, 0.02) * u.rad), scan),
    "scan: sigma in deg": (lambda: scan(sigma=np.degrees(np.full(50, 0.02)) * u.deg), scan),
    "scan: background": (lambda: scan(background=np.full(50, 1 / (4 * np.pi)) / u.sr), scan),
    "scan: source": (lambda: scan(src_ra=[np.degrees(1.0)] * u.deg), scan),
}


@pytest.mark.parametrize("name", SAME)
def test_a_quantity_gives_what_the_plain_number_gives(name: str) -> None:
    quantity, plain = SAME[name]
    found = quantity()
    assert not has_unit(found)
    np.testing.assert_allclose(np.squeeze(found), np.squeeze(plain()), rtol=1e-9)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "ra in metres": (lambda: sources(1 * u.m, 0), "ra=.* cannot be turned into rad"),
    "some with and some without": (lambda: sources([1 * u.deg, 2.0], 0), "ra: some of the values have a unit"),
    "energy of a flux": (lambda: FLUX(1 * u.m), "energy=.* cannot be turned into GeV"),
    "gamma": (lambda: PowerLawFlux(2 * u.deg), "gamma=.* pure numbers"),
    "norm": (lambda: PowerLawFlux(2, norm=1 * u.GeV), "norm=.* cannot be turned into"),
    "dN/dE where E2dNdE is wanted": (lambda: FLUX.to_ns(1 / u.GeV / u.cm**2 / u.s, 1e9), "E2dNdE=True"),
    "E2dNdE where dN/dE is wanted": (lambda: FLUX.to_ns(1 * u.GeV / u.cm**2 / u.s, 1e9, E2dNdE=False), "E2dNdE=False"),
    "unit of length": (lambda: FLUX.to_dNdE(1, 1e9, unit=u.m), "unit=.* cannot be turned into GeV"),
    "a column nobody knows": (lambda: Events({"charge": [1] * u.C}), "charge=.* pure numbers"),
    "energies for their logarithm": (lambda: Events({"log10energy": [1] * u.GeV}), r"log10\(E / GeV\)"),
    "trials": (lambda: TSD([1, 2] * u.m), "values=.* pure numbers"),
    "declination limit": (lambda: select_pixels(8, max_dec=3 * u.s), "max_dec"),
    "scan: sigma": (lambda: scan(sigma=np.full(50, 0.02) * u.m), "sigma=.* cannot be turned into rad"),
    "scan: ln R": (lambda: scan(log_energy_ratio=np.ones((50, 1)) * u.m, gamma_nodes=[2]), "log_energy_ratio=.* pure"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_unit_of_something_else_is_refused_by_name(name: str) -> None:
    act, said = REFUSED[name]
    with pytest.raises(TypeError, match=said):
        act()


def test_columns_of_tables_know_their_unit_and_their_mask() -> None:
    table = pytest.importorskip("astropy.table")
    np.testing.assert_allclose(sources(table.Column([90.0], unit="deg"), [0.0]).ra, np.pi / 2)
    found = in_unit("x", table.MaskedColumn([90.0, 1.0], unit="deg", mask=[False, True]), "rad")
    assert np.ma.getmaskarray(found).tolist() == [False, True]
    np.testing.assert_allclose(found[0], np.pi / 2)


def test_units_of_other_libraries_are_refused_by_name() -> None:
    class Foreign:
        units, magnitude = "TeV", 1.0

    with pytest.raises(TypeError, match="E0: the unit TeV comes from"):
        in_unit("E0", Foreign(), "GeV")


def test_energies_are_counted_in_the_unit() -> None:
    assert counted(100 * u.TeV, 1e3) == (100.0, 1e3)
    assert counted(100, "TeV") == (100, 1e3)
    with pytest.raises(ValueError, match="unit='parsnip' is no unit of energy"):
        counted(1, "parsnip")
