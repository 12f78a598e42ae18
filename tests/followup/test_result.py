"""Follow-up of a position: p-value, files, notice against its schema."""

from __future__ import annotations

import base64
import json
import pathlib
from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.followup import central_energy_range, follow_up, read_target, write_follow_up
from places import SHARED


@pytest.fixture(scope="module")
def ana() -> Any:
    return cy.get_analysis(cy.selections.demo)


@pytest.fixture(scope="module")
def found(ana: Any) -> Any:
    return follow_up("180,10,5", ana=ana, livetime=True, n_trials=100, limits=False, nside=64)


def test_the_p_value_counts_the_runners_trials(found: Any) -> None:
    trials = found.runner.get_many_fits(len(found.background), seed=found.seed + 1)
    np.testing.assert_array_equal(found.background, trials["ts"])
    above = np.count_nonzero(trials["ts"] >= found.fit.ts)
    assert abs(float(found.p_value) - above / len(trials)) <= 1 / len(trials)


def test_more_trials_continue_the_batch(found: Any) -> None:
    more = found.more_trials(20)
    both = found.runner.get_many_fits(len(found.background) + 20, seed=found.seed + 1)
    np.testing.assert_array_equal(more.background, both["ts"])


def test_files_say_scramble_and_hold_no_request(found: Any, tmp_path: pathlib.Path) -> None:
    files = {path.name: path for path in write_follow_up(found, tmp_path / "out")}
    assert set(files) == {path.name for path in (tmp_path / "out").iterdir()}
    result = json.loads(files["result.json"].read_text())
    assert result["p"] == float(found.p_value)
    assert result["real_sky"] is False
    page = files["report.html"].read_text()
    assert "SCRAMBLE" in page
    assert "http" not in page
    assert "<img" in page
    assert "SCRAMBLE" in files["circular.txt"].read_text()
    assert json.loads(files["notice.json"].read_text())["alert_tense"] == "test"


def test_the_notice_is_valid(found: Any, tmp_path: pathlib.Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    referencing = pytest.importorskip("referencing")
    root = SHARED / "data" / "gcn_schema" / "gcn" / "notices"
    if not root.is_dir():
        pytest.skip(f"no GCN schemas in {root}")
    write_follow_up(found, tmp_path)
    notice = json.loads((tmp_path / "notice.json").read_text())
    schemas = [json.loads(path.read_text()) for path in root.rglob("*.schema.json")]
    registry = referencing.Registry().with_contents([(s["$id"], s) for s in schemas if "$id" in s])
    schema = next(s for s in schemas if s.get("$id", "").endswith("lvk_nu_track_search.schema.json"))
    validator = jsonschema.Draft202012Validator(schema, registry=registry)
    validator.validate(notice)
    assert not validator.is_valid({**notice, "pval_generic": "none"})


def test_energy_range_is_the_quantiles_of_the_simulation(ana: Any) -> None:
    low, high = central_energy_range(ana, 0.1)
    inside = total = 0.0
    for season in ana:
        sim = season.sim
        near = np.abs(np.sin(sim["true_dec"]) - np.sin(0.1)) <= 0.05
        energy, weight = sim["true_energy"][near], (sim["oneweight"] * sim["true_energy"] ** -2.0)[near]
        total += weight.sum() * season.livetime
        inside += weight[(energy >= low) & (energy <= high)].sum() * season.livetime
    assert inside / total == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize(
    ("notice", "message"),
    [
        ({"superevent_id": "S1", "alert_type": "RETRACTION", "event": None}, "retracted"),
        ({"superevent_id": "S1", "alert_type": "INITIAL", "event": {"time": "2012-01-01T00:00:00Z"}}, "no sky map"),
        ({"event": {"skymap": base64.b64encode(b"no map").decode()}}, "cannot be read"),
    ],
)
def test_notices_that_cannot_be_followed_up(notice: dict[str, Any], message: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "notice.json"
    path.write_text(json.dumps(notice))
    with pytest.raises(ValueError, match=message):
        read_target(path)


def test_a_notice_with_position_and_error_holds_its_probability(tmp_path: pathlib.Path) -> None:
    import healpy

    path = tmp_path / "notice.json"
    notice = {"id": ["X1"], "trigger_time": "2012-01-01T00:00:00Z", "ra": 40.0, "dec": -20.0, "ra_dec_error": 6.0}
    path.write_text(json.dumps(notice))
    target = read_target(path)
    centre = healpy.ang2vec(40.0, -20.0, lonlat=True)
    inside = healpy.query_disc(target.sky.nside, centre, np.radians(6.0))
    assert target.sky.probability[inside].sum() == pytest.approx(0.9, abs=0.02)
    assert target.name == "X1"
    assert target.mjd == pytest.approx(55927.0)


def test_times_outside_the_data_and_no_time_are_refused(ana: Any) -> None:
    with pytest.raises(ValueError, match="outside the data"):
        follow_up("180,10,5", ana=ana, start=10000.0, stop=10001.0)
    with pytest.raises(ValueError, match="has no time"):
        follow_up("180,10,5", ana=ana)


def test_an_empty_window_is_an_ordinary_result(ana: Any, tmp_path: pathlib.Path) -> None:
    start = ana[0].mjd_min + 10
    empty = follow_up(
        "180,10,1", ana=ana, start=start, stop=start + 1 / 86400, n_trials=100, limits=False, containment=0.9
    )
    assert empty.fit.ns == 0
    assert float(empty.p_value) == 1
    assert empty.events == ()
    write_follow_up(empty, tmp_path)
    assert json.loads((tmp_path / "result.json").read_text())["p"] == 1
