"""The README keeps its promises: its example runs, its links lead somewhere, its commands are the two that CI calls."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from places import ROOT

README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def test_the_two_commands_are_there_and_nothing_else_is_asked_for() -> None:
    assert [block.strip() for block in blocks("sh")] == [
        'python -m pip install ".[tutorial]" && nusky demo',
        'python -m pip install ".[test]" && python -m pytest -m "not slow"',
    ]


def test_the_example_runs_and_finds_its_signal(tmp_path: Path) -> None:
    (example,) = blocks("python")
    command = [sys.executable, "-W", "error", "-c", example]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = re.search(r"TS = ([\d.]+), n_s = ([\d.]+)", done.stdout)
    assert found is not None
    assert float(found[1]) > 25
    p = re.search(r"^p = ([\d.]+) \+/- .* trials\)$", done.stdout, flags=re.MULTILINE)
    assert p is not None
    assert float(p[1]) < 0.05
    assert re.search(r"^1\.\d+e-11 TeV/cm2/s", done.stdout, flags=re.MULTILINE)


def test_every_link_of_the_readme_leads_to_a_file() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_picture_is_small() -> None:
    assert (ROOT / "docs" / "_static" / "demo.png").stat().st_size < 150_000
