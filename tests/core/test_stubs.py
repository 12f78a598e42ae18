"""The committed `_core.pyi` says what the compiled module has: same names, same arguments, same defaults."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator

import pytest

from places import ROOT

COMMITTED = ROOT / "python" / "nusky" / "_core.pyi"

# name → parameters as (name, kind, has a default); overloads add up
Signatures = dict[str, list[tuple[tuple[str, str, bool], ...]]]


def parameters(function: ast.FunctionDef) -> tuple[tuple[str, str, bool], ...]:
    spec = function.args
    positional = [*spec.posonlyargs, *spec.args]
    optional = len(positional) - len(spec.defaults)
    found = [(arg.arg, "positional", i >= optional) for i, arg in enumerate(positional)]
    found += [
        (arg.arg, "keyword", default is not None)
        for arg, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True)
    ]
    return tuple(item for item in found if item[0] not in ("self", "cls"))


def members(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, tuple[tuple[str, str, bool], ...]]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield prefix + node.name, ()
            yield from members(node.body, f"{prefix}{node.name}.")
        # Private helpers and what pybind11 adds to every class and enumeration are no interface of ours.
        elif isinstance(node, ast.FunctionDef) and (
            not node.name.startswith("_") or node.name in ("__init__", "__len__")
        ):
            yield prefix + node.name, parameters(node)


def signatures(text: str) -> Signatures:
    found: Signatures = {}
    for name, arguments in members(ast.parse(text).body):
        found.setdefault(name, []).append(arguments)
    return {name: sorted(overloads) for name, overloads in found.items()}


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Signatures:
    pytest.importorskip("pybind11_stubgen", reason="pybind11-stubgen is not installed; pip install -r .ci/tools.txt")
    folder = tmp_path_factory.mktemp("stubs")
    command = [sys.executable, "-m", "pybind11_stubgen", "nusky._core", "-o", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return signatures((folder / "nusky" / "_core.pyi").read_text())


def test_every_name_of_the_compiled_core_is_in_the_stub_and_no_other(generated: Signatures) -> None:
    committed = signatures(COMMITTED.read_text())
    assert sorted(committed) == sorted(generated)


def test_every_signature_of_the_stub_is_that_of_the_compiled_core(generated: Signatures) -> None:
    committed = signatures(COMMITTED.read_text())
    pairs = {name: (committed[name], generated.get(name)) for name in committed}
    wrong = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    assert not wrong, f"stub against core: {wrong}"


def test_the_comparison_notices_a_renamed_a_missing_and_a_required_argument() -> None:
    reference = signatures("def scan(a: int, *, n_threads: int = 0) -> None: ...")
    for other in (
        "def scan(b: int, *, n_threads: int = 0) -> None: ...",
        "def scan(a: int) -> None: ...",
        "def scan(a: int, *, n_threads: int) -> None: ...",
        "def scan(a: int, n_threads: int = 0) -> None: ...",
        "def hottest(a: int, *, n_threads: int = 0) -> None: ...",
    ):
        assert signatures(other) != reference
    assert signatures("def scan(a: float, *, n_threads: int = ...) -> bool: ...") == reference
