"""A runner as a file: how an analysis and a search travel to another process or another machine.

The file is an npz with a JSON description and the arrays that cannot be derived (priors, pixel numbers). The events are
not in it: it names the analysis' cache files, their fingerprint, and the seasons are opened where the runner is built.
Nothing is pickled; a file can only name classes of this package, so reading one runs no foreign code.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky.files import as_path
from nusky.files.npz import DamagedFile, read_npz, write_npz
from nusky.version import code_version

if TYPE_CHECKING:
    from nusky.analysis.analysis import Analysis
    from nusky.executors.protocols import FitsTrials

__all__ = ["read_spec", "write_spec"]

FORMAT = "nusky-runner-4"

# Fields of a runner that do not decide its numbers, or cannot travel: mlog10p is filled in by who asked for the trials
_STAYS = ("ts_to_p", "mp_cpus")

# Classes that travel, by name, and the package that makes them: a file names no module path, so that a module may move.
_CLASSES = {
    "BinnedFlux": "hyp",
    "BrokenPowerLawFlux": "hyp",
    "CurveWindow": "transients",
    "DecRandomization": "injection",
    "Events": "events",
    "FlareOptions": "transients",
    "FlareSkyScanTrialRunner": "hypotheses",
    "FlareSpatialPriorTrialRunner": "hypotheses",
    "FlareTrialRunner": "hypotheses",
    "InjectionOptions": "injection",
    "LightCurve": "transients",
    "LightCurveTrialRunner": "hypotheses",
    "LikelihoodOptions": "likelihood",
    "MapRecord": "maps",
    "MultiFlareSkyScanTrialRunner": "hypotheses",
    "MultiFlareSourcesRunner": "catalogs",
    "MultiFlareTrialRunner": "hypotheses",
    "MultiOrderMap": "maps",
    "MultiOrderPixels": "pixels",
    "PixelRule": "pixels",
    "PixelSet": "pixels",
    "PixelSpectra": "hyp",
    "PowerLawFlux": "hyp",
    "PriorPolicy": "priors",
    "Refinement": "pixels",
    "SignalWindow": "transients",
    "SimulatedBackground": "injection",
    "SkyMap": "maps",
    "SkyScanTrialRunner": "runners",
    "SourceListTrialRunner": "catalogs",
    "Sources": "source",
    "SpatialPrior": "priors",
    "SpatialPriorTrialRunner": "runners",
    "StackingTrialRunner": "hypotheses",
    "SubtractedSkyScanTrialRunner": "hypotheses",
    "SubtractedSpatialPriorTrialRunner": "hypotheses",
    "SumFlux": "hyp",
    "TableFlux": "hyp",
    "TemplateTrialRunner": "hypotheses",
    "TimeWindow": "source",
    "TimeWindows": "source",
    "TimedSourceListTrialRunner": "catalogs",
    "TransientOptions": "transients",
    "TrialRunner": "runners",
    "Uptime": "data",
}

Arrays = dict[str, NDArray[Any]]


def write_spec(runner: Any, spool: str | os.PathLike[str] | None = None, *, portable: bool = False) -> tuple[str, str]:
    """Write the description of a runner, unless it is there already.

    Parameters
    ----------
    runner : Runner
    spool : path-like, optional
        Directory that the workers see, too; made if missing. Default: beside the analysis' cache files if it has any,
        else in the temporary directory of this machine. An analysis without cache files is saved there as well.
    portable : bool
        Put the analysis into `spool` too, and name it relative to the description: the folder can be moved or sent to
        another machine as a whole.

    Returns
    -------
    path : str
        Of the description, named after its content.
    digest : str
        SHA-256 of the content, which `read_spec` checks.

    Raises
    ------
    TypeError
        If the runner holds something that cannot travel, a flux of one's own say; it is named.
    OSError
        If the directory cannot be written to.

    Examples
    --------
    >>> path, digest = write_spec(sptr)                          # doctest: +SKIP
    >>> read_spec(path, digest).config() == sptr.config()        # doctest: +SKIP
    True
    """
    if not dataclasses.is_dataclass(runner) or not hasattr(runner, "analysis"):
        raise TypeError(
            f"{runner!r} cannot travel to another process: only the runners of nusky can; leave executor out"
        )
    where = _spool(runner.analysis, spool)
    arrays: Arrays = {}
    fields = {f.name: getattr(runner, f.name) for f in dataclasses.fields(runner) if f.init and f.name not in _STAYS}
    analysis = fields.pop("analysis")
    description = {
        "format": FORMAT,
        "version": code_version(),
        "runner": _own_class(runner, "runner"),
        "analysis": {"paths": _paths(analysis, where, portable), "fingerprint": analysis.fingerprint},
        "fields": {name: _encode(value, name, arrays) for name, value in fields.items()},
    }
    digest = _digest(description)
    path = where / f"runner-{digest[:32]}.npz"
    if not path.exists():
        write_npz(path, arrays, description)
    return str(path), digest


def read_spec(path: str | os.PathLike[str], digest: str | None = None) -> FitsTrials:
    """Build the runner that a file describes.

    Parameters
    ----------
    path : path-like
    digest : str, optional
        What the content must hash to.

    Raises
    ------
    FileNotFoundError
        If the file, or a cache file of the analysis, is not there: a worker on another machine needs a directory that
        all of them see (``spool=``, and ``dir=`` of `get_analysis`).
    ValueError
        If the file is damaged, has another digest, or was written by another version of the code, or the data are not
        those it was written for.
    """
    import socket

    path = as_path(path)
    if not path.exists():
        raise FileNotFoundError(
            f"{path} is not there on {socket.gethostname()}: give spool= a directory that every worker sees"
        )
    try:
        description, arrays = read_npz(path)
    except DamagedFile as error:
        raise DamagedFile(f"{error}; if it is a runner that write_spec wrote, write it again") from error
    if digest is not None and _digest(description) != digest:
        raise ValueError(f"{path} does not have the expected content: remove it, it is written again")
    if description.get("format") != FORMAT or description.get("version") != code_version():
        raise ValueError(
            f"{path} was written by version {description.get('version')} ({description.get('format')}), this is "
            f"version {code_version()} ({FORMAT}): install the same version everywhere"
        )
    for name, array in arrays.items():
        if _array_name(array) != name:
            raise ValueError(f"{path}: array {name} is damaged: remove the file, it is written again")
    try:
        seasons = [str(path.parent / season) for season in description["analysis"]["paths"]]
        fields = {name: _decode(value, arrays) for name, value in description["fields"].items()}
        runner = _class(description["runner"])
        fingerprint = description["analysis"]["fingerprint"]
    except Exception as error:  # whole, but not of our making
        raise ValueError(f"{path} does not describe a runner ({type(error).__name__}: {error})") from error
    from nusky.analysis.analysis import Analysis

    made: FitsTrials = runner(analysis=Analysis.open(seasons, fingerprint=fingerprint), **fields)
    return made


def _digest(description: dict[str, Any]) -> str:
    """Hash of the whole content: the description names each array by the hash of its values."""
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()


def _spool(analysis: Analysis, spool: str | os.PathLike[str] | None) -> Path:
    candidates = [as_path(spool, "spool")] if spool is not None else []
    if spool is None:
        homes = {Path(season.path).parent for season in analysis if season.path is not None}
        candidates += [home / "runners" for home in sorted(homes)[:1]]
        user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
        candidates.append(Path(tempfile.gettempdir()) / f"nusky-runners-{user}")
    for i, candidate in enumerate(candidates):
        try:
            candidate.mkdir(parents=True, exist_ok=True)
            if not os.access(candidate, os.W_OK):
                raise PermissionError(13, "no permission to write", str(candidate))
            return candidate.resolve()
        except OSError as error:
            if i == len(candidates) - 1:
                raise type(error)(
                    error.errno,
                    f"{candidate} cannot hold the description of the runner: {error.strerror}",
                    str(candidate),
                ) from None
    raise AssertionError("there is always a candidate")


def _paths(analysis: Analysis, where: Path, portable: bool) -> list[str]:
    """Cache files of the seasons; a season without one is saved into the spool, under its fingerprint."""
    paths = []
    for season in analysis:
        path = season.path
        if portable or path is None or not Path(path).exists():
            path = where / f"season-{season.fingerprint[:32]}.npz"
            if not path.exists():
                season.save(path)
        # A file in the folder of the description is named relative to it, so that the folder can be moved
        inside = Path(path).resolve().parent == where
        paths.append(Path(path).name if inside else str(Path(path).resolve()))
    return paths


def _encode(value: Any, name: str, arrays: Arrays) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        array = np.ascontiguousarray(value)
        if array.dtype.hasobject:
            raise TypeError(f"{name} holds Python objects and cannot travel to another process: give numbers")
        arrays.setdefault(_array_name(array), array)
        return {"array": _array_name(array)}
    if hasattr(value, "_fields") and isinstance(value, tuple):
        return {"class": _own_class(value, name), "tuple": [_encode(v, name, arrays) for v in value]}
    if isinstance(value, (tuple, list)):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_encode(v, f"{name}[{i}]", arrays) for i, v in enumerate(value)]}
    if isinstance(value, dict):
        return {"dict": {str(k): _encode(v, f"{name}[{k!r}]", arrays) for k, v in value.items()}}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            f.name: _encode(getattr(value, f.name), f"{name}.{f.name}", arrays)
            for f in dataclasses.fields(value)
            if not f.name.startswith("_")
        }
        return {"class": _own_class(value, name), "fields": fields}
    raise TypeError(f"{name} = {value!r} cannot travel to another process: only values of nusky's own classes can")


def _decode(value: Any, arrays: Arrays) -> Any:
    if not isinstance(value, dict):
        return value
    if "array" in value:
        array = arrays[value["array"]]
        array.setflags(write=False)
        return array
    if "dict" in value:
        return {k: _decode(v, arrays) for k, v in value["dict"].items()}
    if "list" in value:
        return [_decode(v, arrays) for v in value["list"]]
    if "tuple" in value:
        items = [_decode(v, arrays) for v in value["tuple"]]
        return _class(value["class"])(*items) if "class" in value else tuple(items)
    # The fields are set as they were, not computed again: a prior normalised twice is not the same to the bit
    made = object.__new__(_class(value["class"]))
    for name, field in value["fields"].items():
        object.__setattr__(made, name, _decode(field, arrays))
    return made


def _array_name(array: NDArray[Any]) -> str:
    about = f"{array.dtype.str} {array.shape} ".encode()
    return "a" + hashlib.sha256(about + array.tobytes()).hexdigest()


def _own_class(value: Any, name: str) -> str:
    kind = type(value)
    if kind.__module__.partition(".")[0] != "nusky":
        raise TypeError(
            f"{name} is of the class {kind.__module__}.{kind.__qualname__}, which another process does not know: only "
            "nusky's own classes travel (for a spectrum of your own, give hyp.TableFlux)"
        )
    if kind.__name__ not in _CLASSES:
        raise TypeError(
            f"{name} is of the class {kind.__name__}, which is not among those that travel to other processes"
        )
    return kind.__name__


def _class(name: str) -> Any:
    if name not in _CLASSES:
        raise ValueError(f"{name!r} is not a class that travels; the file was written by another version of nusky")
    return getattr(importlib.import_module(f"nusky.{_CLASSES[name]}"), name)
