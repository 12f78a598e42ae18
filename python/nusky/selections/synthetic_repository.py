"""`SyntheticRepository`: the embedded season, as `get_analysis` asks for it."""

from __future__ import annotations

from nusky.data.cleaning import MIN_SIGMA, OnBad
from nusky.data.dataset import Dataset, silent
from nusky.data.specs import DataSpec
from nusky.selections import synthetic
from nusky.selections.repository import Log, Spec, own_key

__all__ = ["SyntheticRepository"]


class SyntheticRepository:
    """The embedded synthetic season; it answers to ``IC86_2011`` too, so that `PSDataSpecs.ps_2011` runs on it.

    Examples
    --------
    >>> from nusky import selections
    >>> selections.demo.versions, selections.demo.specs("synthetic-v1")
    (('synthetic-v1',), (DataSpec('IC86_2011_synthetic'),))
    """

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
        key = own_key(spec, self)
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
