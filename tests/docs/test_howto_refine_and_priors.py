"""The how-to pages on refinement, catalogues of priors and injection run as they are written."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import pytest

from places import ROOT

PAGES = ROOT / "docs" / "howto"

# The documentation is built in CI, too, from the same cells
pytestmark = pytest.mark.slow


def run(page: str, n_cells: int) -> dict[str, Any]:
    cells = re.findall(r"```\{code-cell\} ipython3\n(.*?)```", (PAGES / page).read_text(), flags=re.S)
    assert len(cells) == n_cells
    names: dict[str, Any] = {}
    for number, cell in enumerate(cells):
        exec(compile(cell, f"{page}, cell {number}", "exec"), names)
    return names


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib

    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)


def test_the_page_on_refinement_and_regions(capsys: pytest.CaptureFixture[str]) -> None:
    names = run("refine_and_regions.md", 4)
    out = capsys.readouterr().out
    assert "of nside 64" in out
    assert "of nside 1024" in out
    assert names["where"].complete
    assert names["refined"].ts.mean() > names["plain"].ts.mean()
    assert "99.9 % containment" in out
    names["plt"].close("all")


def test_the_page_on_several_priors(capsys: pytest.CaptureFixture[str]) -> None:
    names = run("several_priors.md", 3)
    out = capsys.readouterr().out
    assert names["trial"].n_injected == 12
    power = [int(value) for value in re.findall(r"(\d+)% of the signal trials", out)]
    assert power[1] >= power[0]


def test_the_page_on_injection(capsys: pytest.CaptureFixture[str]) -> None:
    run("inject_signal.md", 5)
    out = capsys.readouterr().out
    assert "[10, 10, 10, 10, 10]" in out
    assert out.count("TS") == 1 + 5 + 5 + 2
