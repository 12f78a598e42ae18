"""What the bindings refuse, and that the message names the argument."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nusky import _core

NODES = np.array([1.0, 4.0])
TWO = np.zeros(2)
SMALL = np.full(2, 0.01)
RATIO = np.zeros((2, 2), dtype=np.float32)
N_EVENTS = np.array([2.0])


def make_columns(**changes: Any) -> _core.EventColumns:
    given: dict[str, Any] = {"dec": TWO, "sigma": SMALL, "background": np.full(2, 0.1), "log_energy_ratio": RATIO}
    return _core.EventColumns(**{**given, "gamma_nodes": NODES, **changes})


def make_index(n_events: Any = N_EVENTS, **changes: Any) -> _core.EventIndex:
    given = {"columns": make_columns(), "ra": TWO, "season": 0, "rows": None, "factor": None} | changes
    options = {"n_threads": given.pop("n_threads")} if "n_threads" in given else {}
    return _core.EventIndex([tuple(given.values())], n_events, **options)


def make_likelihood(**changes: Any) -> _core.Likelihood:
    given = {"gamma_nodes": NODES, "sindec_nodes": np.array([-1.0, 1.0]), "log_acceptance": np.zeros((1, 2, 2))}
    return _core.Likelihood(**{**given, **changes})


def make_directions(**changes: Any) -> _core.Directions:
    tiles = {"tile": np.array([0, 0]), "tile_ra": np.zeros(1), "tile_dec": np.zeros(1), "tile_radius": np.array([0.1])}
    given = {"ra": TWO, "dec": TWO} | (tiles if set(changes) & set(tiles) else {})
    return _core.Directions(**{**given, **changes})


def scan(**changes: Any) -> Any:
    given = {"likelihood": make_likelihood(), "index": make_index(), "directions": make_directions()}
    return _core.scan(**{**given, **changes})


def hottest(prior_terms: Any, **changes: Any) -> Any:
    return _core.hottest(make_likelihood(), make_index(), _core.SearchPlan(make_directions(), prior_terms), **changes)


GRID = np.zeros((3, 5), dtype=np.float32)
FIRST = np.array([0, 0, 1, 2])
NEAR = (np.array([0, 1]), np.array([0, 10], dtype=np.int32), np.zeros(2, dtype=np.float32))


def make_scrambles(grid: Any = None, near: Any = (), **changes: Any) -> _core.Scrambles:
    return _core.Scrambles([make_columns(**changes)], grid, list(near))


def of_scrambles(scrambles: Any = None, parts: Any = (), first: Any = (), **changes: Any) -> Any:
    given = {"key": 1, "numbers": np.arange(3)} | changes
    plan = _core.SearchPlan(make_directions(), TWO[None])
    made = make_scrambles() if scrambles is None else scrambles
    return _core.hottest_of_scrambles(make_likelihood(), plan, made, list(parts), list(first), **given)


def injected(**changes: Any) -> Any:
    given = {"columns": make_columns(), "ra": TWO, "season": 0, "rows": np.array([0, 1]), "factor": None} | changes
    return tuple(given.values())


def second(value: float) -> Any:
    """(2,) with something wrong in its second row."""
    return np.array([0.1, value])


REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    # event columns
    "dec above the pole": (lambda: make_columns(dec=second(1.6)), ValueError, r"dec: row 1 is 1\.6"),
    "dec NaN": (lambda: make_columns(dec=second(np.nan)), ValueError, "dec: row 1 is nan"),
    "sigma zero": (lambda: make_columns(sigma=second(0.0)), ValueError, "sigma: row 1 is 0"),
    "sigma negative": (lambda: make_columns(sigma=second(-1.0)), ValueError, "sigma: row 1 is -1"),
    "sigma above pi": (lambda: make_columns(sigma=second(8.6)), ValueError, r"sigma: row 1 is 8\.6"),
    "sigma NaN": (lambda: make_columns(sigma=second(np.nan)), ValueError, "sigma: row 1 is nan"),
    "background zero": (lambda: make_columns(background=second(0.0)), ValueError, "background: row 1 is 0"),
    "background infinite": (lambda: make_columns(background=second(np.inf)), ValueError, "background: row 1 is inf"),
    "ratio NaN": (
        lambda: make_columns(log_energy_ratio=np.array([[0, 0], [0, np.nan]], np.float32)),
        ValueError,
        "log_energy_ratio: row 1 is nan",
    ),
    "ratio out of range": (lambda: make_columns(log_energy_ratio=RATIO + 100), ValueError, "log_energy_ratio: row 0"),
    "ratio missing": (lambda: make_columns(log_energy_ratio=None), ValueError, "log_energy_ratio: needed"),
    "ratio without nodes": (lambda: make_columns(gamma_nodes=np.zeros(0)), ValueError, "gamma_nodes is empty"),
    "ratio of another shape": (
        lambda: make_columns(log_energy_ratio=np.zeros((2, 3), np.float32)),
        ValueError,
        r"log_energy_ratio: expected shape \(2, 2\), got \(2, 3\)",
    ),
    "ratio in double": (lambda: make_columns(log_energy_ratio=np.zeros((2, 2))), TypeError, "log_energy_ratio"),
    "lengths that differ": (lambda: make_columns(sigma=SMALL[:1]), ValueError, "sigma: expected length 2, got 1"),
    "two dimensions": (lambda: make_columns(dec=np.zeros((2, 1))), ValueError, "dec: expected 1 dimension"),
    "a list": (lambda: make_columns(dec=[0.0, 0.0]), TypeError, "dec"),
    "single precision": (lambda: make_columns(sigma=SMALL.astype(np.float32)), TypeError, "sigma"),
    "a strided array": (lambda: make_columns(dec=np.zeros(4)[::2]), TypeError, "dec"),
    "another byte order": (lambda: make_columns(dec=TWO.astype(">f8")), TypeError, "dec"),
    "nodes that fall": (lambda: make_columns(gamma_nodes=NODES[::-1].copy()), ValueError, "gamma_nodes: .*node 1"),
    "nodes with NaN": (lambda: make_columns(gamma_nodes=second(np.nan)), ValueError, "gamma_nodes: node 1"),
    "cut of zero": (lambda: make_columns(cut_n_sigma=0.0), ValueError, "cut_n_sigma"),
    "cut NaN": (lambda: make_columns(cut_n_sigma=np.nan), ValueError, "cut_n_sigma"),
    "extension negative": (lambda: make_columns(extension=-0.1), ValueError, "extension"),
    "extension no number": (lambda: make_columns(extension="wide"), TypeError, "extension"),
    # event index
    "ra NaN": (lambda: make_index(ra=second(np.nan)), ValueError, "part 0: ra: row 1"),
    "ra of another length": (lambda: make_index(ra=np.zeros(3)), ValueError, "part 0: ra has 3 entries"),
    "ra in two dimensions": (lambda: make_index(ra=np.zeros((2, 1))), ValueError, "ra: expected 1 dimension"),
    "season beyond": (lambda: make_index(season=1), ValueError, "part 0: season 1"),
    "season negative": (lambda: make_index(season=-1), ValueError, "part 0: season -1"),
    "rows beyond": (lambda: make_index(rows=np.array([0, 2])), ValueError, "part 0: rows: entry 1 is 2"),
    "rows negative": (lambda: make_index(rows=np.array([-1, 0])), ValueError, "part 0: rows: entry 0 is -1"),
    "rows of another length": (lambda: make_index(rows=np.array([0])), ValueError, "rows: expected length 2"),
    "factor negative": (lambda: make_index(factor=second(-1.0)), ValueError, "part 0: factor: entry 1"),
    "factor NaN": (lambda: make_index(factor=second(np.nan)), ValueError, "part 0: factor: entry 1"),
    "factor of another length": (lambda: make_index(factor=np.ones(1)), ValueError, "factor: expected length 2"),
    "a part too short": (lambda: _core.EventIndex([(make_columns(), TWO, 0)], N_EVENTS), ValueError, "part 0: "),  # type: ignore[list-item]
    "no seasons": (lambda: make_index(np.zeros(0)), ValueError, "n_events: at least one season"),
    "n_events zero": (lambda: make_index(np.zeros(1)), ValueError, "n_events: season 0"),
    "n_events NaN": (lambda: make_index(np.array([np.nan])), ValueError, "n_events: season 0"),
    "n_events a list": (lambda: make_index([2.0]), TypeError, "n_events"),
    "index threads negative": (lambda: make_index(n_threads=-1), ValueError, "n_threads: -1"),
    "index threads no integer": (lambda: make_index(n_threads=1.5), TypeError, "n_threads"),
    "parts of different nodes": (
        lambda: _core.EventIndex(
            [(make_columns(), TWO, 0, None, None), (make_columns(gamma_nodes=NODES + 1), TWO, 0, None, None)], N_EVENTS
        ),
        ValueError,
        "part 1: its gamma_nodes",
    ),
    # likelihood
    "acceptance of another shape": (
        lambda: make_likelihood(log_acceptance=np.zeros((1, 3, 2))),
        ValueError,
        r"log_acceptance: expected shape \(K, 2, 2\), got \(1, 3, 2\)",
    ),
    "acceptance flat": (
        lambda: make_likelihood(log_acceptance=np.zeros((2, 2))),
        ValueError,
        "log_acceptance: .*3 dim",
    ),
    "acceptance of no season": (
        lambda: make_likelihood(log_acceptance=np.zeros((0, 2, 2))),
        ValueError,
        "log_acceptance: at least one season",
    ),
    "acceptance zero": (
        lambda: make_likelihood(log_acceptance=np.full((1, 2, 2), -np.inf)),
        ValueError,
        "log_acceptance: season 0",
    ),
    "sindec that falls": (lambda: make_likelihood(sindec_nodes=np.array([1.0, -1.0])), ValueError, "sindec_nodes"),
    "sindec in two dimensions": (lambda: make_likelihood(sindec_nodes=np.zeros((1, 2))), ValueError, "sindec_nodes"),
    "extended no bool": (lambda: make_likelihood(extended="yes"), TypeError, "extended"),
    # directions
    "direction NaN": (lambda: make_directions(ra=second(np.nan)), ValueError, "ra of direction 1"),
    "direction beyond the pole": (lambda: make_directions(dec=second(1.7)), ValueError, "dec of direction 1"),
    "direction lengths": (lambda: make_directions(dec=np.zeros(3)), ValueError, "dec: expected length 2"),
    "tile beyond": (lambda: make_directions(tile=np.array([0, 1])), ValueError, "tile: entry 1 is 1"),
    "tile negative": (lambda: make_directions(tile=np.array([0, -1])), ValueError, "tile: entry 1 is -1"),
    "tile of 32 bits": (lambda: make_directions(tile=np.zeros(2, np.int32)), TypeError, "tile"),
    "tile without centres": (
        lambda: _core.Directions(TWO, TWO, np.array([0, 0])),
        ValueError,
        "tile: needs tile_ra, tile_dec and tile_radius",
    ),
    "tile centre NaN": (lambda: make_directions(tile_ra=np.array([np.nan])), ValueError, "tile_ra, tile_dec: tile 0"),
    "tile radii": (lambda: make_directions(tile_radius=np.ones(2)), ValueError, "tile_radius: expected length 1"),
    "tile lengths": (lambda: make_directions(tile_dec=np.zeros(2)), ValueError, "tile_dec: expected length 1"),
    "tile radius zero": (lambda: make_directions(tile_radius=np.zeros(1)), ValueError, "tile_radius: that of tile 0"),
    "tile radius too small": (
        lambda: make_directions(dec=second(0.2), tile_radius=np.array([0.1])),
        ValueError,
        "tile_radius: direction 1",
    ),
    # scan
    "gamma NaN": (lambda: scan(gamma=np.nan), ValueError, "gamma: must be finite"),
    "gamma infinite": (lambda: scan(gamma=np.inf), ValueError, "gamma: must be finite"),
    "gamma beyond the nodes": (lambda: scan(gamma=4.1), ValueError, r"gamma: 4\.1.* is outside the nodes 1\.0.* 4\.0"),
    "gamma no number": (lambda: scan(gamma="soft"), TypeError, "gamma"),
    "gamma without nodes": (
        lambda: scan(
            gamma=2.0,
            likelihood=make_likelihood(gamma_nodes=np.zeros(0), log_acceptance=np.zeros((1, 2, 1))),
            index=make_index(columns=make_columns(gamma_nodes=np.zeros(0), log_energy_ratio=None)),
        ),
        ValueError,
        "gamma: cannot be fixed",
    ),
    "seasons that differ": (
        lambda: scan(likelihood=make_likelihood(log_acceptance=np.zeros((2, 2, 2)))),
        ValueError,
        "1 seasons, the likelihood 2",
    ),
    "nodes that differ": (lambda: scan(likelihood=make_likelihood(gamma_nodes=NODES + 1)), ValueError, "gamma_nodes"),
    "scan threads negative": (lambda: scan(n_threads=-2), ValueError, "n_threads: -2"),
    "scan threads no integer": (lambda: scan(n_threads="all"), TypeError, "n_threads"),
    "progress not callable": (lambda: scan(progress=5), TypeError, "progress"),
    "no likelihood": (lambda: scan(likelihood=None), TypeError, "likelihood"),
    "no index": (lambda: scan(index=None), TypeError, "index"),
    "no directions": (lambda: scan(directions=None), TypeError, "directions"),
    # hottest
    "terms flat": (lambda: hottest(TWO), ValueError, "prior_terms: expected 2 dimension"),
    "terms of another length": (lambda: hottest(np.zeros((1, 3))), ValueError, r"prior_terms: expected shape \(J, 2\)"),
    "terms NaN": (lambda: hottest(second(np.nan)[None]), ValueError, "prior_terms: prior 0, direction 1"),
    "terms infinite": (lambda: hottest(second(np.inf)[None]), ValueError, "prior_terms: prior 0, direction 1"),
    "terms a list": (lambda: hottest([[0.0, 0.0]]), TypeError, "prior_terms"),
    "hottest gamma": (lambda: hottest(TWO[None], gamma=0.5), ValueError, r"gamma: 0\.5"),
    "hottest threads": (lambda: hottest(TWO[None], n_threads=-1), ValueError, "n_threads: -1"),
    # trials of whole seasons
    "scrambles of nothing": (lambda: _core.Scrambles([], None, []), ValueError, "columns: at least one"),
    "scrambles of other nodes": (
        lambda: _core.Scrambles([make_columns(), make_columns(gamma_nodes=NODES + 1)], None, []),
        ValueError,
        "columns: gamma_nodes of season 1",
    ),
    "grid flat": (lambda: make_scrambles(GRID[0], [NEAR]), ValueError, "grid: expected 2"),
    "grid of doubles": (lambda: make_scrambles(GRID.astype(float), [NEAR]), TypeError, "grid"),
    "grid without near": (lambda: make_scrambles(GRID), ValueError, "near: one entry"),
    "near without grid": (lambda: make_scrambles(None, [NEAR]), ValueError, "near: one entry"),
    "rows descend": (lambda: make_scrambles(GRID, [(NEAR[0][::-1].copy(), *NEAR[1:])]), ValueError, "rows: those"),
    "row beyond": (lambda: make_scrambles(GRID, [(NEAR[0] + 1, *NEAR[1:])]), ValueError, "rows: those of season 0"),
    "cell beyond": (lambda: make_scrambles(GRID, [(NEAR[0], NEAR[1] + 1, NEAR[2])]), ValueError, "first_cell: entry 1"),
    "reach too short": (lambda: make_scrambles(GRID, [(*NEAR[:2], NEAR[2][:1])]), ValueError, "reach"),
    "numbers negative": (lambda: of_scrambles(numbers=np.array([0, -1])), ValueError, "numbers: must not"),
    "numbers floats": (lambda: of_scrambles(numbers=np.zeros(2)), TypeError, "numbers"),
    "injected without rows": (
        lambda: of_scrambles(parts=[injected(rows=None)], first=[FIRST]),
        ValueError,
        "part 0: rows",
    ),
    "injected too many": (
        lambda: of_scrambles(parts=[injected()], first=[np.array([0, 0, 1, 3])]),
        ValueError,
        "first: that of part 0",
    ),
    "injected season": (
        lambda: of_scrambles(parts=[injected(season=1)], first=[FIRST]),
        ValueError,
        "season 1",
    ),
    "injected nodes": (
        lambda: of_scrambles(parts=[injected(columns=make_columns(gamma_nodes=NODES + 1))], first=[FIRST]),
        ValueError,
        "gamma_nodes of the event columns",
    ),
    "scrambles gamma": (lambda: of_scrambles(gamma=0.5), ValueError, r"gamma: 0\.5"),
    "scrambles nodes": (lambda: of_scrambles(make_scrambles(gamma_nodes=NODES + 1)), ValueError, "gamma_nodes"),
    "scrambles seasons": (
        lambda: of_scrambles(_core.Scrambles([make_columns(), make_columns()], None, [])),
        ValueError,
        "2 seasons, the likelihood 1",
    ),
    # the rest
    "level no string": (lambda: _core.set_simd_level(2), TypeError, "name"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_by_name(case: str) -> None:
    call, error, message = REFUSED[case]
    with pytest.raises(error, match=message):
        call()


def test_what_is_right_is_accepted() -> None:
    ts, ns, gamma, status = scan()
    assert ts.shape == ns.shape == gamma.shape == status.shape == (2,)
    assert (ts.dtype, status.dtype) == (np.float64, np.int8)
    assert len(make_columns()) == len(make_index()) == len(make_directions()) == 2
    assert make_index().n_seasons == make_likelihood().n_seasons == 1
    assert make_likelihood(extended=True).extended
    assert make_columns().nbytes > 0
    assert hottest(np.zeros((3, 2))).shape == (3,)
    assert of_scrambles(make_scrambles(GRID, [NEAR])).shape == (3, 1)
    assert of_scrambles(parts=[injected()], first=[FIRST]).shape == (3, 1)
    assert of_scrambles(numbers=np.zeros(0, dtype=np.int64)).shape == (0, 1)


def test_empty_arrays_are_no_error() -> None:
    empty = np.zeros(0)
    nothing = _core.Directions(empty, empty)
    assert all(len(a) == 0 for a in scan(directions=nothing))
    no_events = make_columns(dec=empty, sigma=empty, background=empty, log_energy_ratio=np.zeros((0, 2), np.float32))
    ts, _, gamma, status = scan(index=make_index(columns=no_events, ra=empty))
    assert np.all(ts == 0)
    assert np.all(np.isnan(gamma))
    assert np.all(status == 2)
    assert np.all(scan(index=_core.EventIndex([], N_EVENTS))[3] == 2)
    row = _core.hottest(make_likelihood(), make_index(), _core.SearchPlan(nothing, np.zeros((1, 0))))[0]
    assert row["direction"] == -1
    assert row["ts_prior"] == -np.inf


def test_arrays_may_change_or_go_once_an_object_is_built() -> None:
    dec, sigma, background, ra = TWO.copy(), SMALL.copy(), np.full(2, 0.1), TWO.copy()
    ratio = RATIO.copy()
    columns = make_columns(dec=dec, sigma=sigma, background=background, log_energy_ratio=ratio)
    index = make_index(columns=columns, ra=ra)
    before = scan(index=index)
    for array in (dec, sigma, background, ra):
        array[:] = np.nan
    ratio[:] = np.nan
    del columns, dec, sigma, background, ra, ratio
    assert all(a.tobytes() == b.tobytes() for a, b in zip(before, scan(index=index), strict=True))


def test_a_part_without_columns_is_refused() -> None:
    code = (
        "import numpy as np; from nusky import _core\n"
        "try: _core.EventIndex([(None, np.zeros(2), 0, None, None)], np.array([2.0]))\n"
        "except (TypeError, ValueError) as error: assert 'part 0' in str(error), error\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "changes",
    [{"season": "first"}, {"season": 0.5}, {"columns": TWO}, {"ra": "east"}, {"ra": [0.0, 0.0]}, {"rows": np.ones(2)}],
)
def test_a_part_of_wrong_types_is_refused_by_name(changes: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="part 0: " + next(iter(changes))):
        make_index(**changes)
