"""The reference names what there is, and all that stands at the top of the package; the map of modules is true."""

from __future__ import annotations

import pkgutil
import re
from importlib import import_module
from types import ModuleType

import nusky
from places import ROOT

DOCS = ROOT / "docs"
ENTRIES = re.findall(r"^   ([A-Za-z_][\w.]*)$", (DOCS / "reference.md").read_text(), flags=re.MULTILINE)
# Names that csky's users type; docs of modules for developers only need the map below.
OPEN = ("dists", "hyp", "sensitivity")
# Public to other packages only.
INTERNAL = {"sensitivity.NSigOptions", "dists.PValues", "dists.ts_values", "dists.binomial_error", "dists.counted_p"}


def test_every_entry_of_the_reference_can_be_had() -> None:
    assert len(ENTRIES) == len(set(ENTRIES)) > 60
    for entry in ENTRIES:
        module, _, name = entry.rpartition(".")
        assert hasattr(import_module(f"nusky.{module}" if module else "nusky"), name), entry


def test_every_name_at_the_top_is_in_the_reference() -> None:
    names = {name for name in nusky.__all__ if not isinstance(getattr(nusky, name), ModuleType)}
    assert names - {entry.rpartition(".")[2] for entry in ENTRIES} == set()


def test_the_modules_people_use_are_in_the_reference_whole() -> None:
    for module in OPEN:
        classes_and_functions = {
            f"{module}.{name}"
            for name in import_module(f"nusky.{module}").__all__
            if callable(getattr(import_module(f"nusky.{module}"), name))
        }
        assert classes_and_functions - set(ENTRIES) <= INTERNAL


def test_the_map_of_packages_is_that_of_the_tree() -> None:
    rows = [
        line for line in (DOCS / "development" / "architecture.md").read_text().splitlines() if line.startswith("| `")
    ]
    mapped = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    there = {module.name for module in pkgutil.iter_modules(nusky.__path__) if not module.name.startswith("_")}
    assert len(there) > 25
    assert mapped == there
