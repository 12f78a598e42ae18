from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nusky.dists import TSD
from nusky.sensitivity.limits import find_n_sig
from nusky.sensitivity.result import NSigResult
from toy_runner import ToyRunner


def test_the_result_reads_as_a_dictionary_and_by_attribute() -> None:
    found = find_n_sig(ToyRunner(), 1.0, 0.9, seed=1, tol=0.2, gamma=2.0, E0=100, unit=1e3)
    assert found["n_sig"] == found.n_sig
    assert found["info"]["CLs"].tolist() == found.curve.fractions.tolist()
    assert {"n_sig", "n_sig_error", "info", "trials"} <= set(found)
    assert found.E2dNdE == pytest.approx(1e-15 * found.n_sig)
    assert found.E2dNdE_absolute_error == pytest.approx(found.E2dNdE * found.n_sig_error)
    assert found.n_sig_relative_error == found["n_sig_relative_error"] == found.n_sig_error
    assert found.n_sig_absolute_error == pytest.approx(found.n_sig * found.n_sig_error)
    assert found.fluence is None
    assert json.loads(json.dumps(found.as_dict()))["spectrum"] == {"type": "PowerLawFlux", "gamma": 2.0}
    assert "n_sig=" in repr(found)
    with pytest.raises(KeyError, match="'nsig' is not in the result"):
        found["nsig"]


def test_a_result_comes_back_from_its_file_with_curve_trials_and_what_it_was_made_with(tmp_path: Path) -> None:
    found = find_n_sig(ToyRunner(), 1.0, 0.9, seed=1, tol=0.2, gamma=2.0, E0=100, trials={0: [0.0] * 60, 7: [9.0] * 60})
    path = tmp_path / "found.npz"
    found.save(path)
    again = NSigResult.read(path)
    assert again.as_dict() == found.as_dict()
    assert again.config == ToyRunner().config()
    assert repr(again) == repr(found)
    assert again.curve.solve_error(0.9) == found.curve.solve_error(0.9)
    assert list(again.trials) == list(found.trials)
    for n_sig, rows in found.trials.items():
        np.testing.assert_array_equal(again.trials[n_sig], rows)
    runner = ToyRunner()
    assert find_n_sig(runner, 1.0, 0.9, trials=again.trials, max_batch_size=0).n_sig == found.n_sig
    TSD([1.0]).save(tmp_path / "tsd.npz")
    with pytest.raises(ValueError, match=r"tsd\.npz has the format 'nusky-tsd-1'"):
        NSigResult.read(tmp_path / "tsd.npz")
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ValueError, match=r"found\.npz is damaged"):
        NSigResult.read(path)
