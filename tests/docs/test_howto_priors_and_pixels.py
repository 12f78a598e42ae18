"""The how-to pages on priors and pixels run as they are written."""

from __future__ import annotations

import re

import pytest

from places import ROOT

PAGES = ROOT / "docs" / "howto"

# The documentation is built in CI, too, from the same cells
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("page", ["priors.md", "pixels.md"])
def test_every_cell_of_the_page_runs(page, tmp_path, monkeypatch, capsys):
    cells = re.findall(r"```\{code-cell\} ipython3\n(.*?)```", (PAGES / page).read_text(), flags=re.S)
    assert len(cells) >= 3
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for number, cell in enumerate(cells):
        exec(compile(cell, f"{page}, cell {number}", "exec"), names)
    said = capsys.readouterr().out
    if page == "priors.md":
        assert "90 % within" in said
        assert (tmp_path / "event.multiorder.fits").is_file()
    else:
        assert "99.9 % containment" in said
        assert names["second"].max() >= names["first"].max() - 0.1
        assert all(
            region.n_pixels > 1 for region in names["cy"].pixels.position_regions(names["finer"], names["second"])
        )
