"""What the command line says names the options that a command has, and no keyword of Python."""

from __future__ import annotations

import argparse
import ast
import re
from pathlib import Path
from typing import Any

import healpy as hp
import pytest

import nusky
from gw_map import gw_map, write_gw_map
from nusky.cli import command as cli
from nusky.cli.values import in_options

FOLLOW_UP = ["follow-up", "x.fits"]
SCAN = ["scan", "x.fits"]
QUERY = ["library", "query", "x"]
WATCH = ["watch", "--folder", "x"]


def options(argv: list[str]) -> argparse.Namespace:
    return cli._parser().parse_args(argv)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("give frame='equatorial', 'galactic' or 'ecliptic'", "give --frame equatorial, galactic or ecliptic"),
        ("give kind='probability' (per pixel), '2dlnl' or 'cl'", "give --kind probability (per pixel), 2dlnl or cl"),
        ("give nest=True or nest=False", "give --ordering nested or --ordering ring"),
        ("calibration={0.5: 22.2, 0.9: 64.2} with it", "--calibration 0.5:22.2,0.9:64.2 with it"),
        ("say use_grl=False: on from", "say --no-grl: on from"),
        ("start=None, stop=5.0: give both", "--start (not given), --stop 5.0: give both"),
        ("window=(5.0, 1.0): the first", "--window 5.0 1.0: the first"),
        ("give start= with stop= (MJD), or livetime=True", "give --start with --stop (MJD), or --livetime"),
        ("say which with hdu=", "say which with --hdu"),
        ("with on_bad='drop'", "with --on-bad drop"),
        ("a policy PriorPolicy(regrade=512)", "a policy PriorPolicy(regrade=512)"),
        ("NSIDE=64 in the header", "NSIDE=64 in the header"),
        ("sources(…, mjd=, t_100=)", "sources(…, mjd=, t_100=)"),
    ],
)
def test_keywords_become_options(message: str, expected: str) -> None:
    assert in_options(message, options(FOLLOW_UP)) == expected


# Where the errors of a command are raised; what is in a header or said of arrays in memory is no keyword of a command
MAPS = [f"maps/{name}.py" for name in ("reader", "header", "cells", "fits_table", "hdf5_table", "calibration")]
DATA = ["data/cleaning.py", "transients/uptime.py"]
# … and nside is always given where a library is asked
NO_COMMAND_GIVES = {"min_sigma", "nside"}
SEARCH = ["followup/follow_up.py", "followup/search.py", "followup/inputs.py"]


@pytest.mark.parametrize(
    ("argv", "modules"),
    [(FOLLOW_UP, MAPS + DATA + SEARCH), (SCAN, [*MAPS, DATA[0]]), (QUERY, MAPS), (WATCH, MAPS + DATA)],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_no_keyword_is_left_in_what_a_command_can_say(argv: list[str], modules: list[str]) -> None:
    args = options(argv)
    left = []
    for module in modules:
        source = (Path(nusky.__file__).parent / module).read_text(encoding="utf-8")
        for text in texts_of_errors(ast.parse(source)):
            said = in_options(text, args)
            named = set(re.findall(r"(?<![\w.])(?<!\w\()([a-z][a-z_]*)=(?![=\s])", said))
            left += [f"{module}: {said}" for _ in named - NO_COMMAND_GIVES]
    assert left == []


def texts_of_errors(tree: ast.AST) -> list[str]:
    """Texts of what is raised, and of the advice that goes into it; ``{value!r}`` stands as 1."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.Raise, ast.Assign)):
            found += [text_of(part) for part in ast.walk(node) if isinstance(part, (ast.JoinedStr, ast.Constant))]
    return [text for text in found if " " in text]


def text_of(node: Any) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join("1" if isinstance(part, ast.FormattedValue) else str(part.value) for part in node.values)  # type: ignore[attr-defined]
    return node.value if isinstance(node.value, str) else ""


@pytest.mark.parametrize("command", [pytest.param("follow-up", marks=pytest.mark.slow), "scan"])
def test_a_map_that_does_not_say_its_frame_is_told_by_option(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "map.fits"
    hp.write_map(path, gw_map(32, coarse=16).regrade(32).probability, column_names=["PROB"], dtype=float)
    argv = [command, str(path), "--out", str(tmp_path / "out"), *(["--livetime"] if command == "follow-up" else [])]
    assert cli.main(argv) == 2
    said = capsys.readouterr().err
    assert "give --frame equatorial, galactic or ecliptic" in said
    assert not (tmp_path / "out" / "result.json").exists()
    quick = ["--trials", "2", "--no-limits"] if command == "follow-up" else []
    assert cli.main([*argv, *quick, "--frame", "galactic"]) == 0


def test_options_of_a_map_are_for_the_file_of_a_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["follow-up", "180,10,5", "--livetime", "--frame", "galactic", "--out", str(tmp_path / "o")]) == 2
    assert "--frame galactic is for the file of a map" in capsys.readouterr().err


def test_times_that_contradict_each_other_are_said_in_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_gw_map(tmp_path / "map.fits", gw_map(32, coarse=16))
    assert cli.main(["follow-up", str(path), "--livetime", "--start", "55000", "--out", str(tmp_path / "o")]) == 2
    assert "give one of --window, --start with --stop, and --livetime" in capsys.readouterr().err
