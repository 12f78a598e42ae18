"""What notebooks show of results."""

from __future__ import annotations

import pathlib
import xml.etree.ElementTree as xml
from typing import Any

import numpy as np
import pytest

import nusky as cy
import seasons
from nusky.notebook import html_table
from seasons import one_season


def shown(thing: Any) -> dict[str, str]:
    table = xml.fromstring(thing._repr_html_())
    assert table.tag == "table"
    assert table.findtext("caption")
    return {str(row.findtext("th")): str(row.findtext("td")) for row in table.iter("tr")}


@pytest.fixture(scope="module")
def tr() -> Any:
    return cy.get_trial_runner(ana=one_season(), src=cy.sources(1.0, 0.2))


def test_results_show_their_numbers(tr: Any) -> None:
    ana = one_season()
    assert shown(ana)[ana[0].key].startswith(f"{len(ana[0].data)} events")
    assert shown(tr)["energy term"] == "γ fitted"
    fit = tr.get_one_fit(10, seed=1)
    assert float(shown(fit)["TS"]) == pytest.approx(fit.ts, rel=1e-3)
    assert "−log10 p" not in shown(fit)
    background = cy.dists.Chi2TSD(tr.get_many_fits(1000, seed=1))
    assert shown(background)["trials"] == "1000"
    assert "degrees of freedom" in shown(background)["fitted tail"]
    found = cy.sensitivity.sensitivity(tr, background, seed=1, tol=0.2)
    assert shown(found)["signal events"].startswith(f"{found.n_sig:.3f}")
    assert f"{found.E2dNdE:.3e}" in shown(found)["E²dN/dE"]


def test_a_scan_shows_its_hottest_spot() -> None:
    values = np.zeros((4, 192))
    values[1, 20] = 9.0
    assert shown(cy.SkyScan(values, np.zeros(192, dtype=np.int8)))["pixel"] == "20"
    assert shown(cy.SkyScan(values, np.full(192, -1, dtype=np.int8)))["pixels scanned"] == "0"


CELLS = (
    "import nusky as cy, seasons\nana = seasons.one_season()\nana",
    "tr = cy.get_trial_runner(ana=ana, src=cy.sources(1.0, 0.2))\ntr",
    "bg = tr.get_many_fits(3000, seed=1, logging=True)",
    "cy.dists.Chi2TSD(bg)",
    "fit = tr.get_one_fit(10, seed=1)\nfit",
    "sky = cy.get_sky_scan_trial_runner(ana=ana, nside=16)\nscan = sky.get_one_scan(seed=1, logging=True)",
    "scan",
    "cy.sensitivity.sensitivity(tr, bg, seed=1, tol=0.3)",
    "from nusky.progress import Progress\n"
    "with Progress('Waiting:', 9, 'things') as progress:\n"
    "    for i in range(9):\n"
    "        time.sleep(0.1)\n"
    "        progress.update(i + 1)",
)


@pytest.mark.slow
def test_a_notebook_has_one_bar_and_a_table_of_each_result() -> None:
    nbclient = pytest.importorskip("nbclient", reason="nbclient is one of the documentation's requirements")
    pytest.importorskip("ipykernel", reason="ipykernel is one of the documentation's requirements")
    nbformat = pytest.importorskip("nbformat")
    path = repr([str(pathlib.Path(seasons.__file__).parent)])
    cells = [f"import sys, time\nsys.path[:0] = {path}", *CELLS]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    out = [cell.outputs for cell in book.cells[1:]]
    for i in (0, 1, 3, 4, 6, 7):
        assert len(out[i]) == 1, CELLS[i]
        table = xml.fromstring(out[i][0]["data"]["text/html"])
        assert table.findtext("caption"), CELLS[i]
    for i, last in ((2, "3000/3000 trials complete."), (5, "coordinates complete."), (8, "9/9 things complete.")):
        assert len(out[i]) == 1, CELLS[i]
        header, bar = out[i][0]["data"]["text/plain"].split("\n")
        assert header.endswith(":")
        assert last in bar


def test_names_are_escaped_and_missing_values_left_out() -> None:
    assert html_table("a<b", [("c&d", "<e>"), ("none", None)]) == (
        '<table><caption>a&lt;b</caption><tr><th scope="row">c&amp;d</th><td>&lt;e&gt;</td></tr></table>'
    )
