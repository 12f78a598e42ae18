"""Every script in examples/ runs as its first lines say, and finds what it hid."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nusky as cy
from nusky.cli.demo import tutorial_prior
from places import ROOT

EXAMPLES = ROOT / "examples"


def run(script: str, *args: str) -> str:
    command = [sys.executable, "-W", "error", str(EXAMPLES / script), *args]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_own_events_finds_the_source_among_plain_arrays() -> None:
    pattern = r"TS = ([\d.]+) at RA ([\d.]+)°, Dec ([-+\d.]+)°\nn_s = ([\d.]+), gamma = ([\d.]+)"
    found = re.search(pattern, run("own_events.py"))
    assert found is not None
    ts, ra, dec, ns, gamma = map(float, found.groups())
    assert ts > 36, "a source of 25 hard events stands out by more than six sigma"
    assert abs(gamma - 2) < 0.4
    assert abs(ra - 83.6) < 1
    assert abs(dec - 22.0) < 1
    assert abs(ns - 25) < 10


def test_follow_up_ends_in_a_p_value_and_a_flux(tmp_path: Path) -> None:
    cy.write_sky_map(tmp_path / "map.fits", cy.SpatialPrior(tutorial_prior(64)))
    text = run("follow_up.py", str(tmp_path / "map.fits"), "--trials", "20")
    assert "Performing 20 background trials" in text
    assert re.search(r"^p = 0\.\d+ ", text, flags=re.MULTILINE)
    assert re.search(r"E2 dN/dE = 2\.\d+e-12 TeV/cm2/s", text)


def test_every_example_has_a_test() -> None:
    named = set(re.findall(r'run\("(\w+\.py)"', Path(__file__).read_text()))
    assert {path.name for path in EXAMPLES.glob("*.py")} == named
