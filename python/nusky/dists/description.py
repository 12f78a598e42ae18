"""A TS distribution as a table to read: what it is, its thresholds, how far its tail is to be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any

from nusky.dists.pvalue import nsigma_to_p

if TYPE_CHECKING:
    from nusky.dists.tsd import TSD

__all__ = ["config_of", "describe", "signal_of"]


def describe(tsd: TSD) -> str:
    """Lines of text; thresholds from the trials and, with its error, from a fitted tail.

    Parameters
    ----------
    tsd : TSD
    """
    tail = tsd.tail
    rows = [f"{type(tsd).__name__} from {tsd.n_total} trials:", f"  eta    = {tsd.eta:.4f}"]
    if tail is not None:
        rows += [
            f"  ndof   = {tail.ndof:.3f} +/- {tail.ndof_error:.3f}",
            f"  loc    = {tail.loc:.3f}",
            f"  scale  = {tail.scale:.3f}",
            f"  fitted to the {tail.n_above} trials with TS > {tail.threshold:.3f}",
        ]
    rows.append("Thresholds:       trials" + ("       fit" if tail is not None else ""))
    for label, p in [("median", 0.5)] + [(f"{n} sigma", float(nsigma_to_p(n))) for n in (1, 2, 3, 4, 5)]:
        counted = f"{float(tsd.isf(p, fit=False)):9.3f}" if p * tsd.n_total >= 1 else "        -"
        rows.append(f"  {label:8s}      {counted}{_of_tail(tsd, p)}")
    return "\n".join(rows)


def _of_tail(tsd: TSD, p: float) -> str:
    """Threshold of the tail with its error, and how far beyond the trials it lies."""
    if tsd.tail is None or p > tsd.tail.eta:
        return ""
    ts = float(tsd.isf(p, fit=True))
    beyond = float(tsd.beyond(ts))
    far = f"  ({beyond:.1f} beyond the largest of the trials)" if beyond > 0 else ""
    return f" {ts:9.3f} +/- {tsd.isf_error(p, fit=True):.2f}{far}"


def config_of(values: Any) -> dict[str, Any]:
    """Configuration of the trials, where they know it.

    Examples
    --------
    >>> config_of([0.0, 1.0])
    {}
    """
    config = getattr(values, "config", None)
    return dict(config) if isinstance(config, Mapping) else {}


def signal_of(trials: Any) -> float | None:
    """Events injected into trials, None for trials that do not say."""
    n_sig = getattr(trials, "n_sig", None)
    return float(n_sig) if isinstance(n_sig, Real) else None
