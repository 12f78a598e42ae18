"""`scan_events`: fits of plain arrays, against the oracle, and everything it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nusky as cy
import oracle
from nusky.likelihood.direction_scan import DirectionScan, scan_events
from nusky.trial.status import Status

NODES = np.linspace(1.0, 4.0, 13)


def season(n: int = 400, seed: int = 1) -> dict[str, Any]:
    """Isotropic events with a bright spot at (1.0, 0.3), and a smooth energy ratio."""
    rng = np.random.default_rng(seed)
    ra, dec = 2 * np.pi * rng.random(n), np.arcsin(2 * rng.random(n) - 1)
    sigma = np.radians(rng.uniform(0.5, 3.0, n))
    ra[:12] = 1.0 + 0.01 * rng.standard_normal(12)
    dec[:12] = 0.3 + 0.01 * rng.standard_normal(12)
    energy = rng.exponential(0.6, n)
    energy[:12] += 1.0
    ratio = energy[:, None] * (2.8 - NODES) - 0.3 * (2.8 - NODES) ** 2
    return {
        "ra": ra,
        "dec": dec,
        "sigma": sigma,
        "background": np.full(n, 1 / (4 * np.pi)) * (1 + 0.3 * np.sin(dec)),
        "log_energy_ratio": ratio.astype(np.float32),
        "gamma_nodes": NODES,
    }


def reference(events: dict[str, Any], ra: float, dec: float, **options: Any) -> Any:
    columns = ("ra", "dec", "sigma", "background", "log_energy_ratio")
    one = oracle.Season(**{name: events[name] for name in columns}, n_events=options.pop("n_events", None))
    return oracle.fit([one], ra, dec, gamma_nodes=NODES, **options)


DIRECTIONS = [(1.0, 0.3), (1.02, 0.28), (4.0, -1.2), (0.0, np.pi / 2), (6.2, 0.0)]


@pytest.mark.parametrize("options", [{}, {"gamma": 2.3}, {"n_events": 5000.0}, {"cut_n_sigma": 3.0}])
def test_it_finds_the_maximum_that_the_oracle_finds(options: dict[str, Any]) -> None:
    events = season()
    ra, dec = np.transpose(DIRECTIONS)
    fits = scan_events(**events, src_ra=ra, src_dec=dec, **options)
    for i, (src_ra, src_dec) in enumerate(DIRECTIONS):
        expected = reference(events, src_ra, src_dec, **options)
        assert fits.ts[i] == pytest.approx(expected.ts, abs=1e-3)
        if expected.ts > 0.1:
            assert fits.ns[i] == pytest.approx(expected.ns, rel=1e-2)
            assert fits.gamma[i] == pytest.approx(expected.gamma, abs=1e-2)
    assert fits.ts[0] > 20


def test_without_an_energy_term_only_position_counts() -> None:
    events = season() | {"log_energy_ratio": None, "gamma_nodes": None}
    fits = scan_events(**events, src_ra=[1.0], src_dec=[0.3])
    with_flat = season() | {"log_energy_ratio": np.zeros((400, 1)), "gamma_nodes": [2.0]}
    flat = scan_events(**with_flat, src_ra=[1.0], src_dec=[0.3], gamma=2.0)
    assert fits.ts[0] == pytest.approx(flat.ts[0], rel=1e-6)
    assert fits.ts[0] > 10


def test_the_order_of_events_and_the_threads_do_not_matter() -> None:
    events = season()
    ra, dec = np.transpose(DIRECTIONS)
    first = scan_events(**events, src_ra=ra, src_dec=dec, n_threads=1)
    order = np.random.default_rng(2).permutation(400)
    shuffled = {name: value[order] if name != "gamma_nodes" else value for name, value in events.items()}
    second = scan_events(**shuffled, src_ra=ra, src_dec=dec, n_threads=2)
    np.testing.assert_allclose(second.ts, first.ts, rtol=1e-6, atol=1e-6)


def test_the_result_has_named_arrays_and_a_status() -> None:
    fits = scan_events(**season(), src_ra=[1.0, 4.0], src_dec=[0.3, -1.2])
    assert isinstance(fits, DirectionScan)
    assert len(fits) == 2
    assert fits.status.dtype == np.int8
    assert fits.status[0] == Status.OK
    assert fits.ts.shape == fits.ns.shape == fits.gamma.shape == (2,)
    assert "2 directions, max TS" in repr(fits)
    assert cy.scan_events is scan_events
    assert cy.Status is Status


def test_no_event_inside_the_cut_is_a_status_and_no_exception() -> None:
    one = {
        "ra": [1.0],
        "dec": [0.0],
        "sigma": [0.01],
        "background": [0.1],
        "log_energy_ratio": None,
        "gamma_nodes": None,
    }
    fits = scan_events(**one, src_ra=[4.0], src_dec=[0.5], n_events=100)
    assert fits.status[0] == Status.NO_EVENTS
    assert fits.ts[0] == 0
    assert fits.ns[0] == 0
    assert np.isnan(fits.gamma[0])


def test_no_direction_gives_an_empty_result() -> None:
    assert len(scan_events(**season(), src_ra=[], src_dec=[])) == 0


def test_lists_float32_and_strided_input_are_accepted() -> None:
    events = season()
    again = dict(events)
    again["ra"] = events["ra"].tolist()
    again["dec"] = np.repeat(events["dec"], 2)[::2]
    again["log_energy_ratio"] = np.asfortranarray(events["log_energy_ratio"])
    a = scan_events(**events, src_ra=[1.0], src_dec=[0.3])
    b = scan_events(**again, src_ra=[1.0], src_dec=[0.3])
    assert a.ts[0] == b.ts[0]


def changed(name: str, row: int, value: float) -> dict[str, Any]:
    events = season()
    events[name] = np.array(events[name], dtype=np.float64)
    events[name].reshape(len(events[name]), -1)[row, 0] = value
    return events


BAD: list[tuple[dict[str, Any], dict[str, Any], type[Exception], str]] = [
    (changed("ra", 3, np.nan), {}, ValueError, r"ra\[3\] = nan is not in 0"),
    (changed("ra", 3, 7.0), {}, ValueError, r"ra\[3\] = 7.0 is not in 0.*ra % \(2\*np.pi\)"),
    (changed("ra", 3, -0.1), {}, ValueError, r"ra\[3\] = -0.1"),
    (changed("dec", 5, 2.0), {}, ValueError, r"dec\[5\] = 2.0"),
    (changed("sigma", 9, 0.0), {}, ValueError, r"sigma\[9\] = 0.0"),
    (changed("sigma", 9, 8.6), {}, ValueError, r"sigma\[9\] = 8.6"),
    (changed("background", 2, -1.0), {}, ValueError, r"background\[2\] = -1.0"),
    (changed("background", 2, np.inf), {}, ValueError, r"background\[2\] = inf"),
    (changed("log_energy_ratio", 4, np.nan), {}, ValueError, r"log_energy_ratio\[4, 0\] = nan"),
    (changed("log_energy_ratio", 4, -np.inf), {}, ValueError, r"log_energy_ratio\[4, 0\] = -inf"),
    (season() | {"dec": np.zeros(3)}, {}, ValueError, r"dec must have shape .* with N = 400, got \(3,\)"),
    (season() | {"log_energy_ratio": np.zeros((400, 2))}, {}, ValueError, "with G = 13, got"),
    (season() | {"log_energy_ratio": None}, {}, ValueError, "belong together"),
    (season() | {"gamma_nodes": NODES[::-1]}, {}, ValueError, r"gamma_nodes must increase: gamma_nodes\[1\]"),
    (season() | {"ra": "here"}, {}, TypeError, "ra must be a number, not text"),
    (season(), {"gamma": 5.0}, ValueError, "gamma=5.0 is outside the nodes 1 … 4"),
    (season(), {"gamma": np.nan}, ValueError, "outside the nodes"),
    (season(), {"gamma": "soft"}, TypeError, "gamma must be a number"),
    (season(), {"n_events": 399}, ValueError, "not below the 400 events"),
    (season(), {"n_events": np.nan}, ValueError, "must be finite"),
    (season(), {"cut_n_sigma": 0.0}, ValueError, "cut_n_sigma must be a positive"),
    (season(), {"n_threads": -1}, ValueError, "must not be negative"),
    (season(), {"n_threads": 1.5}, TypeError, "must be an integer"),
    (season(), {"src_ra": [1.0, 2.0]}, ValueError, r"src_dec must have shape .* with P = 2, got \(1,\)"),
    (season(), {"src_dec": [np.nan]}, ValueError, r"src_dec\[0\] = nan"),
]


@pytest.mark.parametrize(("events", "options", "error", "message"), BAD)
def test_bad_input_is_named_with_row_and_value(
    events: dict[str, Any], options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        scan_events(**events, **({"src_ra": [1.0], "src_dec": [0.3]} | options))


def test_an_empty_season_is_refused() -> None:
    empty = {"ra": [], "dec": [], "sigma": [], "background": [], "log_energy_ratio": None, "gamma_nodes": None}
    with pytest.raises(ValueError, match="there are no events"):
        scan_events(**empty, src_ra=[1.0], src_dec=[0.0])


def test_angular_errors_that_are_likely_degrees_are_asked_about() -> None:
    n = 20
    rng = np.random.default_rng(1)
    events = (rng.uniform(0, 6, n), rng.uniform(-1, 1, n))
    sky = np.full(n, 1 / (4 * np.pi))
    with pytest.warns(UserWarning, match=r"sigma has a median of 1 rad, 57\.3 degrees: is it in degrees"):
        scan_events(*events, np.full(n, 1.0), sky, None, None, src_ra=[1.0], src_dec=[0.2])
    # none of these asks: cascades, and a few events
    scan_events(*events, np.full(n, 0.3), sky, None, None, src_ra=[1.0], src_dec=[0.2])
    scan_events(*(e[:5] for e in events), np.full(5, 1.0), sky[:5], None, None, src_ra=[1.0], src_dec=[0.2])
