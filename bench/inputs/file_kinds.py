"""A small file of every kind that nusky reads, and how it is read: for `mutated_files` and tests of flipped bits."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import pathlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import nusky as cy
from nusky import selections
from nusky.dists import TSD, BinnedTSD, Chi2TSD, read_tsd
from nusky.executors import read_spec, write_spec
from nusky.followup import read_target
from nusky.maps import MultiOrderMap, SkyMap, read_sky_map, write_sky_map
from nusky.releases import read_icetracks
from nusky.sensitivity import DeclinationTSDs
from nusky.sensitivity.efficiency import EfficiencyCurve
from nusky.sensitivity.result import NSigResult
from nusky.store import ScanLibrary, TrialStore
from nusky.trial import Fit, SkyScan, Status, TrialSet

__all__ = ["Kind", "all_kinds"]


@dataclass(frozen=True)
class Kind:
    """A file that is damaged, and what reads it.

    Parameters
    ----------
    name : str
    path : Path
    read : callable
        Gives something comparable, or raises.
    names : str
        What an error must name: the file, or what it is part of.
    sure : bool
        The file has checksums: what is read must be what was written, or an error. Else it must be sensible, which
        `read` checks.
    """

    name: str
    path: pathlib.Path
    read: Callable[[], Any]
    names: str
    sure: bool = True


class Nonsense(AssertionError):
    """What was read cannot be."""


def all_kinds(folder: pathlib.Path, *, hdf5: bool = False) -> list[Kind]:
    """Write one file of each kind into a folder.

    Parameters
    ----------
    folder : Path
        Empty.
    hdf5 : bool
        HDF5 maps too: each is read in a process of its own, half a second.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [
            *_maps(folder, hdf5),
            *_distributions(folder),
            *_results(folder),
            *_of_an_analysis(folder),
            *_of_releases(folder),
        ]


def _map(path: pathlib.Path) -> Any:
    p = read_sky_map(path).probability
    if not (np.isfinite(p).all() and (p >= 0).all() and abs(p.sum() - 1) < 1e-9):
        raise Nonsense("a map that is no probability")
    return None


def _maps(folder: pathlib.Path, hdf5: bool) -> list[Kind]:
    sky = SkyMap(np.exp(-np.arange(768) / 50))
    paths = [
        write_sky_map(folder / "flat.fits", sky),
        write_sky_map(folder / "cells.fits", MultiOrderMap.from_flat(sky, p_max=1e-3)),
        write_sky_map(folder / "wide.fits", SkyMap(np.exp(-np.arange(3072) / 50))),
        folder / "cells.fits.gz",
        folder / "map.npy",
    ]
    from astropy.io import fits

    for path in paths[1:3]:  # most files in the world have no checksums
        with fits.open(path) as hdus:
            for hdu in hdus:
                del hdu.header["CHECKSUM"], hdu.header["DATASUM"]
            hdus.writeto(path, overwrite=True)
    paths[3].write_bytes(gzip.compress(paths[1].read_bytes(), 1))
    np.save(paths[4], sky.probability)
    if hdf5:
        import h5py

        paths.append(folder / "map.h5")
        with h5py.File(paths[-1], "w") as file:
            file["PROBDENSITY"] = sky.probability
            file.attrs["ORDERING"], file.attrs["COORDSYS"] = "RING", "C"
    return [Kind(f"map {p.name}", p, lambda p=p: _map(p), p.name, sure=False) for p in paths]  # type: ignore[misc]


def _distributions(folder: pathlib.Path) -> list[Kind]:
    values = np.random.default_rng(1).chisquare(1, 400)
    made: dict[str, Any] = {
        "tsd": TSD(values, n_zero=400),
        "chi2_tsd": Chi2TSD(values, n_zero=400),
        "binned_tsd": BinnedTSD(values, n_zero=400),
    }
    kinds = []
    for name, tsd in made.items():
        path = folder / f"{name}.npz"
        tsd.save(path)
        kinds.append(Kind(name, path, lambda path=path: _tsd(read_tsd(path)), path.name))  # type: ignore[misc]
    sky = folder / "declinations.npz"
    DeclinationTSDs([0.2, 0.4], [made["tsd"], TSD(values * 1.1, n_zero=380)]).save(sky)
    return [*kinds, Kind("declinations", sky, lambda: [_tsd(t) for t in DeclinationTSDs.read(sky).tsds], sky.name)]


def _tsd(tsd: Any) -> Any:
    return type(tsd).__name__, tsd.n_total, tsd.n_zero, np.asarray(tsd.isf([0.5, 0.1, 0.01])).tobytes()


def _results(folder: pathlib.Path) -> list[Kind]:
    fit_path, trials_path, n_sig_path = folder / "fit.json", folder / "trials.npz", folder / "n_sig.npz"
    fit = Fit(
        mlog10p=12.5, ts=12.5, ns=3.25, gamma=2.1, ra=1.25, dec=0.5, ts_raw=12.5, status=Status.OK, n_scanned=192,
        columns=("mlog10p", "ts", "ns", "gamma", "ra", "dec"),
    )  # fmt: skip
    fit.save(fit_path)
    rows = np.zeros(50, dtype=[("ts", "f8"), ("ns", "f8")])
    rows["ts"] = np.random.default_rng(2).chisquare(1, 50)
    TrialSet.of(rows, seed=1, first_trial=0, n_sig=0.0, poisson=False, config_hash="abc").save(trials_path)
    curve = EfficiencyCurve(
        "chi2", np.array([2.0, 0.5, 3.0]), np.array([1.0, 5.0]), np.array([3, 40]), np.array([50, 50]), 0.4
    )
    NSigResult(6.0, 0.05, 0.1, 0.9, curve, {1.0: rows}, 1, True, True).save(n_sig_path)
    values = np.random.default_rng(3).random((4, 192))
    scan = SkyScan(values, np.zeros(192, np.int8), ("mlog10p", "ts", "ns", "gamma"), {"version": "1"})
    kinds = [
        Kind("fit", fit_path, lambda: json.dumps(Fit.read(fit_path).as_dict(), sort_keys=True), fit_path.name),
        Kind("trial set", trials_path, lambda: TrialSet.read(trials_path).as_array.tobytes(), trials_path.name),
        Kind("n_sig result", n_sig_path, lambda: _n_sig(NSigResult.read(n_sig_path)), n_sig_path.name),
    ]
    for ending in ("fits", "fits.gz", "npz"):
        path = folder / f"scan.{ending}"
        scan.save(path)
        kinds.append(Kind(f"scan {ending}", path, lambda path=path: _scan(SkyScan.read(path)), path.name))  # type: ignore[misc]
    return kinds


def _n_sig(result: NSigResult) -> Any:
    return result.n_sig, result.n_sig_error, result.ts, {n: np.asarray(t).tobytes() for n, t in result.trials.items()}


def _scan(scan: SkyScan) -> Any:
    return scan.values.tobytes(), scan.status.tobytes(), scan.columns, dict(scan.provenance)


def _of_an_analysis(folder: pathlib.Path) -> list[Kind]:
    from small_analysis import small_analysis

    ana = small_analysis("one", n_data=60, n_sim=400).save(folder / "ana")
    cache = next((folder / "ana").glob("one*.npz"))
    runner = cy.get_sky_scan_trial_runner(nside=4, ana=ana)
    spec = pathlib.Path(write_spec(runner, folder / "specs")[0])
    library = folder / "library"
    ScanLibrary(library, runner).add(runner, range(2), seed=1, mp_cpus=1)
    store = TrialStore(folder / "store", {"analysis": "abc"})
    rows = np.zeros(40, dtype=[("ts", "f8"), ("ns", "f8")])
    rows["ts"] = np.random.default_rng(2).chisquare(1, 40)
    store.append(rows[:20], seed=1, start=0)
    store.append(rows[20:], seed=1, start=40)

    def trials() -> Any:
        read = TrialStore(store.path)
        found = read.read(n_sig=0)
        _whole(read)
        return found.tobytes(), dict(read.config)

    def scans() -> Any:
        read = ScanLibrary(library)
        found = [
            (s.seed, s.index, s.scan.ts.tobytes(), s.scan.pixel.tobytes(), s.scan.ns.tobytes()) for s in read.scans()
        ]
        pixels = read.pixels.pixels.tobytes() if found else b""
        _whole(read)
        return found, pixels, dict(read.config)

    def one_season() -> Any:
        season = cy.Analysis.open([cache])[0]
        sim = season.sim
        return [(name, season.data[name].tobytes()) for name in season.data.columns], [
            (name, sim[name].tobytes()) for name in sim.columns
        ]

    shard = next((store.path / "shards").iterdir())
    return [
        Kind("analysis cache", cache, one_season, cache.name),
        Kind("spec", spec, lambda: json.dumps(read_spec(spec).config(), sort_keys=True, default=str), spec.name),  # type: ignore[attr-defined]
        Kind("store shard", shard, trials, shard.name),
        Kind("store manifest", store.path / "manifest.jsonl", trials, "store"),
        Kind("library shard", next((library / "shards").iterdir()), scans, "scans-"),
        Kind("library manifest", library / "manifest.jsonl", scans, "library"),
    ]


def _whole(kept: Any) -> None:
    """A damaged shard is left out and reported; here that is an error."""
    if kept.problems:
        raise ValueError("; ".join(str(problem) for problem in kept.problems))


def _of_releases(folder: pathlib.Path) -> list[Kind]:
    from npy_layout import EXP, custom, table
    from release_writer import write_release

    release = write_release(folder / "dr2", "dr2-2.0", seasons=("IC86_I",), size=0.0002, bins=3, coarse=True)
    notice = folder / "notice.json"
    notice.write_text(json.dumps({"ra": 120.5, "dec": -12.25, "ra_dec_error": 1.5, "containment_probability": 0.9,
                                  "trigger_time": "2024-01-02T03:04:05.5Z", "id": ["A1"]}))  # fmt: skip
    columns = folder / "events.npy"
    np.save(columns, table(EXP, 30, 55000.0))

    def season() -> Any:
        _plausible(read_icetracks(release, "IC86_2011").data)

    def npy() -> Any:
        with contextlib.redirect_stdout(io.StringIO()):
            _plausible(selections.repo.read("any", custom(exp=columns)).data)

    def target() -> Any:
        read = read_target(notice)
        if read.mjd is not None and not np.isfinite(read.mjd):
            raise Nonsense(f"a time of {read.mjd}")

    tables = [release / "events" / "IC86_I_exp.csv", release / "irfs" / "IC86_effectiveArea.csv",
              release / "irfs" / "IC86_smearing.csv", release / "uptime" / "IC86_I_exp.csv"]  # fmt: skip
    return [
        *(Kind(f"release {p.parent.name}", p, season, p.name, sure=False) for p in tables),
        Kind("npy events", columns, npy, columns.name, sure=False),
        Kind("notice", notice, target, notice.name, sure=False),
    ]


def _plausible(events: Any) -> None:
    for name, low, high in (("ra", 0, 2 * np.pi), ("dec", -np.pi / 2, np.pi / 2), ("sigma", 0, np.pi), ("mjd", 0, 1e6)):
        values = events[name]
        if not (np.isfinite(values).all() and (values >= low).all() and (values <= high).all()):
            raise Nonsense(f"{name} outside {low:.3g} … {high:.3g}")
