"""Where data come from, under csky's name: a user's files, a public release, the embedded season."""

from __future__ import annotations

from typing import Any

from nusky.data import SPEC_GROUPS, CustomDataSpecs, PSDataSpecs
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
    "mrichman_repo",
    "repo",
    "resolve",
]

#: The user's own data, found by the environment variable NUSKY_DATA_DIR when first used.
repo = Repository()
mrichman_repo = repo  # csky's older name

#: The embedded synthetic season.
demo = SyntheticRepository()


def __getattr__(name: str) -> Any:
    # csky's further groups of seasons
    if name in SPEC_GROUPS:
        return SPEC_GROUPS[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
