"""Templates of a repository: maps of the sky, and maps with a spectrum in each pixel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["read_template_file"]

_ENDINGS = (".fits", ".fits.gz", ".npy", ".npz")
_FLUX, _EDGES = ("flux", "template"), ("energy_bins", "bins_energy", "energies")


def read_template_file(root: Path, name: str, per_pixel_flux: bool = False) -> Any:
    """The template of a name: ``ROOT/templates/NAME`` or ``ROOT/NAME``, as .fits, .fits.gz, .npy or .npz.

    Parameters
    ----------
    root : Path
    name : str
        With or without its ending.
    per_pixel_flux : bool
        The file (.npz) holds ``flux`` (npix, M), a spectrum in each pixel, and ``energy_bins`` (M + 1,) GeV.

    Returns
    -------
    (npix,) float64, RING
        A FITS map is brought to RING; frames are not turned (``frame=`` of the runner says which it is).
    (npix, M), (M + 1,)
        With `per_pixel_flux`.

    Raises
    ------
    FileNotFoundError
        No such file; the places that were looked at are named.
    ValueError
        A pickle, or a file without these arrays.
    """
    folders = (root / "templates", root)
    names = [name, *(name + ending for ending in _ENDINGS)]
    path = next((folder / one for folder in folders for one in names if (folder / one).is_file()), None)
    if path is None:
        raise FileNotFoundError(f"no template {name!r}: looked for {', '.join(names)} in {folders[0]} and {folders[1]}")
    if path.name.endswith((".fits", ".fits.gz")):
        if per_pixel_flux:
            raise ValueError(f"{path}: spectra of pixels are read from a .npz file with flux and energy_bins")
        import healpy

        return np.asarray(healpy.read_map(str(path), dtype=np.float64))
    try:
        found = np.load(path, allow_pickle=False)
        arrays = dict(found) if isinstance(found, np.lib.npyio.NpzFile) else {"flux": found}
    except ValueError as error:
        raise ValueError(
            f"{path} is a pickle, which can run any code when it is read: if you trust it, read it with "
            "np.load(path, allow_pickle=True) and write np.savez('NAME.npz', flux=maps, energy_bins=edges)"
        ) from error
    flux = next((arrays[key] for key in _FLUX if key in arrays), None)
    edges = next((arrays[key] for key in _EDGES if key in arrays), None)
    if flux is None:
        raise ValueError(f"{path} holds {', '.join(arrays) or 'nothing'}; a template is the array flux")
    flux = np.asarray(flux, dtype=np.float64)
    if not per_pixel_flux:
        if flux.ndim != 1:
            raise ValueError(f"{path}: flux has shape {flux.shape}; ask per_pixel_flux=True for spectra of pixels")
        return flux
    if edges is None or flux.ndim != 2 or len(edges) != flux.shape[1] + 1:
        raise ValueError(f"{path}: per_pixel_flux=True needs flux (npix, M) and energy_bins (M + 1,) GeV")
    return flux, np.asarray(edges, dtype=np.float64)
