"""What `get_analysis` asks of a source of seasons, and how a call says which of them it wants."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, runtime_checkable

from nusky.data.cleaning import MIN_SIGMA, OnBad
from nusky.data.dataset import Dataset, silent
from nusky.data.specs import CustomDataSpec, DataSpec

__all__ = ["DataRepository", "Log", "Spec", "own_key", "resolve"]

#: One season as a user may name it.
Spec = str | DataSpec | CustomDataSpec
Log = Callable[[str], None]


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
    if not hasattr(repository, "specs"):  # `versions` may look for a folder, and fail for want of it
        raise TypeError(
            f"expected a repository, got {repository!r}; for a folder give selections.PublicRelease(path) or "
            "selections.Repository(path), for the synthetic season selections.demo"
        )
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
            if not versions:
                raise ValueError(f"{repository!r} holds no data: no folder in it is a version of a repository")
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


def own_key(spec: Spec, where: object) -> str:
    """Key of a season that a repository is asked for by name; a season with files of its own is refused.

    Parameters
    ----------
    spec : str, DataSpec or CustomDataSpec
    where : object
        The repository, for the message.

    Raises
    ------
    TypeError
        For a `CustomDataSpec`.

    Examples
    --------
    >>> from nusky.selections.repository import own_key
    >>> own_key("IC86_2011", "this release")
    'IC86_2011'
    """
    if isinstance(spec, CustomDataSpec):
        raise TypeError(f"{where!r} holds its own seasons; read {spec!r} with selections.repo or a Repository")
    return spec if isinstance(spec, str) else spec.key
