"""Includes of the C++ core point down: what a noun (a folder) may see is what cpp/CMakeLists.txt links it with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

CPP = Path(__file__).parents[2] / "cpp"
INCLUDE = re.compile(r'^\s*#\s*include\s+"(?P<path>[^"]+)"', re.MULTILINE)
NOUN = re.compile(
    r"^nusky_noun\((?P<noun>\w+)\s+SOURCES\s+(?P<sources>[^)]*?)(?:\s+USES\s+(?P<uses>[^)]*))?\)", re.MULTILINE
)
# Of nothing found, nothing would be wrong.
FEWEST_NOUNS, FEWEST_FILES, FEWEST_INCLUDES, FEWEST_TESTS = 9, 60, 100, 20
# Of cpp/src/bounds/README.md
OF_A_PAGE = {("bounds", "inequalities")}

pytestmark = pytest.mark.skipif(not CPP.is_dir(), reason="the sources of the core are not beside the tests")


def links() -> dict[str, list[str]]:
    """What each noun uses directly, in the order of the build."""
    text = (CPP / "CMakeLists.txt").read_text(encoding="utf-8")
    return {found["noun"]: (found["uses"] or "").split() for found in NOUN.finditer(text)}


def visible(noun: str, uses: dict[str, list[str]]) -> set[str]:
    """A noun, what it uses, and what that uses."""
    seen = {noun}
    for used in uses[noun]:
        seen |= visible(used, uses)
    return seen


def sources() -> Iterator[tuple[Path, str]]:
    """Every source and header with its noun; files in no folder are `root`."""
    for top in (CPP / "include" / "nusky", CPP / "src"):
        for path in sorted(top.rglob("*")):
            if path.suffix in {".hpp", ".cpp", ".inl"}:
                parts = path.relative_to(top).parts
                yield path, parts[0] if len(parts) > 1 else "root"


def noun_of(include: str) -> str:
    """``nusky/fit/tile.hpp`` and ``fit/tile.inl`` belong to `fit`."""
    parts = include.removeprefix("nusky/").split("/")
    return parts[0] if len(parts) > 1 else "root"


def test_every_noun_uses_only_earlier_ones() -> None:
    uses = links()
    assert len(uses) >= FEWEST_NOUNS
    order = list(uses)
    for place, noun in enumerate(order):
        assert set(uses[noun]) <= set(order[:place]), (
            f"{noun} uses a noun that is built after it, or that does not exist"
        )


def test_every_folder_is_a_noun() -> None:
    assert {noun for _, noun in sources()} == set(links())


def test_includes_point_down() -> None:
    uses = links()
    files = list(sources())
    assert len(files) >= FEWEST_FILES
    seen, wrong = 0, []
    for path, noun in files:
        for found in INCLUDE.finditer(path.read_text(encoding="utf-8")):
            seen += 1
            if noun_of(found["path"]) not in visible(noun, uses):
                wrong.append(f"{path.relative_to(CPP)} ({noun}) includes {found['path']}")
    assert seen >= FEWEST_INCLUDES
    assert not wrong, "\n".join(wrong)


def test_every_source_is_built_by_its_own_noun() -> None:
    text = (CPP / "CMakeLists.txt").read_text(encoding="utf-8")
    built = {found["noun"]: set(found["sources"].split()) for found in NOUN.finditer(text)}
    extra = set(re.findall(r"src/(kernels/level_\w+\.cpp)", text))  # added for the processor that has them
    for path, noun in sources():
        if path.suffix == ".cpp":
            name = path.relative_to(CPP / "src").as_posix()
            assert name in built[noun] or name in extra, f"{name} is not built by nusky_noun({noun} …)"


def test_a_test_is_named_after_the_file_it_tests() -> None:
    nouns: dict[str, set[str]] = {}
    for path, noun in sources():
        nouns.setdefault(noun, set()).add(path.stem)
    files = sorted((CPP / "tests").rglob("test_*.cpp"))
    assert len(files) >= FEWEST_TESTS
    lost = []
    for path in files:
        parts = path.relative_to(CPP / "tests").parts
        noun = parts[0] if len(parts) > 1 else "root"
        tested = path.stem.removeprefix("test_")
        if (noun, tested) not in OF_A_PAGE and not any(
            tested == name or tested.startswith(f"{name}_") for name in nouns[noun]
        ):
            lost.append(path.name)
    assert not lost, "cpp/tests/<noun>/test_<file>.cpp, or test_<file>_<what>.cpp"
