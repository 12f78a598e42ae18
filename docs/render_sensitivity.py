"""Draw the sensitivity of the first IC86 season against sin δ: ``python docs/render_sensitivity.py RELEASE``.

Writes ``docs/_static/sensitivity.png`` and the numbers beside it. The documentation shows the picture, because the data
are not part of this repository.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

import nusky as cy
from nusky.sensitivity.limits import discovery_potential, sensitivity

HERE = Path(__file__).parent
SIN_DEC = (-0.9, -0.75, -0.6, -0.45, -0.3, -0.2, -0.1, -0.05, 0.0, 0.05, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9)

# Published searches, E⁻², E²dN/dE in TeV cm⁻² s⁻¹. Ten years: 90 % sensitivity of arXiv:1910.08488 (PRL 124, 051103).
# Seven years: 5σ discovery potential of arXiv:1609.04981 (ApJ 835, 151). Values read off the published figures by the
# authors of PLEnuM (github.com/PLEnuM-group/Plenum, resources/sens_10yr_gamma-2.txt and PSdiscPot7years.csv)
TEN_YEARS_SENSITIVITY = (
    (-0.916, 4.75e-12), (-0.726, 4.49e-12), (-0.603, 3.46e-12), (-0.482, 2.40e-12), (-0.361, 1.63e-12),
    (-0.242, 1.03e-12), (-0.144, 5.08e-13), (-0.096, 3.16e-13), (-0.039, 2.41e-13), (0.030, 2.27e-13),
    (0.144, 2.64e-13), (0.268, 3.13e-13), (0.402, 3.52e-13), (0.527, 3.89e-13), (0.672, 4.52e-13),
    (0.780, 4.79e-13), (0.901, 6.77e-13),
)  # fmt: skip
SEVEN_YEARS_DISCOVERY = (
    (-0.903, 2.04e-11), (-0.750, 2.00e-11), (-0.599, 1.74e-11), (-0.445, 1.25e-11), (-0.299, 7.09e-12),
    (-0.197, 4.02e-12), (-0.107, 1.81e-12), (-0.054, 1.29e-12), (-0.001, 1.21e-12), (0.050, 1.24e-12),
    (0.151, 1.40e-12), (0.304, 1.67e-12), (0.457, 1.98e-12), (0.610, 2.26e-12), (0.762, 2.58e-12),
    (0.898, 3.11e-12),
)  # fmt: skip


def curves(ana: cy.Analysis, n_bg_trials: int, tol: float) -> list[dict[str, float]]:
    """Sensitivity and discovery potential at each declination, E⁻²."""
    rows = []
    for k, sin_dec in enumerate(SIN_DEC):
        tr = cy.get_trial_runner(src=cy.sources(0.0, float(np.arcsin(sin_dec))), ana=ana)
        background = tr.get_many_fits(n_bg_trials, seed=1000 + k)
        options: dict[str, Any] = {"E0": 100.0, "unit": 1e3, "tol": tol, "seed": 2000 + k, "max_batch_size": 4000}
        sens = sensitivity(tr, background, **options)
        disc = discovery_potential(tr, background, **options)
        rows.append({
            "sin_dec": sin_dec, "sensitivity": sens.E2dNdE, "sensitivity_error": sens.E2dNdE_absolute_error,
            "sensitivity_events": sens.n_sig, "discovery": disc.E2dNdE, "discovery_error": disc.E2dNdE_absolute_error,
            "discovery_events": disc.n_sig,
        })  # fmt: skip
        print(f"{sin_dec:6.2f}: {sens!r}\n        {disc!r}", flush=True)
    return rows


def with_published_resolution(release: Path) -> cy.Analysis:
    """The season with simulated events as well measured as `AngRes.txt` says, instead of as its own events.

    The release's events of highest energy at a declination are few, and many of them badly measured background: what
    the stand-in takes from them is a large, and uneven, angular error. The truth for signal is nearer to this one.
    """
    from nusky.releases import read_ic86_first_year
    from nusky.response import draw_separation
    from nusky.sphere.rotation import offset_by

    season = read_ic86_first_year(release)
    sim, rng = season.sim, np.random.default_rng(1)
    median, log10_true = np.loadtxt(release / "AngRes.txt", delimiter=",", unpack=True)
    # the median of a two-dimensional Gaussian is σ √(2 ln 2)
    sigma = np.radians(np.interp(np.log10(sim.true_energy), log10_true, median)) / np.sqrt(2 * np.log(2))
    sigma = np.maximum(sigma, np.radians(0.2))
    offset, angle = draw_separation(sigma, rng), rng.uniform(0, 2 * np.pi, len(sim))
    ra, dec = offset_by(sim.true_ra, sim.true_dec, offset, angle)
    sim = sim.with_columns(ra=ra, dec=dec, sindec=np.sin(dec), sigma=sigma)
    spec = cy.selections.CustomDataSpecs.CustomDataSpec(
        season.data.as_array, sim.as_array, livetime=season.livetime, key="IC86_2011_AngRes",
        sindec_bins=season.sindec_bins.tolist(), logenergy_bins=season.log10energy_bins.tolist(),
    )  # fmt: skip
    return cy.get_analysis(cy.selections.repo, spec, logging=False)


def draw(curves_of: dict[str, list[dict[str, float]]], path: Path) -> None:
    """Both curves, with either resolution, beside the published ones."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 5.5), layout="constrained")
    ax = figure.add_subplot()
    for name, label, color, marker in (
        ("discovery", "5σ discovery potential", "#7a4fa3", "s"),
        ("sensitivity", "90 % sensitivity", "#d1493f", "o"),
    ):
        for rows, note, style in (
            (curves_of["stand_in"], "", {"ls": "-"}),
            (curves_of["AngRes"], ", σ of AngRes.txt", {"ls": "-", "mfc": "w", "lw": 0.7, "mew": 0.7}),
        ):
            x, y, error = ([row[key] for row in rows] for key in ("sin_dec", name, f"{name}_error"))
            ax.errorbar(x, y, error, marker=marker, ms=4, color=color, label=f"IC86-2011, {label}{note}", **style)
    published = (
        (SEVEN_YEARS_DISCOVERY, "#7a4fa3", "seven years, 5σ discovery potential (arXiv:1609.04981)"),
        (TEN_YEARS_SENSITIVITY, "#d1493f", "ten years, 90 % sensitivity (arXiv:1910.08488)"),
    )
    for points, color, label in published:
        ax.plot(*zip(*points, strict=True), "--", color=color, lw=1.2, label=label)
    ax.set_yscale("log")
    ax.set_xlim(-1, 1)
    ax.set_xlabel("sin δ")
    ax.set_ylabel("E² dN/dE  [TeV cm$^{-2}$ s$^{-1}$],  dN/dE ∝ E$^{-2}$")
    ax.grid(color=".9")
    ax.legend(fontsize="small", frameon=False)
    figure.savefig(path, dpi=130)


def main() -> None:
    """Compute, write, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("release", type=Path, nargs="?", help="folder of the first-year release; none: draw again")
    parser.add_argument("--trials", type=int, default=5000, help="background trials at each declination")
    parser.add_argument("--tol", type=float, default=0.05)
    args = parser.parse_args()
    numbers = HERE / "_static" / "sensitivity.json"
    if args.release is not None:
        ana = cy.get_analysis(cy.selections.PublicRelease(args.release), logging=False)
        made = {
            "stand_in": curves(ana, args.trials, args.tol),
            "AngRes": curves(with_published_resolution(args.release), args.trials, args.tol),
        }
        numbers.write_text(json.dumps(made, indent=1) + "\n")
    draw(json.loads(numbers.read_text()), HERE / "_static" / "sensitivity.png")


if __name__ == "__main__":
    main()
