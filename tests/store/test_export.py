"""Trials for other programs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from made_trials import CONFIG, trials
from nusky.store.trials import TrialStore


@pytest.mark.parametrize("suffix", [".h5", ".parquet", ".npz"])
def test_exports_hold_the_same_numbers_and_the_configuration(tmp_path: Path, suffix: str) -> None:
    store = TrialStore(tmp_path / "s", CONFIG)
    store.append(trials(0, 50), seed=9, start=0)
    out = tmp_path / f"trials{suffix}"
    if suffix == ".h5":
        h5py = pytest.importorskip("h5py", reason="h5py is an optional dependency")
        store.export(out)
        with h5py.File(out) as f:
            found, about = f["trials"][:], json.loads(f.attrs["nusky"])
    elif suffix == ".parquet":
        parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is an optional dependency")
        store.export(out)
        table = parquet.read_table(out)
        found, about = table.to_pydict(), json.loads(table.schema.metadata[b"nusky"])
        found = {name: np.array(column, dtype=float) for name, column in found.items()}
    else:
        store.export(out)
        with np.load(out) as z:
            found, about = dict(z), json.loads(z["nusky"].tobytes())
    for name in ("ts", "ns", "gamma"):
        np.testing.assert_array_equal(found[name], trials(0, 50)[name])
    assert list(found["trial"]) == list(range(50))
    assert about["config"] == CONFIG
    assert about["config_hash"] == store.config_hash


def test_an_unknown_export_format_is_named(tmp_path: Path) -> None:
    store = TrialStore(tmp_path / "s", CONFIG)
    with pytest.raises(ValueError, match=r"'\.csv' is none of"):
        store.export(tmp_path / "x.csv")
