"""Injection: what is drawn, where it lands, and how it is shared."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nusky import hyp
from nusky.events import Events
from nusky.injection.background import BackgroundInjector
from nusky.injection.prior import PriorInjector
from nusky.injection.seeding import TrialDraws, trial_draws
from nusky.injection.signal import InjectionOptions, SignalInjector, check_n_sig
from nusky.pixels import select_pixels
from nusky.priors import SpatialPrior
from nusky.sphere.rotation import offset_by, separation

E2 = hyp.PowerLawFlux(2.0)


def simulation(n: int = 40_000, seed: int = 1) -> Events:
    rng = np.random.default_rng(seed)
    true_ra, true_dec = 2 * np.pi * rng.random(n), np.arcsin(2 * rng.random(n) - 1)
    log_energy = rng.uniform(2, 7, n)
    sigma = np.radians(rng.uniform(0.2, 2.0, n))
    ra, dec = offset_by(true_ra, true_dec, rng.rayleigh(sigma), 2 * np.pi * rng.random(n))
    columns = {
        "ra": ra,
        "dec": dec,
        "sindec": np.sin(dec),
        "sigma": sigma,
        "log10energy": log_energy + 0.3 * rng.standard_normal(n),
        "true_ra": true_ra,
        "true_dec": true_dec,
        "true_energy": 10**log_energy,
        "oneweight": 10**log_energy * 1e5,
    }
    return Events(columns)


class Acceptance:
    """Acceptance that falls with declination like 1.5 + sin δ."""

    def __init__(self, scale: float) -> None:
        self.scale = scale

    def for_flux(self, flux: hyp.Flux) -> Any:
        return lambda dec: self.scale * (1.5 + np.sin(dec))


SIM = simulation()


def analysis(*scales: float) -> Any:
    rng = np.random.default_rng(3)
    data = Events({"ra": 2 * np.pi * rng.random(30), "dec": np.zeros(30)})
    return [SimpleNamespace(data=data, sim=SIM, acceptance=Acceptance(scale)) for scale in scales or (1.0,)]


def signal(*scales: float, extension: float = 0.0, **options: Any) -> SignalInjector:
    return SignalInjector(analysis(*scales), InjectionOptions(flux=E2, **options), extension)


def draws(index: int = 0) -> TrialDraws:
    return trial_draws(1, index)


# Background


def test_background_is_uniform_in_right_ascension_and_follows_the_contract() -> None:
    seasons = BackgroundInjector(analysis(1.0, 1.0)).scramble(draws(5))
    for k, season in enumerate(seasons):
        np.testing.assert_array_equal(season.ra, draws(5).right_ascensions(k, 30))
    truth = BackgroundInjector(analysis()).truth()
    np.testing.assert_array_equal(truth[0].ra, analysis()[0].data.ra)


# Signal at a position


@pytest.mark.parametrize("dec", [-np.pi / 2, -1.4, 0.0, 0.7, np.pi / 2])
def test_events_keep_their_offset_and_come_from_the_band(dec: float) -> None:
    events = signal().inject(draws(), [2.0], [dec], [300])[0]
    assert events is not None
    rows = events.idx
    assert np.abs(np.sin(SIM.true_dec[rows]) - np.sin(dec)).max() <= np.radians(1.0) + 1e-12
    expected = separation(SIM.ra[rows], SIM.dec[rows], SIM.true_ra[rows], SIM.true_dec[rows])
    np.testing.assert_allclose(separation(events.ra, events.dec, 2.0, dec), expected, atol=1e-12, rtol=1e-9)
    np.testing.assert_array_equal(events.sindec, np.sin(events.dec))
    np.testing.assert_array_equal(events.sigma, SIM.sigma[rows])
    assert ((events.ra >= 0) & (events.ra < 2 * np.pi)).all()
    assert events.inj.tolist() == [1] * 300
    assert events.columns == ("dec", "energy", "idx", "inj", "log10energy", "ra", "sigma", "sindec")


def test_events_are_drawn_with_weight_times_flux() -> None:
    events = signal().inject(draws(), [2.0], [0.3], [20_000])[0]
    assert events is not None
    band = np.abs(np.sin(SIM.true_dec) - np.sin(0.3)) <= np.radians(1.0)
    weight = (SIM.oneweight * E2(SIM.true_energy))[band]
    weight /= weight.sum()
    expected = weight @ SIM.log10energy[band]
    spread = np.sqrt(weight @ (SIM.log10energy[band] - expected) ** 2 / 20_000)
    assert abs(events.log10energy.mean() - expected) < 4 * spread
    # each simulated event by itself, too
    counts = np.bincount(np.searchsorted(np.flatnonzero(band), events.idx), minlength=band.sum())
    chi2 = ((counts - 20_000 * weight) ** 2 / (20_000 * weight)).sum()
    dof = band.sum() - 1
    assert abs(chi2 - dof) < 5 * np.sqrt(2 * dof)


def test_a_soft_spectrum_gives_lower_energies_than_a_hard_one() -> None:
    means = []
    for gamma in (1.5, 3.0):
        injector = SignalInjector(analysis(), InjectionOptions(flux=hyp.PowerLawFlux(gamma)))
        events = injector.inject(draws(), [1.0], [0.0], [500])[0]
        assert events is not None
        means.append(events.log10energy.mean())
    assert means[0] > means[1] + 0.5


def test_events_outside_an_energy_window_are_never_drawn() -> None:
    flux = hyp.PowerLawFlux(2.0, energy_range=(1e4, 1e5))
    events = SignalInjector(analysis(), InjectionOptions(flux=flux)).inject(draws(), [1.0], [0.0], [2000])[0]
    assert events is not None
    energies = SIM.true_energy[events.idx]
    assert energies.min() >= 1e4
    assert energies.max() <= 1e5


def test_seasons_share_the_events_by_acceptance_and_the_total_is_exact() -> None:
    parts = signal(1.0, 3.0).inject(draws(), [1.0], [0.2], [8000])
    counts = [len(part) for part in parts if part is not None]
    assert sum(counts) == 8000
    assert abs(counts[1] - 6000) < 5 * np.sqrt(8000 * 0.75 * 0.25)


def test_an_extended_source_scatters_its_events() -> None:
    width = np.radians(1.0)
    for injector in (signal(extension=width), own_extension(width), own_extension(width, likelihood=0.1)):
        wide = injector.inject(draws(), [1.0], [0.5], [4000])[0]
        assert wide is not None
        sim = SIM[wide.idx]
        own_error = separation(sim.ra, sim.dec, sim.true_ra, sim.true_dec) ** 2
        scatter = (separation(wide.ra, wide.dec, 1.0, 0.5) ** 2).mean() - own_error.mean()
        assert scatter == pytest.approx(2 * width**2, rel=0.1)


def own_extension(width: float, likelihood: float = 0.0) -> SignalInjector:
    base = signal()
    return SignalInjector(base.analysis, InjectionOptions(flux=E2, extension=width), likelihood)


def test_an_injected_extension_of_zero_is_a_point_whatever_the_likelihood_has() -> None:
    point = signal().inject(draws(), [1.0], [0.5], [50])[0]
    again = own_extension(0.0, likelihood=0.1).inject(draws(), [1.0], [0.5], [50])[0]
    assert point is not None
    assert again is not None
    np.testing.assert_array_equal(again.ra, point.ra)


def test_events_of_a_wide_source_come_from_the_simulation_at_their_own_declination() -> None:
    width = np.radians(8.0)
    events = own_extension(width).inject(draws(), [1.0], [0.0], [3000])[0]
    assert events is not None
    assert SIM.true_dec[events.idx].std() == pytest.approx(width, rel=0.05)
    shift = SIM.sindec[events.idx] - events.sindec  # what the turn did to them: at most the band
    assert np.quantile(np.abs(shift), 0.9) < 2 * np.sin(np.radians(1.0))


@pytest.mark.parametrize(
    ("bad", "error"), [(-0.1, ValueError), (1.0, ValueError), ("wide", TypeError), (True, TypeError)]
)
def test_an_injected_extension_out_of_range_is_refused(bad: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="extension"):
        InjectionOptions(extension=bad)  # type: ignore[arg-type]


def test_nothing_injected_is_none_in_every_season() -> None:
    assert signal(1.0, 1.0).inject(draws(), [1.0], [0.0], [0]) == (None, None)


def test_a_band_without_simulation_says_what_to_do() -> None:
    north = SIM[SIM.true_dec > 0.5]
    where = [SimpleNamespace(data=None, sim=north, acceptance=Acceptance(1.0))]
    injector = SignalInjector(where, InjectionOptions(flux=E2))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"no simulated event .* widen sindec_bandwidth"):
        injector.inject(draws(), [1.0], [-0.5], [5])


def test_twenty_events_take_well_under_a_millisecond() -> None:
    import timeit

    injector = signal()
    injector.inject(draws(), [1.0], [0.0], [20])
    best = min(timeit.repeat(lambda: injector.inject(draws(), [1.0], [0.3], [20]), number=20, repeat=5)) / 20
    assert best < 1.5e-3  # 0.2 ms on a quiet machine


# From a prior

NSIDE = 16
SKY = select_pixels(NSIDE)


def prior_map(*pixels: tuple[int, float]) -> SpatialPrior:
    values = np.zeros(12 * NSIDE**2)
    for pixel, value in pixels:
        values[pixel] = value
    return SpatialPrior(values)


def test_pixels_are_drawn_in_proportion_to_the_prior_at_their_centres() -> None:
    injector = PriorInjector(signal(), (prior_map((100, 1.0), (900, 3.0)),), SKY)
    positions = [injector.inject(draws(j), 1, False)[1:] for j in range(2000)]
    ra = np.array([position[0][0] for position in positions])
    n_first = np.count_nonzero(ra == SKY.ra[100])
    assert n_first + np.count_nonzero(ra == SKY.ra[900]) == 2000
    assert abs(n_first - 500) < 5 * np.sqrt(2000 * 0.25 * 0.75)


def test_excluded_pixels_and_those_without_acceptance_are_never_drawn() -> None:
    flat = SpatialPrior(np.ones(12 * NSIDE**2))
    north = select_pixels(NSIDE, min_dec=0.3)
    injector = PriorInjector(signal(), (flat,), north)
    dec = [injector.inject(draws(j), 1, False)[2][0] for j in range(200)]
    assert min(dec) >= 0.3
    blind = signal()
    blind.analysis[0].acceptance.for_flux = lambda flux: lambda dec: np.where(dec > 0, 1.0, 0.0)  # type: ignore[method-assign]
    injector = PriorInjector(blind, (flat,), SKY)
    assert min(injector.inject(draws(j), 1, False)[2][0] for j in range(200)) > 0
    with pytest.raises(ValueError, match="prior 0 is zero in every pixel"):
        PriorInjector(signal(), (prior_map((3071, 1.0)),), north).inject(draws(), 1, False)


def test_anywhere_inside_the_pixel_fills_the_pixel_evenly() -> None:
    import healpy

    injector = PriorInjector(signal(in_pixel=True), (prior_map((777, 1.0)),), SKY)
    positions = np.array([np.concatenate(injector.inject(draws(j), 1, False)[1:]) for j in range(800)])
    pixels = healpy.ang2pix(NSIDE, np.pi / 2 - positions[:, 1], positions[:, 0])
    assert set(pixels) == {777}
    fine = healpy.ang2pix(2 * NSIDE, np.pi / 2 - positions[:, 1], positions[:, 0], nest=True) % 4
    assert np.abs(np.bincount(fine) - 200).max() < 5 * np.sqrt(150)


def test_the_count_is_exact_or_poisson() -> None:
    injector = PriorInjector(signal(1.0, 1.0), (prior_map((100, 1.0)),), SKY)

    def count(poisson: bool, j: int) -> int:
        return sum(len(part) for part in injector.inject(draws(j), 7, poisson)[0] if part is not None)

    assert {count(False, j) for j in range(20)} == {7}
    counts = np.array([count(True, j) for j in range(600)])
    assert abs(counts.mean() - 7) < 5 * np.sqrt(7 / 600)
    assert abs(counts.var() - 7) < 2


def test_several_priors_share_the_total_by_their_mean_acceptances() -> None:
    north, south = prior_map((10, 1.0)), prior_map((12 * NSIDE**2 - 11, 1.0))
    injector = PriorInjector(signal(), (north, south), SKY)
    share = injector.mean_acceptances[0] / injector.mean_acceptances.sum()
    assert injector.mean_acceptances == pytest.approx(1.5 + np.sin(SKY.dec[[10, 12 * NSIDE**2 - 11]]))
    near_first = 0
    for j in range(200):
        (events,), ra, dec = injector.inject(draws(j), 10, False)
        assert events is not None
        assert len(events) == 10
        assert len(ra) == len(dec) == 2
        near_first += np.count_nonzero(separation(events.ra, events.dec, ra[0], dec[0]) < 0.3)
    assert abs(near_first - 2000 * share) < 5 * np.sqrt(2000 * share * (1 - share))


def test_by_flux_the_mean_follows_the_acceptance_at_the_drawn_place() -> None:
    prior = prior_map((10, 1.0), (12 * NSIDE**2 - 11, 1.0))
    flux, auto, count = (PriorInjector(signal(by=by), (prior,), SKY) for by in ("flux", "auto", "count"))
    for j in range(20):  # "auto" is by flux where the number is drawn, by count where it is not
        for injector, poisson in ((flux, True), (count, False)):
            (theirs,), (ours,) = (one.inject(draws(j), 6, poisson)[0] for one in (injector, auto))
            assert (0 if ours is None else len(ours)) == (0 if theirs is None else len(theirs))
    injector = flux
    counts: dict[float, list[int]] = {}
    for j in range(600):
        (events,), _, dec = injector.inject(draws(j), 6, True)
        counts.setdefault(float(dec[0]), []).append(0 if events is None else len(events))
    for dec, drawn in counts.items():
        expected = 6 * (1.5 + np.sin(dec)) / 1.5
        assert abs(np.mean(drawn) - expected) < 5 * np.sqrt(expected / len(drawn))


def test_no_signal_draws_no_position() -> None:
    injected, ra, dec = PriorInjector(signal(), (prior_map((100, 1.0)),), SKY).inject(draws(), 0, False)
    assert injected == (None,)
    assert len(ra) == len(dec) == 0


# Arguments


def test_n_sig_is_checked() -> None:
    assert check_n_sig(np.int64(3), False) == 3.0
    assert check_n_sig(2.5, True) == 2.5
    for bad, message in (
        (-1, "not negative"),
        (np.nan, "finite"),
        (np.inf, "finite"),
        (2.5, "poisson=True"),
        (1e9, "is it a flux"),
    ):
        with pytest.raises(ValueError, match=message):
            check_n_sig(bad, False)
    for odd in ("3", None, True):
        with pytest.raises(TypeError, match="must be a number"):
            check_n_sig(odd, False)


def test_injection_options_are_checked_and_described() -> None:
    for options, error in (
        ({"flux": 2.0}, TypeError),
        ({"sindec_bandwidth": 0.0}, ValueError),
        ({"by": "mass"}, ValueError),
    ):
        with pytest.raises(error):
            InjectionOptions(**options)  # type: ignore[arg-type]
    described = InjectionOptions(flux=hyp.PowerLawFlux(2.5)).as_dict()
    assert hyp.from_json(described["flux"]) == hyp.PowerLawFlux(2.5)
