"""The same likelihood in SkyLLH: its trial data, log-likelihood ratio and minimizer, with PDF ratios of our columns.

SkyLLH (https://github.com/icecube/skyllh, GPLv3) is only imported here, never shipped. What is ours in this file are
the three pieces its framework asks a user for: which events count, S/B, and R(gamma) with its derivative. All three are
given in the form that costs SkyLLH least: S/B is computed once for a direction, and R for the selected events alone.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import Any

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
from skyllh.core.pdfratio import PDFRatio
from skyllh.core.random import RandomStateService
from skyllh.core.source_hypo_grouping import SourceHypoGroup, SourceHypoGroupManager
from skyllh.core.source_model import PointLikeSource
from skyllh.core.storage import DataFieldRecordArray
from skyllh.core.test_statistic import WilksTestStatistic
from skyllh.core.trialdata import TrialDataManager

F64 = NDArray[np.float64]

WIDEST_GAUSSIAN = np.radians(7.0)


@dataclass(frozen=True)
class Sky:
    """Events of one season as the core sees them, all (N,) but `log_ratio` (N, G)."""

    ra: F64
    dec: F64
    sigma: F64
    background: F64
    log_ratio: NDArray[np.float32]
    gamma_nodes: F64
    cut_n_sigma: float = 5.0


def separation(ra: F64, dec: F64, src_ra: float, src_dec: float) -> F64:
    h = np.sin((dec - src_dec) / 2) ** 2 + np.cos(dec) * np.cos(src_dec) * np.sin((ra - src_ra) / 2) ** 2
    return np.asarray(2 * np.arcsin(np.sqrt(np.minimum(h, 1.0))))


class EventsWithinCut(EventSelectionMethod):
    """Events with S > 0 at the source: what SkyLLH calls an optimisation is exact here."""

    def __init__(self, shg_mgr: SourceHypoGroupManager, cut_n_sigma: float) -> None:
        super().__init__(shg_mgr=shg_mgr)
        self.cut_n_sigma = cut_n_sigma

    def sources_to_array(self, sources: Any) -> Any:
        return np.array([(source.ra, source.dec) for source in sources])

    def select_events(  # type: ignore[override]
        self, events: Any, src_evt_idxs: Any = None, ret_original_evt_idxs: bool = False, tl: Any = None
    ) -> Any:
        ((ra, dec),) = self._src_arr
        # A band in declination first, so that the distance is computed for the few that can be near
        reach = np.minimum(self.cut_n_sigma * events["sigma"], np.pi)
        band = np.flatnonzero(np.abs(events["dec"] - dec) <= reach)
        near = band[separation(events["ra"][band], events["dec"][band], ra, dec) <= reach[band]]
        index = (np.zeros(len(near), dtype=np.int64), np.arange(len(near)))
        return (events[near], index, near) if ret_original_evt_idxs else (events[near], index)


class SpatialRatio(PDFRatio):
    """S/B: Gaussian up to 7 degrees, von Mises-Fisher above; computed once per trial and source."""

    def __init__(self, cfg: Config) -> None:
        super().__init__(cfg=cfg)
        self.value = np.empty(0)

    def initialize_for_new_trial(self, tdm: TrialDataManager, tl: Any = None, **kwargs: Any) -> None:
        source = tdm.get_data("src_array")[0]
        sigma = tdm.get_data("sigma")
        psi = separation(tdm.get_data("ra"), tdm.get_data("dec"), source["ra"], source["dec"])
        kappa = 1 / sigma**2
        gauss = kappa / (2 * np.pi) * np.exp(-0.5 * kappa * psi**2)
        vmf = kappa / (2 * np.pi) * np.exp(-2 * kappa * np.sin(psi / 2) ** 2) / -np.expm1(-2 * kappa)
        self.value = np.where(sigma > WIDEST_GAUSSIAN, vmf, gauss) / tdm.get_data("background")

    def get_ratio(self, tdm: TrialDataManager, src_params_recarray: Any, tl: Any = None) -> F64:
        return self.value

    def get_gradient(self, tdm: TrialDataManager, src_params_recarray: Any, fitparam_id: int, tl: Any = None) -> F64:
        return np.zeros_like(self.value)


def stencil(x: list[float], at: float) -> tuple[int, list[float], list[float]]:
    """First node, and the weights of four node values that give the core's interpolant and its derivative.

    Cubic Hermite; the slope at a node is that of the parabola through it and its neighbours, one-sided at the ends.
    """
    last = len(x) - 1
    s = min(max(bisect.bisect_right(x, at) - 1, 0), last - 1)
    first = min(max(s - 1, 0), last - 3)
    h, t = x[s + 1] - x[s], (at - x[s]) / (x[s + 1] - x[s])
    ends = [(1 + 2 * t) * (1 - t) ** 2, t**2 * (3 - 2 * t), h * t * (1 - t) ** 2, -h * t**2 * (1 - t)]
    rates = [6 * t * (t - 1) / h, 6 * t * (1 - t) / h, (1 - t) * (1 - 3 * t), t * (3 * t - 2)]
    value, slope = [0.0] * 4, [0.0] * 4
    for end in (0, 1):
        value[s + end - first] += ends[end]
        slope[s + end - first] += rates[end]
        middle = min(max(s + end, 1), last - 1)
        a, b, c, u = x[middle - 1], x[middle], x[middle + 1], x[s + end]
        parabola = [
            (2 * u - b - c) / ((a - b) * (a - c)),
            (2 * u - a - c) / ((b - a) * (b - c)),
            (2 * u - a - b) / ((c - a) * (c - b)),
        ]
        for k, w in enumerate(parabola):
            value[middle - 1 + k - first] += ends[2 + end] * w
            slope[middle - 1 + k - first] += rates[2 + end] * w
    return first, value, slope


class EnergyRatio(PDFRatio):
    """R(gamma) by the same interpolant as the core's; value and derivative are made together and kept."""

    def __init__(self, cfg: Config, log_ratio: NDArray[np.float32], gamma_nodes: F64) -> None:
        super().__init__(cfg=cfg, sig_param_names="gamma")
        self.log_ratio, self.nodes = log_ratio, [float(g) for g in gamma_nodes]
        self.columns = np.empty((0, 0))
        self.at = float("nan")
        self.value = self.slope = np.empty(0)

    def initialize_for_new_trial(self, tdm: TrialDataManager, tl: Any = None, **kwargs: Any) -> None:
        self.columns = np.ascontiguousarray(self.log_ratio[tdm.get_data("row")].T, dtype=np.float64)
        self.at = float("nan")

    def evaluate(self, gamma: float) -> None:
        if gamma == self.at:
            return
        first, value, slope = stencil(self.nodes, gamma)
        # No matrix product: linear algebra libraries start threads for it, which cost more than they save here
        columns = [self.columns[first + k] for k in range(len(value))]
        self.value = np.exp(sum(w * c for w, c in zip(value, columns, strict=True)))
        self.slope = self.value * sum(w * c for w, c in zip(slope, columns, strict=True))
        self.at = gamma

    def get_ratio(self, tdm: TrialDataManager, src_params_recarray: Any, tl: Any = None) -> F64:
        self.evaluate(float(src_params_recarray["gamma"][0]))
        return self.value

    def get_gradient(self, tdm: TrialDataManager, src_params_recarray: Any, fitparam_id: int, tl: Any = None) -> F64:
        self.evaluate(float(src_params_recarray["gamma"][0]))
        return self.slope


class SkyLLHPeer:
    """One season in SkyLLH; `fit` is what its `unblind` does for one source.

    Parameters
    ----------
    sky : Sky
    ftol : of its L-BFGS minimizer, relative
    """

    def __init__(self, sky: Sky, ftol: float = 1e-6) -> None:
        cfg = Config()
        self.rss = RandomStateService(1)
        source = PointLikeSource(name="direction", ra=0.0, dec=0.0)
        flux = SteadyPointlikeFFM(Phi0=1, energy_profile=PowerLawEnergyFluxProfile(E0=1e3, gamma=2.0, cfg=cfg), cfg=cfg)
        group = SourceHypoGroup(sources=source, fluxmodel=flux, detsigyield_builders=NullDetSigYieldBuilder(cfg=cfg))
        self.shg_mgr = SourceHypoGroupManager(group)
        detector = DetectorModel("detector")
        self.pmm = ParameterModelMapper(models=[detector, source])
        self.pmm.map_param(Parameter("ns", initial=10.0, valmin=0.0, valmax=1e3), models=detector)
        low, high = float(sky.gamma_nodes[0]), float(sky.gamma_nodes[-1])
        self.pmm.map_param(Parameter("gamma", initial=3.0, valmin=low, valmax=high), models=source)
        self.tdm = TrialDataManager()
        self.tdm.add_source_data_field(
            name="src_array",
            func=lambda tdm, shg_mgr, pmm: np.array(
                [(s.ra, s.dec) for s in shg_mgr.source_list], dtype=[("ra", float), ("dec", float)]
            ),
        )
        fields = {name: getattr(sky, name) for name in ("ra", "dec", "sigma", "background")}
        self.events = DataFieldRecordArray(fields | {"row": np.arange(len(sky.ra))})
        self.selection = EventsWithinCut(self.shg_mgr, sky.cut_n_sigma)
        ratio = SpatialRatio(cfg) * EnergyRatio(cfg, sky.log_ratio, sky.gamma_nodes)
        self.llhratio = ZeroSigH0SingleDatasetTCLLHRatio(
            pmm=self.pmm,
            minimizer=Minimizer(LBFGSMinimizerImpl(ftol=ftol, cfg=cfg), max_repetitions=100),
            shg_mgr=self.shg_mgr,
            tdm=self.tdm,
            pdfratio=ratio,
            cfg=cfg,
        )
        self.ts = WilksTestStatistic()

    def prepare(self, ra: float, dec: float) -> int:
        """Change the source and select its events; returns how many."""
        self.shg_mgr.shg_list[0].source_list[0] = PointLikeSource(name="direction", ra=ra, dec=dec)
        self.selection.change_shg_mgr(self.shg_mgr)
        self.tdm.change_shg_mgr(shg_mgr=self.shg_mgr, pmm=self.pmm)
        self.llhratio.change_shg_mgr(self.shg_mgr)
        self.tdm.initialize_trial(shg_mgr=self.shg_mgr, pmm=self.pmm, events=self.events, evt_sel_method=self.selection)
        self.llhratio.initialize_for_new_trial()
        return int(self.tdm.n_selected_events)

    def maximize(self) -> tuple[float, float, float, int]:
        """ts, ns, gamma of the prepared source and the number of likelihood evaluations."""
        log_lambda, values, status = self.llhratio.maximize(self.rss)
        ts = self.ts(pmm=self.pmm, log_lambda=log_lambda, fitparam_values=values)
        named = self.pmm.create_global_params_dict(gflp_values=values)
        return ts, float(named["ns"]), float(named["gamma"]), int(status["n_llhratio_func_calls"])

    def log_lambda(self, ns: float, gamma: float) -> float:
        """SkyLLH's ln Λ of the prepared source at given parameters."""
        order = {self.pmm.get_gflp_idx("ns"): ns, self.pmm.get_gflp_idx("gamma"): gamma}
        return float(self.llhratio.evaluate(np.array([order[0], order[1]]))[0])
