"""csky's `pdf`: keys of configurations."""

from nusky.conf import CustomFluxEnergyPDFRatioModel

__all__ = ["CustomFluxEnergyPDFRatioModel"]
