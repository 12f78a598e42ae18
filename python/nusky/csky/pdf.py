"""csky's `pdf`: keys of configurations, and the models that a likelihood built by hand is put together from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nusky.analysis import EnergyRatio as EnergyPDFRatioModel
from nusky.analysis import SubAnalysis
from nusky.conf import CustomFluxEnergyPDFRatioModel
from nusky.source import Sources

__all__ = [
    "CustomFluxEnergyPDFRatioModel",
    "EnergyPDFRatioModel",
    "MultiPDFRatioModel",
    "PointSourceSpacePDFRatioModel",
]


@dataclass(frozen=True, eq=False)
class PointSourceSpacePDFRatioModel:
    """S/B in space of sources, as `nusky.csky.trial.get_trial_runner` reads it.

    Parameters
    ----------
    ana : SubAnalysis
    src : Sources
    bg_param, acc_param
        The season's own: ``ana.bg_space_param`` (set that for another one), ``ana.acc_param``.
    sigsub : bool
    """

    ana: SubAnalysis
    src: Sources
    bg_param: Any = None
    acc_param: Any = None
    sigsub: bool = False

    def __post_init__(self) -> None:
        for name, given, own in (
            ("bg_param", self.bg_param, self.ana.bg_space_param),
            ("acc_param", self.acc_param, self.ana.acc_param),
        ):
            if given is not None and given is not own:
                raise ValueError(
                    f"{name} must be the season's own ({self.ana.key}); set it there before runners are made"
                )


class MultiPDFRatioModel:
    """The product of a model in space and one of energies.

    Parameters
    ----------
    *models
        A `PointSourceSpacePDFRatioModel`, and the season's ``energy_pdf_ratio_model`` or nothing.
    """

    #: csky's list of columns that the models read; events keep all of theirs.
    keep = ("sigma", "dec", "ra", "sindec", "log10energy")

    def __init__(self, *models: Any) -> None:
        space = [model for model in models if isinstance(model, PointSourceSpacePDFRatioModel)]
        energy = [model for model in models if isinstance(model, EnergyPDFRatioModel)]
        if len(space) != 1 or len(energy) > 1 or len(space) + len(energy) != len(models):
            raise ValueError(
                "a likelihood built by hand is one PointSourceSpacePDFRatioModel and at most the season's "
                f"energy_pdf_ratio_model, got {', '.join(type(model).__name__ for model in models) or 'nothing'}"
            )
        if energy and energy[0] is not space[0].ana.energy_pdf_ratio_model:
            raise ValueError(f"the energy term must be that of the season, {space[0].ana.key}.energy_pdf_ratio_model")
        self.space_model, self.energy_model = space[0], energy[0] if energy else None
        self.models = models
