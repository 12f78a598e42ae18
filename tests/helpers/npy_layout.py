"""Made-up seasons in IceCube's npy layout, and ways to spoil them."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np

from nusky.data.specs import CustomDataSpec, CustomDataSpecs

EXP = {"run": "i8", "event": "i8", "subevent": "i4", "ra": "f8", "dec": "f8", "azi": "f4", "zen": "f4",
       "time": "f8", "logE": "f4", "angErr": "f4"}  # fmt: skip
MC = {**EXP, "trueE": ">f8", "trueRa": "f8", "trueDec": "f8", "ow": "f8"}
MODERN = {"azi": "azimuth", "zen": "zenith", "time": "mjd", "logE": "log10energy", "angErr": "sigma",
          "trueE": "true_energy", "trueRa": "true_ra", "trueDec": "true_dec", "ow": "oneweight"}  # fmt: skip


def table(columns: dict[str, str], n: int, first_mjd: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    out = np.zeros(n, dtype=list(columns.items()))
    for name in columns:
        if name in ("ra", "trueRa", "azi"):
            out[name] = 2 * np.pi * rng.random(n)
        elif name in ("dec", "trueDec"):
            out[name] = np.arcsin(rng.uniform(-1, 1, n))
        elif name == "zen":
            out[name] = np.pi * rng.random(n)
        elif name == "time":
            out[name] = np.sort(first_mjd + rng.random(n))
        elif name == "logE":
            out[name] = rng.uniform(2, 6, n)
        elif name == "angErr":
            out[name] = rng.uniform(0.004, 0.05, n)
        elif name in ("trueE", "ow"):
            out[name] = 10 ** rng.uniform(2, 6, n)
        else:
            out[name] = np.arange(n)
    return out


def runs(first_mjd: float) -> np.ndarray:
    out = np.zeros(2, dtype=[("run", "i8"), ("start", "f8"), ("stop", "f8"), ("livetime", "f8"), ("events", "i8")])
    out["start"], out["stop"] = [first_mjd, first_mjd + 0.5], [first_mjd + 0.5, first_mjd + 1.0]
    out["livetime"] = 0.49
    return out


def write_season(folder: pathlib.Path, key: str, first_mjd: float, mc: bool = True) -> None:
    (folder / "GRL").mkdir(parents=True, exist_ok=True)
    np.save(folder / f"{key}_exp.npy", table(EXP, 30, first_mjd))
    np.save(folder / "GRL" / f"{key}_exp.npy", runs(first_mjd))
    if mc:
        np.save(folder / f"{key}_MC.npy", table(MC, 20, first_mjd))


def edit(root: pathlib.Path, name: str, change: Any) -> None:
    path = root / "ps_tracks" / "version-003-p02" / name
    np.save(path, change(np.load(path)))


def without(name: str) -> Any:
    from numpy.lib import recfunctions

    return lambda array: recfunctions.drop_fields(array, name, usemask=False)


def with_value(column: str, row: int, value: float) -> Any:
    def change(array: np.ndarray) -> np.ndarray:
        array[column][row] = value
        return array

    return change


def custom(**changes: Any) -> CustomDataSpec:
    arguments: dict[str, Any] = {
        "exp": table(EXP, 30, 55000.0),
        "mc": table(MC, 20, 55000.0),
        "livetime": 300.0,
        "key": "MINE",
    }
    return CustomDataSpecs.CustomDataSpec(**{**arguments, **changes})
