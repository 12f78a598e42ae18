"""The files of a follow-up: all or none, what they say."""

from __future__ import annotations

import json
import pathlib
import re
from typing import Any

import healpy
import numpy as np
import pytest

from nusky.followup import output, write_follow_up
from nusky.followup.notice import notice
from nusky.followup.pages import _limit_rows
from nusky.followup.summary import summary


def test_files_say_scramble_and_hold_no_request(found: Any, files: dict[str, pathlib.Path]) -> None:
    assert set(files) == {path.name for path in files["result.json"].parent.iterdir()}
    result = json.loads(files["result.json"].read_text())
    assert result["p"] == float(found.p_value)
    assert result["real_sky"] is False
    page = files["report.html"].read_text()
    assert "SCRAMBLE" in page
    assert not re.search(r"(src|href)=.?https?:|url\(|@import", page)
    assert page.count("<img") == 5
    assert "SCRAMBLE" in files["circular.txt"].read_text()
    assert json.loads(files["notice.json"].read_text())["alert_tense"] == "test"
    regions = result["region"]["regions"]
    assert [region["level"] for region in regions] == [0.5, 0.9]
    assert regions[1]["area"] > regions[0]["area"] > 0


def test_what_to_know_of_the_fit_is_published_with_it(found: Any, files: dict[str, pathlib.Path]) -> None:
    assert found.fit.refine is None
    (note,) = json.loads(files["result.json"].read_text())["fit"]["notes"]
    assert re.match(r"fitted at .* nside 64, not refined: .* 10 % lower", note)
    assert f"Note: {note}." in files["report.html"].read_text()


def test_only_fitted_pixels_are_written(found: Any, files: dict[str, pathlib.Path]) -> None:
    from astropy.table import Table

    table = Table.read(files["scan.fits"])
    assert len(table) == len(found.runner.pixels) < healpy.nside2npix(64) / 10
    np.testing.assert_array_equal(table["PIXEL"], found.runner.pixels.pixels)
    np.testing.assert_array_equal(table["TS"], found.scan.ts[table["PIXEL"]])
    assert table.meta["OBJECT"] == "SCRAMBLE"


def test_nothing_is_written_where_a_file_cannot_be_made(
    found: Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> str:
        raise RuntimeError("no page")

    monkeypatch.setattr(output, "report_page", fails)
    monkeypatch.setattr(output, "as_png", lambda _: b"")
    monkeypatch.setattr(output, "as_pdf", lambda _: b"")
    with pytest.raises(RuntimeError, match="no page"):
        write_follow_up(found, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_test_statistic_has_the_name_of_a_p_value(found: Any, windowed: Any) -> None:
    def values(tree: Any, key: str = "") -> Any:
        if isinstance(tree, dict):
            for name, value in tree.items():
                yield from values(value, name)
        elif isinstance(tree, list):
            for value in tree:
                yield from values(value, key)
        else:
            yield key, tree

    for tree in (summary(found), notice(found), summary(windowed), notice(windowed)):
        for key, value in values({name: part for name, part in tree.items() if name != "units"}):
            assert "log10p" not in key
            if key in ("p", "p_error") or "pval" in key:
                assert value is None or 0 <= value <= 1


def test_an_upper_limit_that_does_not_exist_says_why() -> None:
    one = {"E2dNdE": 1e-8, "fluence": None, "relative_error": 0.1}
    limits = {"sensitivity": one, "upper_limit": None, "sources": "of equal flux", "range_over_90_percent_region": None}
    _, (what, shown, why) = _limit_rows(limits)
    assert (what, shown) == ("upper limit E²dN/dE", "none")
    assert "more than 10 % of them would have a lower TS" in why
