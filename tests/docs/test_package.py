"""What the package says of itself is the same everywhere, and what its pages use can be installed as they say."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from places import ROOT

tomllib = pytest.importorskip("tomllib", reason="Python 3.10 reads no TOML")


def project() -> dict[str, Any]:
    return dict(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"])


def test_addresses_and_version_agree() -> None:
    about, citation, recipe = (
        project(),
        (ROOT / "CITATION.cff").read_text(),
        (ROOT / "recipe" / "meta.yaml").read_text(),
    )
    assert set(about["urls"]) == {"Homepage", "Documentation", "Source", "Issues", "Changelog"}
    source = about["urls"]["Source"]
    assert about["urls"]["Issues"] == f"{source}/issues"
    assert f'repository-code: "{source}"' in citation
    assert f"dev_url: {source}" in recipe
    assert f"doc_url: {about['urls']['Documentation']}" in recipe
    assert f"version: {about['version']}" in citation
    assert f'set version = "{about["version"]}"' in recipe


def test_the_recipe_needs_what_the_project_needs() -> None:
    recipe = (ROOT / "recipe" / "meta.yaml").read_text()
    for need in project()["dependencies"]:
        name, least = need.split(">=")
        assert re.search(rf"- {name}(-base)? >={re.escape(least)}\n", recipe), need


def test_the_forge_tests_every_python_that_is_named_with_the_oldest_libraries_too() -> None:
    about, workflow = project(), (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    named = [c.rpartition(" ")[2] for c in about["classifiers"] if re.fullmatch(r".* :: 3\.\d+", c)]
    assert named[0] == about["requires-python"].removeprefix(">=")
    for version in named:
        assert f'"{version}"' in workflow
    for need in about["dependencies"]:
        name, least = need.split(">=")
        assert f'"{name}=={least}.*"' in workflow
    wheels = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["cibuildwheel"]
    assert wheels["build"] == [f"cp{version.replace('.', '')}-*" for version in named]
    assert (ROOT / wheels["test-command"].split("{project}/")[1]).exists()


def test_the_tutorial_needs_what_the_first_command_of_the_readme_installs() -> None:
    cells = json.loads((ROOT / "docs" / "tutorial.ipynb").read_text())["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    used = set(re.findall(r"^import (\w+)", code, flags=re.MULTILINE)) - {"nusky"}
    about = project()
    assert 'pip install ".[tutorial]"' in (ROOT / "README.md").read_text()
    needs = about["dependencies"] + about["optional-dependencies"]["tutorial"]
    assert used
    assert used <= {re.split(r"[<>=]", need)[0] for need in needs}
