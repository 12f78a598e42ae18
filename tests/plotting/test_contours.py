"""Contours lie where the probability says; right ascension goes where it is asked to."""

from __future__ import annotations

from typing import Any

import healpy as hp
import numpy as np
import pytest
from matplotlib.figure import Figure

from nusky.plotting import SkyPlotter, SkyZoom, containment, plot_sky
from nusky.priors import gaussian

PRIOR = gaussian(np.radians(200), np.radians(20), fwhm=np.radians(20))


def sky_axes(projection: str = "mollweide") -> Any:
    return Figure().add_subplot(projection=projection)


def paths(ax: Any) -> list[Any]:
    return [path.vertices for c in ax.collections for path in c.get_paths() if len(path.vertices) > 10]


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_a_contour_is_the_circle_that_holds_the_level(level: float) -> None:
    sigma = np.radians(20) / np.sqrt(8 * np.log(2))
    radius = sigma * np.sqrt(-2 * np.log(1 - level))
    ax = sky_axes()
    plotter = SkyPlotter()
    plotter.plot_contours(ax, PRIOR, [level], label="prior")
    (line,) = paths(ax)
    ra, dec = np.pi - line[:, 0], line[:, 1]
    away = hp.rotator.angdist([np.pi / 2 - np.radians(20), np.radians(200)], [np.pi / 2 - dec, ra])
    np.testing.assert_allclose(away, radius, atol=np.radians(0.5))
    assert ax.get_legend_handles_labels()[1] == [f"prior, {100 * level:g} %"]
    zoomed = Figure().add_subplot()
    SkyZoom(np.radians(200), np.radians(20), np.radians(60)).plot_contours(zoomed, PRIOR, [level])
    (line,) = paths(zoomed)
    np.testing.assert_allclose(np.hypot(*line.T), np.degrees(radius), atol=0.5)


def test_containment_is_that_of_the_smallest_region() -> None:
    inside, _ = containment(PRIOR)
    for level in (0.3, 0.9):
        region = inside <= level
        assert level - PRIOR.probability.max() <= PRIOR.probability[region].sum() <= level * (1 + 1e-9)
        assert PRIOR.probability[region].min() >= PRIOR.probability[~region].max()
    with pytest.raises(ValueError, match="probabilities"):
        containment(np.full(12, -1.0))


@pytest.mark.parametrize(
    ("center", "east", "hours", "labels"),
    [
        (np.pi, "left", False, ["300°", "240°", "180°", "120°", "60°"]),
        (0.0, "right", True, ["16h", "20h", "0h", "4h", "8h"]),
        (0.0, "left", False, ["120°", "60°", "0°", "300°", "240°"]),
    ],
)
def test_right_ascension_is_labelled_as_asked(center: float, east: Any, hours: bool, labels: list[str]) -> None:
    ax = sky_axes("aitoff")
    mesh, _ = plot_sky(ax, PRIOR, "prior", center=center, east=east, hours=hours, contours={"prior": PRIOR})
    ax.figure.canvas.draw()
    assert [text.get_text() for text in ax.get_xticklabels()] == labels
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("right ascension", "declination")
    x, y = SkyPlotter({}, center, east, hours).radec_to_mpl(np.radians(200), np.radians(20))
    values = np.ma.filled(mesh.get_array(), 0.0).reshape(400, 800)
    row, column = np.unravel_index(values.argmax(), values.shape)
    assert (column + 0.5) / 800 * 2 * np.pi - np.pi == pytest.approx(float(x), abs=0.03)
    assert (row + 0.5) / 400 * np.pi - np.pi / 2 == pytest.approx(float(y), abs=0.03)


def test_the_galactic_plane_does_not_look_like_the_grid() -> None:
    ax = sky_axes()
    plot_sky(ax, PRIOR, "prior")
    plane = next(line for line in ax.lines if line.get_label() == "galactic plane")
    grid = ax.xaxis.get_gridlines()[0]
    assert plane.get_linestyle() != grid.get_linestyle()
    assert plane.get_linewidth() > 2 * grid.get_linewidth()


def test_a_localization_is_drawn_by_its_own_lines() -> None:
    class Found:
        def contour(self, level: float) -> list[Any]:
            angle = np.linspace(0, 2 * np.pi, 50)
            return [np.stack([0.1 * np.cos(angle), 0.1 * np.sin(angle)], axis=1)]  # around RA 0: over the cut

    ax = sky_axes()
    SkyPlotter().plot_contours(ax, Found(), [0.9], label="spot")
    (line,) = (line for line in ax.lines if line.get_label() == "spot, 90 %")
    x = np.asarray(line.get_xdata())
    assert np.isnan(x).sum() == 2
    assert np.nanmax(np.abs(np.diff(x))) < 1


def test_wrong_directions_are_refused() -> None:
    with pytest.raises(ValueError, match="east"):
        SkyPlotter(east="up")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="levels"):
        SkyPlotter().plot_contours(sky_axes(), PRIOR, [1.5])
