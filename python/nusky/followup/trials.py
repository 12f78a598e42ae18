"""The background trials of a follow-up on disk, so that a later call goes on where an earlier one ended."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.files import read_format, write_npz
from nusky.version import code_version

if TYPE_CHECKING:
    from nusky.typing import F64

__all__ = ["FILE", "given_trials", "keep_trials", "trials_file"]

FILE = "background.npz"
_FORMAT = "nusky-follow-up-background-1"


def trials_file(runner: Any, background: F64, seed: int) -> bytes:
    """The bytes of the file that keeps background trials."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        keep_trials(path, runner.config_hash, background, seed)
        return path.read_bytes()


def keep_trials(path: str | os.PathLike[str], config_hash: str, background: F64, seed: int) -> None:
    """Write background trials."""
    meta = {"format": _FORMAT, "version": code_version(), "config_hash": config_hash, "seed": seed}
    write_npz(path, {"ts": np.asarray(background, dtype=np.float64)}, meta)


def given_trials(path: str | os.PathLike[str], config_hash: str, seed: int) -> F64 | None:
    """Background trials that `keep_trials` wrote; None where there is no file, or one of another search or version."""
    if not Path(path).is_file():
        return None
    meta, arrays = read_format(path, _FORMAT, "background trials of a follow-up")
    same = {"version": code_version(), "config_hash": config_hash, "seed": seed}
    return arrays["ts"] if all(meta.get(key) == value for key, value in same.items()) else None
