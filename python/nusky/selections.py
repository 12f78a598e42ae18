"""`selections`: where data come from, under csky's name."""

from __future__ import annotations

from .data_repository import DataRepository, Spec, resolve
from .npy_repository import Repository
from .public_release import PublicRelease
from .specs import CustomDataSpecs, PSDataSpecs
from .synthetic_repository import SyntheticRepository

__all__ = [
    "CustomDataSpecs",
    "DataRepository",
    "PSDataSpecs",
    "PublicRelease",
    "Repository",
    "Spec",
    "SyntheticRepository",
    "demo",
    "repo",
    "resolve",
]

#: The user's own data, found by the environment variable NUSKY_DATA_DIR when first used.
repo = Repository()

#: The embedded synthetic season.
demo = SyntheticRepository()
