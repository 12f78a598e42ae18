"""`SkyScan`: the fits of all pixels of one trial."""

from __future__ import annotations

import io
import json
import os
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky.arrays import Arrays
from nusky.files import as_path, checked_fits, with_checksums
from nusky.files.atomic import atomic_write
from nusky.notebook import html_table
from nusky.trial.fit import at_gamma_bound
from nusky.trial.hot_spots import hot_spots
from nusky.trial.status import Status
from nusky.typing import F64

__all__ = ["SkyScan"]

_FORMAT = "nusky sky scan"
_VERSION = 2
_READ = (1, 2)  # the first had TS under the name mlog10p, where no p was known
_MOST_BYTES = 1 << 33  # of a scan, unpacked: nside 4096 has 6 GB


@dataclass(frozen=True, eq=False, repr=False)
class SkyScan:
    """Full-sky maps of one scan, array-like of shape (4, npix) as csky's, with named rows.

    ``scan[1]``, ``scan["ts"]`` and ``scan.ts`` are the same (npix,) row. Without a fitted γ there are three rows, as in
    csky; `gamma` then gives what γ was.

    Parameters
    ----------
    values : (R, npix)
        Rows in the order of `columns`.
    status : (npix,) int8
        See `Status`. Pixels that were not scanned have ts = ns = mlog10p = 0 and γ = NaN.
    columns : tuple of str
        ``mlog10p, ts, ns, gamma`` or ``mlog10p, ts, ns``.
    provenance : mapping
        How it was made: seed, trial index, TRUTH, γ, limits, code version, configuration; values JSON can hold.

    Examples
    --------
    >>> scan = SkyScan(np.zeros((4, 12)), np.full(12, -1, dtype=np.int8))
    >>> scan.shape, scan.nside, scan.n_scanned
    ((4, 12), 1, 0)
    """

    values: F64
    status: NDArray[np.int8]
    columns: tuple[str, ...] = ("mlog10p", "ts", "ns", "gamma")
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        values = np.ascontiguousarray(self.values, dtype=np.float64)
        status = np.ascontiguousarray(self.status, dtype=np.int8)
        if values.ndim != 2 or len(values) != len(self.columns):
            raise ValueError(f"values must have shape ({len(self.columns)}, npix), got {values.shape}")
        npix = values.shape[1]
        nside = round((npix / 12) ** 0.5)
        if npix < 12 or 12 * nside**2 != npix:
            raise ValueError(f"values has {npix} pixels, which is no full HEALPix sky (12 nside²)")
        if status.shape != (npix,):
            raise ValueError(f"status must have shape ({npix},), got {status.shape}")
        for name, array in (("values", values), ("status", status)):
            view = array.view()
            view.setflags(write=False)
            object.__setattr__(self, name, view)

    @property
    def mlog10p(self) -> F64:
        """(npix,) −log10 p, or TS where no `ts_to_p` was given (``provenance["mlog10p_is_ts"]``)."""
        return self._row("mlog10p")

    @property
    def ts(self) -> F64:
        """(npix,) test statistic, without any prior."""
        return self._row("ts")

    @property
    def ns(self) -> F64:
        """(npix,) signal events."""
        return self._row("ns")

    @property
    def gamma(self) -> F64:
        """(npix,) spectral index, NaN where ns = 0. For a fixed γ, that value wherever ns > 0."""
        if "gamma" in self.columns:
            return self._row("gamma")
        fixed = self.provenance.get("gamma_fixed")
        return np.where(self.ns > 0, np.nan if fixed is None else fixed, np.nan)

    @property
    def gamma_at_bound(self) -> NDArray[np.bool_]:
        """(npix,) whether a fitted γ is the first or the last of its nodes (`Fit.gamma_at_bound`); False where γ is
        fixed.

        Raises
        ------
        ValueError
            If the scan does not know how it was made.
        """
        return at_gamma_bound(self.gamma, self.provenance.get("config", {}))

    @property
    def nside(self) -> int:
        """HEALPix resolution."""
        return int(np.sqrt(self.values.shape[1] / 12))

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, npix)."""
        return (self.values.shape[0], self.values.shape[1])

    @property
    def ndim(self) -> int:
        """2."""
        return 2

    @property
    def scanned(self) -> NDArray[np.bool_]:
        """(npix,) mask of the pixels that were scanned."""
        return np.asarray(self.status != Status.NOT_SCANNED)

    @property
    def n_scanned(self) -> int:
        """Number of pixels that were scanned."""
        return int(np.count_nonzero(self.scanned))

    def _row(self, name: str) -> F64:
        row: F64 = self.values[self.columns.index(name)]
        return row

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.values, dtype=dtype, copy=None if copy is None else copy)

    def __len__(self) -> int:
        return len(self.columns)

    def __iter__(self) -> Iterator[F64]:
        return iter(self.values)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            if key == "status":
                return self.status
            if key not in self.columns:
                raise KeyError(f"this scan has no row {key!r}; it has {', '.join(self.columns)} and status")
            return self._row(key)
        return self.values[key]

    def _repr_html_(self) -> str:
        rows: list[tuple[str, Any]] = [("nside", self.nside), ("pixels scanned", self.n_scanned)]
        for spot in self.hot_spots(1) if self.n_scanned else ():
            rows += [("largest TS", float(spot["ts"])), ("n_s there", float(spot["ns"])), ("pixel", int(spot["pixel"]))]
        return html_table("Scan of the real sky" if self.provenance.get("TRUTH") else "Scan", rows)

    def __repr__(self) -> str:
        best = ""
        if self.n_scanned:
            pixel = int(np.argmax(np.where(self.scanned, self.ts, -1.0)))
            best = f", max TS {self.ts[pixel]:.3f} at pixel {pixel}"
        energy, window = self.provenance.get("energy", "fit"), self.provenance.get("window")
        said = {"off": ", no energy term", "fixed": f", gamma fixed at {self.provenance.get('gamma_fixed')}"}.get(
            energy, ""
        )
        if window is not None:
            said += f", window of {window['t_100']:g} d from MJD {window['mjd']:.5f}"
        truth = said + (", TRUTH" if self.provenance.get("TRUTH") else "")
        return f"SkyScan({', '.join(self.columns)} | nside {self.nside}, {self.n_scanned} pixels scanned{best}{truth})"

    def hot_spots(self, n: int = 10, *, separation: float = np.pi / 90, term: F64 | None = None) -> Arrays:
        """The hottest spots: pixels that are hotter than their neighbours, and apart from each other.

        Parameters
        ----------
        n : int
            At most so many.
        separation : float, rad
            Of two spots the weaker one is left out if it is nearer than this; 2° by default.
        term : (npix,) array, optional
            Added to TS: the term of a prior, ``llh_prior_term[j]``.

        Returns
        -------
        Arrays
            ``pixel``, ``ra``, ``dec`` (rad), ``ts``, ``ns``, ``gamma``, and ``ts_prior`` where `term` is given; the
            hottest first. Pixels with TS = 0 are no spots: there may be fewer than `n`.

        Raises
        ------
        ValueError
            For `n`, `separation` or `term` out of range or shape.

        Examples
        --------
        >>> values = np.zeros((4, 192))
        >>> values[1, [20, 170]] = 5.0, 9.0
        >>> SkyScan(values, np.zeros(192, dtype=np.int8)).hot_spots().pixel.tolist()
        [170, 20]
        """
        return hot_spots(self, n, separation, term)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to a FITS map (``*.fits``, ``*.fits.gz``) or a NumPy archive (``*.npz``).

        Parameters
        ----------
        path : path-like
            FITS: RING, equatorial, float64 columns TS, NS (, GAMMA), STATUS, and MLOG10P before them where the runner
            had a `ts_to_p`, with the provenance in the header; healpy and every other reader of HEALPix maps opens it.
            The file appears complete or not at all.

        Raises
        ------
        ValueError
            For any other ending.
        """
        name = os.fspath(path)
        if name.endswith(".npz"):
            buffer = io.BytesIO()
            values = np.array([self._row(row) for row in self._stored()])
            np.savez_compressed(buffer, values=values, status=self.status, header=np.array(self._header(values)))
            content = buffer.getvalue()
        elif name.endswith((".fits", ".fits.gz")):
            content = self._fits(".fits.gz" if name.endswith(".gz") else ".fits")
        else:
            raise ValueError(f"{name}: the ending must be .fits, .fits.gz or .npz")
        with atomic_write(path) as f:
            f.write(content)

    def _stored(self) -> tuple[str, ...]:
        """Rows that a file holds: TS does not go there a second time, under the name of a p-value."""
        no_p = self.provenance.get("mlog10p_is_ts")
        if no_p is None:
            no_p = "mlog10p" in self.columns and np.array_equal(self.mlog10p, self.ts)
        return tuple(name for name in self.columns if not (no_p and name == "mlog10p"))

    def _header(self, values: Any) -> str:
        stored = {"format": _FORMAT, "version": _VERSION, "columns": self.columns, "provenance": dict(self.provenance),
                  "crc": _crc(values, self.status)}  # fmt: skip
        return json.dumps(stored, sort_keys=True, allow_nan=False)

    def _fits(self, suffix: str) -> bytes:
        import healpy

        rows = np.array([self._row(row) for row in self._stored()])
        # healpy writes to a name only; the bytes then take the one way every file of ours is written
        with tempfile.TemporaryDirectory() as folder:
            temporary = Path(folder) / f"scan{suffix}"
            healpy.write_map(
                os.fspath(temporary),
                [*rows, self.status.astype(np.int16)],
                nest=False,
                coord="C",
                column_names=[*(name.upper() for name in self._stored()), "STATUS"],
                dtype=[np.float64] * len(self._stored()) + [np.int16],
                extra_header=[
                    ("CREATOR", f"nusky {self.provenance.get('version', '')}".strip()),
                    ("TRUTH", bool(self.provenance.get("TRUTH", False))),
                    ("SEED", str(self.provenance.get("seed"))),
                    ("NUSKY", self._header(rows)),
                ],
            )
            return with_checksums(temporary)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> SkyScan:
        """Read what `save` wrote.

        Raises
        ------
        FileNotFoundError
            No such file.
        ValueError
            Not a scan of ours, or written by a newer version.
        """
        name = os.fspath(as_path(path))
        if not Path(name).exists():
            raise FileNotFoundError(f"{name} does not exist; give a file written by SkyScan.save")
        try:
            header, values, status = _arrays_of_npz(name) if name.endswith(".npz") else _arrays_of_fits(name)
            stored = dict(json.loads(header))
            if stored.get("crc", crc := _crc(values, status)) != crc:
                raise ValueError("its values changed after they were written")
        except Exception as error:  # the bytes are not to be trusted: any parser may fail in any way
            raise ValueError(f"{name} is not a sky scan, or damaged ({error}); give a file of SkyScan.save") from error
        if stored.get("format") != _FORMAT or stored.get("version") not in _READ:
            raise ValueError(
                f"{name} holds {stored.get('format')!r} version {stored.get('version')}, "
                f"this nusky reads {_FORMAT!r} version {_VERSION}; update nusky"
            )
        columns = tuple(stored["columns"])
        if len(values) == len(columns) - 1:  # TS stands for mlog10p in memory, as in csky
            rows = dict(zip((row for row in columns if row != "mlog10p"), values, strict=True))
            values = np.array([rows["ts" if row == "mlog10p" else row] for row in columns])
        return cls(values, status, columns, stored["provenance"])


def _crc(values: Any, status: Any) -> int:
    """Checksum of the numbers. That of FITS is a sum of words: two flipped bits can leave it as it was."""
    crc = zlib.crc32(np.asarray(values, dtype="<f8").tobytes())
    return zlib.crc32(np.asarray(status, dtype="<i2").tobytes(), crc)


def _arrays_of_npz(name: str) -> tuple[str, Any, Any]:
    with open(name, "rb") as file, np.load(file, allow_pickle=False) as archive:
        if "header" not in archive.files:
            raise ValueError("it has no header")
        if sum(member.file_size for member in archive.zip.infolist()) > _MOST_BYTES:
            raise ValueError("it unpacks to more than 8 GiB")
        return str(archive["header"]), archive["values"], archive["status"]


def _arrays_of_fits(name: str) -> tuple[str, Any, Any]:
    from astropy.io import fits

    with checked_fits(name) as hdus:
        table = hdus[1] if len(hdus) > 1 else hdus[0]
        header = table.header.get("NUSKY", "")
        if not header or not isinstance(table, fits.BinTableHDU):
            raise ValueError("it has no keyword NUSKY")
        columns = [np.asarray(table.data[c]).ravel() for c in table.columns.names]
    return header, np.array(columns[:-1], dtype=np.float64), columns[-1]
