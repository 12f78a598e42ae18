from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
I16 = NDArray[np.int16]
I64 = NDArray[np.int64]
I8 = NDArray[np.int8]

class EventColumns:
    def __init__(
        self,
        dec: F64,
        sigma: F64,
        background: F64,
        log_energy_ratio: F32 | None,
        gamma_nodes: F64,
        *,
        cut_n_sigma: float = ...,
        extension: float = ...,
    ) -> None: ...
    @staticmethod
    def of_values(value: F64, log_ratio: F32 | None, gamma_nodes: F64) -> EventColumns: ...
    def __len__(self) -> int: ...
    @property
    def nbytes(self) -> int: ...

class EventIndex:
    def __init__(
        self,
        parts: Sequence[tuple[EventColumns, F64, int, I64 | None, F64 | None]],
        n_events: F64,
        *,
        n_threads: int = ...,
        few: bool = ...,
    ) -> None: ...
    def __len__(self) -> int: ...
    @property
    def n_seasons(self) -> int: ...

class Likelihood:
    def __init__(self, gamma_nodes: F64, sindec_nodes: F64, log_acceptance: F64, *, extended: bool = ...) -> None: ...
    @property
    def n_seasons(self) -> int: ...
    @property
    def extended(self) -> bool: ...

class Directions:
    def __init__(
        self,
        ra: F64,
        dec: F64,
        tile: I64 | None = ...,
        tile_ra: F64 | None = ...,
        tile_dec: F64 | None = ...,
        tile_radius: F64 | None = ...,
    ) -> None: ...
    def __len__(self) -> int: ...

def smeared_values(table: Sequence[I16], basis: F32, start: I64, weight: F32, ra: F64, found: F32) -> None: ...
def log_sums(terms: F64, nodes: F64) -> F64: ...
def power_sums(terms: F64, counts: F64 | None, bound: float) -> tuple[F64, F64, F64 | None]: ...

class SearchPlan:
    def __init__(self, directions: Directions, prior_terms: F64) -> None: ...

def scan(
    likelihood: Likelihood,
    index: EventIndex,
    directions: Directions,
    *,
    gamma: float | None = ...,
    n_threads: int = ...,
    progress: Callable[[int, int], None] | None = ...,
) -> tuple[F64, F64, F64, I8]: ...
def hottest(
    likelihood: Likelihood,
    index: EventIndex,
    plan: SearchPlan,
    *,
    gamma: float | None = ...,
    n_threads: int = ...,
    prune: bool = ...,
) -> NDArray[np.void]: ...
def hottest_of_trials(
    likelihood: Likelihood,
    plan: SearchPlan,
    parts: Sequence[tuple[EventColumns, F64, int, I64 | None, F64 | None]],
    first: Sequence[I64],
    n: int,
    n_events: F64,
    *,
    gamma: float | None = ...,
    n_threads: int = ...,
    progress: Callable[[int, int], None] | None = ...,
) -> NDArray[np.void]: ...

class Scrambles:
    def __init__(
        self, columns: Sequence[EventColumns], grid: F32 | None, near: Sequence[tuple[I64, NDArray[np.int32], F32]]
    ) -> None: ...

def hottest_of_scrambles(
    likelihood: Likelihood,
    plan: SearchPlan,
    scrambles: Scrambles,
    parts: Sequence[tuple[EventColumns, F64, int, I64 | None, F64 | None]],
    first: Sequence[I64],
    *,
    key: int,
    numbers: I64,
    gamma: float | None = ...,
    n_threads: int = ...,
    progress: Callable[[int, int], None] | None = ...,
) -> NDArray[np.void]: ...
def max_threads() -> int: ...
def simd_level() -> str: ...
def simd_levels() -> str: ...
def set_simd_level(name: str) -> None: ...

__version__: str
eigen_version: str
source_hash: str
commit: str
compiler: str

purposes: dict[str, int]

def random_right_ascensions(key: int, trial: int, season: int, n: int) -> F64: ...
def random_uniforms(key: int, trial: int, purpose: int, season: int, n: int) -> F64: ...
def random_right_ascensions_of_trials(key: int, trials: I64, counts: I64, season: int) -> F64: ...
def random_uniforms_of_trials(key: int, trials: I64, counts: I64, purpose: int, season: int) -> F64: ...
def poisson_counts(means: F64, uniform: F64) -> I64: ...

class Hypothesis:
    @property
    def n_seasons(self) -> int: ...

class Stack(Hypothesis):
    def __init__(
        self,
        columns: Sequence[EventColumns],
        ra: F64,
        dec: F64,
        extension: F64,
        log_weight: F64,
        *,
        cut_n_sigma: float = ...,
    ) -> None: ...
    def __len__(self) -> int: ...

def fit_hypothesis_trials(
    likelihood: Likelihood,
    hypothesis: Hypothesis,
    injected: Sequence[tuple[EventColumns, F64, I64]] | None,
    *,
    key: int,
    numbers: I64,
    gamma: float | None = ...,
    rows: F64,
    n_threads: int = ...,
    progress: Callable[[int, int], object] | None = ...,
) -> tuple[int, bool]: ...
def fit_hypothesis_events(
    likelihood: Likelihood,
    hypothesis: Hypothesis,
    parts: Sequence[tuple[EventColumns, F64, int, I64 | None, F64 | None]],
    n_events: F64,
    *,
    gamma: float | None = ...,
) -> tuple[float, float, float, int]: ...

class TemplateEvents:
    def __init__(
        self,
        table: Sequence[I16],
        order: I64,
        start: I64,
        weight: F32,
        cell: I64,
        log_ratio: F32,
        gamma_nodes: Sequence[float],
    ) -> None: ...
    def __len__(self) -> int: ...

class SmearedRows:
    def __init__(self, table: Sequence[I16], basis: F32) -> None: ...

class SkyTemplate:
    def __init__(
        self,
        likelihood: Likelihood,
        maps: SmearedRows,
        own: Sequence[TemplateEvents],
        column: Sequence[F64],
        log_taken: Sequence[F64] = ...,
    ) -> None: ...

def template_terms(
    maps: SmearedRows,
    events: TemplateEvents,
    ra: F64,
    column: F64,
    factor: F64,
    background: F64,
    scale: float,
    z: F64,
) -> None: ...
def ring_modes(alm: NDArray[np.complex128], beam: F64, modes: NDArray[np.complex64], n_threads: int = ...) -> None: ...
def fit_template_trials(
    template: SkyTemplate,
    injected: Sequence[tuple[TemplateEvents, F64, I64]] | None,
    *,
    key: int,
    numbers: I64,
    rows: F64,
    n_threads: int = ...,
    progress: Callable[[int, int], object] | None = ...,
) -> tuple[int, bool]: ...
def fit_template_events(
    template: SkyTemplate, parts: Sequence[tuple[int, TemplateEvents, F64]], n_events: F64
) -> tuple[float, float, float, int, int, int]: ...

class PointRecords:
    def __init__(self, columns: EventColumns, gamma: float | None = ...) -> None: ...
    def __len__(self) -> int: ...

class PointSource:
    def __init__(self, records: Sequence[PointRecords], ra: F64, dec: float, times: Sequence[F64] = ...) -> None: ...
    @property
    def n_in_reach(self) -> int: ...
    def count_near(self, key: int, first: int, n: int) -> int: ...

class PointSignal:
    def __init__(
        self,
        records: Sequence[PointRecords],
        ra: Sequence[F64],
        cumulative: Sequence[F64],
        share: F64,
        times: Sequence[tuple[F64, F64]] = ...,
    ) -> None: ...
    def draw(self, key: int, trials: I64, n_sig: float, poisson: bool) -> tuple[I64, I64, I64, F64]: ...

def fit_point_trials(
    likelihood: Likelihood,
    sources: Sequence[PointSource],
    signal: PointSignal | None,
    *,
    key: int,
    numbers: I64,
    n_sig: float = ...,
    poisson: bool = ...,
    injected: Sequence[Sequence[tuple[PointRecords, F64, I64]]] = ...,
    rows: F64,
    n_threads: int = ...,
    progress: Callable[[int, int], object] | None = ...,
) -> tuple[int, bool]: ...
def fit_point_events(
    likelihood: Likelihood,
    source: PointSource,
    parts: Sequence[tuple[EventColumns, F64, int, I64 | None, F64 | None]],
    n_events: F64,
) -> tuple[float, float, float, int]: ...

class Flares:
    def __init__(
        self,
        likelihood: Likelihood,
        runs: Sequence[tuple[F64, F64]],
        *,
        dt_min: float,
        dt_max: float,
        threshold: float,
        penalty_days: float,
        gamma: float | None = ...,
        start: float | None = ...,
        stop: float | None = ...,
        middle: float | None = ...,
        gaussian: bool = ...,
        curve: dict[str, Any] | None = ...,
    ) -> None: ...
    def scan(
        self,
        index: EventIndex,
        directions: Directions,
        *,
        prior_terms: F64 | None = ...,
        n_threads: int = ...,
        progress: Callable[[int, int], object] | None = ...,
    ) -> tuple[F64, F64, F64, F64, F64, F64, I8]: ...
    def scan_all(
        self,
        index: EventIndex,
        directions: Directions,
        least_ts: float,
        *,
        n_threads: int = ...,
        progress: Callable[[int, int], object] | None = ...,
    ) -> tuple[F64, F64, F64, F64, F64, F64, I64, I8]: ...
    def fit_trials(
        self,
        source: PointSource,
        signal: PointSignal | None,
        *,
        key: int,
        numbers: I64,
        n_sig: float = ...,
        poisson: bool = ...,
        rows: F64,
        n_threads: int = ...,
        progress: Callable[[int, int], object] | None = ...,
    ) -> tuple[int, bool]: ...
    def fit_all_events(
        self, source: PointSource, parts: Sequence[Any], n_events: F64, least_ts: float
    ) -> list[tuple[float, float, float, float, float, float, int]]: ...
    def fit_events(self, source: PointSource, parts: Sequence[Any], n_events: F64) -> dict[str, Any]: ...
