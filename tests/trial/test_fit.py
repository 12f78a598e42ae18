"""`Fit`: named, and indexed like csky's array."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nusky.files.checked_json import write_json
from nusky.trial.fit import PER_PRIOR_DTYPE, Fit, at_gamma_bound, result_columns
from nusky.trial.status import Status

SKY = result_columns(sky=True, gamma_free=True)


def make(**changes: Any) -> Fit:
    table = np.zeros(2, dtype=PER_PRIOR_DTYPE)
    table["prior"] = [0, 1]
    table["ts_raw"] = [47.0029474, -np.inf]
    table["gamma"] = [2.2, np.nan]
    about: dict[str, Any] = {
        "columns": SKY,
        "ts": 47.0029474,
        "ns": 23.0528063,
        "gamma": 2.21504501,
        "ra": 2.96978681,
        "dec": 0.0104168551,
        "ts_raw": 47.0029474,
        "status": Status.OK,
        "n_scanned": 48984,
        "pixel": 24412,
        "nside": 64,
        "prior": 0,
        "per_prior": table,
        "prior_policy": {"weight": 2.0, "zero": "exclude"},
        "seed": 1,
        "index": 0,
    }
    return Fit(**(about | changes))


def test_it_indexes_like_the_array_of_the_tutorial() -> None:
    result = make()
    text = "TS, ns, gamma (ra,dec) = {:.2f}, {:.2f}, {:.2f} ({:.2f}, {:.2f})".format(
        result[1], result[2], result[3], *np.degrees(result[-2:])
    )
    assert text == "TS, ns, gamma (ra,dec) = 47.00, 23.05, 2.22 (170.16, 0.60)"
    assert np.asarray(result).tolist() == [47.0029474, 47.0029474, 23.0528063, 2.21504501, 2.96978681, 0.0104168551]
    assert list(result) == np.asarray(result).tolist()
    assert len(result) == 6
    assert result.shape == (6,)
    assert result["ns"] == result.ns


def test_without_a_fitted_gamma_there_are_five_numbers() -> None:
    result = make(columns=result_columns(sky=True, gamma_free=False), energy="fixed", gamma_fixed=2.5, gamma=2.5)
    assert len(result) == 5
    assert result[-2:].tolist() == [2.96978681, 0.0104168551]
    assert "gamma fixed at 2.5" in repr(result)
    with pytest.raises(KeyError, match="no column 'gamma'"):
        result["gamma"]


def test_a_point_source_fit_unpacks_into_ts_ns_gamma() -> None:
    ts, ns, gamma = make(columns=result_columns(sky=False, gamma_free=True))
    assert (ts, ns, gamma) == (47.0029474, 23.0528063, 2.21504501)


def test_the_array_cannot_be_changed_and_a_copy_can() -> None:
    result = make()
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(result)[0] = 1.0
    np.array(result)[0] = 1.0
    with pytest.raises(AttributeError):
        result.ts = 1.0  # type: ignore[misc]


def test_mlog10p_is_ts_unless_a_p_value_is_given_and_says_so() -> None:
    assert make().mlog10p == make().ts
    assert make().mlog10p_is_ts
    known = make(mlog10p=3.2, mlog10p_is_ts=False)
    assert known[0] == 3.2


def test_repr_shows_the_array_its_columns_and_what_matters() -> None:
    text = repr(make(TRUTH=True, ts=0.0, ts_raw=-2.5))
    assert text.startswith("array([")
    for part in ("mlog10p, ts, ns, gamma, ra, dec", "status=OK", "pixel=24412 of nside 64", "TRUTH", "ts_raw=-2.5"):
        assert part in text


def test_what_to_know_before_publishing_is_said() -> None:
    assert [note[:40] for note in make().notes] == ["fitted at the centres of pixels of nside"]
    assert "not refined" in repr(make())
    refined = make(refine={"nside": 1024, "spots": 1, "rings": 1}, nside=1024)
    assert refined.notes == ()
    assert "not refined" not in repr(refined)
    odd = make(nside=1024, gamma=4.0, gamma_at_bound=True, prior_outside=0.034)
    assert odd.notes == (
        "gamma = 4 is at the end of its range: the maximum may lie beyond",
        "3.4% of the prior lie outside the pixels that were fitted",
    )
    assert make(columns=result_columns(sky=False, gamma_free=True), pixel=None, nside=None).notes == ()


def test_a_gamma_at_its_bound_is_said_and_kept(tmp_path: Path) -> None:
    assert "bound" not in repr(make())
    config = {"likelihood": {"gamma_range": [1.0, 4.0]}}
    assert at_gamma_bound([1.0, 2.0, 4.0, np.nan], config).tolist() == [True, False, True, False]
    assert not at_gamma_bound([4.0], {"likelihood": {"gamma": 4.0}}).any()
    with pytest.raises(ValueError, match="do not know how they were made"):
        at_gamma_bound([4.0], {})
    at_bound = make(gamma=4.0, gamma_at_bound=True)
    assert "gamma at its bound" in repr(at_bound)
    at_bound.save(tmp_path / "fit.json")
    assert Fit.read(tmp_path / "fit.json").gamma_at_bound


def test_json_gives_back_every_number_to_the_last_bit(tmp_path: Path) -> None:
    result = make(gamma=np.nan, ts_raw=-np.inf, ts=0.0, ns=0.1 + 0.2)
    path = tmp_path / "fit.json"
    result.save(path)
    again = Fit.read(path)
    np.testing.assert_array_equal(np.asarray(again), np.asarray(result))
    assert again.ts_raw == -np.inf
    assert again.per_prior is not None
    assert result.per_prior is not None
    for name in PER_PRIOR_DTYPE.names or ():
        np.testing.assert_array_equal(again.per_prior[name], result.per_prior[name])
    assert (again.status, again.seed, again.prior_policy) == (result.status, 1, {"weight": 2.0, "zero": "exclude"})
    json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_no_file_holds_ts_under_the_name_of_a_p_value(tmp_path: Path) -> None:
    result = make()
    result.save(tmp_path / "fit.json")
    stored = json.loads((tmp_path / "fit.json").read_text())
    assert stored["mlog10p"] is None
    assert stored["ts"] == result.ts
    assert Fit.read(tmp_path / "fit.json").mlog10p == result.ts
    del stored["crc"]
    write_json(tmp_path / "old.json", {**stored, "mlog10p": result.ts})  # written before
    assert Fit.read(tmp_path / "old.json").mlog10p == result.ts
    make(mlog10p=3.2, mlog10p_is_ts=False).save(tmp_path / "p.json")
    assert json.loads((tmp_path / "p.json").read_text())["mlog10p"] == 3.2


def test_reading_what_is_no_fit_says_so(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"a": 1}')
    (tmp_path / "broken.json").write_text("{")
    write_json(tmp_path / "newer.json", {"format": "nusky fit", "version": 99})
    write_json(tmp_path / "short.json", {"format": "nusky fit", "version": 1})
    wrong = {
        "other": "is not a fit",
        "broken": "is not JSON",
        "newer": "version 99",
        "short": "short.json is not a fit",
    }
    for name, message in wrong.items():
        with pytest.raises(ValueError, match=message):
            Fit.read(tmp_path / f"{name}.json")
    with pytest.raises(FileNotFoundError):
        Fit.read(tmp_path / "missing.json")
