"""Packages stay small enough to read at a glance, and a test is found from its module by rule."""

from __future__ import annotations

from pathlib import Path

import pytest

import nusky
from places import ROOT

PACKAGE = Path(nusky.__path__[0])
TESTS = ROOT / "tests"
PACKAGES = sorted(p.parent for p in PACKAGE.rglob("__init__.py") if p.parent != PACKAGE)
# Tests of no single module: of the compiled core, pages, whole searches, the helpers themselves, benchmarks, statistics
APART = {"core", "docs", "end_to_end", "helpers", "bench", "statistical", "inputs"}
# Of the package as a whole
WHOLE = {"test_init.py", "test_layers.py", "test_terminal.py"}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_package_has_two_to_thirteen_modules(package: Path) -> None:
    modules = [p.name for p in package.glob("*.py") if p.name != "__init__.py"]
    assert 2 <= len(modules) <= 13, modules


def test_no_module_stands_in_a_folder_that_is_no_package() -> None:
    assert len(PACKAGES) > 20
    assert {p.parent for p in PACKAGE.rglob("*.py")} - {PACKAGE} == set(PACKAGES)


def test_a_test_file_is_named_after_the_module_it_tests() -> None:
    files = sorted(p.relative_to(TESTS) for p in TESTS.rglob("test_*.py"))
    assert len(files) > 90
    lost = []
    for path in files:
        if path.parts[0] in APART or str(path) in WHOLE:
            continue
        if not (PACKAGE / path.parent / f"{path.stem.removeprefix('test_')}.py").exists():
            lost.append(str(path))
    assert not lost, "tests/<package>/test_<module>.py, or one of the folders apart"


def test_every_package_has_tests() -> None:
    untested = {p.name for p in PACKAGES} - {p.parent.name for p in TESTS.rglob("test_*.py")}
    assert not untested


def test_no_file_is_longer_than_400_lines() -> None:
    folders = (PACKAGE, TESTS, ROOT / "cpp", ROOT / "bench")
    files = [p for f in folders for p in f.rglob("*") if p.suffix in {".py", ".pyi", ".cpp", ".hpp", ".inl"}]
    assert len(files) > 300
    long = {str(p): n for p in files if (n := len(p.read_text(encoding="utf-8").splitlines())) > 400}
    assert not long, "divide it by noun"
