"""Execute ``tutorial.md`` to ``tutorial.ipynb``, and run the demo for the README's picture.

Run it after a change of the tutorial or of what it shows: ``python docs/render_tutorial.py``.
tests/docs/test_tutorial_page.py fails when the two no longer hold the same cells.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import nbformat
from myst_nb.core.read import read_myst_markdown_notebook
from nbclient import NotebookClient
from PIL import Image

from nusky.cli.command import main

SOURCE = Path(__file__).with_name("tutorial.md")
TARGET = SOURCE.with_suffix(".ipynb")
PICTURE = SOURCE.with_name("_static") / "demo.png"


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


def draw_readme_picture() -> None:
    with tempfile.TemporaryDirectory() as folder:
        main(["demo", "--out", folder])
        picture = Image.open(Path(folder) / "ts.png").convert("RGB")
    # A palette that covers the whole colour map, not only its commonest shades; undithered, so that it packs well.
    palette = {"colors": 256, "method": Image.Quantize.MAXCOVERAGE, "dither": Image.Dither.NONE}
    PICTURE.parent.mkdir(exist_ok=True)
    picture.resize((800, 520), Image.Resampling.LANCZOS).quantize(**palette).save(PICTURE, optimize=True)
    print(f"{PICTURE} ({PICTURE.stat().st_size / 1e3:.0f} kB)")


if __name__ == "__main__":
    render()
    draw_readme_picture()
