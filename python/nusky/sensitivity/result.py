"""What a search for n_sig found: the signal, the flux, their errors, and everything they rest on."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky.dists.tsd import ts_values
from nusky.files.npz import read_format, write_npz
from nusky.notebook import html_table
from nusky.pixels.refinement import unrefined_note
from nusky.sensitivity.efficiency import EfficiencyCurve
from nusky.version import code_version

__all__ = ["NSigResult"]

FORMAT = "nusky-n-sig-1"

# The curve's arrays in a file, and the fields that are written apart from the numbers
_CURVE = ("params", "n_sigs", "n_passed", "n_trials")
_ERRORS = ("n_sig_relative_error", "n_sig_absolute_error", "E2dNdE_absolute_error", "fluence_absolute_error")
_OF_FLUX = ("E2dNdE", "fluence")
_APART = ("curve", "trials", "_added")  # what a user added is not ours to keep


@dataclass(frozen=True, eq=False)
class NSigResult(MutableMapping[str, Any]):
    """Signal for which a fraction `beta` of trials has TS > `ts`.

    Is csky's dictionary, too: ``result["n_sig"]``, ``result["n_sig_error"]``, ``result["info"]``; further entries can
    be added (``result["flux"] = …``), those that were found stay as they are; ``result["E2dNdE"] = …`` is what the item
    then gives, the attribute stays what was found.

    Attributes
    ----------
    n_sig : float
        Mean number of injected events (of all of them for several priors).
    n_sig_error : float
        Its **relative** standard deviation, as csky has it: binomial errors of the trials and, where it is known, the
        error of the threshold. `n_sig_relative_error` is the same, `n_sig_absolute_error` counts events.
    n_sig_error_of_ts : float
        The part of it (relative) that the error of the threshold makes.
    ts, beta : float
        Threshold and fraction.
    curve : EfficiencyCurve
        Fraction of trials above the threshold against the injected signal.
    trials : dict
        All trials used, {n_sig: rows}; give them to the next call as ``trials=``.
    seed : int
    poisson : bool
    converged : bool
        The relative error is within the tolerance that was asked for.
    why : str
        Why it is not, and what helps: trials at the injected signals, or of background; empty when converged.
    kind : str
        "n_sig", "sensitivity", "discovery potential" or "upper limit".
    ts_error : float
        Standard deviation of the threshold that was propagated (0: taken as exact).
    extrapolated : bool
        The threshold lies beyond the background trials, on a fitted tail.
    ts_beyond : float
        By how much it lies above the largest TS of the background trials (0: it does not).
    E2dNdE : float
        E² dN/dE at `E0` in units of ``unit`` GeV cm⁻² s⁻¹ for `n_sig` (NaN where no spectrum was known). With a prior,
        the flux that gives `n_sig` on average over the prior; with several, that of each object.
    sources : str
        Which sources a fraction `beta` of is found: those at "one position"; with a prior those of "equal flux" (the
        default), of "equal fluence", or of "equal counts" (`n_sig` events wherever the source is: ``poisson=False``,
        ``inj_conf={"by": "count"}``, or trials made like that). Of sources of one flux clearly fewer are found above
        the flux of equal counts, where the prior is wide. "": the runner does not say.
    prior_outside : tuple of float
        Probability of each prior outside the pixels that are fitted: sources are drawn inside, and the flux holds for
        those. Empty without a prior.
    E0, unit : float
        Energy in units of `unit`, and the unit in GeV.
    fluence : float or None
        E² F in ``unit`` GeV cm⁻² for a transient; None for a steady source.
    spectrum : mapping or None
        The flux, as values JSON can hold.
    config : mapping
        Everything that decided the trials (`Runner.config`): data, likelihood, prior and its policy, pixels, injection.

    Examples
    --------
    >>> from nusky.sensitivity.efficiency import fit_efficiency
    >>> curve = fit_efficiency([0, 4, 8], [50, 80, 99], [100] * 3)
    >>> result = NSigResult(6.0, 0.05, 0.1, 0.9, curve, {}, 1, True, True)
    >>> result["n_sig"], result.info["n_sigs"].tolist(), round(result.n_sig_interval[1], 2)
    (6.0, [0.0, 4.0, 8.0], 6.3)
    """

    n_sig: float
    n_sig_error: float
    ts: float
    beta: float
    curve: EfficiencyCurve
    trials: dict[float, Any]
    seed: int
    poisson: bool
    converged: bool
    kind: str = "n_sig"
    ts_error: float = 0.0
    extrapolated: bool = False
    E2dNdE: float = math.nan
    E0: float = 1.0
    unit: float = 1e3
    fluence: float | None = None
    spectrum: Mapping[str, Any] | None = field(default=None)
    config: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    sources: str = ""
    n_sig_error_of_ts: float = 0.0
    ts_beyond: float = 0.0
    prior_outside: tuple[float, ...] = ()
    _added: dict[str, Any] = field(default_factory=dict, init=False)

    @property
    def n_sig_interval(self) -> tuple[float, float]:
        """`n_sig` minus and plus one standard deviation."""
        return self.n_sig * (1 - self.n_sig_error), self.n_sig * (1 + self.n_sig_error)

    @property
    def n_sig_relative_error(self) -> float:
        """Standard deviation of `n_sig` divided by it: csky's ``n_sig_error``. That of a flux is the same."""
        return self.n_sig_error

    @property
    def n_sig_absolute_error(self) -> float:
        """Standard deviation of `n_sig`, events."""
        return self.n_sig * self.n_sig_error

    @property
    def E2dNdE_absolute_error(self) -> float:
        """Standard deviation of `E2dNdE`, in its unit; the acceptance is taken as exact."""
        return self.E2dNdE * self.n_sig_error

    @property
    def fluence_absolute_error(self) -> float | None:
        """Standard deviation of `fluence`, in its unit."""
        return None if self.fluence is None else self.fluence * self.n_sig_error

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know before the numbers are published, a sentence each."""
        said = [] if self.converged else [f"not converged: {self.why}" if self.why else "not converged"]
        if self.sources and self.sources not in ("one position", "equal flux", "equal fluence"):
            said.append(f"the flux holds for sources of {self.sources}: of equal flux fewer are found above it")
        if self.extrapolated:
            said.append(f"the threshold is {self.ts_beyond:.1f} beyond the largest TS of background, on a fitted tail")
        if max(self.prior_outside, default=0.0) > 0.01:
            said.append(
                f"{max(self.prior_outside):.1%} of a prior lie outside the pixels that are fitted: the flux is that of "
                "sources inside"
            )
        nside = self.config.get("nside")
        if nside is not None and self.config.get("refine") is None and (lost := unrefined_note(int(nside))):
            said.append(lost)
        return tuple(said)

    @property
    def info(self) -> dict[str, Any]:
        """csky's details: n_sigs, CLs (fractions), sigmas (their errors), the fit."""
        return {
            "n_sigs": self.curve.n_sigs,
            "CLs": self.curve.fractions,
            "sigmas": self.curve.errors,
            "n_trials": self.curve.n_trials,
            "n_passed": self.curve.n_passed,
            "method": self.curve.method,
            "params": self.curve.params,
            "goodness": self.curve.goodness,
            f"n_sig_{self.curve.method}": self.n_sig,
        }

    def __setitem__(self, key: str, value: Any) -> None:
        # a flux at another energy, or of another spectrum, is what a script means by this name
        if key in self._found and key not in _OF_FLUX:
            raise KeyError(f"{key!r} was found by the search and is not replaced; use another name")
        self._added[key] = value

    def __delitem__(self, key: str) -> None:
        del self._added[key]

    def __getitem__(self, key: str) -> Any:
        if key in self._added:
            return self._added[key]
        if key not in self._keys:
            raise KeyError(f"{key!r} is not in the result: it has {', '.join(self._keys)}")
        return getattr(self, key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def _keys(self) -> tuple[str, ...]:
        return (*self._found, *(key for key in self._added if key not in _OF_FLUX))

    @property
    def _found(self) -> tuple[str, ...]:
        return (*(f.name for f in fields(self) if f.init), *_ERRORS, "info")

    def as_dict(self) -> dict[str, Any]:
        """Everything but the trials, as values JSON can hold."""
        plain = {name: self[name] for name in self._found if name not in ("trials", "curve")}
        info = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in self.info.items()}
        spectrum = None if self.spectrum is None else dict(self.spectrum)
        return {**plain, "spectrum": spectrum, "config": dict(self.config), "info": info}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything, the trials too, to an npz file, complete or not at all; `NSigResult.read` reads it back.

        Parameters
        ----------
        path : path-like
            Taken as it is; ".npz" is not added.
        """
        stored: dict[str, Any] = {name: value for name, value in vars(self).items() if name not in _APART}
        for name in ("spectrum", "config"):
            stored[name] = None if stored[name] is None else dict(stored[name])
        curve = self.curve
        meta = {
            "format": FORMAT,
            "version": code_version(),
            "result": stored,
            "curve": {"method": curve.method, "goodness": curve.goodness},
            "trials": list(self.trials),
        }
        arrays: dict[str, NDArray[Any]] = {name: np.asarray(getattr(curve, name)) for name in _CURVE}
        for i, rows in enumerate(self.trials.values()):
            table = getattr(getattr(rows, "dtype", None), "names", None)
            arrays[f"trials{i}"] = np.array(rows).view(np.ndarray) if table else ts_values(rows)
        write_npz(path, arrays, meta)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> NSigResult:
        """Read what `save` wrote; its trials can be given to the next search.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no such file, or it is damaged or something else (named).
        """
        meta, arrays = read_format(path, FORMAT, "a result of find_n_sig")
        about = meta["curve"]
        params, n_sigs, n_passed, n_trials = (arrays[name] for name in _CURVE)
        curve = EfficiencyCurve(about["method"], params, n_sigs, n_passed, n_trials, about["goodness"])
        trials = {n_sig: arrays[f"trials{i}"] for i, n_sig in enumerate(meta["trials"])}
        result = {**meta["result"], "prior_outside": tuple(meta["result"].get("prior_outside", ()))}
        return cls(curve=curve, trials=trials, **result)

    def _repr_html_(self) -> str:
        unit = f"{self.unit:g} GeV"
        flux = f"{self.E2dNdE:.3e} {unit} cm⁻² s⁻¹ at {self.E0:g} × {unit}" if math.isfinite(self.E2dNdE) else None
        fluence = None if self.fluence is None else f"{self.fluence:.3e} {unit} cm⁻²"
        rows = [
            ("signal events", f"{self.n_sig:.3f} ± {self.n_sig_error:.1%}"), ("E²dN/dE", flux), ("E²F", fluence),
            ("sources", self.sources or None), ("threshold", f"TS > {self.ts:.3f} in {self.beta:g} of trials"),
            ("trials", int(self.curve.n_trials.sum())), ("not converged", self.why or None),
        ]  # fmt: skip
        return html_table(self.kind, rows)

    def __repr__(self) -> str:
        n = int(self.curve.n_trials.sum())
        flux = ""
        if math.isfinite(self.E2dNdE):
            fluence = "" if self.fluence is None else f" in the window, fluence={self.fluence:.3e}"
            flux = f", E2dNdE={self.E2dNdE:.3e}{fluence} at E0={self.E0:g} (unit={self.unit:g} GeV)"
        nside = self.config.get("nside")
        if nside is not None and self.config.get("refine") is None and unrefined_note(int(nside)):
            flux += f", nside {nside} not refined"
        if self.sources:
            flux += f", {'at' if self.sources == 'one position' else 'sources of'} {self.sources}"
        state = "" if self.converged else f", not converged: {self.why}" if self.why else ", not converged"
        beyond = ", threshold extrapolated" if self.extrapolated else ""
        if self.ts_beyond > 0:
            beyond += f" {self.ts_beyond:.1f} beyond the largest TS of background"
        return (
            f"NSigResult({self.kind}: n_sig={self.n_sig:.3f} (+/- {self.n_sig_error:.1%}) for {self.beta:g} of trials "
            f"with TS > {self.ts:.3f}{flux}; {n} trials, {self.curve.method}{state}{beyond})"
        )
