"""The notice is valid by GCN's schema and says what was found."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nusky.followup.notice import circular, notice
from places import SHARED


@pytest.mark.parametrize("which", ["found", "windowed"])
def test_the_notice_is_valid(which: str, request: pytest.FixtureRequest) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    referencing = pytest.importorskip("referencing")
    root = SHARED / "data" / "gcn_schema" / "gcn" / "notices"
    if not root.is_dir():
        pytest.skip(f"no GCN schemas in {root}")
    made = json.loads(json.dumps(notice(request.getfixturevalue(which)), allow_nan=False))
    schemas = [json.loads(path.read_text()) for path in root.rglob("*.schema.json")]
    registry = referencing.Registry().with_contents([(s["$id"], s) for s in schemas if "$id" in s])
    schema = next(s for s in schemas if s.get("$id", "").endswith("lvk_nu_track_search.schema.json"))
    validator = jsonschema.Draft202012Validator(schema, registry=registry)
    validator.validate(made)
    assert not validator.is_valid({**made, "pval_generic": "none"})
    known = {"$schema", "type", *schema["properties"]}
    for part in schema["allOf"]:
        known |= set(next(s for s in schemas if s.get("$id", "").endswith(part["$ref"][2:]))["properties"])
    assert set(made) <= known


def test_the_notice_of_a_window_has_fluences_energies_and_events(windowed: Any) -> None:
    made = notice(windowed)
    low, high = made["neutrino_flux_sensitivity_range"]["flux_sensitivity"]
    assert 0 < low <= windowed.limits.sensitivity.fluence * 1.5
    assert high >= low
    assert made["neutrino_flux_sensitivity_range"]["sensitive_energy_range"] == pytest.approx(
        windowed.energy_range, rel=1e-3
    )
    assert made["n_events_coincident"] == len(windowed.events) >= 1
    assert made["observation_livetime"] == pytest.approx(windowed.runner.on_time.days * 86_400)
    assert all(0 < event["event_pval_generic"] <= 1 for event in made["coincident_events"])


def test_the_circular_names_limits_and_the_scramble(found: Any, windowed: Any) -> None:
    assert "SCRAMBLE" in circular(found)
    text = circular(windowed)
    assert f"{windowed.limits.sensitivity.fluence:.3g} GeV cm^-2" in text
    assert "Do not send it" in text
