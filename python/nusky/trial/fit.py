"""One best fit: named, and indexed like csky's array."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.files.checked_json import read_json, write_json
from nusky.notebook import html_table
from nusky.pixels.refinement import unrefined_note
from nusky.trial.status import Status
from nusky.typing import F64

if TYPE_CHECKING:
    from nusky.analysis.gamma import GammaMode

__all__ = ["PER_PRIOR_DTYPE", "Fit", "at_gamma_bound", "result_columns"]

PER_PRIOR_DTYPE = np.dtype(
    [
        ("prior", "i8"),
        ("pixel", "i8"),
        ("nside", "i8"),
        ("ts_raw", "f8"),
        ("ts", "f8"),
        ("ns", "f8"),
        ("gamma", "f8"),
        ("ra", "f8"),
        ("dec", "f8"),
        ("status", "i1"),
    ]
)
"""Columns of `Fit.per_prior`: one row for each prior, its best pixel and the fit there."""

_FORMAT = "nusky fit"
# Columns that are no parameters of the likelihood
_NO_PARAMETERS = ("mlog10p", "ts", "ra", "dec")
_VERSION = 1


def at_gamma_bound(gamma: ArrayLike, config: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Where a fitted γ is the first or the last of the values it can have: the maximum may lie beyond.

    Parameters
    ----------
    gamma : array_like
    config : mapping
        Of the runner (`Runner.config`), with ``likelihood.gamma_range``; False everywhere where γ was not fitted.

    Raises
    ------
    ValueError
        If the configuration says nothing about the likelihood.

    Examples
    --------
    >>> at_gamma_bound([1.0, 2.5, np.nan], {"likelihood": {"gamma_range": [1.0, 4.0]}}).tolist()
    [True, False, False]
    """
    if "likelihood" not in config:
        raise ValueError("these fits do not know how they were made (their config is empty), so neither the range of γ")
    bounds = config["likelihood"].get("gamma_range", ())
    return np.isin(np.asarray(gamma, dtype=np.float64), np.asarray(bounds, dtype=np.float64))


def result_columns(*, sky: bool, gamma_free: bool) -> tuple[str, ...]:
    """Names of the numbers that csky's result array holds, in its order.

    Parameters
    ----------
    sky : bool
        Hottest spot of a map (True) or one known source (False).
    gamma_free : bool
        Whether γ is fitted; csky leaves its column out when it is not.

    Examples
    --------
    >>> result_columns(sky=True, gamma_free=True)
    ('mlog10p', 'ts', 'ns', 'gamma', 'ra', 'dec')
    >>> result_columns(sky=False, gamma_free=False)
    ('ts', 'ns')
    """
    gamma = ("gamma",) if gamma_free else ()
    return ("mlog10p", "ts", "ns", *gamma, "ra", "dec") if sky else ("ts", "ns", *gamma)


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """Best fit of one trial: attributes with names, and items in csky's order.

    ``fit[1]``, ``fit[-2:]``, ``np.asarray(fit)`` see the array of `columns`: ``[mlog10p, ts, ns, gamma, ra, dec]`` for
    the hottest spot of a map, ``[ts, ns, gamma]`` for one source; without ``gamma`` where γ is fixed.

    Attributes
    ----------
    columns : tuple of str
        What the array view holds.
    ts : float
        max(0, `ts_raw`).
    ns : float
        Signal events, ≥ 0.
    gamma : float
        Spectral index; NaN where ns = 0 (undefined there) or without an energy term.
    ra, dec : float
        rad; the best pixel's centre, or the source.
    ts_raw : float
        With a prior, TS + prior term, which can be negative; −inf when no allowed pixel was scanned.
    mlog10p : float
        −log10 p, or TS itself where no `ts_to_p` was given (as csky does): see `mlog10p_is_ts`.
    mlog10p_is_ts : bool
    status : Status
        Of the best pixel; ``NOT_SCANNED`` when there was nothing to fit.
    pixel, nside : int or None
        RING index of the best pixel and the resolution it is counted at: after a refinement, that of the finer pixels.
    n_scanned : int
        Directions among which the best was sought, those of a refinement not counted.
    refine : dict or None
        How the hottest pixels were looked at again (`nusky.pixels.refinement.Refinement`); None: not at all.
    prior : int or None
        Index of the prior that won.
    per_prior : (J,) structured array or None
        Each prior's own best fit (`PER_PRIOR_DTYPE`).
    combine : {"max", "sum"}
        With several priors: the numbers are those of the best one, or `ts` and `ns` are sums over the priors and the
        others those of the prior that adds most.
    prior_policy : dict or None
        Weight, zero rule, regrade and frame of the prior.
    prior_map : dict or None
        Where the prior's map came from and what was done to it (`nusky.maps.skymap.MapRecord`); None for a plain array.
    prior_outside : float or None
        Probability of the prior outside the pixels that are fitted (declination limits, mask, cone, containment): a
        source there is not found.
    energy : {"fit", "fixed", "flux", "off"}
        γ fitted, γ fixed at `gamma_fixed`, the energy term of one given flux, or none at all.
    gamma_fixed : float or None
    gamma_at_bound : bool
        The fitted γ is the first or the last of its nodes: the maximum may lie beyond, and γ has no error there.
    window : dict or None
        The time window that was searched; None: the whole livetime. ``mjd`` (start), ``t_100``, ``sigma_t`` (days), how
        its background is made (``scramble``, ``use_grl``, ``off_days``), ``n_background`` (expected events of each
        season in it) and ``n_events`` (those that were there).
    t0, dt : float
        Of a fitted flare: its time (MJD; the middle of the box unless ``flare["box_mode"]`` says another) and length
        (days); NaN without one.
    thresh, lag : float
        Of a light curve: the flux above which it counts, and how much later neutrinos come (days); NaN without one.
    flare : dict or None
        How a flare was looked for (`nusky.transients.FlareOptions`, with `threshold` and T_max, ``t_max``, as they
        were), and of the one that was found ``start``, ``stop`` (MJD), ``uptime`` (days) and ``penalty_ts``, the part
        of TS that its length adds. None: no flare was looked for.
    TRUTH : bool
        The real, unscrambled sky was fitted.
    seed, index : int or None
        Seed and number of the trial; None for a trial made elsewhere.
    config_hash : str
        Hash of the runner's configuration.

    Examples
    --------
    >>> fit = Fit(columns=("ts", "ns", "gamma"), ts=9.5, ns=4.0, gamma=2.2, ra=1.0, dec=0.1, ts_raw=9.5,
    ...           status=Status.OK, n_scanned=1)
    >>> float(fit[0]), np.asarray(fit).shape, fit.status.name
    (9.5, (3,), 'OK')
    """

    columns: tuple[str, ...]
    ts: float
    ns: float
    gamma: float
    ra: float
    dec: float
    ts_raw: float
    status: Status
    n_scanned: int
    mlog10p: float = math.nan
    mlog10p_is_ts: bool = True
    pixel: int | None = None
    nside: int | None = None
    prior: int | None = None
    per_prior: NDArray[np.void] | None = None
    combine: str = "max"
    prior_policy: Mapping[str, Any] | None = None
    prior_map: Mapping[str, Any] | None = None
    prior_outside: float | None = None
    refine: Mapping[str, Any] | None = None
    energy: GammaMode = "fit"
    gamma_fixed: float | None = None
    gamma_at_bound: bool = False
    window: Mapping[str, Any] | None = None
    t0: float = math.nan
    dt: float = math.nan
    thresh: float = math.nan
    lag: float = math.nan
    flare: Mapping[str, Any] | None = None
    TRUTH: bool = False
    seed: int | None = None
    index: int | None = None
    config_hash: str = ""
    _array: F64 = field(init=False, default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", Status(self.status))
        if self.mlog10p_is_ts and math.isnan(self.mlog10p):
            object.__setattr__(self, "mlog10p", self.ts)
        array = np.array([getattr(self, name) for name in self.columns], dtype=np.float64)
        array.setflags(write=False)
        object.__setattr__(self, "_array", array)
        if self.per_prior is not None:
            self.per_prior.setflags(write=False)

    @property
    def _n_priors(self) -> int:
        return 0 if self.per_prior is None else len(self.per_prior)

    @property
    def shape(self) -> tuple[int]:
        """Shape of the array view."""
        return (len(self.columns),)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self._array, dtype=dtype, copy=None if copy is None else copy)

    def __len__(self) -> int:
        return len(self.columns)

    def __iter__(self) -> Iterator[float]:
        return iter(self._array.tolist())

    @overload
    def __getitem__(self, key: int | str) -> float: ...
    @overload
    def __getitem__(self, key: slice) -> F64: ...
    def __getitem__(self, key: int | str | slice) -> float | F64:
        if isinstance(key, str):
            if key not in self.columns:
                raise KeyError(f"this fit has no column {key!r}; it has {', '.join(self.columns)}")
            return float(getattr(self, key))
        item: float | F64 = self._array[key]
        return item

    @property
    def params(self) -> dict[str, float]:
        """What was fitted beside the position, by name: ns, gamma where it is free, t0 and dt of a flare."""
        return {name: float(getattr(self, name)) for name in self.columns if name not in _NO_PARAMETERS}

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know before the numbers are published, a sentence each: γ at its bound, a map that was not refined, a
        prior that reaches beyond the pixels."""
        said = []
        if self.gamma_at_bound:
            said.append(f"gamma = {self.gamma:g} is at the end of its range: the maximum may lie beyond")
        if self.nside is not None and self.refine is None and self.ts > 0 and (lost := unrefined_note(self.nside)):
            said.append(lost)
        if self.prior_outside is not None and self.prior_outside > 0.01:
            said.append(f"{self.prior_outside:.1%} of the prior lie outside the pixels that were fitted")
        return tuple(said)

    def _repr_html_(self) -> str:
        place = f"RA {math.degrees(self.ra):.3f}°, Dec {math.degrees(self.dec):+.3f}°"
        p = None if self.mlog10p_is_ts else self.mlog10p
        gamma = None if math.isnan(self.gamma) else self.gamma
        rows = [("−log10 p", p), ("TS", self.ts), ("n_s", self.ns), ("γ", gamma), ("position", place)]
        return html_table("Real sky" if self.TRUTH else "Fit", [*rows, ("status", self.status.name)])

    def __repr__(self) -> str:
        numbers = np.array2string(self._array, separator=", ", prefix="array(", max_line_width=120)
        extra = [f"status={self.status.name}"]
        if self.pixel is not None:
            extra.append(f"pixel={self.pixel} of nside {self.nside}")
        if self.prior is not None:
            extra.append(f"sum over {self._n_priors} priors" if self.combine == "sum" else f"prior={self.prior}")
        if self.refine is not None:
            extra.append(f"refined to nside {self.refine['nside']}")
        elif self.nside is not None and unrefined_note(self.nside):
            extra.append("not refined")
        if self.ts_raw != self.ts:
            extra.append(f"ts_raw={self.ts_raw:.6g}")
        if self.energy != "fit":
            said = {"off": "no energy term", "flux": "energy term of the given flux"}
            extra.append(said.get(self.energy) or f"gamma fixed at {self.gamma_fixed:g}")
        if self.gamma_at_bound:
            extra.append("gamma at its bound")
        if self.window is not None:
            days, n = self.window["t_100"], sum(self.window["n_events"])
            length = f"{86_400 * days:g} s" if days < 1 else f"{days:g} day{'s' * (days != 1)}"
            extra.append(f"{n} event{'s' * (n != 1)} in {length} from MJD {self.window['mjd']:.5f}")
        if self.TRUTH:
            extra.append("TRUTH")
        elif self.seed is not None:
            extra.append(f"seed={self.seed}" + (f", trial {self.index}" if self.index else ""))
        return f"array({numbers})\n# {', '.join(self.columns)} | {', '.join(extra)}"

    def as_dict(self) -> dict[str, Any]:
        """Everything, as values JSON can hold (NaN becomes None, infinities strings); ``mlog10p`` is None where it is
        TS."""
        table = None
        if self.per_prior is not None:
            names = self.per_prior.dtype.names or ()
            table = {name: [_plain(value) for value in self.per_prior[name].tolist()] for name in names}
        out: dict[str, Any] = {"columns": list(self.columns), "status": self.status.name, "per_prior": table}
        for name in self.__dataclass_fields__:
            if name not in out and name != "_array":
                out[name] = _plain(getattr(self, name))
        if self.mlog10p_is_ts:
            out["mlog10p"] = None  # TS does not go into files under the name of a p-value
        return out

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write as JSON; the file appears complete or not at all.

        Parameters
        ----------
        path : path-like
            Usually ``*.json``; an existing file is replaced.
        """
        write_json(path, {"format": _FORMAT, "version": _VERSION, **self.as_dict()})

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Fit:
        """Read what `save` wrote; every number comes back to the last bit.

        Raises
        ------
        FileNotFoundError
            No such file.
        ValueError
            The file is not a fit, or was written by a newer version.
        """
        stored = read_json(path, "a fit")
        if stored.pop("format", None) != _FORMAT:
            raise ValueError(f"{path} is not a fit; give a file written by Fit.save")
        version = stored.pop("version", None)
        if version != _VERSION:
            raise ValueError(f"{path} has format version {version}, this nusky reads {_VERSION}; update nusky")
        try:
            return cls._of(stored)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ValueError(f"{path} is not a fit ({error!r}); give a file written by Fit.save") from error

    @classmethod
    def _of(cls, stored: dict[str, Any]) -> Fit:
        table = stored.pop("per_prior")
        if table is not None:
            rows = np.zeros(len(table["prior"]), dtype=PER_PRIOR_DTYPE)
            for name in PER_PRIOR_DTYPE.names or ():
                rows[name] = [_number(value) for value in table[name]]
            stored["per_prior"] = rows
        for name in ("ts", "ns", "gamma", "ra", "dec", "ts_raw", "mlog10p", "t0", "dt"):
            stored[name] = _number(stored[name])
        for name in ("thresh", "lag"):  # not in files before there were light curves
            stored[name] = _number(stored.get(name))
        return cls(**{**stored, "columns": tuple(stored["columns"]), "status": Status[stored["status"]]})


def _plain(value: Any) -> Any:
    """Value as JSON has it; JSON knows neither NaN nor infinities."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return dict(value) if isinstance(value, Mapping) else value


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
