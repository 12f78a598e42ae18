"""`PairedFit`: a fit that unpacks in two, as csky's likelihood gives it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from nusky.trial.fit import Fit

__all__ = ["PairedFit"]


@dataclass(frozen=True, eq=False, repr=False)
class PairedFit(Fit):
    """A `Fit` in csky's other shape: ``ts, params = L.fit()``, also of ``get_one_fit(…, flat=False)``.

    As a sequence it has two items, TS and the dictionary `params`, however many parameters there are. Attributes and
    names are those of a fit: ``fit.ns``, ``fit["ns"]``; ``np.asarray(fit)`` is the array of `columns`.

    Examples
    --------
    >>> from nusky.trial.status import Status
    >>> fit = Fit(columns=("ts", "ns", "gamma"), ts=9.5, ns=4.0, gamma=2.2, ra=1.0, dec=0.1, ts_raw=9.5,
    ...           status=Status.OK, n_scanned=1)
    >>> ts, params = PairedFit.of(fit)
    >>> ts, params
    (9.5, {'ns': 4.0, 'gamma': 2.2})
    """

    @classmethod
    def of(cls, fit: Fit) -> PairedFit:
        """The same fit in this shape."""
        return cls(**{one.name: getattr(fit, one.name) for one in fields(fit) if one.init})

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Iterator[Any]:
        return iter((self.ts, self.params))

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(key) if isinstance(key, str) else (self.ts, self.params)[key]

    def __repr__(self) -> str:
        said = super().__repr__().partition(" | ")[2]
        params = ", ".join(f"{name!r}: {value:.6g}" for name, value in self.params.items())
        return f"({self.ts:.6g}, {{{params}}})\n# ts, params | {said}"
