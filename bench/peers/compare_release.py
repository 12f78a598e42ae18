"""SkyLLH's public-data analysis and nusky on the same files: acceptance, densities, TS, n_s, γ, time.

    python -m pip install ".[peers]"
    python bench/peers/compare_release.py FOLDER --kind dr1          # or dr2-1.0, dr2-2.0
    python bench/peers/compare_release.py FOLDER --kind dr1 --json figures.json

One season (IC86-2012) in the public format is written to FOLDER by `tests/helpers/release_writer.py`, if it is not
there. SkyLLH reads it by its own dataset definition (`PublicData_10y_ps`, `PublicData_14y_ps`, `PublicData_14y_ps_v2`)
and sets its time-integrated analysis up for each declination; nusky reads the folder. Both fit the same scrambled and
injected events. nusky fits without its term of the angular errors, which SkyLLH does not have, and with it.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

# Threads of the linear algebra library would be counted as processor time of a peer that gains nothing from them
os.environ.update({"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"})

import numpy as np
from skyllh.analyses.i3.publicdata_ps.aeff import PDAeff
from skyllh.analyses.i3.publicdata_ps.time_integrated_ps import create_analysis
from skyllh.core.config import Config
from skyllh.core.random import RandomStateService
from skyllh.core.source_model import PointLikeSource
from skyllh.core.storage import DataFieldRecordArray

import nusky as cy
from nusky.hyp import PowerLawFlux
from nusky.response.cells import overlap

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "helpers"))

KINDS = {"dr1": "PublicData_10y_ps", "dr2-1.0": "PublicData_14y_ps", "dr2-2.0": "PublicData_14y_ps_v2"}
SEASON = "IC86_II"
DECLINATIONS = (-72.0, -45.0, -22.0, -8.0, -2.0, 5.0, 14.0, 29.0, 43.0, 68.0)
RA = 1.0
GAMMAS = (1.5, 2.0, 2.5, 3.0, 3.5)


def peer_dataset(folder: Path, kind: str) -> Any:
    """SkyLLH's definition of the season, on our files."""
    module = importlib.import_module(f"skyllh.datasets.i3.{KINDS[kind]}")
    config = Config()
    collection = module.create_dataset_collection(config, base_path=str(folder.parent), sub_path_fmt=folder.name)
    return config, collection[SEASON]


class Peer:
    """SkyLLH's analysis of a source at a declination."""

    def __init__(self, folder: Path, kind: str, dec: float) -> None:
        config, self.dataset = peer_dataset(folder, kind)
        source = PointLikeSource(name="source", ra=RA, dec=dec)
        began = time.perf_counter()
        self.ana = create_analysis(config, [self.dataset], source, refplflux_E0=1.0)
        self.setting_up = time.perf_counter() - began
        (self.data,) = self.ana.data_list
        self.rss = RandomStateService(1)

    def fit(self, ra: Any, injected: Any) -> tuple[float, float, float, float, int]:
        """TS, n_s, γ, processor seconds, evaluations: of the events at new right ascensions, with others added."""
        exp = self.data.exp
        columns = {
            "ra": ra, "dec": exp["dec"], "sin_dec": exp["sin_dec"], "ang_err": exp["ang_err"],
            "log_energy": exp["log_energy"], "time": exp["time"],
        }  # fmt: skip
        if injected is not None:
            more = {
                "ra": injected.ra, "dec": injected.dec, "sin_dec": injected.sindec, "ang_err": injected.sigma,
                "log_energy": injected.log10energy, "time": np.full(len(injected), exp["time"][0]),
            }  # fmt: skip
            columns = {name: np.concatenate([columns[name], more[name]]) for name in columns}
        events = DataFieldRecordArray(columns)
        began = time.process_time()
        self.ana.initialize_trial([events])
        log_lambda, values, status = self.ana.llhratio.maximize(rss=self.rss)
        seconds = time.process_time() - began
        ts = self.ana.calculate_test_statistic(log_lambda=log_lambda, fitparam_values=values)
        named = self.ana.pmm.create_global_params_dict(gflp_values=values)
        return float(ts), float(named["ns"]), float(named["gamma"]), seconds, int(status["n_llhratio_func_calls"])

    def log_lambda(self, ns: float, gamma: float) -> float:
        """2 ln Λ of the trial last fitted, anywhere."""
        order = {self.ana.pmm.get_gflp_idx("ns"): ns, self.ana.pmm.get_gflp_idx("gamma"): gamma}
        return 2 * float(self.ana.llhratio.evaluate(np.array([order[0], order[1]]))[0])

    @property
    def ratios(self) -> tuple[Any, Any]:
        """The spatial and the energy ratio of the analysis."""
        product = self.ana._pdfratio_list[0]
        return product.pdfratio1, product.pdfratio2

    def acceptance(self, place: float, gamma: float) -> float:
        """Expected events for E^−γ of norm 1 at 1 GeV, at a place on the axis of its spline."""
        detsigyield = self.ana.detsigyield_service.arr[0, 0]
        return float(np.exp(detsigyield._log_spl_sinDec_param(place, gamma)[0, 0]))

    def signal_energy(self, gamma: float, log10energy: Any) -> Any:
        """Density of signal in log10 E."""
        pdfs = self.ratios[1].sig_pdf_set
        return pdfs.get_pdf(pdfs.make_key({"gamma": gamma})).get_pd_by_log10_reco_e(log10energy)

    def selected(self) -> tuple[Any, Any, Any, Any]:
        """sin δ, log10 E, B and P_B(log10 E) of the events it selected for the trial."""
        tdm = self.ana._tdm_list[0]
        energy = self.ratios[1].bkg_pdf.get_pd(tdm=tdm)[0]
        return tdm["sin_dec"], tdm["log_energy"], self.ratios[0].bkg_pdf.get_pd(tdm=tdm)[0], energy

    def without_background(self) -> int:
        """Events near the source whose cell of (sin δ, log10 E) would hold less than half an event of background.

        Beyond the highest energy in a row of sin δ its background is the tail of a spline.
        """
        tdm, pdf = self.ana._tdm_list[0], self.ratios[1].bkg_pdf
        edges = pdf.get_binning("sin_dec").binedges
        in_row = np.histogram(self.data.exp["sin_dec"], edges)[0][np.digitize(tdm["sin_dec"], edges) - 1]
        expected = pdf.get_pd(tdm=tdm)[0] * 0.125 * in_row
        return int(np.count_nonzero((expected < 0.5) & (tdm["psi"] < 3 * tdm["ang_err"])))

    def weights(self, dec: float, gamma: float, edges: Any) -> Any:
        """Its weights of the matrix' bins of neutrino energy (edges in GeV): ∫ φ dE times the area, each of the bin."""
        path = self.dataset.get_abs_pathfilename_list(self.dataset.get_aux_data_definition("eff_area_datafile"))
        area = PDAeff(pathfilenames=path)
        found = area.get_detection_prob_for_decnu(dec, edges[:-1], edges[1:], edges[0], edges[-1])
        return found * -np.diff(edges ** (1 - gamma)) / (gamma - 1)


def write(folder: Path, kind: str) -> None:
    from release_writer import write_release

    if not (folder / "events").is_dir():
        write_release(folder, kind, seasons=(SEASON,), bins=20 if kind == "dr1" else 12)


def set_beside(peer: Peer, season: Any, dec: float) -> dict[str, Any]:
    """Acceptance, and the densities of signal and background, of a declination."""
    sindec = float(np.sin(dec))
    out: dict[str, Any] = {"dec": float(np.degrees(dec))}
    edges, fine = np.arange(1.0, 9.51, 0.125), np.linspace(1.0, 9.5, 6801)
    here = np.array([sindec - 1e-6, sindec + 1e-6])
    for gamma in GAMMAS:
        ours = season.acceptance(dec, gamma)
        # Its spline runs over declinations in rad; it asks for the place sin(dec) on it
        out[f"acceptance {gamma:g}"] = peer.acceptance(sindec, gamma) / ours - 1
        out[f"acceptance at dec {gamma:g}"] = peer.acceptance(dec, gamma) / ours - 1
        exact = season.response.energies(here, edges, [PowerLawFlux(gamma)])[0, 0]
        density = peer.signal_energy(gamma, fine)
        total = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(fine))])
        theirs = np.diff(np.interp(edges, fine, total))
        cumulative = np.cumsum(exact)
        inside = (cumulative > 0.005) & (cumulative - exact < 0.995)
        out[f"signal worst bin {gamma:g}"] = float(np.abs(theirs[inside] / exact[inside] - 1).max())
        out[f"signal apart {gamma:g}"] = float(0.5 * np.abs(theirs - exact).sum())
        by_weights = matrix_sum(season.response, sindec, edges, lambda e, g=gamma: peer.weights(dec, g, e))
        out[f"signal by its weights {gamma:g}"] = float(0.5 * np.abs(theirs - by_weights).sum())
    s, log10energy, b, p_energy = peer.selected()
    near = np.abs(s - sindec) < 0.05
    out["B"] = float(np.median(np.abs(b[near] / season.background(s[near]) - 1)))
    gamma = 2.5
    ours = season.energy.log_ratio(s[near], log10energy[near])[:, int(np.searchsorted(season.gamma_nodes, gamma))]
    ratio = peer.signal_energy(gamma, log10energy[near]) / p_energy[near]
    apart = np.abs(np.log(np.maximum(ratio, 1e-12)) - ours)
    out["ln R, median"], out["ln R, 90 %"] = (float(np.quantile(apart, q)) for q in (0.5, 0.9))
    return out


def matrix_sum(response: Any, sindec: float, edges: Any, weights: Any) -> Any:
    """Signal in bins of log10 E, the bins of neutrino energy of the matrix weighted by a function of their edges."""
    column = int(np.searchsorted(response.sindec_edges, sindec)) - 1
    cells = response.cell[:, column]
    first = np.flatnonzero(np.diff(cells, prepend=-1))
    low = response.energy_edges[first]
    ends = np.append(low, min(response.energy_edges[-1], 1e9))
    ends[0] = 10 ** (np.log10(ends[1]) - 0.5)  # the matrix has bins of half a decade; its first filled one reaches down
    share = weights(ends)
    out = np.zeros(len(edges) - 1)
    for weight, cell in zip(share / share.sum(), cells[first], strict=True):
        rows = response.row_cell == cell
        out += weight * (response.row_fraction[rows] @ overlap(response.row_log10energy[rows], edges))
    return out


def compare(folder: Path, kind: str, n_trials: int, n_sig: int) -> dict[str, Any]:
    """Every declination, every trial."""
    write(folder, kind)
    release = cy.selections.PublicRelease(folder)
    anas = {term: cy.get_analysis(release, specs="IC86_2012", sigma_term=term, logging=False) for term in (False, True)}
    season = anas[False][0]
    shapes, fits, setting_up = [], [], []
    for dec_deg in DECLINATIONS:
        dec = float(np.radians(dec_deg))
        peer = Peer(folder, kind, dec)
        setting_up.append(peer.setting_up)
        if not np.allclose(peer.data.exp["dec"], season.data.dec, atol=1e-12):
            raise SystemExit("the two read different events")
        for events, injected_gamma in ((0, 2.0), (n_sig, 2.0), (3 * n_sig, 3.0)):
            flux = PowerLawFlux(injected_gamma)
            runners = {
                term: cy.get_trial_runner(src=cy.sources(RA, dec), ana=ana, flux=flux) for term, ana in anas.items()
            }
            for seed in range(n_trials):
                trial = runners[False].get_one_trial(events, seed=seed)
                fit, with_term = (runners[term].get_one_fit_from_trial(trial) for term in (False, True))
                ts, ns, gamma, seconds, calls = peer.fit(trial.background[0].ra, trial.injected[0])
                fits.append({
                    "dec": dec_deg, "events": events, "seed": seed, "injected_gamma": injected_gamma,
                    "without_background": peer.without_background(), "ts": fit.ts, "ns": fit.ns, "gamma": fit.gamma,
                    "peer_ts": ts, "peer_ns": ns, "peer_gamma": gamma, "peer_ms": 1e3 * seconds, "peer_calls": calls,
                    "peer_at_ours": peer.log_lambda(fit.ns, fit.gamma) if fit.ns > 0 else 0.0,
                    "ts_term": with_term.ts, "ns_term": with_term.ns, "gamma_term": with_term.gamma,
                })  # fmt: skip
        shapes.append(set_beside(peer, season, dec))
        print(json.dumps(shapes[-1]), flush=True)
    times = []
    for runner in (
        cy.get_trial_runner(src=cy.sources(RA, float(np.radians(d))), ana=anas[False]) for d in DECLINATIONS
    ):
        runner.get_many_fits(50, seed=0, logging=False, mp_cpus=1)
        began = time.process_time()
        runner.get_many_fits(500, n_sig, seed=1, logging=False, mp_cpus=1)
        times.append(2 * (time.process_time() - began))
    return {
        "kind": kind, "skyllh": importlib.metadata.version("skyllh"), "n_events": len(season.data), "shapes": shapes,
        "fits": fits, "peer_setting_up_s": setting_up, "trial_ms": float(np.median(times)),
    }  # fmt: skip


def report(result: dict[str, Any]) -> None:
    """The figures of the page."""

    def worst(name: str, only: Any = lambda dec: True) -> str:
        return f"{100 * max(abs(row[name]) for row in result['shapes'] if only(row['dec'])):.2f} %"

    print(f"{result['kind']}: SkyLLH {result['skyllh']}, {result['n_events']} events")
    for gamma in GAMMAS:
        print(
            f"  gamma {gamma:g}: acceptance {worst(f'acceptance {gamma:g}')} (its spline asked at dec instead: "
            f"{worst(f'acceptance at dec {gamma:g}')}); signal in log10 E, worst bin of the inner 99 %: "
            f"{worst(f'signal worst bin {gamma:g}')}, total variation {worst(f'signal apart {gamma:g}')} (from our sum "
            f"with its weights {worst(f'signal by its weights {gamma:g}')})"
        )
    print(f"  B {worst('B')}; |ln R| median {worst('ln R, median')}, 90 % {worst('ln R, 90 %')}")
    groups = sorted({(fit["events"], fit["injected_gamma"], fit["without_background"] > 0) for fit in result["fits"]})
    for events, gamma, empty in groups:
        fits = [
            fit
            for fit in result["fits"]
            if (fit["events"], fit["injected_gamma"], fit["without_background"] > 0) == (events, gamma, empty)
        ]

        def three(name: str, digits: int, fits: Any = fits) -> str:
            means = (np.nanmean([fit[key] for fit in fits]) for key in (f"peer_{name}", name, f"{name}_term"))
            return " ".join(f"{mean:.{digits}f}" for mean in means)

        apart = np.array([fit["peer_ts"] - fit["ts"] for fit in fits])
        n_s = np.array([fit["peer_ns"] - fit["ns"] for fit in fits])
        lost = sum(fit["peer_at_ours"] > fit["peer_ts"] + 0.01 for fit in fits)
        print(
            f"  {events} events of E^-{gamma:g}, {len(fits)} positions "
            f"{'with' if empty else 'without'} events beyond the season's energies; SkyLLH, nusky, with the term: "
            f"TS {three('ts', 2)}, n_s {three('ns', 2)}, gamma {three('gamma', 3)}; apart, median and most: TS "
            f"{np.median(np.abs(apart)):.2f} {np.abs(apart).max():.2f}, n_s {np.median(np.abs(n_s)):.2f} "
            f"{np.abs(n_s).max():.2f}; SkyLLH stops below its own function at our fit in {lost}"
        )
    ms = np.median([fit["peer_ms"] for fit in result["fits"]])
    print(
        f"  a fit: SkyLLH {ms:.1f} ms (setting up a declination {np.median(result['peer_setting_up_s']):.1f} s), "
        f"nusky {result['trial_ms']:.3f} ms with the trial drawn"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kind", choices=KINDS, default="dr1")
    parser.add_argument("--trials", type=int, default=5, help="of each declination, without and with signal")
    parser.add_argument("--injected", type=int, default=15)
    parser.add_argument("--json", type=Path, help="write all figures here")
    args = parser.parse_args()
    result = compare(args.folder / args.kind, args.kind, args.trials, args.injected)
    report(result)
    if args.json is not None:
        args.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
