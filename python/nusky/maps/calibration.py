"""What a difference of likelihood means: 2ΔlnL by Wilks' theorem, or by an alert's own levels.

IceCube's alert maps give 2ΔLLH and say in the header at which values the 50 and the 90 % region end, found with
simulated alerts: 22.2 and 64.2 where Wilks' theorem has 1.39 and 4.61. The values are brought to Wilks' scale by
straight lines through the levels, and the probability is exp(−x/2) of that.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nusky.typing import F64

__all__ = ["Calibration", "calibration_in", "resolve_calibration"]


@dataclass(frozen=True)
class Calibration:
    """Values of 2ΔlnL at which confidence regions end.

    Parameters
    ----------
    levels : tuple of (confidence, 2ΔlnL)
        Confidence 0 … 1, both increasing; empty: Wilks' theorem.

    Examples
    --------
    >>> Calibration(((0.5, 22.2), (0.9, 64.2))).as_wilks(np.array([0.0, 22.2, 64.2])).round(2).tolist()
    [0.0, 1.39, 4.61]
    """

    levels: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        levels = tuple(sorted((float(q), float(x)) for q, x in self.levels))
        for q, x in levels:
            if not (0 < q < 1 and 0 < x < np.inf):
                raise ValueError(
                    f"calibration: {x:g} at a confidence of {q:g}; give {{0.9: 64.2}}, a fraction and a positive 2ΔlnL"
                )
        if any(b[1] <= a[1] or b[0] == a[0] for a, b in itertools.pairwise(levels)):
            raise ValueError(f"calibration: {dict(levels)} does not increase: a region of higher confidence is larger")
        object.__setattr__(self, "levels", levels)

    def as_wilks(self, x: F64) -> F64:
        """2ΔlnL ≥ 0 on the scale of Wilks' theorem: there a region of confidence q ends at −2 ln(1 − q)."""
        if not self.levels:
            return x
        known = np.array([0.0, *(value for _, value in self.levels)])
        wilks = np.array([0.0, *(-2.0 * np.log1p(-q) for q, _ in self.levels)])
        slope = (wilks[-1] - wilks[-2]) / (known[-1] - known[-2])
        beyond = np.maximum(x - known[-1], 0.0)
        return np.asarray(np.interp(x, known, wilks) + slope * beyond)

    def as_dict(self) -> dict[float, float]:
        """2ΔlnL by confidence."""
        return dict(self.levels)

    def __str__(self) -> str:
        if not self.levels:
            return "Wilks"
        return ", ".join(f"{100 * q:g} % at {x:g}" for q, x in self.levels)


_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*(?:%|per\s?cent\b)", re.IGNORECASE)
# LLH, lnL, log L, log-likelihood, and a factor of 2 (or −2) and a Δ before it
_LIKELIHOOD = re.compile(
    r"[-−]?\s*(?:2\s*[*·×x]?\s*)?\(?\s*(?:d|delta|Δ)?\s*"
    r"(?:LLH|ln\s*\(?L\b|log\s*\(?L\b|log[\s-]*likelihood|likelihood)\w*",
    re.IGNORECASE,
)
# ΔLLH, delta lnL, "change in LLH": differences, which are half of 2ΔLLH
_HALF = re.compile(
    r"(?:Δ|delta|\bd|change\s+(?:in|of))\s*[-_]?\s*\(?\s*(?:LLH|ln\s*\(?L\b|log\s*\(?L\b|log[\s-]*likelihood)",
    re.IGNORECASE,
)
_REGION = re.compile(
    r"contain|contour|region|confidence|credib|\bC\.?L\b|uncertainty|locali[sz]ation|location|threshold|level|change|delta|Δ|Wilks",
    re.IGNORECASE,
)
_EQUAL = re.compile(_LIKELIHOOD.pattern + r"\s*[=<:]", re.IGNORECASE)
# Not within a word (v2.3, IC86) or a date
_NUMBER = re.compile(r"(?<![\w.:-])\d+(?:\.\d*)?(?:[eE][+-]?\d+)?(?![\w:]|-\d)")


def calibration_in(texts: Iterable[str]) -> Calibration | None:
    """The levels that a header's remarks name, or None if they do not speak of any.

    A remark that speaks of the likelihood at the border of a region is read if it has as many percentages as other
    numbers, which then belong together in the order of both.

    Raises
    ------
    ValueError
        A remark speaks of it, and cannot be read; or several contradict each other.

    Examples
    --------
    >>> print(calibration_in(["50%(90%) uncertainty location => Change in 2LLH of 22.2(64.2)"]))
    50 % at 22.2, 90 % at 64.2
    >>> print(calibration_in(["2LLH = 64.2 at the 90 % contour"]))
    90 % at 64.2
    """
    levels: dict[float, float] = {}
    clear, unclear = [], []
    for text in texts:
        line = " ".join(text.split())
        percents, numbers = _told(line)
        if not percents and not numbers:
            continue
        found = dict(zip(percents, numbers, strict=False))
        try:
            if len(percents) != len(numbers) or any(levels.get(q, x) != x for q, x in found.items()):
                raise ValueError
            levels |= Calibration(tuple(found.items())).as_dict()
            clear.append(line)
        except ValueError:
            unclear.append(line)
    for line in unclear:
        if not any(line in whole for whole in clear):  # half of a sentence that was broken into cards
            raise ValueError(
                f"the header says {line!r}, which may be where regions end and cannot be read; give values of 2ΔLLH as "
                "calibration={0.5: 22.2, 0.9: 64.2}, or calibration='wilks'"
            )
    return Calibration(tuple(levels.items())) if levels else None


def _told(line: str) -> tuple[list[float], list[float]]:
    """Confidences and other numbers of a remark about the likelihood at the border of regions; of another, none."""
    if not _LIKELIHOOD.search(line):
        return [], []
    percents = [float(percent) / 100 for percent in _PERCENT.findall(line)]
    rest = _LIKELIHOOD.sub(" ", _PERCENT.sub(" ", line))
    numbers = [float(number) for number in _NUMBER.findall(rest)]
    if percents and numbers and not any("2" in found for found in _LIKELIHOOD.findall(line)) and _HALF.search(line):
        raise ValueError(
            f"the header says {line!r}, differences of the log-likelihood without the factor of 2; give twice these as "
            "calibration={0.5: 22.2, 0.9: 64.2}, which is of 2ΔLLH"
        )
    pairs = len(percents) == len(numbers) > 1 or _EQUAL.search(line)
    return (percents, numbers) if pairs or _REGION.search(line) else ([], [])


def resolve_calibration(calibration: Any) -> Calibration | None:
    """`calibration` as a user gives it: None, ``"wilks"``, or a dict of confidence and 2ΔlnL.

    Examples
    --------
    >>> print(resolve_calibration({0.9: 64.2}))
    90 % at 64.2
    """
    if calibration is None or isinstance(calibration, Calibration):
        return calibration
    if isinstance(calibration, str) and calibration.lower() == "wilks":
        return Calibration()
    if isinstance(calibration, Mapping) and calibration:
        try:
            return Calibration(tuple(calibration.items()))
        except (TypeError, ValueError) as error:
            raise ValueError(
                str(error) if "calibration" in str(error) else f"calibration={calibration!r}: {error}"
            ) from None
    raise TypeError(f"calibration={calibration!r}: give 'wilks' or the levels, {{0.5: 22.2, 0.9: 64.2}}")
