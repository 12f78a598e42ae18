"""Imports point down: the contract that the figure of docs/development/architecture.md shows."""

from __future__ import annotations

import ast
import pathlib

import pytest

import nusky

ROOT = pathlib.Path(nusky.__path__[0])
# One line a floor, the lowest first; what stands on one floor does not know each other.
FLOORS = """
version typing checks
threads progress missing units notebook
sphere files arrays
events hyp source dists
response
plotting data downloads
releases
selections
analysis maps
priors
pixels
trial
transients
injection
likelihood
flares hotspots
executors
store
sensitivity
runners
hypotheses
catalogs
conf
followup
notices
installation
csky
cli
"""
RANK = {name: floor for floor, line in enumerate(FLOORS.strip().splitlines()) for name in line.split()}
MODULES = sorted(p for p in ROOT.rglob("*.py") if p.parent != ROOT or p.stem not in ("__init__", "__main__"))


def home(path: pathlib.Path) -> str:
    """nusky/dists/tsd.py → dists, nusky/events.py → events."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: pathlib.Path) -> list[tuple[int, str, list[str]]]:
    """(line, module, names) of every import of nusky, those inside functions and for types only too."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} is a relative import"
            if (node.module or "").split(".")[0] == "nusky":
                found.append((node.lineno, str(node.module), [a.name for a in node.names]))
        elif isinstance(node, ast.Import):
            assert not any(a.name.split(".")[0] == "nusky" for a in node.names), (
                f"{path}:{node.lineno}: say from … import"
            )
    return found


def test_every_module_is_seen() -> None:
    assert len(MODULES) > 110
    assert {home(path) for path in MODULES} == set(RANK)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path: pathlib.Path) -> None:
    here = home(path)
    for line, module, names in imports(path):
        if module in ("nusky", "nusky._core"):
            assert module != "nusky" or names == ["_core"], f"{path}:{line} imports nusky itself, not a module"
            continue
        to = module.split(".")[1]
        assert to == here or RANK[to] < RANK[here], f"{path}:{line} imports {to}, which stands no lower"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_public_names_cross_packages(path: pathlib.Path) -> None:
    for line, module, names in imports(path):
        parts = module.split(".")
        if len(parts) < 2 or parts[1] == home(path) or not (ROOT / parts[1] / "__init__.py").exists():
            continue
        face = ast.parse((ROOT / parts[1] / "__init__.py").read_text(encoding="utf-8"))
        (public,) = (n.value for n in face.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__")
        missing = set(names) - set(ast.literal_eval(public))
        assert not missing, f"{path}:{line} uses {sorted(missing)}, not public in nusky.{parts[1]}"
