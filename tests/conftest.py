"""Fixtures shared by all tests."""

from __future__ import annotations

import pathlib
import signal

import pytest

from npy_layout import write_season
from places import SHARED


def pytest_configure() -> None:
    """Let Ctrl-C be sent by tests, also where a shell has started pytest in the background, with Ctrl-C ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_data() -> pathlib.Path:
    """Folder of the public data next to the repository (or in $NUSKY_SHARED); skips where it is missing."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"no public data at {folder}; set NUSKY_SHARED to the folder that holds data/")
    return folder


@pytest.fixture
def npy_root(tmp_path: pathlib.Path) -> pathlib.Path:
    """Root of a repository in the npy layout: three seasons, the last without a simulation of its own."""
    folder = tmp_path / "ps_tracks" / "version-003-p02"
    write_season(folder, "IC86_2011", 55694.0)
    write_season(folder, "IC86_2012", 56043.0)
    write_season(folder, "IC86_2013", 56414.0, mc=False)
    return tmp_path
