"""Docstrings: their examples run, and every public name has one."""

from __future__ import annotations

import doctest
import inspect
import pkgutil
from importlib import import_module
from types import ModuleType

import pytest

import nusky

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(nusky.__path__, "nusky.")
    if not module.name.rpartition(".")[2].startswith("_")
)


def test_every_module_is_seen() -> None:
    assert len(MODULES) > 130, "a walk that misses packages would test nothing"


@pytest.fixture
def module(request: pytest.FixtureRequest) -> ModuleType:
    return import_module(request.param)


@pytest.mark.parametrize("module", MODULES, indirect=True)
def test_examples_give_what_they_say(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib
    from matplotlib import pyplot as plt

    monkeypatch.setenv("MPLBACKEND", "Agg")
    with matplotlib.rc_context():  # one of them sets a style
        failed, _ = doctest.testmod(module)
    plt.close("all")
    assert failed == 0


@pytest.mark.parametrize("module", MODULES, indirect=True)
def test_every_public_name_is_listed_and_described(module: ModuleType) -> None:
    assert module.__doc__, "the module says nothing about itself"
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), f"{name} has no docstring"
    own = {
        name
        for name, value in vars(module).items()
        if (inspect.isclass(value) or inspect.isfunction(value)) and value.__module__ == module.__name__
    }
    unlisted = {name for name in own if not name.startswith("_")} - set(module.__all__)
    assert not unlisted, "public by name, and not in __all__"
