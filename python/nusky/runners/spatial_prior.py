"""`SpatialPriorTrialRunner`: the hottest spot of the sky after a spatial prior."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from nusky.hotspots.terms import PriorTerms
from nusky.injection.prior import PriorInjector
from nusky.injection.seeding import BatchDraws, TrialDraws
from nusky.injection.signal import InjectedMany
from nusky.pixels.multi_order import MultiOrderPixels
from nusky.pixels.pixel_set import PixelSet
from nusky.priors.prior import SpatialPrior
from nusky.runners.making import Background, Made
from nusky.runners.map_runner import MapRunner, describe_pixels
from nusky.trial.fit import Fit
from nusky.trial.trial import SpatialPriorTrial, Trial
from nusky.typing import F64

__all__ = ["SpatialPriorTrialRunner"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SpatialPriorTrialRunner(MapRunner):
    """Fits TS + w ln(p/p_max) over the pixels, and injects from the prior.

    Every prior gets its own best pixel; the trial's TS is the largest of them, or their sum.

    Parameters
    ----------
    priors : tuple of SpatialPrior
    pixels : PixelSet or MultiOrderPixels
        Pixels that are fitted, of the priors' nside; or cells that follow the one prior there is (`follow_prior`).
    allowed : PixelSet, optional
        Pixels where a source can be; default those of `pixels`.
    injection_priors : tuple of SpatialPrior, optional
        What sources are drawn from; default `priors`.
    refine : Refinement, optional
        Look again around each prior's hottest pixel, see `Refinement`; scans are not affected.
    combine : {"max", "sum"}
        Several priors: "max", the trial's TS is that of the best of them; "sum", it is Σ_j max(0, TS_j), which is
        sensitive to many weak objects. `ns` is then the sum over the priors with TS_j > 0, and γ and position are those
        of the prior that adds most.
    analysis, likelihood, injection, mp_cpus, ts_to_p, transient
        See `Runner`.

    Examples
    --------
    >>> import nusky as cy                                                             # doctest: +SKIP
    >>> sptr = cy.get_spatial_prior_trial_runner(llh_priors=m, min_dec=-1.48, ana=ana) # doctest: +SKIP
    >>> fit = sptr.get_one_fit(20, seed=1)                                             # doctest: +SKIP
    >>> fit.ts, fit.pixel, fit.status.name                                             # doctest: +SKIP
    """

    priors: tuple[SpatialPrior, ...]
    allowed: PixelSet | None = None
    injection_priors: tuple[SpatialPrior, ...] | None = None
    combine: Literal["max", "sum"] = "max"

    _has_prior: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not self.priors:
            raise ValueError("priors is empty; give at least one")
        if self.combine not in ("max", "sum"):
            raise ValueError(f"combine={self.combine!r} is not known; use 'max' or 'sum'")
        if isinstance(self.pixels, MultiOrderPixels):
            if len(self.priors) > 1:
                raise ValueError(f"pixels follow one prior, but there are {len(self.priors)}; use pixels of one nside")
            if self.allowed is None:
                raise ValueError("pixels of mixed size need allowed=, the pixels where a source can be")
        else:
            _check_nside("priors", self.priors, self.pixels)
        _check_nside("injection_priors", self._drawn_from, self._where)
        for j, prior in enumerate(self.injection_priors or ()):
            if not prior.probability[self._where.pixels].any():
                raise ValueError(
                    f"injection_priors[{j}] is zero in every pixel where a source can be; widen the limits"
                )
        super().__post_init__()

    @property
    def _drawn_from(self) -> tuple[SpatialPrior, ...]:
        return self.priors if self.injection_priors is None else self.injection_priors

    @property
    def _where(self) -> PixelSet:
        if self.allowed is not None:
            return self.allowed
        assert isinstance(self.pixels, PixelSet)
        return self.pixels

    def _describe(self) -> dict[str, Any]:
        def content(priors: tuple[SpatialPrior, ...]) -> list[dict[str, Any]]:
            return [{"hash": prior.content_hash, "policy": prior.policy.as_dict()} for prior in priors]

        where = describe_pixels(self._where)
        return {
            **super()._describe(),
            "priors": content(self.priors),
            "injection_priors": content(self._drawn_from),
            "allowed": {"n_pixels": where["n_pixels"], **where["pixels"]},
            "combine": self.combine,
        }

    @property
    def llh_prior_term(self) -> tuple[F64, ...]:
        """For each prior the (npix,) RING map w ln(p/p_max) that is added to TS; −inf where excluded."""
        return tuple(prior.term for prior in self.priors)

    @cached_property
    def prior_outside(self) -> tuple[float, ...]:
        """For each prior its probability outside the pixels that are fitted: a source there is not found."""
        if isinstance(self.pixels, MultiOrderPixels):
            return (float(max(0.0, 1.0 - self.pixels.probability.sum())),)
        missed = np.ones(self.pixels.npix, dtype=bool)
        missed[self.pixels.pixels] = False
        # 1 minus the sum would not be exact where hardly anything is outside
        return tuple(float(prior.probability[missed].sum()) for prior in self.priors)

    @cached_property
    def prior_injector(self) -> PriorInjector:
        """Draws sources from the priors."""
        return PriorInjector(self.signal_injector, self._drawn_from, self._where)

    def _terms(self) -> PriorTerms:
        return PriorTerms.of(self.priors, self.pixels)

    def _prepare(self, n_sig: float) -> None:
        super()._prepare(n_sig)
        if n_sig:
            self.prior_injector.prepare()

    def _with_signal(self, background: Background, draws: TrialDraws, n_sig: float, poisson: bool, made: Made) -> Trial:
        injected, ra, dec = self.prior_injector.inject(draws, n_sig, poisson)
        n_exs = (0,) * len(background)
        return SpatialPriorTrial(background, injected, n_exs, **made, ra=ra, dec=dec)

    def _inject_many(self, draws: BatchDraws, n_sig: float, poisson: bool) -> InjectedMany:
        return self.prior_injector.inject_many(draws, n_sig, poisson)[0]

    def _background_only(self, background: Background, made: Made) -> Trial:
        return SpatialPriorTrial(background, (None,) * len(background), (0,) * len(background), **made)

    def provenance(self, trial: Trial) -> dict[str, Any]:
        """As that of every runner; ``prior_maps`` says where the priors came from (None: arrays), ``prior_outside``
        how much of each lies outside the pixels that are fitted."""
        maps = [_record(prior) for prior in self.priors]
        return {**super().provenance(trial), "prior_maps": maps, "prior_outside": list(self.prior_outside)}

    def _summaries(self, tables: NDArray[np.void]) -> NDArray[np.void]:
        best = super()._summaries(tables)
        if self.combine == "sum":
            best["ts"] = best["ts_raw"] = tables["ts"].sum(axis=1)
            best["ns"] = np.where(tables["ts"] > 0, tables["ns"], 0.0).sum(axis=1)
        return best

    def _fit(self, table: NDArray[np.void], about: dict[str, Any]) -> Fit:
        winner = int(np.argmax(table["ts_raw"]))
        return Fit(
            n_scanned=len(self.pixels),
            nside=int(table["nside"][winner]),
            pixel=int(table["pixel"][winner]),
            prior=winner,
            per_prior=table,
            combine=self.combine,
            prior_policy=self.priors[winner].policy.as_dict(),
            prior_map=_record(self.priors[winner]),
            prior_outside=self.prior_outside[winner],
            refine=self._refinement(),
            **about,
        )

    def _acceptance(self, acceptance: Callable[[Any], Any], **where: Any) -> float:
        """Average over each prior, summed over the priors: the flux is that of each of several equal objects."""
        if where:
            raise TypeError(f"unknown argument {next(iter(where))!r}: the acceptance is averaged over the prior")
        dec, ring = np.unique(self._where.dec, return_inverse=True)
        accepted = np.asarray(acceptance(dec), dtype=np.float64)[ring]
        return float(self.prior_injector.average(accepted).sum())


def _record(prior: SpatialPrior) -> dict[str, Any] | None:
    return None if prior.record is None else prior.record.as_dict()


def _check_nside(name: str, priors: tuple[SpatialPrior, ...], pixels: PixelSet) -> None:
    for j, prior in enumerate(priors):
        if prior.nside != pixels.nside:
            raise ValueError(
                f"{name}[{j}] has nside {prior.nside}, its pixels nside {pixels.nside}; bring it there with "
                f"SpatialPrior(map, policy=PriorPolicy(regrade={pixels.nside}))"
            )
