"""Time and TS per direction: nusky and SkyLLH on the same events, tables and directions, in one run.

    python -m pip install ".[peers]"
    python bench/peers/compare_skyllh.py                      # the embedded synthetic season
    python bench/peers/compare_skyllh.py --release FOLDER     # IceCube's public first-year IC86 release

Answers are checked before anything is timed: SkyLLH's own ln Λ at nusky's best fit must be nusky's, and nowhere may
SkyLLH have found a higher maximum.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

# Threads of the linear algebra library would be counted as processor time of a peer that gains nothing from them
os.environ.update({"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"})

import numpy as np
from skyllh_peer import Sky, SkyLLHPeer

from nusky import _core
from nusky.analysis.season import SubAnalysis
from nusky.analysis.set_up import set_up


def season(release: Path | None) -> SubAnalysis:
    if release is None:
        from nusky import selections

        return set_up(selections.demo.read("synthetic-v1", "IC86_2011"))
    from nusky.releases import read_ic86_first_year

    return set_up(read_ic86_first_year(release))


def make_sky(sub: SubAnalysis, injected: int, seed: int, where: tuple[float, float]) -> Sky:
    """Scrambled events, the most energetic near a declination moved onto one point as a source."""
    data = sub.data
    ra = 2 * np.pi * np.random.default_rng(seed).random(len(data))
    near = np.flatnonzero(np.abs(data.dec - where[1]) < np.radians(1.5))
    ra[near[np.argsort(data["log10energy"][near])[len(near) - injected :]]] = where[0]
    nodes = np.array(sub.energy.gamma_nodes)
    return Sky(ra, data.dec, data.sigma, sub.background_density, sub.log_energy_ratio, nodes)


def nusky_objects(sky: Sky) -> tuple[_core.Likelihood, _core.EventIndex]:
    nodes = sky.gamma_nodes
    columns = _core.EventColumns(sky.dec, sky.sigma, sky.background, sky.log_ratio, nodes, cut_n_sigma=sky.cut_n_sigma)
    index = _core.EventIndex([(columns, sky.ra, 0, None, None)], np.array([float(len(sky.ra))]))
    return _core.Likelihood(nodes, np.array([-1.0, 1.0]), np.zeros((1, 2, len(nodes)))), index


def choose(sky: Sky, n: int, seed: int, where: tuple[float, float]) -> np.ndarray[Any, Any]:
    """(n, 2): the source, its surroundings, the hottest of a coarse map and places at random."""
    rng = np.random.default_rng(seed)
    i = np.arange(5000)
    ra, dec = np.mod(2.399963229728653 * i, 2 * np.pi), np.arcsin(-1 + (2 * i + 1) / 5000)
    ts, *_ = _core.scan(*nusky_objects(sky), _core.Directions(ra, dec))
    hot = np.argsort(ts)[::-1][: n // 3]
    around = np.array(where) + np.radians(1.0) * rng.standard_normal((n // 6, 2))
    some = rng.choice(5000, n - 1 - len(hot) - len(around), replace=False)
    return np.concatenate([[where], around, np.transpose([ra, dec])[hot], np.transpose([ra, dec])[some]])


def best_of(repeat: int, call: Any) -> float:
    """Least processor time of some calls, s."""
    best = np.inf
    for _ in range(repeat):
        began = time.process_time()
        call()
        best = min(best, time.process_time() - began)
    return best


def compare(args: argparse.Namespace) -> dict[str, Any]:
    where = (2.0, 0.1)
    sub = season(args.release)
    sky = make_sky(sub, args.injected, args.seed, where)
    places = choose(sky, args.directions, args.seed, where)
    ra, dec = np.ascontiguousarray(places[:, 0]), np.ascontiguousarray(places[:, 1])
    likelihood, index = nusky_objects(sky)
    directions = _core.Directions(ra, dec)
    ts, ns, gamma, _ = _core.scan(likelihood, index, directions, n_threads=1)

    peer = SkyLLHPeer(sky)
    rows: list[dict[str, float]] = []
    for i in range(len(ra)):
        began = time.process_time()
        events = peer.prepare(ra[i], dec[i])
        select = time.process_time() - began
        began = time.process_time()
        peer_ts, peer_ns, peer_gamma, calls = peer.maximize()
        fit = time.process_time() - began
        same = 2 * peer.log_lambda(ns[i], gamma[i]) if ns[i] > 0 else 0.0
        rows.append(
            {"ra": ra[i], "dec": dec[i], "events": events, "ts": ts[i], "ns": ns[i], "gamma": gamma[i], "same_ts": same}
            | {"peer_ts": peer_ts, "peer_ns": peer_ns, "peer_gamma": peer_gamma, "calls": calls}
            | {"peer_select_s": select, "peer_fit_s": fit}
        )
    # The answers, before the times. 1e-3 in TS is what nusky promises.
    likelihood_apart = max(abs(row["same_ts"] - row["ts"]) for row in rows)
    missed = max(row["peer_ts"] - row["ts"] for row in rows)
    if likelihood_apart > 1e-3:
        raise SystemExit(
            f"FAILED: SkyLLH's ln Λ at nusky's best fit is not nusky's; 2 ln Λ differs by {likelihood_apart:.2e}"
        )
    if missed > 1e-3:
        raise SystemExit(f"FAILED: SkyLLH found a maximum that is higher by {missed:.2e} in TS")

    def whole_map() -> None:
        i = np.arange(49152)
        everywhere = _core.Directions(np.mod(2.399963229728653 * i, 2 * np.pi), np.arcsin(-1 + (2 * i + 1) / 49152))
        _core.scan(likelihood, index, everywhere, n_threads=1)

    apart = np.array([row["ts"] - row["peer_ts"] for row in rows])
    return {
        "nusky": importlib.metadata.version("nusky"),
        "skyllh": importlib.metadata.version("skyllh"),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "compiler": _core.compiler,
        "simd": _core.simd_level(),
        "machine": processor(),
        "season": sub.key,
        "n_events": len(sky.ra),
        "n_directions": len(ra),
        "events_within_cut": float(np.mean([row["events"] for row in rows])),
        "largest_difference_of_the_likelihood": likelihood_apart,
        "largest_ts_that_nusky_lacks": max(0.0, missed),
        "largest_ts_that_skyllh_lacks": float(apart.max()),
        "directions_where_skyllh_lacks_1e-3": int((apart > 1e-3).sum()),
        "directions_where_skyllh_lacks_1e-1": int((apart > 1e-1).sum()),
        "skyllh_evaluations": float(np.mean([row["calls"] for row in rows])),
        "skyllh_select_ms": 1e3 * float(np.median([row["peer_select_s"] for row in rows])),
        "skyllh_fit_ms": 1e3 * float(np.median([row["peer_fit_s"] for row in rows])),
        "nusky_apart_ms": 1e3 * best_of(5, lambda: _core.scan(likelihood, index, directions, n_threads=1)) / len(ra),
        "nusky_map_ms": 1e3 * best_of(3, whole_map) / 49152,
        "rows": rows,
    }


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


TABLE = (
    "{events:>7.0f} {ts:>10.4f} {peer_ts:>10.4f} {apart:>11.1e} {ns:>7.2f} {peer_ns:>7.2f} {gamma:>6.2f}"
    " {peer_gamma:>6.2f} {calls:>6.0f}"
)

SUMMARY = """
2 ln Λ of SkyLLH at nusky's best fit: the same within {largest_difference_of_the_likelihood:.1e}
TS that SkyLLH's local fit lacks: at most {largest_ts_that_skyllh_lacks:.3f}; above 1e-3 at \
{directions_where_skyllh_lacks_1e-3}, above 0.1 at {directions_where_skyllh_lacks_1e-1} directions
TS that nusky lacks: at most {largest_ts_that_nusky_lacks:.1e}

processor time per direction, one thread
  SkyLLH   events {skyllh_select_ms:9.3f} ms   fit {skyllh_fit_ms:9.3f} ms ({skyllh_evaluations:.0f} evaluations)
  nusky    these directions {nusky_apart_ms:9.4f} ms   as part of a map of 49152 {nusky_map_ms:9.4f} ms\
"""


def report(result: dict[str, Any]) -> None:
    print("{machine}   {compiler}   SIMD {simd}   Python {python}   numpy {numpy}".format(**result))
    print("nusky {nusky}   SkyLLH {skyllh}   {season}, {n_events} events, {n_directions} directions".format(**result))
    print("{events_within_cut:.0f} events within the cut on average\n".format(**result))
    print(" events   TS nusky  TS SkyLLH  difference     n_s  SkyLLH  gamma SkyLLH  calls")
    for row in result["rows"]:
        print(TABLE.format(apart=row["ts"] - row["peer_ts"], **row))
    print(SUMMARY.format(**result))
    whole = result["skyllh_select_ms"] + result["skyllh_fit_ms"]
    print(f"  ratio    {whole / result['nusky_apart_ms']:.0f}, in a map {whole / result['nusky_map_ms']:.0f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--release", type=Path, help="folder of the first-year IC86 release (default: synthetic season)"
    )
    parser.add_argument("--directions", type=int, default=60)
    parser.add_argument("--injected", type=int, default=15, help="events moved onto the source")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write all figures here")
    args = parser.parse_args()
    if args.directions < 12:
        parser.error("--directions must be at least 12")
    result = compare(args)
    report(result)
    if args.json is not None:
        args.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
