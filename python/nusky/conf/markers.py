"""Names of csky's `pdf`, `inj`, `llh` and `seeding` that scripts put into a configuration."""

from __future__ import annotations

from typing import Any

__all__ = ["CustomFluxEnergyPDFRatioModel", "DecRandomizer", "RARandomizer", "UTFSeeder"]


class RARandomizer:
    """``randomize=[cy.inj.RARandomizer]``: new right ascensions, as ``'ra'``."""


class DecRandomizer:
    """``randomize=['ra', cy.inj.DecRandomizer]``: new declinations too, as ``'dec'``."""


class CustomFluxEnergyPDFRatioModel:
    """Key of a configuration: ``{cy.pdf.CustomFluxEnergyPDFRatioModel: dict(flux=…, hkw=dict(bins=…))}``.

    The dictionary says which flux the energy term of ``energy='customflux'`` has, and on which histogram.
    """


class UTFSeeder:
    """``seeder=`` of a flare: its windows start and end at events above a threshold.

    Parameters
    ----------
    threshold : float, optional
        Of S/B max R; see `nusky.transients.FlareOptions`. Elsewhere fits need no seeds, and no result depends on it.
    """

    def __init__(self, threshold: Any = None) -> None:
        self.threshold = threshold
