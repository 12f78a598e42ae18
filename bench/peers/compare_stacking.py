"""Stacking: SkyLLH's source-weighted likelihood and nusky on the same trials: TS, n_s, γ, processor time.

    python -m pip install ".[peers]"
    python bench/peers/compare_stacking.py                      # 10 sources, 30 trials
    python bench/peers/compare_stacking.py --sources 100 --json figures.json

nusky makes the trials of the embedded synthetic season, from plain simulated events. SkyLLH gets their events, S/B of
each pair of event and source, ln R and the sources' yields on the same γ nodes; the weighting of the sources, its
derivatives, ln Λ and the minimizer are SkyLLH's (`SourceWeightedPDFRatio`, `ZeroSigH0SingleDatasetTCLLHRatio`, L-BFGS).
"""

from __future__ import annotations

import argparse
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
from numpy.typing import NDArray
from skyllh.core.config import Config
from skyllh.core.detsigyield import NullDetSigYieldBuilder
from skyllh.core.event_selection import EventSelectionMethod
from skyllh.core.flux_model import PowerLawEnergyFluxProfile, SteadyPointlikeFFM
from skyllh.core.llhratio import ZeroSigH0SingleDatasetTCLLHRatio
from skyllh.core.minimizer import LBFGSMinimizerImpl, Minimizer
from skyllh.core.model import DetectorModel
from skyllh.core.parameters import Parameter, ParameterModelMapper
from skyllh.core.pdfratio import SourceWeightedPDFRatio
from skyllh.core.random import RandomStateService
from skyllh.core.services import SrcDetSigYieldWeightsService
from skyllh.core.source_hypo_grouping import SourceHypoGroup, SourceHypoGroupManager
from skyllh.core.source_model import PointLikeSource
from skyllh.core.storage import DataFieldRecordArray
from skyllh.core.test_statistic import WilksTestStatistic
from skyllh.core.trialdata import TrialDataManager
from skyllh_peer import EnergyRatio, SpatialRatio, separation, stencil

import nusky as cy

F64 = NDArray[np.float64]


class Pairs(EventSelectionMethod):
    """Pairs of event and source with S > 0; events with one of them are selected."""

    def __init__(self, shg_mgr: SourceHypoGroupManager, cut_n_sigma: float = 5.0) -> None:
        super().__init__(shg_mgr=shg_mgr)
        self.cut_n_sigma = cut_n_sigma

    def sources_to_array(self, sources: Any) -> Any:
        return np.array([(source.ra, source.dec) for source in sources])

    def select_events(  # type: ignore[override]
        self, events: Any, src_evt_idxs: Any = None, ret_original_evt_idxs: bool = False, tl: Any = None
    ) -> Any:
        reach = np.minimum(self.cut_n_sigma * events["sigma"], np.pi)
        source, event = [], []
        for j, (ra, dec) in enumerate(self._src_arr):
            band = np.flatnonzero(np.abs(events["dec"] - dec) <= reach)
            near = band[separation(events["ra"][band], events["dec"][band], ra, dec) <= reach[band]]
            source.append(np.full(len(near), j))
            event.append(near)
        used, index = np.unique(np.concatenate(event), return_inverse=True)
        pairs = (np.concatenate(source), index)
        return (events[used], pairs, used) if ret_original_evt_idxs else (events[used], pairs)


class PairedSpace(SpatialRatio):
    """S/B of the pairs."""

    def initialize_for_new_trial(self, tdm: TrialDataManager, tl: Any = None, **kwargs: Any) -> None:
        source, event = tdm.src_evt_idxs
        sources = tdm.get_data("src_array")
        sigma = tdm.get_data("sigma")[event]
        to = sources["ra"][source], sources["dec"][source]
        psi = separation(tdm.get_data("ra")[event], tdm.get_data("dec")[event], *to)
        kappa = 1 / sigma**2
        gauss = kappa / (2 * np.pi) * np.exp(-0.5 * kappa * psi**2)
        vmf = kappa / (2 * np.pi) * np.exp(-2 * kappa * np.sin(psi / 2) ** 2) / -np.expm1(-2 * kappa)
        self.value = np.where(sigma > np.radians(7.0), vmf, gauss) / tdm.get_data("background")[event]


class PairedEnergy(EnergyRatio):
    """R of the pairs: that of their events."""

    def initialize_for_new_trial(self, tdm: TrialDataManager, tl: Any = None, **kwargs: Any) -> None:
        super().initialize_for_new_trial(tdm, tl, **kwargs)
        self.event = tdm.src_evt_idxs[1]

    def get_ratio(self, tdm: TrialDataManager, src_params_recarray: Any, tl: Any = None) -> F64:
        return super().get_ratio(tdm, src_params_recarray, tl)[self.event]

    def get_gradient(self, tdm: TrialDataManager, src_params_recarray: Any, fitparam_id: int, tl: Any = None) -> F64:
        return super().get_gradient(tdm, src_params_recarray, fitparam_id, tl)[self.event]


class Yields(SrcDetSigYieldWeightsService):
    """Weight times yield of each source and its derivative by γ, from a table on the γ nodes."""

    def __init__(self, log_weights: F64, nodes: F64, gamma: int) -> None:
        self.table, self.nodes, self.gamma = log_weights.T.copy(), [float(g) for g in nodes], gamma

    def calculate(self, src_params_recarray: Any) -> None:
        first, value, slope = stencil(self.nodes, float(src_params_recarray["gamma"][0]))
        rows = self.table[first : first + len(value)]
        a = np.exp(np.tensordot(value, rows, axes=1))
        self._a_jk, self._a_jk_grads = a[None], {self.gamma: (a * np.tensordot(slope, rows, axes=1))[None]}


class WeightedRatio(SourceWeightedPDFRatio):
    """SkyLLH's, with the yields at the parameters that are asked for."""

    def get_ratio(self, tdm: TrialDataManager, src_params_recarray: Any, tl: Any = None) -> F64:
        self.src_detsigyield_weights_service.calculate(src_params_recarray)
        return np.asarray(super().get_ratio(tdm, src_params_recarray, tl))


class StackPeer:
    """SkyLLH's fit of a stack."""

    def __init__(self, src: cy.Sources, nodes: F64, log_weights: F64) -> None:
        self.cfg = cfg = Config()
        self.rss = RandomStateService(1)
        sources = [PointLikeSource(name=f"s{j}", ra=one.ra[0], dec=one.dec[0]) for j, one in enumerate(src)]
        flux = SteadyPointlikeFFM(Phi0=1, energy_profile=PowerLawEnergyFluxProfile(E0=1e3, gamma=2.0, cfg=cfg), cfg=cfg)
        builders = NullDetSigYieldBuilder(cfg=cfg)
        self.shg_mgr = SourceHypoGroupManager(
            SourceHypoGroup(sources=sources, fluxmodel=flux, detsigyield_builders=builders)
        )
        detector = DetectorModel("detector")
        self.pmm = ParameterModelMapper(models=[detector, *sources])
        self.pmm.map_param(Parameter("ns", initial=10.0, valmin=0.0, valmax=1e3), models=detector)
        low, high = float(nodes[0]), float(nodes[-1])
        self.pmm.map_param(Parameter("gamma", initial=3.0, valmin=low, valmax=high), models=sources)
        self.nodes = nodes
        self.yields = Yields(log_weights, nodes, self.pmm.get_gflp_idx("gamma"))
        self.selection = Pairs(self.shg_mgr)
        self.ts = WilksTestStatistic()

    def prepare(self, events: dict[str, Any], log_ratio: Any) -> int:
        """Select the events of a trial; returns how many pairs there are."""
        self.tdm = TrialDataManager()
        self.tdm.add_source_data_field(
            name="src_array",
            func=lambda tdm, shg_mgr, pmm: np.array(
                [(s.ra, s.dec) for s in shg_mgr.source_list], dtype=[("ra", float), ("dec", float)]
            ),
        )
        self.tdm.change_shg_mgr(shg_mgr=self.shg_mgr, pmm=self.pmm)
        rows = DataFieldRecordArray({**events, "row": np.arange(len(events["ra"]))})
        ratio = PairedSpace(self.cfg) * PairedEnergy(self.cfg, log_ratio, self.nodes)
        self.llhratio = ZeroSigH0SingleDatasetTCLLHRatio(
            pmm=self.pmm,
            minimizer=Minimizer(LBFGSMinimizerImpl(ftol=1e-6, cfg=self.cfg), max_repetitions=100),
            shg_mgr=self.shg_mgr,
            tdm=self.tdm,
            pdfratio=WeightedRatio(
                dataset_idx=0, src_detsigyield_weights_service=self.yields, pdfratio=ratio, cfg=self.cfg
            ),
            cfg=self.cfg,
        )
        self.tdm.initialize_trial(shg_mgr=self.shg_mgr, pmm=self.pmm, events=rows, evt_sel_method=self.selection)
        self.llhratio.initialize_for_new_trial()
        return len(self.tdm.src_evt_idxs[0])

    def maximize(self) -> tuple[float, float, float, int]:
        """ts, ns, γ and the number of evaluations."""
        log_lambda, values, status = self.llhratio.maximize(self.rss)
        ts = self.ts(pmm=self.pmm, log_lambda=log_lambda, fitparam_values=values)
        named = self.pmm.create_global_params_dict(gflp_values=values)
        return ts, float(named["ns"]), float(named["gamma"]), int(status["n_llhratio_func_calls"])

    def log_lambda(self, ns: float, gamma: float) -> float:
        """SkyLLH's ln Λ at given parameters."""
        order = {self.pmm.get_gflp_idx("ns"): ns, self.pmm.get_gflp_idx("gamma"): gamma}
        return float(self.llhratio.evaluate(np.array([order[0], order[1]]))[0])


def compare(args: argparse.Namespace) -> list[dict[str, float]]:
    """One row for each trial."""
    rng = np.random.default_rng(args.seed)
    ana = cy.get_analysis(cy.selections.demo, logging=False)
    n = args.sources
    src = cy.sources(
        rng.uniform(0, 2 * np.pi, n), np.arcsin(rng.uniform(-0.2, 1.0, n)), weight=10 ** rng.normal(0, 0.5, n)
    )
    tr = cy.get_trial_runner(ana=ana, src=src, mp_cpus=1)
    season = ana[0]
    peer = StackPeer(src, tr.values.gamma_nodes, tr.values.log_weights[0])
    tr.get_many_fits(2, seed=9)
    rows = []
    for i in range(args.trials):
        n_sig = args.injected if i % 2 else 0
        trial = tr.get_one_trial(n_sig, seed=i + 1)
        parts = trial.evss[0]
        events = {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in ("ra", "dec", "sigma")}
        background = [np.asarray(season.background(part["sindec"])) for part in parts]
        log_ratio = np.concatenate([season.log_energy_ratio, *(season.ratio(part) for part in parts[1:])])
        began = time.process_time()
        fit = tr.get_one_fit_from_trial(trial)
        ours_s = time.process_time() - began
        began = time.process_time()
        pairs = peer.prepare({**events, "background": np.concatenate(background)}, log_ratio)
        select_s = time.process_time() - began
        began = time.process_time()
        ts, ns, gamma, calls = peer.maximize()
        fit_s = time.process_time() - began
        same = 2 * peer.log_lambda(fit.ns, fit.gamma) if fit.ns > 0 else 0.0
        rows.append(
            {"n_sig": n_sig, "pairs": pairs, "ts": fit.ts, "ns": fit.ns, "gamma": fit.gamma, "same_ts": same}
            | {"peer_ts": ts, "peer_ns": ns, "peer_gamma": gamma, "calls": calls}
            | {"peer_select_s": select_s, "peer_fit_s": fit_s, "one_fit_s": ours_s}
        )
    for n_sig in (0, args.injected):
        began = time.process_time()
        tr.get_many_fits(args.many, n_sig, seed=5)
        each = (time.process_time() - began) / args.many
        for row in rows:
            if row["n_sig"] == n_sig:
                row["trial_s"] = each
    return rows


def report(rows: list[dict[str, float]], n_sources: int) -> None:
    """Table and what follows from it."""
    versions = {name: importlib.metadata.version(name) for name in ("skyllh", "numpy")}
    print(f"{n_sources} sources, SkyLLH {versions['skyllh']}, numpy {versions['numpy']}")
    print("n_sig   pairs    TS nusky  TS SkyLLH  at nusky's fit      n_s  SkyLLH  gamma SkyLLH calls")
    for row in rows:
        print(
            "{n_sig:>5.0f} {pairs:>7.0f} {ts:>11.4f} {peer_ts:>10.4f} {same_ts:>14.4f} {ns:>9.2f} {peer_ns:>7.2f} "
            "{gamma:>6.2f} {peer_gamma:>6.2f} {calls:>5.0f}".format(**row)
        )
    for n_sig in sorted({row["n_sig"] for row in rows}):
        some = [row for row in rows if row["n_sig"] == n_sig]

        def of(name: str, some: Any = some) -> F64:
            return np.array([row[name] for row in some])

        apart, strong = of("ts") - of("peer_ts"), of("ns") > 1
        gamma = [of(name)[strong].mean() if strong.any() else np.nan for name in ("gamma", "peer_gamma")]
        same = np.abs(of("same_ts") - of("ts")).max()
        ms = {name: 1e3 * float(np.median(of(f"{name}_s"))) for name in ("peer_select", "peer_fit", "one_fit", "trial")}
        print(
            f"{n_sig:.0f} events injected, {len(some)} trials\n"
            f"  2 ln Λ of SkyLLH at nusky's best fit is nusky's TS within {same:.1e}\n"
            f"  SkyLLH lacks {apart.max():.3g} in TS at most, more than 1e-2 in {int((apart > 1e-2).sum())} trials; "
            f"nusky lacks {max(0.0, -apart.min()):.1e}\n"
            f"  n_s {of('ns').mean():.2f} {of('peer_ns').mean():.2f}, γ where n_s > 1 {gamma[0]:.3f} {gamma[1]:.3f}\n"
            f"  processor time: SkyLLH selects in {ms['peer_select']:.1f} ms, fits in {ms['peer_fit']:.1f} ms; nusky "
            f"fits the trial's events in {ms['one_fit']:.2f} ms, draws and fits one in {ms['trial']:.2f} ms"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=int, default=10)
    parser.add_argument("--trials", type=int, default=30, help="every second one with events injected")
    parser.add_argument("--injected", type=int, default=30)
    parser.add_argument("--many", type=int, default=200, help="trials that nusky is timed with")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write all figures here")
    args = parser.parse_args()
    rows = compare(args)
    report(rows, args.sources)
    if args.json is not None:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
