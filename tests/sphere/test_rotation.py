"""Turning directions on the sphere, against rotation matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from nusky.sphere.rotation import offset_by, rotate_to, separation

ANGLE = st.floats(0, 2 * np.pi, exclude_max=True)
DEC = st.floats(-np.pi / 2, np.pi / 2)


def vector(ra: float, dec: float) -> np.ndarray:
    return np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


def frame(ra: float, dec: float) -> Rotation:
    """Rotation that takes x to the direction, y to its east, z to its north."""
    return Rotation.from_euler("yz", [-dec, ra])


@given(ANGLE, DEC, ANGLE, DEC, ANGLE, DEC)
def test_rotate_to_is_the_rotation_of_the_local_frames(
    ra: float, dec: float, true_ra: float, true_dec: float, source_ra: float, source_dec: float
) -> None:
    expected = (frame(source_ra, source_dec) * frame(true_ra, true_dec).inv()).apply(vector(ra, dec))
    new_ra, new_dec = rotate_to(ra, dec, true_ra, true_dec, source_ra, source_dec)
    np.testing.assert_allclose(vector(float(new_ra), float(new_dec)), expected, atol=1e-14)
    assert 0 <= new_ra < 2 * np.pi


@pytest.mark.parametrize("source_dec", [-np.pi / 2, np.pi / 2, -np.pi / 2 + 1e-9, 0.0, 1.2])
@pytest.mark.parametrize("true_dec", [-np.pi / 2, np.pi / 2, 1.5707, 0.3])
def test_the_offset_is_kept_exactly_also_at_the_poles(source_dec: float, true_dec: float) -> None:
    rng = np.random.default_rng(1)
    true_ra = 2 * np.pi * rng.random(200)
    ra, dec = offset_by(true_ra, true_dec, rng.rayleigh(0.02, 200), 2 * np.pi * rng.random(200))
    before = separation(true_ra, true_dec, ra, dec)
    new_ra, new_dec = rotate_to(ra, dec, true_ra, np.full(200, true_dec), 0.7, source_dec)
    np.testing.assert_allclose(separation(0.7, source_dec, new_ra, new_dec), before, atol=1e-15, rtol=1e-9)


def test_an_event_at_its_true_position_lands_on_the_source() -> None:
    ra, dec = rotate_to([3.0], [-1.1], [3.0], [-1.1], 0.0, 0.4)
    np.testing.assert_allclose(separation(ra, dec, 0.0, 0.4), 0.0, atol=1e-15)


def test_the_position_angle_is_kept() -> None:
    ra, dec = offset_by(1.0, 0.3, 0.01, np.pi / 2)  # due east
    new_ra, new_dec = rotate_to(ra, dec, 1.0, 0.3, 4.0, -0.8)
    expected = offset_by(4.0, -0.8, 0.01, np.pi / 2)
    np.testing.assert_allclose([new_ra, new_dec], expected, atol=1e-14)


@given(ANGLE, DEC, st.floats(0, np.pi), ANGLE)
def test_offset_by_goes_as_far_as_it_says(ra: float, dec: float, distance: float, angle: float) -> None:
    new_ra, new_dec = offset_by(ra, dec, distance, angle)
    np.testing.assert_allclose(separation(ra, dec, new_ra, new_dec), distance, atol=2e-8, rtol=0)
    assert 0 <= new_ra < 2 * np.pi


def test_separation_is_accurate_for_tiny_and_for_opposite_directions() -> None:
    np.testing.assert_allclose(separation(1.0, 0.5, 1.0, 0.5 + 1e-10), 1e-10, rtol=1e-5)
    np.testing.assert_allclose(separation(0.0, 0.0, np.pi, 1e-10), np.pi - 1e-10, rtol=1e-15)
