"""Seasons in IceCube's npy layout: structured arrays of events, simulation and good runs."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky.data.cleaning import MIN_SIGMA, OnBad, RawTable, clean, count_duplicates, in_time_order, summary_lines
from nusky.data.dataset import LOG10ENERGY_BINS, SINDEC_BINS, Dataset, silent
from nusky.data.good_runs import clean_good_runs, count_outside
from nusky.data.plausible import check_units
from nusky.data.specs import CustomDataSpec
from nusky.events import Events, in_column_unit
from nusky.files import as_path, content_hash
from nusky.missing import split_mask

__all__ = ["custom_fingerprint", "read_custom"]

# so many events tell whether a good-run list is theirs
_FEW = 100
Log = Callable[[str], None]

#: Our name of a column, and the spellings it has in users' files.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "run": ("run", "Run"),
    "event": ("event", "Event"),
    "subevent": ("subevent", "SubEvent"),
    "ra": ("ra",),
    "dec": ("dec",),
    "azimuth": ("azimuth", "azi", "az"),
    "zenith": ("zenith", "zen"),
    "mjd": ("mjd", "time", "timeMJD"),
    "log10energy": ("log10energy", "logE", "logenergy"),
    "sigma": ("sigma", "angErr", "ang_err"),
    "true_energy": ("true_energy", "trueE"),
    "true_ra": ("true_ra", "trueRa", "trueRA"),
    "true_dec": ("true_dec", "trueDec"),
    "oneweight": ("oneweight", "ow"),
    "start": ("start",),
    "stop": ("stop",),
    "livetime": ("livetime",),
    "events": ("events",),
}


def _source_name(source: Any, what: str) -> str:
    return str(source) if isinstance(source, (str, os.PathLike)) else f"{what} array"


def _fields(source: Any, what: str, log: Log) -> tuple[str, dict[str, NDArray[Any]]]:
    """Name for messages, and columns as the source spells them."""
    if isinstance(source, (str, os.PathLike)):
        path = as_path(source, what)
        log(f"Reading {path} ...")
        try:
            array = np.load(path, allow_pickle=False)
        except FileNotFoundError:
            raise FileNotFoundError(f"{path}: no such file ({what})") from None
        except Exception as error:  # a damaged header makes numpy fail in any way
            said = _no_npy(path) or f"not a readable npy file without pickled objects: {error}"
            raise ValueError(f"{path}: {said}") from None
        if not isinstance(array, np.ndarray):
            array.close()
            raise ValueError(f"{path}: an npz archive of columns, not an npy file; give dict(np.load(path))")
        return str(path), _fields_of_array(array, str(path))
    name = _source_name(source, what)
    if isinstance(source, Events):
        return name, {column: source[column] for column in source.columns}
    if isinstance(source, Mapping):
        return name, {str(column): _plain(str(column), values, name) for column, values in source.items()}
    if isinstance(source, np.ndarray):
        return name, _fields_of_array(source, name)
    names = getattr(source, "colnames", None) or list(getattr(source, "columns", ()))
    if names and hasattr(source, "__getitem__"):  # a table of astropy or pandas
        return name, {str(column): _plain(str(column), source[column], name) for column in names}
    raise TypeError(
        f"{what}: got {type(source).__name__}; give a path, structured array, Events, table or mapping of columns"
    )


def _no_npy(path: Any) -> str:
    """What to do with a file that does not begin as an npy file does; "" for one that does."""
    try:
        with open(path, "rb") as file:
            start = file.read(6)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if start == b"\x93NUMPY":
        return ""
    if not start:
        return "an empty file, not a readable npy file"
    if start == b"SIMPLE":
        return "a FITS file, not an npy file; give astropy.table.QTable.read(path)"
    if start[:2] == b"\x1f\x8b":
        return "packed with gzip; unpack it first"
    return f"not an npy file (it begins with {start!r}); of text give the table, such as pandas.read_csv(path)"


def _fields_of_array(array: Any, where: str) -> dict[str, NDArray[Any]]:
    names = getattr(getattr(array, "dtype", None), "names", None)
    if not names or array.ndim != 1:
        raise ValueError(f"{where}: not a one-dimensional structured array with named columns")
    units = {str(column.name): column.unit for column in getattr(array, "columns", ())}  # of FITS
    return {name: _plain(name, _with_unit(array[name], units.get(name)), where) for name in names}


def _with_unit(values: Any, unit: str | None) -> Any:
    """A column of a FITS table with the unit that its header says."""
    if not unit:
        return values
    from astropy.units import Quantity

    try:
        return Quantity(np.asarray(values), unit)
    except (TypeError, ValueError):  # "log10(GeV)", "MJD": words that are no unit
        return values


_OURS = {spelling.lower(): ours for ours, spellings in SPELLINGS.items() for spelling in spellings}


def _plain(spelled: str, values: Any, where: str) -> NDArray[Any]:
    """A column as numbers in our unit, NaN where it is masked."""
    try:
        ours = _OURS.get(spelled.lower())
        data, hidden = split_mask(values if ours is None else in_column_unit(ours, values))
    except TypeError as error:
        raise TypeError(f"{where}: column {spelled!r}: {error}") from None
    if hidden is None:
        return data
    if data.dtype.kind not in "fiub":
        return data
    return np.where(hidden, np.nan, data.astype(np.float64))


def _raw(source: Any, what: str, log: Log, keep: Sequence[str] = ()) -> RawTable:
    """A table in our columns, and those to `keep` under the names they have."""
    where, fields = _fields(source, what, log)
    columns, spelled = {name: fields[name] for name in keep if name in fields}, {name: name for name in keep}
    for ours, spellings in SPELLINGS.items():
        found = [spelling for spelling in spellings if spelling in fields]
        found += [name for name in fields if _OURS.get(name.lower()) == ours and name not in found]  # RA, MJD
        if not found:
            continue
        for other in found[1:]:
            if not np.array_equal(fields[other], fields[found[0]]):
                raise ValueError(f"{where}: columns {found[0]!r} and {other!r} mean the same but differ; remove one")
        values = fields[found[0]]
        if values.ndim != 1 or values.dtype.kind not in "fiub":
            raise ValueError(
                f"{where}: column {found[0]!r} is {values.dtype} of shape {values.shape}, not numbers (N,)"
            )
        columns[ours], spelled[ours] = values, found[0]
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        raise ValueError(f"{where}: columns differ in length: { {n: len(v) for n, v in columns.items()} }")
    if not columns:
        raise ValueError(
            f"{where}: none of the columns ({', '.join(fields) or 'there are none'}) has a name known here"
        )
    return RawTable(where, columns, spelled)


def _several(source: Any) -> list[Any]:
    if not isinstance(source, Sequence) or isinstance(source, (str, bytes)):
        return [source]
    paths = [os.path.realpath(one) for one in source if isinstance(one, (str, os.PathLike))]
    twice = [path for i, path in enumerate(paths) if path in paths[:i]]
    if twice:
        raise ValueError(f"{twice[0]} is given twice: its events would count double")
    return list(source)


def _good_runs(sources: list[Any], log: Log) -> tuple[Events, float, tuple[str, ...]]:
    """Good-run list, its livetime in days, and notes."""
    tables = [_raw(source, "good-run list", log) for source in sources]
    for table in tables:
        missing = [name for name in ("start", "stop") if name not in table.columns]
        if missing:
            raise ValueError(f"{table.where}: missing column(s) {', '.join(missing)} of a good-run list")
    where = ", ".join(table.where for table in tables)
    shared = [name for name in ("run", "livetime") if all(name in table.columns for table in tables)]
    joined = {name: np.concatenate([t.columns[name] for t in tables]) for name in ("start", "stop", *shared)}
    grl, notes = clean_good_runs(where, joined.pop("start"), joined.pop("stop"), **joined)
    span = float(np.sum(grl.stop - grl.start))
    if "livetime" not in grl:
        return grl, span, notes
    livetime = float(np.sum(grl.livetime))
    if not np.isfinite(livetime) or np.any(grl.livetime < 0):
        raise ValueError(f"{where}: column 'livetime' has values that are negative or not finite")
    if livetime > 1.05 * span:
        raise ValueError(
            f"{where}: column 'livetime' sums to {livetime:.6g} days, and the runs last {span:.6g} days from start to "
            "stop: is it in hours or seconds? This format has days"
        )
    if abs(livetime - span) > 0.05 * span:
        notes += (
            f"good-run list: livetime column sums to {livetime:.2f} d, stop - start to {span:.2f} d (used: the column)",
        )
    return grl, livetime, notes


def custom_fingerprint(
    spec: CustomDataSpec, version: str, *, on_bad: OnBad | None = None, min_sigma: float = MIN_SIGMA
) -> str:
    """Fingerprint `read_custom` would give."""
    settings: list[object] = [
        version, spec.key, spec.livetime, on_bad or "raise", min_sigma,
        None if spec.sindec_bins is None else np.asarray(spec.sindec_bins, dtype=np.float64),
        None if spec.logenergy_bins is None else np.asarray(spec.logenergy_bins, dtype=np.float64),
    ]  # fmt: skip
    settings += list(spec.keep)
    files = []
    for what, sources in (("exp", _several(spec.exp)), ("mc", _several(spec.mc)), ("grl", _several(spec.grl))):
        for source in sources:
            if isinstance(source, (str, os.PathLike)):
                if not as_path(source, what).is_file():
                    raise FileNotFoundError(f"{source}: no such file ({what})")
                files.append(source)
                settings.append(f"{what} file")
            elif source is not None:
                for name, values in sorted(_fields(source, what, silent)[1].items()):
                    settings += [f"{what} {name}", values]
    return content_hash(settings, files)


def read_custom(
    spec: CustomDataSpec,
    version: str = "custom",
    *,
    on_bad: OnBad | None = None,
    min_sigma: float = MIN_SIGMA,
    log: Log = silent,
) -> Dataset:
    """Read a season given as arrays or npy files.

    Parameters
    ----------
    spec : CustomDataSpec
    version : str
        Recorded in the dataset.
    on_bad : {"raise", "drop"}, optional
        Impossible rows; default "raise".
    min_sigma : float
        Floor of σ, rad.
    log : callable
        Gets a line for each file read.

    Returns
    -------
    Dataset

    Raises
    ------
    FileNotFoundError, ValueError, TypeError

    Examples
    --------
    >>> import numpy as np
    >>> from nusky.selections.npy_files import read_custom
    >>> from nusky.data.specs import CustomDataSpec
    >>> z, one = np.zeros(2), np.ones(2)
    >>> exp = {"ra": z, "dec": z, "time": np.array([1.0, 2.0]), "logE": one, "angErr": one}
    >>> mc = {**exp, "trueE": one, "trueRa": z, "trueDec": z, "ow": one}
    >>> read_custom(CustomDataSpec(exp, mc, livetime=10.0, key="MINE"))
    Dataset(MINE | custom | 2 events, 2 simulated, 10.00 days)
    """
    policy: OnBad = on_bad or "raise"
    notes: list[str] = []
    parts: dict[str, Events] = {}
    counts = {"data": Counter[str](), "sim": Counter[str]()}
    for kind, what, source in (("sim", "mc", spec.mc), ("data", "exp", spec.exp)):
        cleaned = []
        for one in _several(source):
            keep = spec.keep if kind == "sim" else ()
            table = _raw(one, what, log, keep)
            events, found = clean(table, kind, on_bad=policy, min_sigma=min_sigma, keep=keep)  # type: ignore[arg-type]
            cleaned.append(events)
            counts[kind] += found
        common = set(cleaned[0].columns).intersection(*(set(events.columns) for events in cleaned))
        parts[kind] = Events.concatenate([events.select(*sorted(common)) for events in cleaned])
    check_units(f"season {spec.key!r}", parts["data"], parts["sim"])
    data, late = in_time_order(parts["data"])
    counts["data"]["rows out of time order, sorted"] += late
    counts["data"]["exact duplicates, kept"] += count_duplicates(data)

    grl, livetime = None, spec.livetime
    if spec.grl is not None:
        grl, listed, run_notes = _good_runs(_several(spec.grl), log)
        notes += run_notes
        if livetime is None:
            livetime = listed
        elif abs(livetime - listed) > 0.05 * livetime:
            notes.append(f"livetime given as {livetime:.2f} d, the good-run list says {listed:.2f} d (used: the given)")
        outside = count_outside(grl, data.mjd)
        if len(data) >= _FEW and 2 * outside > len(data):
            raise ValueError(
                f"season {spec.key!r}: {outside} of {len(data)} events (MJD {data.mjd[0]:.6g} … {data.mjd[-1]:.6g}) "
                f"are in no good run ({grl.start[0]:.6g} … {grl.stop[-1]:.6g}): another season, or times?"
            )
        counts["data"]["events outside the good-run list, kept"] += outside
    assert livetime is not None  # CustomDataSpec has one of the two
    return Dataset(
        key=spec.key,
        version=version,
        data=data,
        sim=parts["sim"],
        grl=grl,
        livetime=float(livetime),
        sindec_bins=np.asarray(SINDEC_BINS if spec.sindec_bins is None else spec.sindec_bins, dtype=np.float64),
        log10energy_bins=np.asarray(
            LOG10ENERGY_BINS if spec.logenergy_bins is None else spec.logenergy_bins, dtype=np.float64
        ),
        notes=(*summary_lines("data", counts["data"]), *summary_lines("simulation", counts["sim"]), *notes),
        fingerprint=custom_fingerprint(spec, version, on_bad=on_bad, min_sigma=min_sigma),
    )
