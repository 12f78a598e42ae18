"""csky's `llh`: the likelihood of a trial, which runners make (``tr.get_one_llh(…)``), and its model built by hand."""

from __future__ import annotations

from dataclasses import dataclass

from nusky.csky.pdf import MultiPDFRatioModel, PointSourceSpacePDFRatioModel
from nusky.likelihood import LikelihoodReading as LLHEvaluator

__all__ = ["LLHEvaluator", "LLHModel"]


@dataclass(frozen=True, eq=False)
class LLHModel:
    """What a season's likelihood is made of; `nusky.csky.trial.get_trial_runner` reads it.

    Parameters
    ----------
    pdf_ratio_model : MultiPDFRatioModel or PointSourceSpacePDFRatioModel
    N_bg : float
        Events of the season.
    sigsub : bool
    """

    pdf_ratio_model: MultiPDFRatioModel
    N_bg: float
    sigsub: bool = False

    def __post_init__(self) -> None:
        model = self.pdf_ratio_model
        if isinstance(model, PointSourceSpacePDFRatioModel):
            object.__setattr__(self, "pdf_ratio_model", MultiPDFRatioModel(model))
        space = self.pdf_ratio_model.space_model
        if int(self.N_bg) != len(space.ana.data):
            raise ValueError(f"N={self.N_bg!r}: season {space.ana.key} has {len(space.ana.data)} events")
        if bool(space.sigsub) != bool(self.sigsub):
            raise ValueError("sigsub of the likelihood and of its model in space must be the same")
