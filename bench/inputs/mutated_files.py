"""Mutated files: each is read as what it was, as something sensible, or refused by name; none takes long.

    python bench/inputs/mutated_files.py [number, default 10000] [seed] [hdf5]

A file of every kind (`file_kinds`) is damaged: bits flipped, bytes changed, cut out, repeated, header cards and numbers
exchanged for odd ones. Allowed: where the file has checksums, what was written; else something sensible; or
ValueError, TypeError, KeyError, OSError with the file's name. Everything else is a failure; so are 10 s of processor
time for one file, or 200 s by the clock. Measured: see the page on trust.
"""

from __future__ import annotations

import collections
import logging
import pathlib
import re
import signal
import sys
import tempfile
import time
import warnings
from typing import Any

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tests" / "helpers"))
from file_kinds import Kind, Nonsense, all_kinds

CARDS = (
    *("NAXIS", "NAXIS1", "NAXIS2", "PCOUNT", "GCOUNT", "TFIELDS", "TFORM1", "TFORM2", "TTYPE1", "TTYPE2", "TUNIT1"),
    *("NSIDE", "ORDERING", "COORDSYS", "PIXTYPE", "INDXSCHM", "BAD_DATA", "XTENSION", "BITPIX", "TDIM1", "TSCAL1"),
    *("TZERO1", "TNULL1", "THEAP", "NUSKY", "CHECKSUM", "DATASUM"),
)
VALUES = (
    *("0", "-1", "1", "8", "999999999999", "1E300", "NAN", "''", "'RING'", "'NUNIQ'", "'RANGE'", "'EXPLICIT'"),
    *("'1024D'", "'K'", "'PD(9)'", "'(3,4)'", "T", "'G'", "'" + "x" * 60 + "'", "2880", "'UNIQ'", "1.5", "'A'"),
)
#: In place of a number in text.
NUMBERS = (
    *(b"nan", b"inf", b"-1", b"0", b"1e400", b"1e-400", b"9" * 40, b"0x10", b"7", b"\xff", b""),
    *(b'""', b"null", b"[]", b"{}"),
)
_NUMBER = re.compile(rb"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")
LONGEST = 10.0  # seconds of processor time: the machine may have other work
PATIENCE = 200.0  # seconds by the clock


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """The file with one to four kinds of damage."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        kind = rng.integers(7)
        at = int(rng.integers(max(1, len(data))))
        if kind == 0:
            for i in rng.integers(len(data), size=int(rng.integers(1, 20))) if data else ():
                data[int(i)] = int(rng.integers(256))
        elif kind == 1:
            del data[at : at + int(rng.integers(1, 4000))]
        elif kind == 2:
            data[at:at] = data[at : at + int(rng.integers(1, 400))]
        elif kind == 3 and data:
            data[at] ^= 1 << int(rng.integers(8))
        elif kind == 4:  # a number in text
            found = _NUMBER.search(data, at)
            if found:
                data[found.start() : found.end()] = NUMBERS[rng.integers(len(NUMBERS))]
        else:  # a header card with an odd value
            name = str(rng.choice(CARDS)).ljust(8).encode()
            place = data.find(name)
            card = (name + b"= " + str(rng.choice(VALUES)).rjust(20).encode()).ljust(80)[:80]
            if place >= 0 and place % 80 == 0:
                data[place : place + 80] = card
    return bytes(data)


def flipped(content: bytes, rng: np.random.Generator) -> bytes:
    """The file with one bit flipped, as a disk does it."""
    data = bytearray(content)
    data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
    return bytes(data)


class _TooLong(BaseException):
    """The alarm rang."""


def wrong(kind: Kind, original: Any) -> str:
    """What is wrong with how the file, as it is now, is read; empty where nothing is."""
    begin = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = kind.read()
        if kind.sure and found != original:
            return "read as something else than was written"
    except (ValueError, TypeError, KeyError, OSError) as error:
        if kind.names not in str(error):
            return f"{type(error).__name__} without the file's name: {error}"
    except _TooLong:
        return f"not done after {2 * LONGEST:.0f} s of processor time, or {PATIENCE:.0f} s"
    except Nonsense as error:
        return f"silent nonsense: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    seconds = time.process_time() - begin
    return f"{seconds:.0f} s" if seconds > LONGEST else ""


def run(
    number: int, seed: int = 1, *, hdf5: bool = False, only: str = "", damage: Any = mutated
) -> collections.Counter[str]:
    """Read so many damaged files, of all kinds in turn; what went wrong, with how often."""
    found: collections.Counter[str] = collections.Counter()
    before = {number: signal.signal(number, _ring) for number in (signal.SIGALRM, signal.SIGPROF)}
    with tempfile.TemporaryDirectory() as name:
        kinds = [kind for kind in all_kinds(pathlib.Path(name), hdf5=hdf5) if only in kind.name]
        contents = [kind.path.read_bytes() for kind in kinds]
        originals = [kind.read() for kind in kinds]
        for i in range(number):
            which = i % len(kinds)
            kind = kinds[which]
            kind.path.write_bytes(damage(contents[which], np.random.default_rng([seed, i])))
            signal.setitimer(signal.ITIMER_REAL, PATIENCE)
            signal.setitimer(signal.ITIMER_PROF, 2 * LONGEST)
            what = wrong(kind, originals[which])
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
            if what:
                key = f"{kind.name}: {what[:200]}"
                found[key] += 1
                if found[key] == 1:
                    sys.stderr.write(f"file {i} (seed {seed}), {key}\n")
            kind.path.write_bytes(contents[which])
    for which, handler in before.items():
        signal.signal(which, handler)
    return found


def _ring(*_: Any) -> None:
    raise _TooLong


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    logging.disable()  # stores report each damaged shard
    start = time.monotonic()
    failures = run(count, int(sys.argv[2]) if len(sys.argv) > 2 else 1, hdf5="hdf5" in sys.argv)
    sys.stdout.write(f"{count} files in {time.monotonic() - start:.0f} s, {sum(failures.values())} wrong\n")
    sys.exit(1 if failures else 0)
