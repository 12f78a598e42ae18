"""Pictures: every position is where it belongs, and what cannot be drawn says so."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import healpy as hp
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from nusky import plotting
from nusky.dists import TSD, Chi2TSD
from nusky.plotting import SkyPlotter, SkyZoom

NSIDE = 32
NPIX = 12 * NSIDE**2


@pytest.fixture
def sky_axes() -> Any:
    return Figure(figsize=(7, 4.5)).add_subplot(projection="aitoff")


@pytest.fixture
def plain_axes() -> Any:
    return Figure().add_subplot()


@pytest.fixture(autouse=True)
def restore_style() -> Iterator[None]:
    with matplotlib.rc_context():
        yield
    plt.close("all")


def hot_map(ra_deg: float, dec_deg: float, nside: int = NSIDE, *, nest: bool = False) -> np.ndarray:
    m = np.zeros(12 * nside**2)
    m[hp.ang2pix(nside, ra_deg, dec_deg, lonlat=True, nest=nest)] = 1.0
    return m


def hottest_screen_position(ax: Any) -> np.ndarray:
    """Screen position, in axes fractions, of the darkest pixels of a rendered map."""
    canvas = FigureCanvasAgg(ax.figure)
    canvas.draw()
    image = np.asarray(canvas.buffer_rgba())[..., :3].astype(float).sum(axis=2)[::-1]
    box = ax.get_window_extent()
    inside = image[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)]
    rows, cols = np.nonzero(inside < 100)
    return np.array([cols.mean() / inside.shape[1], rows.mean() / inside.shape[0]])


@pytest.mark.parametrize(
    ("ra", "dec", "right", "upper"), [(90, 30, True, True), (270, 30, False, True), (45, -45, True, False)]
)
def test_right_ascension_increases_to_the_left_around_180_degrees(
    sky_axes: Any, ra: float, dec: float, right: bool, upper: bool
) -> None:
    _, cb = SkyPlotter(pc_kw={"cmap": "Greys"}).plot_map(sky_axes, hot_map(ra, dec, nside=8))
    cb.remove()
    sky_axes.tick_params(labelbottom=False, labelleft=False, left=False, bottom=False)
    sky_axes.spines["geo"].set_visible(False)
    x, y = hottest_screen_position(sky_axes)
    assert (x > 0.5) == right
    assert (y > 0.5) == upper


def test_the_mesh_holds_the_map_value_of_every_cell(sky_axes: Any) -> None:
    m = np.random.default_rng(3).normal(size=NPIX)
    mesh, _ = SkyPlotter().plot_map(sky_axes, m)
    corners = np.asarray(mesh.get_coordinates())
    centre = 0.25 * (corners[1:, 1:] + corners[1:, :-1] + corners[:-1, 1:] + corners[:-1, :-1])
    ra, dec = np.degrees(np.pi - centre[..., 0]), np.degrees(centre[..., 1])
    np.testing.assert_array_equal(
        np.asarray(mesh.get_array()).reshape(ra.shape), m[hp.ang2pix(NSIDE, ra, dec, lonlat=True)]
    )


def test_tick_labels_are_the_right_ascensions_of_their_places(sky_axes: Any) -> None:
    sp = SkyPlotter()
    sp.plot_map(sky_axes, np.arange(NPIX))
    FigureCanvasAgg(sky_axes.figure).draw()
    for x, text in zip(sky_axes.get_xticks(), sky_axes.get_xticklabels(), strict=True):
        ra = np.radians(float(text.get_text().rstrip("°")))
        assert sp.radec_to_mpl(ra, 0.0)[0] == pytest.approx(x)
    assert [t.get_text() for t in sky_axes.get_yticklabels()] == ["−60°", "−30°", "0°", "+30°", "+60°"]


def test_nested_maps_draw_like_their_ring_twins(sky_axes: Any) -> None:
    m = np.random.default_rng(4).normal(size=NPIX)
    ring, _ = SkyPlotter().plot_map(sky_axes, m)
    nested, _ = SkyPlotter().plot_map(sky_axes, hp.reorder(m, r2n=True), nest=True)
    np.testing.assert_array_equal(ring.get_array(), nested.get_array())


@pytest.mark.parametrize("nest", [False, True])
def test_a_hot_spot_of_one_pixel_survives_in_a_map_finer_than_the_mesh(sky_axes: Any, nest: bool) -> None:
    rng = np.random.default_rng(5)
    for ra, dec in zip(rng.uniform(0, 360, 3), rng.uniform(-80, 80, 3), strict=True):
        m = hot_map(ra, dec, nside=512, nest=nest)
        mesh, _ = SkyPlotter().plot_map(sky_axes, m, nest=nest)
        grid = np.asarray(mesh.get_array())
        assert grid.max() == 1.0
        assert (grid > 0).mean() < 1e-4


def test_pixels_that_are_not_finite_stay_blank_and_do_not_set_the_colours(sky_axes: Any) -> None:
    m = np.full(NPIX, 2.0)
    m[0], m[1], m[2], m[500:700] = -np.inf, np.inf, np.nan, 1.0
    mesh, _ = SkyPlotter().plot_map(sky_axes, m)
    array = mesh.get_array()
    assert mesh.get_clim() == (1.0, 2.0)
    assert 0 < np.ma.count_masked(array) < 0.01 * array.size


def test_scans_and_priors_are_drawn_by_their_own_array(sky_axes: Any) -> None:
    m = np.arange(NPIX, dtype=float)
    plain, _ = SkyPlotter().plot_map(sky_axes, m)
    for wrapped in (SimpleNamespace(ts=m), SimpleNamespace(map=m)):
        mesh, _ = SkyPlotter().plot_map(sky_axes, wrapped)
        np.testing.assert_array_equal(mesh.get_array(), plain.get_array())


def test_the_colour_bar_has_its_ticks_at_both_ends(sky_axes: Any) -> None:
    _, cb = SkyPlotter().plot_map(sky_axes, np.linspace(-1, 3, NPIX), n_ticks=2)
    FigureCanvasAgg(sky_axes.figure).draw()
    assert list(cb.get_ticks()) == [-1.0, 3.0]
    assert [t.get_text() for t in cb.ax.get_xticklabels()] == ["−1", "3"]


def test_colour_limits_and_map_come_from_pc_kw(sky_axes: Any) -> None:
    mesh, _ = SkyPlotter(pc_kw={"cmap": "magma", "vmin": 0, "vmax": 9}).plot_map(sky_axes, np.ones(NPIX))
    assert mesh.get_clim() == (0, 9)
    assert mesh.get_cmap().name == "magma"


def test_the_galactic_plane_is_a_great_circle_around_the_published_pole(sky_axes: Any) -> None:
    SkyPlotter().plot_gp(sky_axes, lw=0.5)
    x, y = sky_axes.lines[-1].get_data()
    ra, dec = np.pi - x, y
    pole_ra, pole_dec = np.radians([192.85948, 27.12825])  # north galactic pole, J2000 (Hipparcos catalogue, vol. 1)
    cos = np.sin(dec) * np.sin(pole_dec) + np.cos(dec) * np.cos(pole_dec) * np.cos(ra - pole_ra)
    assert np.abs(cos).max() < 1e-6
    assert np.abs(np.diff(x)).max() < 0.1, "the line must not run back across the map"


def test_the_galactic_centre_is_marked_in_sagittarius(sky_axes: Any) -> None:
    SkyPlotter().plot_gc(sky_axes, color=".5", alpha=0.5)
    (x,), (y,) = sky_axes.lines[-1].get_data()
    assert 180 - np.degrees(x) == pytest.approx(266.405, abs=0.01)
    assert np.degrees(y) == pytest.approx(-28.936, abs=0.01)


def test_healpix_angles_and_equatorial_positions_agree() -> None:
    sp = SkyPlotter()
    theta, phi = hp.pix2ang(4, np.arange(192))
    np.testing.assert_allclose(sp.thetaphi_to_mpl(theta, phi), sp.radec_to_mpl(phi, np.pi / 2 - theta))
    x, _ = sp.radec_to_mpl(np.radians([-10.0, 350.0]), [0.0, 0.0])
    assert x[0] == pytest.approx(x[1])


@pytest.mark.parametrize(("ra", "dec"), [(170.0, 0.6), (0.1, -60.0), (33.0, 89.99), (33.0, -90.0)])
def test_zoom_offsets_are_true_angles_with_east_and_north_right(ra: float, dec: float) -> None:
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    zoom = SkyZoom(np.radians(ra), np.radians(dec), np.radians(20))
    centre = SkyCoord(ra * u.deg, dec * u.deg)
    angle, distance = np.linspace(0, 2 * np.pi, 36), np.radians(np.linspace(0.001, 10, 36))
    there = centre.directional_offset_by(angle * u.rad, distance * u.rad)
    x, y = zoom._offset(there.ra.rad, there.dec.rad)
    # Around a pole astropy's declination comes from an arcsin near 1, which is good to 1e-8 rad only.
    np.testing.assert_allclose(x, distance * np.sin(angle), atol=1e-8)
    np.testing.assert_allclose(y, distance * np.cos(angle), atol=1e-8)
    back_ra, back_dec = zoom._position(x, y)
    assert SkyCoord(back_ra * u.rad, back_dec * u.rad).separation(there).deg.max() < 1e-6


def test_a_zoom_shows_the_pixel_at_its_centre_and_east_to_the_left(plain_axes: Any) -> None:
    zoom = SkyZoom(np.radians(40.0), np.radians(20.0), np.radians(10))
    mesh, _ = zoom.plot_map(plain_axes, hot_map(40.0, 20.0, nside=128))
    grid = np.asarray(mesh.get_array()).reshape(400, 400)
    assert grid[199:201, 199:201].min() == 1.0
    left, right = plain_axes.get_xlim()
    assert left == pytest.approx(5)
    assert right == pytest.approx(-5)


def test_zoom_events_are_counted_and_ringed_by_their_error(plain_axes: Any) -> None:
    zoom = SkyZoom(np.radians(40.0), np.radians(20.0), np.radians(10))
    events = SimpleNamespace(
        ra=np.radians([40.0, 41.0, 100.0]), dec=np.radians([20.0, 21.0, 20.0]), sigma=np.radians([0.5, 4.0, 0.5])
    )
    assert zoom.plot_events(plain_axes, events) == 2
    assert len(plain_axes.collections[-1].get_offsets()) == 1, "the 4° event is wider than a tenth of the square"
    np.testing.assert_allclose(plain_axes.collections[-1].get_widths(), [1.0])


def test_rings_can_be_kept_for_the_events_that_reach_the_centre(plain_axes: Any) -> None:
    zoom = SkyZoom(np.radians(40.0), np.radians(20.0), np.radians(10))
    events = SimpleNamespace(
        ra=np.radians([40.0, 40.0, 40.0]), dec=np.radians([20.5, 21.9, 22.1]), sigma=np.radians([1.0, 1.0, 1.0])
    )
    zoom.plot_events(plain_axes, events, reach=2.0)
    np.testing.assert_allclose(plain_axes.collections[-1].get_offsets()[:, 1], [0.5, 1.9])


def test_plot_sky_labels_the_quantity_and_marks_the_position(sky_axes: Any) -> None:
    _, cb = plotting.plot_sky(sky_axes, np.ones(NPIX), "TS", mark=(np.radians(170), 0.0))
    assert cb.ax.get_xlabel() == "TS"
    assert np.degrees(sky_axes.lines[-1].get_xdata()) == pytest.approx(10)


def test_plot_tsd_starts_at_one_and_falls_to_the_last_trial(plain_axes: Any) -> None:
    plotting.plot_tsd(plain_axes, TSD([1.0, 4.0], n_zero=2))
    x, y = plain_axes.lines[0].get_data()
    np.testing.assert_allclose(x, [0.0, 0.0, 1.0, 4.0])
    np.testing.assert_allclose(y, [1.0, 0.75, 0.5, 0.25])
    assert len(plain_axes.lines) == 1, "a TSD without a fit has no fitted curve"


def test_plot_tsd_draws_the_fitted_tail_beyond_the_trials(plain_axes: Any) -> None:
    tsd = Chi2TSD(np.random.default_rng(1).chisquare(1, 2000))
    plotting.plot_tsd(plain_axes, tsd, label="background")
    x, y = plain_axes.lines[1].get_data()
    assert x[-1] > tsd.trials.max()
    np.testing.assert_allclose(y, tsd.sf(x, fit=True))
    # χ² with one degree of freedom falls to 0.0027 at 9; a fit to 2 000 trials knows that to about a tenth
    assert np.interp(9.0, x, y) == pytest.approx(0.0027, rel=0.5)


@pytest.mark.parametrize("sans", [False, True])
def test_the_paper_style_draws_without_a_missing_font_or_latex(sans: bool, tmp_path: Path) -> None:
    plotting.mrichman_mpl(sans=sans)
    fig, ax = plt.subplots()
    ax.set_xlabel(r"$\gamma$ [deg] −1°")
    fig.savefig(tmp_path / "style.png")
    assert not matplotlib.rcParams["text.usetex"]


def test_saving_writes_png_and_pdf_into_a_new_directory(tmp_path: Path) -> None:
    plt.subplots()
    png, pdf = plotting.saving(tmp_path / "new", "figure_1")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert pdf.read_bytes().startswith(b"%PDF")


def test_saving_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no pyplot figure is open"):
        plotting.saving(tmp_path, "nothing")
    plt.subplots()
    with pytest.raises(ValueError, match="without a directory"):
        plotting.saving(tmp_path, "a/b")


def test_the_sky_colour_map_gets_steadily_darker() -> None:
    rgb = plotting.skymap_cmap(np.linspace(0, 1, 64))[:, :3]
    lightness = rgb @ [0.2126, 0.7152, 0.0722]
    assert np.all(np.diff(lightness) < 0)


@pytest.mark.parametrize(
    ("m", "message"),
    [
        (np.ones(100), "12 nside²"),
        (np.ones((4, NPIX)), "scan.ts"),
        (np.ones(0), "12 nside²"),
        (np.full(NPIX, np.nan), "no finite pixel"),
    ],
)
def test_arrays_that_are_no_map_are_refused(sky_axes: Any, m: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SkyPlotter().plot_map(sky_axes, m)


def test_axes_of_the_wrong_kind_are_refused_with_the_mend(sky_axes: Any, plain_axes: Any) -> None:
    with pytest.raises(ValueError, match="projection='aitoff'"):
        SkyPlotter().plot_map(plain_axes, np.ones(NPIX))
    with pytest.raises(ValueError, match=r"plt\.subplots\(\)"):
        SkyZoom(1.0, 0.0).plot_map(sky_axes, np.ones(NPIX))


@pytest.mark.parametrize("n_ticks", [1, 2.5, True])
def test_a_tick_count_that_makes_no_sense_is_refused(sky_axes: Any, n_ticks: Any) -> None:
    with pytest.raises(ValueError, match="n_ticks"):
        SkyPlotter().plot_map(sky_axes, np.ones(NPIX), n_ticks=n_ticks)


@pytest.mark.parametrize(("ra", "dec", "width"), [(np.nan, 0, 0.1), (0, 2, 0.1), (0, 0, 0), (0, 0, 4)])
def test_a_zoom_that_makes_no_sense_is_refused(ra: float, dec: float, width: float) -> None:
    with pytest.raises(ValueError, match="SkyZoom"):
        SkyZoom(ra, dec, width)


def test_importing_the_module_imports_no_heavy_library() -> None:
    code = "import nusky.plotting, sys; print({'matplotlib', 'healpy', 'astropy', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
