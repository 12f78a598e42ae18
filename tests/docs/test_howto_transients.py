"""The how-to page on time windows runs as it is written."""

from __future__ import annotations

import re

import pytest

from places import ROOT

PAGE = ROOT / "docs" / "howto" / "transients.md"

# The documentation is built in CI, too, from the same cells
pytestmark = pytest.mark.slow


def test_every_cell_of_the_page_runs(tmp_path, monkeypatch, capsys):
    cells = re.findall(r"```\{code-cell\} ipython3\n(.*?)```", PAGE.read_text(), flags=re.S)
    assert len(cells) == 5
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for number, cell in enumerate(cells):
        exec(compile(cell, f"{PAGE.name}, cell {number}", "exec"), names)
    said = capsys.readouterr().out
    assert "(1000 s)" in said
    assert "up 100.0% of it" in said
    assert 0.05 < (names["trials"].ts > 0).mean() < 0.95
    assert names["signal"].ts > 10
    sens = names["sens"]
    assert 1.5 < sens.n_sig < 4  # 2.3 events of which at least one is seen in 90 % of the trials
    assert sens.fluence == names["sptr"].to_fluence(sens.n_sig, unit=1e3, gamma=2)
