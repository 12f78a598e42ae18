"""The embedded season behind the protocol of all repositories."""

from __future__ import annotations

import pytest

from nusky import selections
from nusky.selections import DataRepository, PSDataSpecs, resolve


def test_the_demo_is_named_synthetic_and_answers_to_the_tutorials_season() -> None:
    demo = selections.demo
    assert isinstance(demo, DataRepository)
    version, specs = resolve(demo)
    assert version == "synthetic-v1"
    lines: list[str] = []
    season = demo.read(version, PSDataSpecs.ps_2011[0], log=lines.append)
    assert season.key == "IC86_2011_synthetic" == specs[0].key  # type: ignore[union-attr]
    assert "synthetic" in lines[0]
    assert demo.fingerprint(version, "IC86_2011") == season.fingerprint
    with pytest.raises(KeyError, match="hold only IC86_2011_synthetic"):
        demo.read(version, "IC40")
    with pytest.raises(ValueError, match="'synthetic-v1', not 'version-003-p02'"):
        demo.read("version-003-p02", "IC86_2011")
