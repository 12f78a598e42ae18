"""Pictures leave what is missing blank, whatever marks it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nusky.plotting import SkyZoom, plot_sky

plt = pytest.importorskip("matplotlib.pyplot")
M = np.linspace(1.0, 2.0, 3072)
GONE = np.arange(3072) % 3 == 0
KINDS = {
    "NaN": np.where(GONE, np.nan, M),
    "inf": np.where(GONE, np.inf, M),
    "-inf": np.where(GONE, -np.inf, M),
    "UNSEEN": np.where(GONE, -1.6375e30, M),
    "float32 UNSEEN": np.where(GONE, -1.6375e30, M).astype("f4"),
    "masked": np.ma.array(np.where(GONE, 1e9, M), mask=GONE),
    "masked integers": np.ma.array(np.where(GONE, 10**9, 1 + np.arange(3072) % 2), mask=GONE),
}


def whole(values: Any) -> Any:
    _fig, ax = plt.subplots(subplot_kw={"projection": "aitoff"})
    mesh, _ = plot_sky(ax, values, "x")
    return mesh.get_clim()


def zoomed(values: Any) -> Any:
    _fig, ax = plt.subplots()
    mesh, _ = SkyZoom(1.7, 0.0, 0.6).plot_map(ax, values)
    return mesh.get_clim()


@pytest.mark.parametrize("draw", [whole, zoomed])
@pytest.mark.parametrize("name", KINDS)
def test_the_colours_run_over_what_is_seen(name: str, draw: Any) -> None:
    low, high = draw(KINDS[name])
    plt.close("all")
    assert 1 <= low < high <= 2


@pytest.mark.parametrize("mark", ["mask", -1.6375e30])
def test_fine_maps_are_thinned_out_without_what_is_missing(mark: Any) -> None:
    fine = np.linspace(1.0, 2.0, 12 * 256**2)
    gone = np.arange(fine.size) < 5000
    given = np.ma.array(np.where(gone, 1e9, fine), mask=gone) if mark == "mask" else np.where(gone, mark, fine)
    low, high = whole(given)
    plt.close("all")
    assert 1.0 <= low <= high <= 2.0


def test_a_map_without_any_value_is_refused() -> None:
    for draw in (whole, zoomed):
        with pytest.raises(ValueError, match="no finite pixel"):
            draw(np.ma.array(M, mask=True))
    plt.close("all")
