"""Execute ``tutorial.md`` and write it with its outputs to ``tutorial.ipynb``, for readers without a build of the docs.

Run it after a change of the tutorial or of what it shows: ``python docs/render_tutorial.py``.
tests/test_tutorial_page.py fails when the two no longer hold the same cells.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import nbformat
from myst_nb.core.read import read_myst_markdown_notebook
from nbclient import NotebookClient

SOURCE = Path(__file__).with_name("tutorial.md")
TARGET = SOURCE.with_suffix(".ipynb")


def render() -> None:
    notebook = read_myst_markdown_notebook(SOURCE.read_text())
    with tempfile.TemporaryDirectory() as folder:
        # Relative paths in the outputs are then the same on every machine.
        resources = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=300, resources=resources, coalesce_streams=True).execute()
    for number, cell in enumerate(notebook.cells):
        # What changes from run to run or from machine to machine without saying anything.
        cell["id"] = f"cell-{number:02d}"
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                output.traceback = [f"{output.ename}: {output.evalue}"]
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"], "language_info": {"name": "python"}}
    nbformat.validate(notebook)
    temporary = TARGET.with_suffix(".tmp")
    nbformat.write(notebook, temporary)
    os.replace(temporary, TARGET)
    print(f"{TARGET} ({TARGET.stat().st_size / 1e3:.0f} kB)")


if __name__ == "__main__":
    render()
