"""Terminals that have only ASCII get the same report in ASCII."""

from __future__ import annotations

import ast
import io
import sys

import numpy as np
import pytest

import nusky as cy
from nusky.cli.values import say
from nusky.pixels import select_pixels
from nusky.progress import Progress, tell
from places import ROOT

ENCODINGS = ["ascii", "latin-1", "cp1252"]


def narrow(monkeypatch: pytest.MonkeyPatch, encoding: str) -> io.TextIOWrapper:
    """In the test itself: between its fixtures and the test pytest puts another output."""
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", out)
    return out


def text(out: io.TextIOWrapper) -> str:
    out.flush()
    assert isinstance(out.buffer, io.BytesIO)
    return out.buffer.getvalue().decode(out.encoding)


@pytest.mark.parametrize("line", ["35° ± 1", "γ = 2 … 4", "−5 σ ≥ 3", "χ² tail", "nside 64 → 128", "日本"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_character_stops_a_report(monkeypatch: pytest.MonkeyPatch, encoding: str, line: str) -> None:
    out = narrow(monkeypatch, encoding)
    say(line)
    Progress(line, 1, "trials", True).__enter__()
    assert text(out).endswith("\n")


def test_the_text_is_readable_in_ascii() -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    tell("35.2° ± 1, γ 2 … 4, −3\n", out)
    assert text(out) == "35.2 deg +- 1, gamma 2 ... 4, -3\n"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_help_is_printed_there(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    from nusky.cli.command import _parser, main
    from nusky.cli.completion import all_commands

    paths = all_commands(_parser())
    assert ("library", "make") in paths
    for path in paths:
        out = narrow(monkeypatch, encoding)
        with pytest.raises(SystemExit):
            main([*path, "--help"])
        assert text(out).startswith("usage: ")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_runner_reports_its_pixels_there(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    from small_analysis import small_analysis

    prior, ana = np.ones(12 * 4**2), small_analysis("A")
    out = narrow(monkeypatch, encoding)
    cy.get_spatial_prior_trial_runner(ana=ana, llh_priors=prior, mp_cpus=1, logging=True)
    assert str(len(select_pixels(4))) in text(out)


SAYING = {"__repr__", "__str__", "describe", "_of_tail", "notes"}


def test_what_an_object_says_of_itself_is_ascii() -> None:
    # print(analysis) in a batch job whose output is ASCII would end the job
    said = [
        (path.name, node.name, text.value)
        for path in (ROOT / "python" / "nusky").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name in SAYING
        for statement in node.body[int(ast.get_docstring(node) is not None) :]
        for text in ast.walk(statement)
        if isinstance(text, ast.Constant) and isinstance(text.value, str)
    ]
    assert len(said) > 200
    assert [one for one in said if not one[2].isascii()] == []
