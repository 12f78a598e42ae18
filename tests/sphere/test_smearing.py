"""Smeared maps: the convolution against a sum over a fine grid, its norm, and what is the same at any call."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest

import template_oracle
from nusky import _core
from nusky.sphere import SmearedMaps, smearing


def places(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    sigma = np.exp(rng.uniform(np.log(0.01), np.log(0.3), n))
    return rng.uniform(0, 2 * np.pi, n), np.arcsin(rng.uniform(-1, 1, n)), sigma


def healpy_theta(nside: int) -> np.ndarray:
    import healpy

    return np.asarray(healpy.pix2ang(nside, np.arange(12 * nside**2))[0])


def test_it_is_the_convolution_that_a_fine_grid_gives() -> None:
    maps = np.stack([template_oracle.band(32), template_oracle.blob(32, 0.05, -1.2, 0.2)])
    ra, dec, sigma = places(12, 1)
    ra[:3], dec[:3] = (0.001, 2 * np.pi - 1e-9, 3.0), (0.2, -1.2, np.pi / 2)
    found = SmearedMaps.of(maps, 0.01, 0.3).at(ra, dec, sigma)
    for one, values in zip(maps, found, strict=True):
        slow = template_oracle.smeared(one, ra, dec, sigma)
        assert np.abs(values - slow).max() < 6e-3 * one.max()
        assert np.median(np.abs(values - slow)) < 2e-4 * one.max()


def test_what_is_smeared_keeps_its_integral() -> None:
    one = template_oracle.blob(16, 1.0, 0.4, 0.15)
    smeared = SmearedMaps.of(one[None], 0.02, 0.2)
    sindec = np.linspace(-1, 1, 801)
    for sigma in (0.02, 0.2):
        at = smeared.places(np.arcsin(sindec), np.full(801, sigma))
        total = 2 * np.pi * np.trapezoid(smeared.over_right_ascension(at)[0], sindec)
        assert total == pytest.approx(one.mean() * 4 * np.pi, rel=0.01)


def test_the_mean_over_right_ascension_is_that_of_the_values() -> None:
    smeared = SmearedMaps.of(template_oracle.band(16)[None], 0.02, 0.1)
    _, dec, sigma = places(5, 2)
    sigma = np.clip(sigma, 0.02, 0.1)
    at = smeared.places(dec, sigma)
    ra = (np.arange(4000) + 0.5) * (2 * np.pi / 4000)
    each = [
        smeared.at(ra, np.full(4000, d), np.full(4000, s))[0].mean(dtype=float) for d, s in zip(dec, sigma, strict=True)
    ]
    assert smeared.over_right_ascension(at)[0] == pytest.approx(np.array(each), rel=1e-4)


def test_one_width_is_enough_and_wider_events_count_as_the_widest() -> None:
    import healpy

    one = template_oracle.band(8)[None]
    theta, phi = healpy.pix2ang(8, int(one.argmax()))
    ra, dec = np.full(2, phi), np.full(2, np.pi / 2 - theta)
    smeared = SmearedMaps.of(one, 0.1, 0.1)
    at = smeared.at(ra, dec, np.array([0.1, 3.0]))
    assert np.isfinite(at).all()
    slow = template_oracle.smeared(one[0], ra[:1], dec[:1], np.array([0.1]))
    assert at[0] == pytest.approx(slow[[0, 0]], rel=0.02)


def test_values_are_those_of_the_table_between_its_nodes() -> None:
    smeared = SmearedMaps.of(np.stack([template_oracle.band(16), template_oracle.blob(16, 1.0, 0.4, 0.2)]), 0.02, 0.1)
    ra, dec, sigma = places(500, 3)
    ra[:4], dec[:4] = (0.0, 2 * np.pi - 1e-12, 0.1, 3.0), (np.pi / 2, -np.pi / 2, 0.0, 1.0)
    n_sigma, n_pairs, *_ = smeared.basis.shape
    n_ra = smeared.table[0].shape[1]
    first, last = np.log(smeared.sigma[[0, -1]])
    s = np.clip((np.log(sigma) - first) / (last - first), 0, 1) * (n_sigma - 1)
    d, a = (dec / np.pi + 0.5) * n_pairs, ra / (2 * np.pi) * (n_ra - 1)
    pairs = np.array(
        [table @ basis[:, None].astype(float) for table, basis in zip(smeared.table, smeared.basis, strict=True)]
    )
    # Both pairs that a row is in have it, each in units of its own
    assert np.abs(pairs[:, 1:, :, 0] - pairs[:, :-1, :, 1]).max() < 3.1e-5 * pairs.max()
    s0, d0, a0 = (np.minimum(x.astype(int), n) for x, n in ((s, n_sigma - 2), (d, n_pairs - 1), (a, n_ra - 2)))
    s, d, a = ((x - x0)[:, None] for x, x0 in ((s, s0), (d, d0), (a, a0)))
    corner = [[[pairs[s0 + i, d0, a0 + k, j] for k in (0, 1)] for j in (0, 1)] for i in (0, 1)]
    row = [[(1 - a) * two[0] + a * two[1] for two in some] for some in corner]
    slow = (1 - s) * ((1 - d) * row[0][0] + d * row[0][1]) + s * ((1 - d) * row[1][0] + d * row[1][1])
    assert np.abs(smeared.at(ra, dec, sigma).T - slow).max() < 1e-5 * pairs.max()


def test_modes_on_rings_are_sums_of_legendre_polynomials() -> None:
    import healpy

    n_dec, lmax, at = 31, 40, [(0.4, 0.3), (3.0, -1.5), (5.0, 1.1)]
    degree = np.arange(lmax + 1)
    beam = np.exp(-0.5 * degree**2 * np.array([[0.05], [0.1]]) ** 2)
    beam[1, 30:] = 0.0
    alm = np.zeros((len(at), healpy.Alm.getsize(lmax)), dtype=complex)
    alm[:, : lmax + 1] = np.sqrt((2 * degree + 1) / (4 * np.pi))  # a source at the pole, then where it is to be
    for one, (ra, dec) in zip(alm, at, strict=True):
        healpy.rotate_alm(one, 0.0, np.pi / 2 - dec, ra)
    modes = np.empty((2, n_dec, len(at), lmax + 1), dtype=np.complex64)
    _core.ring_modes(alm, beam, modes, n_threads=1)
    for d, there in enumerate(np.linspace(-np.pi / 2, np.pi / 2, n_dec)):
        wave = np.exp(1j * degree * 1.7)
        for r, (ra, dec) in enumerate(at):
            cosine = np.sin(dec) * np.sin(there) + np.cos(dec) * np.cos(there) * np.cos(1.7 - ra)
            for b, row in zip(beam, modes[:, d, r] * wave, strict=True):
                slow = np.polynomial.legendre.legval(cosine, (2 * degree + 1) / (4 * np.pi) * b)
                most = ((2 * degree + 1) / (4 * np.pi) * b).sum()
                assert row[0].real + 2 * row[1:].real.sum() == pytest.approx(slow, abs=2e-6 * most)
    again = np.empty_like(modes)
    _core.ring_modes(alm, beam, again, n_threads=2)
    assert np.array_equal(again, modes)
    for name, given in (("alm", (alm[:, 1:].copy(), beam, modes)), ("modes", (alm, beam, modes[:, :1].copy()))):
        with pytest.raises(ValueError, match=name):
            _core.ring_modes(*given)


def test_maps_that_differ_by_declination_share_parts() -> None:
    sindec = np.cos(healpy_theta(16))
    slope = np.linspace(-3.0, 3.0, 5)
    maps = template_oracle.band(16) * np.exp(slope[:, None] * sindec)
    gamma = np.linspace(-1.0, 1.0, 9)[:, None]
    columns = (1.0 / (1.0 + (gamma * 3 - slope) ** 2)).T
    with mock.patch.multiple(smearing, _GRID=(2.0, 2.0), _FINEST=64):
        each, few = SmearedMaps.of(maps, 0.03, 0.6), SmearedMaps.of(maps, 0.03, 0.6, columns)
        with mock.patch.multiple(smearing, _LEFT_OUT=0.1):
            too_few = SmearedMaps.of(maps, 0.03, 0.6, columns)
    parts = [table.shape[-1] for table in few.table]
    assert parts[0] < max(parts) <= 4
    ra, dec, sigma = places(4000, 3)
    for low, high in ((0.03, 0.04), (0.2, 0.6)):
        width = np.clip(sigma, low, high)
        slow, found, wrong = (columns.T @ one.at(ra, dec, width).astype(float) for one in (each, few, too_few))
        most = slow.max(axis=1, keepdims=True)
        assert np.abs((found - slow) / most).max() < 2e-3
    assert np.abs((wrong - slow) / most).max() > 4e-3


def test_terms_of_many_maps_are_sums_of_their_values() -> None:
    one = template_oracle.band(4)
    maps = one * np.exp(0.3 * np.arange(37)[:, None] * np.sin(np.arange(192)))
    with mock.patch.multiple(smearing, _GRID=(6.0, 6.0), _FINEST=16):
        smeared = SmearedMaps.of(maps, 0.1, 0.4)
    rng = np.random.default_rng(6)
    n = 1500
    ra, dec, sigma = places(n, 6)
    at, order = smeared.places(dec, sigma), rng.permutation(n)
    events = _core.TemplateEvents(smeared.table, order, *at, np.zeros(n, np.int64), np.zeros((n, 1), np.float32), [])
    column, factor, background = rng.normal(size=37), rng.uniform(size=(37, n)), rng.uniform(size=n)
    found = smeared.values(at, ra[order])
    z = np.empty(n)
    for some in (factor, factor[:1]):
        _core.template_terms(smeared.rows, events, ra, column, some, background, 0.5, z)
        slow = 0.5 * (np.maximum((column[:, None] * found * some).sum(axis=0), 0.0) - background)
        assert np.abs(z - slow).max() < 3e-6 * np.abs(column[:, None] * found).sum(axis=0).max()


def test_places_outside_the_table_are_refused_by_the_core() -> None:
    smeared = SmearedMaps.of(template_oracle.band(8)[None], 0.05, 0.1)
    maps = smeared.table, smeared.basis
    found, weight, ra = np.empty((1, 1), np.float32), np.ones((4, 1), np.float32), np.array([1.0])
    for start in (-1, smeared.table[0][..., 0, 0].size * len(smeared.table)):
        with pytest.raises(ValueError, match=r"start\[0\]"):
            _core.smeared_values(*maps, np.array([start]), weight, ra, found)
    at = np.array([0]), np.array([0]), weight, np.array([0]), np.zeros((1, 1), np.float32), []
    events = _core.TemplateEvents(smeared.table, *at)
    terms = {"column": np.ones(1), "factor": np.ones((1, 1)), "background": np.ones(1), "scale": 1.0, "z": np.empty(1)}
    for name in ("column", "factor", "background", "z"):
        with pytest.raises(ValueError, match=name):
            _core.template_terms(
                smeared.rows, events, ra, **{**terms, name: np.ones((3, 1) if name == "factor" else 2)}
            )
    with pytest.raises(ValueError, match="another table"):
        _core.template_terms(SmearedMaps.of(template_oracle.band(8)[None], 0.05, 0.2).rows, events, ra, **terms)
    with pytest.raises(ValueError, match="within 0 and 2 pi"):
        _core.template_terms(smeared.rows, events, ra + 6.0, **terms)
    with pytest.raises(ValueError, match="weight"):
        _core.smeared_values(*maps, np.array([0]), weight[:2], ra, found)
    with pytest.raises(ValueError, match="found"):
        _core.smeared_values(*maps, np.array([0]), weight, ra, found[:, :0])
