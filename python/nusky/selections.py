"""`selections`: where data come from, under csky's name."""

from __future__ import annotations

from nusky.data_repository import DataRepository, Spec, resolve
from nusky.npy_repository import Repository
from nusky.public_release import PublicRelease
from nusky.specs import CustomDataSpecs, PSDataSpecs
from nusky.synthetic_repository import SyntheticRepository

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
