"""Measure and draw what the term of the angular errors does: ``python docs/render_sigma_term.py FOLDER``.

Writes ``docs/_static/sigma_term.png`` and the numbers beside it. FOLDER takes two synthetic seasons IC86-2012 to 2017
of IceTracks-DR1's format (1.2 GB, written by ``tests/helpers/release_writer.py`` if they are not there), whose truth is
known: the error of background events is 1.3 times that of signal of the same energy. In one of them a tenth of the
events lies 2.5 times as far from the source as its error says, in the other none. Without FOLDER the picture is drawn
again.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

import nusky as cy
from nusky.response import centres
from nusky.sensitivity import discovery_potential, sensitivity

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "helpers"))

SEASONS = ("IC86_II", "IC86_III", "IC86_IV", "IC86_V", "IC86_VI", "IC86_VII")
KEY = "IC86_2012_2017"
DECLINATIONS = (-30.0, 0.0, 40.0)
#: γ and the events injected at each declination: about what makes TS 40 to 250.
SPECTRA = {2.0: (20, 12, 12), 2.5: (40, 25, 25), 3.0: (80, 50, 60)}
TERMS = {"with": True, "without": False}


def analyses(folder: Path, tail: bool) -> dict[str, Any]:
    """The season with and without the term; written first if need be."""
    import release_physics as physics
    from release_writer import write_release

    release = folder / ("tail" if tail else "gaussian")
    if not release.is_dir():
        kept = physics.TAIL
        physics.TAIL = kept if tail else 0.0
        write_release(release, "dr1", seasons=SEASONS)
        physics.TAIL = kept
    repo = cy.selections.PublicRelease(release)
    return {
        name: cy.get_analysis(repo, specs=KEY, dir=folder / f"{release.name}-{name}", sigma_term=term, logging=False)
        for name, term in TERMS.items()
    }


def points() -> list[tuple[float, float, int]]:
    """Declination (degrees), γ, injected events."""
    return [(dec, gamma, n) for gamma, counts in SPECTRA.items() for dec, n in zip(DECLINATIONS, counts, strict=True)]


def runner(ana: Any, dec: float, gamma: float) -> Any:
    """Of a source that has this spectrum; the fit does not know it."""
    return cy.get_trial_runner(src=cy.sources(50.0, dec, deg=True), ana=ana, flux=cy.hyp.PowerLawFlux(gamma))


def bias(anas: dict[str, Any], n: int) -> list[dict[str, float]]:
    """Means of fits with injected events, the same trials with and without the term."""
    rows = []
    for dec, gamma, n_sig in points():
        row: dict[str, float] = {"dec": dec, "gamma": gamma, "n_sig": n_sig}
        for name, ana in anas.items():
            fits = runner(ana, dec, gamma).get_many_fits(n, n_sig, seed=3, logging=False)
            row |= {
                f"ns_{name}": float(fits.ns.mean()), f"ns_error_{name}": float(fits.ns.std() / n**0.5),
                f"ns_rms_{name}": float(fits.ns.std()), f"ts_{name}": float(fits.ts.mean()),
                f"gamma_{name}": float(fits.gamma[fits.ns > 0].mean()),
                f"gamma_rms_{name}": float(fits.gamma[fits.ns > 0].std()),
            }  # fmt: skip
        rows.append(row)
        print(json.dumps(row), flush=True)
    return rows


def power(anas: dict[str, Any], n_background: int, tol: float) -> list[dict[str, float]]:
    """Sensitivity and 5σ discovery potential, and how uniform p-values are on other background trials."""
    rows: dict[tuple[float, float], dict[str, float]] = {}
    for dec in DECLINATIONS:
        for name, ana in anas.items():
            one = runner(ana, dec, 2.0)
            background, others = (one.get_many_fits(n_background, seed=seed, logging=False) for seed in (1, 2))
            below = np.searchsorted(np.sort(background.ts), others.ts)  # background trials with a smaller TS
            p = (1 + n_background - below) / (1 + n_background)
            uniform = {f"p_below_{alpha:g}_{name}": float(np.mean(p <= alpha)) for alpha in (0.1, 0.01, 0.001)}
            for gamma in SPECTRA:  # background does not know what may be injected
                tr = runner(ana, dec, gamma)
                options: dict[str, Any] = {"E0": 100.0, "unit": 1e3, "tol": tol, "seed": 5, "max_batch_size": 4000}
                sens, disc = sensitivity(tr, background, **options), discovery_potential(tr, background, **options)
                rows.setdefault((gamma, dec), {"dec": dec, "gamma": gamma}).update(
                    uniform,
                    **{
                        f"sensitivity_{name}": sens.E2dNdE, f"sensitivity_error_{name}": sens.E2dNdE_absolute_error,
                        f"discovery_{name}": disc.E2dNdE, f"discovery_error_{name}": disc.E2dNdE_absolute_error,
                        f"discovery_events_{name}": disc.n_sig, f"threshold_{name}": disc.ts,
                    },
                )  # fmt: skip
            print(dec, name, uniform, flush=True)
    return [rows[gamma, dec] for dec, gamma, _ in points()]


def spreads(ana: Any) -> list[dict[str, Any]]:
    """σ of signal and background at some energies, sin δ of about 0.3: as modelled, as drawn."""
    import release_physics as physics

    term, data = ana[0].sigma, ana[0].data
    row = int(np.searchsorted(term.sindec_bins, 0.3)) - 1
    node = int(np.argmin(np.abs(ana[0].gamma_nodes - 2.0)))
    middle = np.exp(centres(np.log(term.sigma_edges)))
    out = []
    for log10energy in (3.0, 4.0, 5.0):
        column = int(np.searchsorted(term.log10energy_bins, log10energy)) - 1
        background = np.exp(term.log_background[row, column])
        signal = background * np.exp(term.table[row, column, :, node])
        inside = (data.sindec > 0.2) & (data.sindec < 0.4) & (np.abs(data.log10energy - log10energy) < 0.1)
        counts, _ = np.histogram(data.sigma[inside], term.sigma_edges)
        here = float(centres(term.log10energy_bins)[column])
        out.append({
            "log10energy": here, "sigma_deg": np.degrees(middle).tolist(),
            "background": background.tolist(), "signal": signal.tolist(),
            "counts": counts.tolist(), "median_signal": float(physics.median_sigma(np.array(here), np.array(0.3))),
        })  # fmt: skip
    return out


def draw(made: dict[str, Any], path: Path) -> None:
    """Spreads of σ, bias of n_s, gain in flux."""
    from matplotlib.figure import Figure

    from nusky.plotting import CONTOUR_COLORS, soft_colors

    figure = Figure(figsize=(13, 4.2), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    for one, color in zip(made["spreads"], CONTOUR_COLORS, strict=False):
        x = one["sigma_deg"]
        left.step(x, one["background"], where="mid", color=color, label=f"log$_{{10}}$ E = {one['log10energy']:.1f}")
        left.step(x, one["signal"], where="mid", color=color, ls="--")
        counts = np.array(one["counts"])
        if counts.sum() > 0:
            some = counts > 0
            share = counts / counts.sum()
            error = np.sqrt(counts) / counts.sum()
            left.errorbar(np.array(x)[some], share[some], error[some], fmt=".", ms=4, lw=0.8, color=color, alpha=0.6)
    left.set(xscale="log", xlabel="σ [deg]", ylabel="share of a bin", xlim=(0.2, 8), ylim=(0, 0.2))
    left.set_xticks((0.2, 0.5, 1, 2, 5), ("0.2", "0.5", "1", "2", "5"))
    left.set_xticks((), minor=True)
    left.set_title("σ at sin δ = 0.3: background (lines, events), signal (dashed)", fontsize="small")
    left.legend(fontsize="small", frameon=False)

    place = np.arange(len(points()))
    names = [f"{dec:+.0f}°\nγ {gamma:g}" for dec, gamma, _ in points()]
    for name, color, marker in (("without", soft_colors[1], "s"), ("with", soft_colors[0], "o")):
        for key, face in (("gaussian", color), ("tail", "w")):
            rows = made["bias"][key]
            n_sig = np.array([row["n_sig"] for row in rows])
            ratio = np.array([row[f"ns_{name}"] for row in rows]) / n_sig
            error = np.array([row[f"ns_error_{name}"] for row in rows]) / n_sig
            spread = "Gaussian point spread" if key == "gaussian" else "with tails"
            label = f"{name} the term, {spread}"
            middle.errorbar(place, ratio, error, fmt=marker, ms=5, color=color, mfc=face, label=label)
    middle.axhline(1.0, color=".6", lw=0.8)
    middle.set_xticks(place, names, fontsize="x-small")
    middle.set(ylabel="fitted / injected events", ylim=(0.86, 1.42))
    middle.legend(fontsize="x-small", frameon=False, loc="upper left")

    rows = made["power"]
    for name, color, shift in (("sensitivity", CONTOUR_COLORS[0], -0.08), ("discovery", CONTOUR_COLORS[1], 0.08)):
        value, error = (
            {t: np.array([row[f"{name}{what}_{t}"] for row in rows]) for t in TERMS} for what in ("", "_error")
        )
        ratio = value["with"] / value["without"]
        relative = np.hypot(*(error[t] / value[t] for t in TERMS))
        label = "90 % sensitivity" if name == "sensitivity" else "5σ discovery potential"
        right.errorbar(place + shift, ratio, ratio * relative, fmt="o", ms=5, color=color, label=label)
    right.axhline(1.0, color=".6", lw=0.8)
    right.set_xticks(place, names, fontsize="x-small")
    right.set(ylabel="flux with / without the term")
    right.legend(fontsize="small", frameon=False)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Compute, write, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="of the synthetic seasons; none: draw again")
    parser.add_argument("--fits", type=int, default=2000, help="trials with injected events at each point")
    parser.add_argument("--background", type=int, default=100_000, help="background trials at each point")
    parser.add_argument("--tol", type=float, default=0.02)
    args = parser.parse_args()
    numbers = HERE / "_static" / "sigma_term.json"
    if args.folder is not None:
        tail, gaussian = analyses(args.folder, True), analyses(args.folder, False)
        made = {
            "spreads": spreads(tail["with"]),
            "bias": {"tail": bias(tail, args.fits), "gaussian": bias(gaussian, args.fits)},
            "power": power(tail, args.background, args.tol),
        }
        numbers.write_text(json.dumps(made, indent=1) + "\n")
    draw(json.loads(numbers.read_text()), HERE / "_static" / "sigma_term.png")


if __name__ == "__main__":
    main()
