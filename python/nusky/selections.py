"""Where data come from: repositories of seasons, all behind one protocol."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable, Iterable
from typing import Protocol, runtime_checkable

from . import npyfiles, releases, synthetic
from .cleaning import MIN_SIGMA, OnBad
from .dataset import Dataset, silent
from .specs import CustomDataSpec, CustomDataSpecs, DataSpec, PSDataSpecs

__all__ = [
    "CustomDataSpecs",
    "DataRepository",
    "PSDataSpecs",
    "PublicRelease",
    "Repository",
    "SyntheticRepository",
    "demo",
    "repo",
    "resolve",
]

#: One season as a user may name it.
Spec = str | DataSpec | CustomDataSpec
Log = Callable[[str], None]

DATA_DIR_VARIABLES = ("NUSKY_DATA_DIR", "CSKY_DATA_ANALYSES_DIR")


@runtime_checkable
class DataRepository(Protocol):
    """What `get_analysis` asks of a source of seasons; any object with these four members will do.

    `read` and `fingerprint` take the same arguments; `fingerprint` must be cheap (it decides whether a cached analysis
    is still valid) and equal to ``read(...).fingerprint``.
    """

    @property
    def versions(self) -> tuple[str, ...]:
        """Versions that can be read, oldest first."""
        ...

    def specs(self, version: str) -> tuple[DataSpec, ...]:
        """All seasons of a version."""
        ...

    def fingerprint(
        self, version: str, spec: Spec, *, on_bad: OnBad | None = None, min_sigma: float = MIN_SIGMA
    ) -> str:
        """Hash of what `read` would read."""
        ...

    def read(
        self,
        version: str,
        spec: Spec,
        *,
        on_bad: OnBad | None = None,
        min_sigma: float = MIN_SIGMA,
        log: Log = silent,
    ) -> Dataset:
        """Read and clean one season; `log` gets a line for each file."""
        ...


def resolve(
    repository: DataRepository,
    version: str | Spec | Iterable[Spec] | None = None,
    specs: Spec | Iterable[Spec] | None = None,
) -> tuple[str, tuple[Spec, ...]]:
    """Fill in what a call left out: the only version of a repository, and all its seasons.

    Parameters
    ----------
    repository : DataRepository
    version : str, optional
        Default: the only version there is. Specifications may stand here, as in csky, when no version is given.
    specs : spec or iterable of specs, optional
        Seasons, by key or specification; default: all of the version.

    Returns
    -------
    str, tuple of specs

    Raises
    ------
    ValueError
        Several versions to choose from, no season, or a season twice.

    Examples
    --------
    >>> from nusky import selections
    >>> selections.resolve(selections.demo)
    ('synthetic-v1', (DataSpec('IC86_2011_synthetic'),))
    """
    chosen: tuple[Spec, ...] | None = None
    if version is not None and not isinstance(version, str):
        if specs is not None:
            raise TypeError(f"version is {version!r}; a version is a string such as 'version-003-p02'")
        version, specs = None, version  # csky's get_analysis(repo, specs), without a version
    if specs is not None:
        chosen = (specs,) if isinstance(specs, (str, DataSpec, CustomDataSpec)) else tuple(specs)
        for spec in chosen:
            if not isinstance(spec, (str, DataSpec, CustomDataSpec)):
                raise TypeError(f"{spec!r} is no data specification; use a key, a DataSpec or a CustomDataSpec")
    if version is None:
        if chosen and all(isinstance(spec, CustomDataSpec) for spec in chosen):
            version = "custom"  # these carry their own files; no repository has to be there
        else:
            versions = repository.versions
            if len(versions) != 1:
                raise ValueError(f"{repository!r} holds {len(versions)} versions ({', '.join(versions)}); name one")
            version = versions[0]
    if chosen is None:
        chosen = tuple(repository.specs(version))
    if not chosen:
        raise ValueError(f"no season to read in {repository!r}, version {version!r}")
    keys = [spec if isinstance(spec, str) else spec.key for spec in chosen]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise ValueError(f"season(s) named twice: {', '.join(twice)}; their events would count twice")
    return version, chosen


def _key(spec: Spec, where: object) -> str:
    if isinstance(spec, CustomDataSpec):
        raise TypeError(f"{where!r} holds its own seasons; read {spec!r} with selections.repo or a Repository")
    return spec if isinstance(spec, str) else spec.key


class Repository:
    """A user's files in the npy layout: ``ROOT/SAMPLE/VERSION/IC86_2011_exp.npy``, ``…_MC.npy``, ``GRL/…``.

    Parameters
    ----------
    local_root : path, optional
        Folder of the samples; by default the environment variable NUSKY_DATA_DIR (or csky's CSKY_DATA_ANALYSES_DIR),
        looked up when first needed.
    sample : str, optional
        Folder of the sample, where it is not the one the specification names.

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

    def __init__(self, local_root: str | os.PathLike[str] | None = None, *, sample: str | None = None) -> None:
        self._local_root = None if local_root is None else pathlib.Path(local_root)
        self._sample = sample

    def __repr__(self) -> str:
        where = "from the environment" if self._local_root is None else str(self._local_root)
        return f"Repository({where})"

    @property
    def local_root(self) -> pathlib.Path:
        """Folder of the samples."""
        root = self._local_root
        if root is None:
            for name in DATA_DIR_VARIABLES:
                if os.environ.get(name):
                    root = pathlib.Path(os.environ[name])
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


class PublicRelease:
    """A folder with one of IceCube's public releases: the first year of IC86, or (part of) the ten-year release.

    Parameters
    ----------
    path : path

    Raises
    ------
    FileNotFoundError
        No such folder.
    ValueError
        The folder holds no release known here.

    Examples
    --------
    >>> from nusky.selections import PublicRelease
    >>> release = PublicRelease("../shared/data/icecube_ic86_2011")     # doctest: +SKIP
    >>> release.versions, release.specs("ic86-first-year")              # doctest: +SKIP
    (('ic86-first-year',), (DataSpec('IC86_2011'),))
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = pathlib.Path(path)
        if not self._path.is_dir():
            raise FileNotFoundError(f"{self._path}: no such folder (public release)")
        if releases.is_first_year(self._path):
            self._version = releases.FIRST_YEAR_VERSION
        elif releases.is_ten_year(self._path):
            self._version = releases.TEN_YEAR_VERSION
        else:
            raise ValueError(
                f"{self._path}: no public release known here; expected {', '.join(releases.FIRST_YEAR_FILES)} "
                "(first year of IC86) or the folders events, uptime, irfs (ten years, doi:10.21234/CPKQ-K003)"
            )

    def __repr__(self) -> str:
        return f"PublicRelease({self._path})"

    @property
    def versions(self) -> tuple[str, ...]:
        """The one version this folder holds."""
        return (self._version,)

    def specs(self, version: str) -> tuple[DataSpec, ...]:
        """Seasons all of whose needed files are there."""
        self._check(version)
        if self._version == releases.FIRST_YEAR_VERSION:
            return PSDataSpecs.ps_2011
        ready, partial = releases.ten_year_seasons(self._path)
        if not ready:
            lacks = "; ".join(f"{key} lacks {', '.join(files)}" for key, files in partial.items())
            raise FileNotFoundError(f"{self._path}: no season is complete ({lacks or 'no events'})")
        return tuple(spec for spec in PSDataSpecs.seasons if spec.key in ready)

    def _check(self, version: str) -> None:
        if version != self._version:
            raise ValueError(f"{self!r} has version {self._version!r}, not {version!r}")

    def _season(self, version: str, spec: Spec) -> str:
        self._check(version)
        stems = {stems[0]: key for key, stems in releases.TEN_YEAR_STEMS.items() if len(stems) == 1}
        key = _key(spec, self)
        key = stems.get(key, key)
        if self._version == releases.FIRST_YEAR_VERSION and key != releases.FIRST_YEAR_KEY:
            raise KeyError(f"{self!r} holds only the season {releases.FIRST_YEAR_KEY}, not {key!r}")
        return key

    def fingerprint(
        self, version: str, spec: Spec, *, on_bad: OnBad | None = None, min_sigma: float = MIN_SIGMA
    ) -> str:
        """See `DataRepository`."""
        key = self._season(version, spec)
        if self._version == releases.FIRST_YEAR_VERSION:
            return releases.first_year_fingerprint(self._path, on_bad=on_bad, min_sigma=min_sigma)
        return releases.ten_year_fingerprint(self._path, key, on_bad=on_bad, min_sigma=min_sigma)

    def read(
        self,
        version: str,
        spec: Spec,
        *,
        on_bad: OnBad | None = None,
        min_sigma: float = MIN_SIGMA,
        log: Log = silent,
    ) -> Dataset:
        """See `DataRepository`; by default (`on_bad=None`) the release's known defects are dropped and reported."""
        key = self._season(version, spec)
        if self._version == releases.FIRST_YEAR_VERSION:
            return releases.read_ic86_first_year(self._path, on_bad=on_bad, min_sigma=min_sigma, log=log)
        return releases.read_ten_year(self._path, key, on_bad=on_bad, min_sigma=min_sigma, log=log)


class SyntheticRepository:
    """The embedded synthetic season; it answers to ``IC86_2011`` too, so that `PSDataSpecs.ps_2011` runs on it."""

    def __repr__(self) -> str:
        return "SyntheticRepository()"

    @property
    def versions(self) -> tuple[str, ...]:
        """The one version."""
        return (synthetic.VERSION,)

    def specs(self, version: str) -> tuple[DataSpec, ...]:
        """The one season."""
        self._check(version, synthetic.KEY)
        return (DataSpec(synthetic.KEY, (), "", ()),)

    def _check(self, version: str, spec: Spec) -> None:
        if version != synthetic.VERSION:
            raise ValueError(f"the synthetic data have version {synthetic.VERSION!r}, not {version!r}")
        key = _key(spec, self)
        if key not in (synthetic.KEY, "IC86_2011"):
            raise KeyError(f"the synthetic data hold only {synthetic.KEY} (asked for as IC86_2011 too), not {key!r}")

    def fingerprint(
        self, version: str, spec: Spec, *, on_bad: OnBad | None = None, min_sigma: float = MIN_SIGMA
    ) -> str:
        """See `DataRepository`."""
        self._check(version, spec)
        return synthetic.fingerprint(min_sigma=min_sigma)

    def read(
        self,
        version: str,
        spec: Spec,
        *,
        on_bad: OnBad | None = None,
        min_sigma: float = MIN_SIGMA,
        log: Log = silent,
    ) -> Dataset:
        """See `DataRepository`; nothing is read, the season is generated."""
        self._check(version, spec)
        log(f"Generating {synthetic.KEY} ({synthetic.VERSION}) ...")
        return synthetic.synthetic_season(min_sigma=min_sigma)


#: The user's own data, found by the environment variable NUSKY_DATA_DIR when first used.
repo = Repository()

#: The embedded synthetic season.
demo = SyntheticRepository()
