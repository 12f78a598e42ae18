"""Where data come from, under csky's name: a user's files, a public release, the embedded season."""

from __future__ import annotations

from nusky.data.specs import CustomDataSpecs, PSDataSpecs
from nusky.selections.fetched import icetracks_dr1, icetracks_dr2
from nusky.selections.npy import Repository
from nusky.selections.public_release import PublicRelease
from nusky.selections.repository import DataRepository, Spec, resolve
from nusky.selections.synthetic import KEY, SyntheticRepository

__all__ = [
    "KEY",
    "CustomDataSpecs",
    "DataRepository",
    "PSDataSpecs",
    "PublicRelease",
    "Repository",
    "Spec",
    "SyntheticRepository",
    "demo",
    "icetracks_dr1",
    "icetracks_dr2",
    "repo",
    "resolve",
]

#: The user's own data, found by the environment variable NUSKY_DATA_DIR when first used.
repo = Repository()

#: The embedded synthetic season.
demo = SyntheticRepository()
