"""Mutated sky maps: each is read as a probability or refused with a message that names the file, and none takes long.

    python bench/mutated_maps.py [number, default 10000] [seed] [hdf5]

Whole files of every kind are damaged (bytes changed, cut out, repeated, header cards exchanged for odd ones) and read.
Allowed: a map whose probability is finite, not negative and sums to 1, or ValueError, TypeError, KeyError with the
file's name. Everything else, and more than 10 s for one file, is a failure. Measured: see the page on trust.
"""

from __future__ import annotations

import gzip
import io
import pathlib
import sys
import tempfile
import time
import warnings
from typing import Any

import numpy as np

from nusky.maps import MultiOrderMap, SkyMap, read_sky_map, write_sky_map

CARDS = (
    *("NAXIS", "NAXIS1", "NAXIS2", "PCOUNT", "GCOUNT", "TFIELDS", "TFORM1", "TFORM2", "TTYPE1", "TTYPE2", "TUNIT1"),
    *("NSIDE", "ORDERING", "COORDSYS", "PIXTYPE", "INDXSCHM", "BAD_DATA", "XTENSION", "BITPIX", "TDIM1", "TSCAL1"),
    *("TZERO1", "TNULL1", "THEAP"),
)
VALUES = (
    *("0", "-1", "1", "8", "999999999999", "1E300", "NAN", "''", "'RING'", "'NUNIQ'", "'RANGE'", "'EXPLICIT'"),
    *("'1024D'", "'K'", "'PD(9)'", "'(3,4)'", "T", "'G'", "'" + "x" * 60 + "'", "2880", "'UNIQ'", "1.5", "'A'"),
)


def originals(folder: pathlib.Path, hdf5: bool = False) -> list[tuple[str, bytes]]:
    """One file of each kind; HDF5 only if asked for, since its library loops for ever on some damaged files."""
    sky = SkyMap(np.exp(-np.arange(768) / 50))
    flat = write_sky_map(folder / "flat.fits", sky).read_bytes()
    cells = write_sky_map(folder / "cells.fits", MultiOrderMap.from_flat(sky, p_max=1e-3)).read_bytes()
    wide = write_sky_map(folder / "wide.fits", SkyMap(np.exp(-np.arange(3072) / 50))).read_bytes()
    kinds = [("fits", flat), ("fits", cells), ("fits", wide), ("fits.gz", gzip.compress(cells, 1))]
    npy = io.BytesIO()
    np.save(npy, sky.probability)
    kinds.append(("npy", npy.getvalue()))
    if not hdf5:
        return kinds
    import h5py

    hdf = io.BytesIO()
    with h5py.File(hdf, "w") as file:
        file["PROBDENSITY"] = sky.probability
        file.attrs["ORDERING"], file.attrs["COORDSYS"] = "RING", "C"
    return [*kinds, ("h5", hdf.getvalue())]


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """The file with one to four kinds of damage."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        kind = rng.integers(6)
        at = int(rng.integers(max(1, len(data))))
        if kind == 0:
            for i in rng.integers(len(data), size=int(rng.integers(1, 20))) if data else ():
                data[int(i)] = int(rng.integers(256))
        elif kind == 1:
            del data[at : at + int(rng.integers(1, 4000))]
        elif kind == 2:
            data[at:at] = data[at : at + int(rng.integers(1, 400))]
        else:  # a header card with an odd value
            name = str(rng.choice(CARDS)).ljust(8).encode()
            found = data.find(name)
            card = (name + b"= " + str(rng.choice(VALUES)).rjust(20).encode()).ljust(80)[:80]
            if found >= 0 and found % 80 == 0:
                data[found : found + 80] = card
    return bytes(data)


def wrong(path: pathlib.Path) -> str:
    """What is wrong with how the file is read; empty where nothing is."""
    begin = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sky: Any = read_sky_map(path)
        p = sky.probability
        if not (np.isfinite(p).all() and (p >= 0).all() and abs(p.sum() - 1) < 1e-9):
            return "a map that is no probability"
    except (ValueError, TypeError, KeyError) as error:
        if path.name not in str(error):
            return f"{type(error).__name__} without the file's name: {error}"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - begin
    return f"{seconds:.0f} s" if seconds > 10 else ""


def run(number: int, seed: int = 1, hdf5: bool = False) -> dict[str, int]:
    """Read so many mutated files; what went wrong, with how often."""
    found: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        kinds = originals(folder, hdf5)
        for i in range(number):
            suffix, content = kinds[i % len(kinds)]
            path = folder / f"mutated.{suffix}"
            path.write_bytes(mutated(content, np.random.default_rng([seed, i])))
            what = wrong(path)
            if what:
                key = f"{suffix}: {what[:150]}"
                found[key] = found.get(key, 0) + 1
                sys.stderr.write(f"file {i} (seed {seed}), {key}\n") if found[key] == 1 else None
    return found


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    start = time.monotonic()
    failures = run(count, int(sys.argv[2]) if len(sys.argv) > 2 else 1, "hdf5" in sys.argv)
    sys.stdout.write(f"{count} files in {time.monotonic() - start:.0f} s, {sum(failures.values())} wrong\n")
    sys.exit(1 if failures else 0)
