"""docs/tutorial.md runs as it is written, and docs/tutorial.ipynb is that page, executed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from places import ROOT, SHARED

DOCS = ROOT / "docs"
MISSION = SHARED / "mission" / "spatial_priors_tutorial.txt"


def source_cells() -> list[str]:
    """Code cells of the page, without their options."""
    blocks = re.findall(r"^```\{code-cell\} ipython3\n(.*?)^```$", (DOCS / "tutorial.md").read_text(), re.M | re.S)
    return [re.sub(r"\A(:\w+:.*\n)+\n", "", block).strip() for block in blocks]


def notebook() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DOCS / "tutorial.ipynb").read_text())
    return found


def executed_cells() -> list[dict[str, Any]]:
    return [cell for cell in notebook()["cells"] if cell["cell_type"] == "code"]


def test_the_executed_notebook_holds_the_cells_of_the_page() -> None:
    executed = ["".join(cell["source"]).strip() for cell in executed_cells()]
    assert executed == source_cells(), "run docs/render_tutorial.py"


def test_every_cell_was_executed_and_one_failed_on_purpose() -> None:
    cells = executed_cells()
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    failed = [output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]
    assert len(failed) == 1
    assert "gamma=" in failed[0]["evalue"]


def test_the_executed_notebook_shows_four_maps_and_no_path_of_a_machine() -> None:
    text = (DOCS / "tutorial.ipynb").read_text()
    pictures = [o for cell in executed_cells() for o in cell["outputs"] if "image/png" in o.get("data", {})]
    assert len(pictures) == 4
    outputs = json.dumps([o for cell in executed_cells() for o in cell["outputs"] if "data" not in o])
    assert not re.search(r'[ "\'](/[\w.-]+){2,}', outputs)
    assert len(text) < 1_000_000


def test_every_code_line_of_the_original_tutorial_is_on_the_page() -> None:
    if not MISSION.is_file():
        pytest.skip("the tutorial that the page follows is not in ../shared/mission")
    page = "\n".join(source_cells())
    lines = [line.strip() for line in MISSION.read_text().splitlines()]
    code = re.compile(r"(cy|sp|cb|ax|plt|m|kw|fig|mesh|prior|sptr|sstr|%time|dec85|np)\b.*[=(]")
    calls = [line for line in lines if code.match(line)]
    assert len(calls) > 40
    for line in calls:
        if "get_analysis" not in line:  # where the data are is the one thing that differs
            assert line in page, line


@pytest.mark.slow
def test_the_cells_of_the_page_run_in_order(tmp_path: Path) -> None:
    # In a process of its own, with warnings as errors: a cell that warns would do so in every reader's notebook.
    script = ["import matplotlib; matplotlib.use('Agg')"]
    for cell in source_cells():
        plain = re.sub(r"^%time ", "", re.sub(r"^%matplotlib.*$", "", cell, flags=re.M), flags=re.M)
        if "TeV/cm2/s @ 100TeV ?" in plain:
            call = plain.split("#")[0].strip()
            plain = f"try: {call}\nexcept TypeError as error: assert 'gamma=' in str(error)\nelse: raise SystemExit(1)"
        script.append(plain)
    script.append("assert result.shape == (6,) and scan.shape == (4, 49152)")
    script.append("import numpy; best = numpy.argmax(numpy.where(scan.scanned, ts_with_prior, -numpy.inf))")
    script.append("assert best == result.pixel and abs(ts_with_prior[best] - result[1]) < 1e-9")
    command = [sys.executable, "-W", "error", "-c", "\n".join(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Scanning 48984 locations using" in done.stdout
    assert "48984/48984 coordinates complete." in done.stdout
