"""Sensitivity of a synthetic release against sin δ: ``python docs/render_release_sensitivity.py DR2 --cache DIR``.

Writes ``docs/_static/sensitivity_dr2.png`` and the numbers beside it, next to the published ten-year curve. DR2 is a
folder that ``python tests/helpers/release_writer.py DR2 dr2-2.0`` wrote. Without it the picture is drawn again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from render_sensitivity import TEN_YEARS_SENSITIVITY, curves

import nusky as cy

HERE = Path(__file__).parent


def draw(rows: list[dict[str, float]], path: Path) -> None:
    """Both curves and the published one."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.8), layout="constrained")
    ax = figure.add_subplot()
    for name, label, color, marker in (
        ("discovery", "5σ discovery potential", "#7a4fa3", "s"),
        ("sensitivity", "90 % sensitivity", "#d1493f", "o"),
    ):
        x, y, error = ([row[key] for row in rows] for key in ("sin_dec", name, f"{name}_error"))
        ax.errorbar(x, y, error, marker=marker, ms=4, color=color, label=f"synthetic DR2, 14 seasons, {label}")
    label = "ten years, 90 % sensitivity (arXiv:1910.08488)"
    ax.plot(*zip(*TEN_YEARS_SENSITIVITY, strict=True), "--", color="#d1493f", lw=1.2, label=label)
    ax.set(yscale="log", xlim=(-1, 1), xlabel="sin δ")
    ax.set_ylabel("E² dN/dE  [TeV cm$^{-2}$ s$^{-1}$],  dN/dE ∝ E$^{-2}$")
    ax.grid(color=".9")
    ax.legend(fontsize="small", frameon=False)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Compute, write, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("release", type=Path, nargs="?")
    parser.add_argument("--cache", type=Path, help="folder of the analyses")
    parser.add_argument("--trials", type=int, default=5000, help="background trials at each declination")
    parser.add_argument("--tol", type=float, default=0.05)
    args = parser.parse_args()
    numbers = HERE / "_static" / "sensitivity_dr2.json"
    if args.release is not None:
        ana = cy.get_analysis(cy.selections.PublicRelease(args.release), dir=args.cache, logging=False)
        numbers.write_text(json.dumps(curves(ana, args.trials, args.tol), indent=1) + "\n")
    draw(json.loads(numbers.read_text()), HERE / "_static" / "sensitivity_dr2.png")


if __name__ == "__main__":
    main()
