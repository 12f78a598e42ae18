"""`Repository`: a user's own files in the npy layout."""

from __future__ import annotations

import os
import pathlib
from typing import Any

from nusky.data.cleaning import MIN_SIGMA, OnBad
from nusky.data.dataset import Dataset, silent
from nusky.data.specs import CustomDataSpec, DataSpec, PSDataSpecs
from nusky.files import as_path
from nusky.selections import npy_files as npyfiles
from nusky.selections.repository import Log, Spec
from nusky.selections.templates import read_template_file

__all__ = ["Repository"]

DATA_DIR_VARIABLES = ("NUSKY_DATA_DIR", "CSKY_DATA_ANALYSES_DIR")


class Repository:
    """A user's files in the npy layout: ``ROOT/SAMPLE/VERSION/IC86_2011_exp.npy``, ``…_MC.npy``, ``GRL/…``.

    Parameters
    ----------
    local_root : path, optional
        Folder of the samples; by default the environment variable NUSKY_DATA_DIR (or csky's CSKY_DATA_ANALYSES_DIR),
        looked up when first needed.
    sample : str, optional
        Folder of the sample, where it is not the one the specification names.
    remote_root, username : optional
        Accepted as csky has them; nothing is fetched, the files must be under `local_root`.

    Raises
    ------
    FileNotFoundError
        On use: no such folder or file, or no environment variable to find it by.

    Examples
    --------
    >>> from nusky.selections import PSDataSpecs, Repository
    >>> files = Repository("/data/analyses")
    >>> season = files.read("version-003-p02", PSDataSpecs.ps_2011[0])    # doctest: +SKIP
    """

    def __init__(
        self,
        local_root: str | os.PathLike[str] | None = None,
        *,
        sample: str | None = None,
        remote_root: str | None = None,
        username: str | None = None,
    ) -> None:
        del remote_root, username
        self._local_root = None if local_root is None else as_path(local_root, "local_root")
        self._sample = sample

    def __repr__(self) -> str:
        where = "from the environment" if self._local_root is None else str(self._local_root)
        return f"Repository({where})"

    def clear_cache(self) -> None:
        """Accepted as csky has it: files are read anew by every call."""

    def get_template(self, name: str, per_pixel_flux: bool = False) -> Any:
        """A sky template under `local_root`, see `read_template_file`."""
        return read_template_file(self.local_root, name, per_pixel_flux)

    @property
    def local_root(self) -> pathlib.Path:
        """Folder of the samples."""
        root = self._local_root
        if root is None:
            for name in DATA_DIR_VARIABLES:
                if os.environ.get(name):
                    root = as_path(os.environ[name], name)
                    break
            else:
                raise FileNotFoundError(
                    f"selections.repo does not know where your data are: set {DATA_DIR_VARIABLES[0]} to the folder "
                    "that holds SAMPLE/VERSION/IC86_2011_exp.npy (export NUSKY_DATA_DIR=/data/analyses), or use "
                    "selections.Repository('/data/analyses'), selections.PublicRelease(folder) or selections.demo"
                )
        if not root.is_dir():
            raise FileNotFoundError(f"{root}: no such folder (root of the data repository)")
        return root

    def _samples(self) -> list[pathlib.Path]:
        if self._sample is not None:
            folder = self.local_root / self._sample
            if not folder.is_dir():
                raise FileNotFoundError(f"{folder}: no such folder (sample of the data repository)")
            return [folder]
        return sorted(folder for folder in self.local_root.iterdir() if folder.is_dir())

    @property
    def versions(self) -> tuple[str, ...]:
        """Folders with npy files, two levels below the root."""
        found = {
            version.name
            for sample in self._samples()
            for version in sample.iterdir()
            if version.is_dir() and any(version.glob("*_exp.npy"))
        }
        return tuple(sorted(found))

    def specs(self, version: str) -> tuple[DataSpec, ...]:
        """Point-source seasons whose data are there."""
        return tuple(spec for spec in PSDataSpecs.seasons if self._folders(version, spec))

    def _folders(self, version: str, spec: DataSpec) -> list[pathlib.Path]:
        return [s / version for s in self._samples() if all((s / version / name).is_file() for name in spec.exp)]

    def _located(self, version: str, spec: Spec) -> CustomDataSpec:
        if isinstance(spec, CustomDataSpec):
            return spec
        if isinstance(spec, str):
            known = {one.key: one for one in PSDataSpecs.seasons + PSDataSpecs.joined}
            if spec not in known:
                raise KeyError(f"no season {spec!r}; known keys: {', '.join(known)}; others by CustomDataSpec")
            spec = known[spec]
        folders = self._folders(version, spec)
        preferred = [folder for folder in folders if folder.parent.name == (self._sample or spec.sample)]
        if len(preferred) == 1:
            folders = preferred
        if not folders:
            looked = self.local_root / (self._sample or spec.sample) / version / spec.exp[0]
            held = ", ".join(self.versions) or "none"
            raise FileNotFoundError(f"{looked}: no such file, nor in another sample; versions here: {held}")
        if len(folders) > 1:
            names = ", ".join(folder.parent.name for folder in folders)
            raise ValueError(
                f"{spec.key} {version} is in several samples ({names}); choose with Repository(sample=...)"
            )
        folder = folders[0]
        grl = [folder / "GRL" / name for name in spec.grl]
        for path in (folder / spec.mc, *grl):
            if not path.is_file():
                raise FileNotFoundError(f"{path}: no such file (season {spec.key}, version {version})")
        return CustomDataSpec(
            exp=[folder / name for name in spec.exp],
            mc=folder / spec.mc,
            sindec_bins=spec.sindec_bins,
            logenergy_bins=spec.log10energy_bins,
            grl=grl,
            key=spec.key,
            keep=spec.keep,
        )

    def fingerprint(
        self, version: str, spec: Spec, *, on_bad: OnBad | None = None, min_sigma: float = MIN_SIGMA
    ) -> str:
        """See `DataRepository`."""
        return npyfiles.custom_fingerprint(self._located(version, spec), version, on_bad=on_bad, min_sigma=min_sigma)

    def read(
        self,
        version: str,
        spec: Spec,
        *,
        on_bad: OnBad | None = None,
        min_sigma: float = MIN_SIGMA,
        log: Log = silent,
    ) -> Dataset:
        """See `DataRepository`."""
        located = self._located(version, spec)
        return npyfiles.read_custom(located, version, on_bad=on_bad, min_sigma=min_sigma, log=log)
