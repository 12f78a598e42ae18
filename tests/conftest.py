"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import pathlib

import pytest


@pytest.fixture(scope="session")
def shared_data() -> pathlib.Path:
    """Folder of the public data next to the repository (or in $NUSKY_SHARED); skips where it is missing."""
    beside = pathlib.Path(__file__).resolve().parents[1].parent / "shared"
    folder = pathlib.Path(os.environ.get("NUSKY_SHARED", beside)) / "data"
    if not folder.is_dir():
        pytest.skip(f"no public data at {folder}; set NUSKY_SHARED to the folder that holds data/")
    return folder
