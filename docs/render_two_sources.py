"""TXS 0506+056 and NGC 1068: ``python docs/render_two_sources.py FIRST_YEAR IC40 [DR2]``.

Writes ``docs/_static/two_sources.json`` and the picture beside it, which ``docs/howto/two_sources.md`` shows, because
the data are not part of this repository: FIRST_YEAR is the folder of the first-year release of IC86, IC40 one with
that season of IceTracks-DR1, DR2 a synthetic release that ``tests/helpers/release_writer.py`` wrote. Without arguments
the picture is drawn again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

import nusky as cy
from nusky.sensitivity import discovery_potential, sensitivity, upper_limit

HERE = Path(__file__).parent

#: Right ascension and declination in degrees; γ of the published excess, and E² dN/dE at 1 TeV in TeV cm⁻² s⁻¹.
#: NGC 1068: arXiv:2211.09972 (Science 378, 538).
SOURCES: dict[str, dict[str, Any]] = {
    "TXS 0506+056": {"ra": 77.3582, "dec": 5.6931, "gamma": 2.0},
    "NGC 1068": {"ra": 40.6696, "dec": -0.0133, "gamma": 3.2, "published": 5.0e-11},
}
OPTIONS: dict[str, Any] = {"E0": 1.0, "unit": 1e3, "tol": 0.03, "seed": 7, "max_batch_size": 4000}


def runner(ana: Any, source: dict[str, Any]) -> Any:
    """A search at the source; limits are for its spectrum."""
    src = cy.sources(source["ra"], source["dec"], deg=True)
    return cy.get_trial_runner(src=src, ana=ana, flux=cy.hyp.PowerLawFlux(source["gamma"]))


def real(ana: Any, n: int) -> dict[str, Any]:
    """Both sources in the observed events of an analysis."""
    out = {}
    for name, source in SOURCES.items():
        tr = runner(ana, source)
        background = cy.dists.TSD(tr.get_many_fits(n, seed=1, logging=False))
        fit = tr.get_one_fit(TRUTH=True, logging=False)
        p, limit = background.p_value(fit.ts), upper_limit(tr, fit, background, **OPTIONS)
        edges = np.linspace(0, 16, 65)
        out[name] = {
            "ts": fit.ts, "ns": fit.ns, "gamma": fit.gamma if fit.ns > 0 else None, "p": float(p.p), "p_error": p.error,
            "limit": limit.E2dNdE, "limit_events": limit.n_sig, "edges": edges.tolist(),
            "above": (background.n_above(edges, strict=True) / n).tolist(),
        }  # fmt: skip
        print(ana.keys, name, {k: v for k, v in out[name].items() if k not in ("edges", "above")}, flush=True)
    return out


def synthetic(ana: Any, n: int) -> dict[str, Any]:
    """What fourteen years of a made-up release would see of them."""
    out = {}
    for name, source in SOURCES.items():
        tr = runner(ana, source)
        background = tr.get_many_fits(n, seed=1, logging=False)
        sens, disc = sensitivity(tr, background, **OPTIONS), discovery_potential(tr, background, **OPTIONS)
        out[name] = {
            "sensitivity": sens.E2dNdE, "sensitivity_events": sens.n_sig,
            "discovery": disc.E2dNdE, "discovery_events": disc.n_sig,
        }  # fmt: skip
        if "published" in source:
            events = tr.to_ns(source["published"], E0=1.0, unit=1e3)
            fits = tr.get_many_fits(1000, events, poisson=True, seed=2, logging=False)
            out[name] |= {
                "published_events": float(events), "fitted_events": float(np.mean(fits.ns)),
                "fitted_gamma": float(np.mean(fits.gamma[fits.ns > 0])), "median_ts": float(np.median(fits.ts)),
                "found": float(np.mean(fits.ts > disc.ts)),
            }  # fmt: skip
        print(ana.keys, name, out[name], flush=True)
    return out


def draw(made: dict[str, Any], path: Path) -> None:
    """Chance of a TS, and what was observed."""
    from matplotlib.figure import Figure

    from nusky.plotting import CONTOUR_COLORS

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for ax, data in zip(figure.subplots(1, 2), ("first_year", "ic40"), strict=True):
        for (name, one), color in zip(made[data].items(), CONTOUR_COLORS, strict=False):
            ax.plot(one["edges"], one["above"], color=color, label=f"{name}: TS = {one['ts']:.1f}, p = {one['p']:.2g}")
            if one["ts"] > 0:
                ax.plot(one["ts"], one["p"], "o", color=color)
        ax.set(yscale="log", ylim=(1e-4, 1), xlim=(0, 16), xlabel="TS", ylabel="share of background trials above")
        ax.set_title({"first_year": "IC86-2011 (first-year release)", "ic40": "IC40 (IceTracks-DR1)"}[data])
        ax.legend(fontsize="small", frameon=False)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Fit, write, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first_year", type=Path, nargs="?")
    parser.add_argument("ic40", type=Path, nargs="?")
    parser.add_argument("dr2", type=Path, nargs="?")
    parser.add_argument("--cache", type=Path, help="folder of the analyses of DR2")
    parser.add_argument("--trials", type=int, default=20_000)
    args = parser.parse_args()
    numbers = HERE / "_static" / "two_sources.json"
    made = json.loads(numbers.read_text()) if numbers.exists() else {}
    if args.ic40 is not None:
        first_year = cy.get_analysis(cy.selections.PublicRelease(args.first_year), logging=False)
        ic40 = cy.get_analysis(cy.selections.PublicRelease(args.ic40), specs="IC40", logging=False)
        made |= {"first_year": real(first_year, args.trials), "ic40": real(ic40, args.trials)}
    if args.dr2 is not None:
        ana = cy.get_analysis(cy.selections.PublicRelease(args.dr2), dir=args.cache, logging=False)
        made["dr2"] = synthetic(ana, args.trials)
    numbers.write_text(json.dumps(made, indent=1) + "\n")
    draw(made, HERE / "_static" / "two_sources.png")


if __name__ == "__main__":
    main()
