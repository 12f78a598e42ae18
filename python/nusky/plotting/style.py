"""The style of pictures: colours, matplotlib's defaults, saving."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from nusky.files import as_path

if TYPE_CHECKING:
    from matplotlib.colors import LinearSegmentedColormap

    # Made at first use by __getattr__ below, so that `import nusky.plotting` does not import matplotlib.
    skymap_cmap: LinearSegmentedColormap

__all__ = ["CONTOUR_COLORS", "mrichman_mpl", "saving", "skymap", "skymap_cmap", "soft_colors"]

#: Colours of lines on a map, told apart by colour-blind readers and in grey (Okabe and Ito).
CONTOUR_COLORS: tuple[str, ...] = ("#d55e00", "#009e73", "#cc79a7", "#56b4e9")

#: Muted line colours that stay apart in print and for colour-blind readers.
soft_colors: tuple[str, ...] = ("#4878a8", "#d1793f", "#5f9e6e", "#b55d60", "#857aab", "#8d7866", "#c98bb9", "#7f7f7f")

# Lightness falls all the way, so that the map survives a black-and-white print.
_SKYMAP_STOPS = ("#ebf0f7", "#b5d0e9", "#6aa3d5", "#3568ae", "#3a2f80", "#1d0f3d")


def skymap() -> LinearSegmentedColormap:
    """The colour map of whole-sky maps, `skymap_cmap`."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("nusky_skymap", _SKYMAP_STOPS)


def __getattr__(name: str) -> Any:
    if name == "skymap_cmap":
        globals()[name] = skymap()
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def mrichman_mpl(sans: bool = False, tex: bool = False) -> None:
    """Set matplotlib's defaults to a plain paper style: serif type, inward ticks, thin frames, no legend box.

    Parameters
    ----------
    sans : bool
        Sans-serif type instead of serif.
    tex : bool
        Set text with LaTeX. Needs an installed LaTeX; without it matplotlib's own STIX mathematics is used.

    Examples
    --------
    >>> import nusky as cy
    >>> cy.plotting.mrichman_mpl()
    """
    import matplotlib as mpl
    from cycler import cycler

    mpl.rcParams.update(
        {
            "text.usetex": tex,
            "font.family": "sans-serif" if sans else "serif",
            # Both families come with matplotlib, so no machine lacks them.
            "font.serif": ["STIXGeneral", "DejaVu Serif"],
            "font.sans-serif": ["DejaVu Sans"],
            "mathtext.fontset": "dejavusans" if sans else "stix",
            "font.size": 11 if sans else 12,
            "axes.linewidth": 0.8,
            "axes.labelsize": "medium",
            "axes.prop_cycle": cycler(color=soft_colors),
            "axes.formatter.use_mathtext": True,
            "xtick.direction": "in",
            "ytick.direction": "in",
            "xtick.top": True,
            "ytick.right": True,
            "grid.linewidth": 0.5,
            "lines.linewidth": 1.5,
            "legend.frameon": False,
            "legend.fontsize": "small",
            "image.cmap": "viridis",
            "figure.dpi": 100,
            "savefig.dpi": 150,
        }
    )


def saving(dir: str | Path, name: str) -> tuple[Path, Path]:
    """Save the current pyplot figure as ``dir/name.png`` and ``dir/name.pdf``; the directory is made where missing.

    Parameters
    ----------
    dir : path
        Directory.
    name : str
        File name without its ending.

    Returns
    -------
    tuple of Path
        The two files.

    Raises
    ------
    ValueError
        No figure is open, or `name` holds a directory.

    Examples
    --------
    >>> import matplotlib.pyplot as plt, tempfile
    >>> fig, ax = plt.subplots()
    >>> [path.name for path in saving(tempfile.mkdtemp(), "empty")]
    ['empty.png', 'empty.pdf']
    """
    import matplotlib.pyplot as plt

    if not plt.get_fignums():
        raise ValueError("saving: no pyplot figure is open; draw one first, or call savefig of your figure")
    if not name or Path(name).name != name:
        raise ValueError(f"saving: name={name!r} must be a file name without a directory; put the directory in dir=")
    folder = as_path(dir, "dir")
    folder.mkdir(parents=True, exist_ok=True)
    paths = (folder / f"{name}.png", folder / f"{name}.pdf")
    for path in paths:
        plt.gcf().savefig(path)
    return paths
