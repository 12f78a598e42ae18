"""HDF5 files are read in a process of their own: the library loops for ever on some damaged files, and can crash.

The process starts anew (it is no fork), gets the file as its input and a limit of processor time from the system, and
answers with a file of arrays. Nothing is pickled.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from nusky.maps.table import MapTable

__all__ = ["table_of_hdf5"]

#: Seconds of processor time for any file, and bytes read in a second: both far from what whole files need.
_SECONDS = 3.0
_BYTES_A_SECOND = 50e6
#: The wall clock is for what takes no processor time; a busy machine must not end a reading.
_PATIENCE = 15.0


def table_of_hdf5(name: str, content: Any, group: int | str | None) -> MapTable:
    """Table of an HDF5 file.

    Parameters
    ----------
    name : str
        Of the file, for messages.
    content : open binary file
    group : str, optional

    Raises
    ------
    ImportError
        Without h5py.
    ValueError
        Damaged (also where the HDF5 library crashes or finds no end), no map in it, or values that lie in another file.
    """
    if importlib.util.find_spec("h5py") is None:
        raise ImportError(f"reading {name} needs h5py: python -m pip install 'nusky[export]'")
    size = content.seek(0, io.SEEK_END)
    content.seek(0)
    seconds = _SECONDS + size / _BYTES_A_SECOND
    with contextlib.ExitStack() as stack:
        if isinstance(content, io.BytesIO):
            given: Any = stack.enter_context(tempfile.TemporaryFile())
            given.write(content.getbuffer())
            given.seek(0)
        else:
            given = content
        answer = stack.enter_context(tempfile.TemporaryFile())
        code = _run(json.dumps([name, group, seconds]), given, answer, seconds)
        answer.seek(0)
        if code == "":
            return _unpacked(name, answer)
    raise ValueError(f"{name} cannot be read as HDF5 ({code}); is the file damaged?")


def _run(request: str, given: Any, answer: Any, seconds: float) -> str:
    """Run the process to its end; why it came to none, or ""."""
    home = Path(__file__).parents[2]
    # The same modules as here, and none from the folder that somebody works in
    path = os.pathsep.join(str(Path(p)) for p in sys.path if p)
    command = [sys.executable, "-m", "nusky.maps.hdf5_process", request]
    with subprocess.Popen(
        command,
        stdin=given,
        stdout=answer,
        stderr=subprocess.DEVNULL,
        cwd=home,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
    ) as process:
        try:
            code = process.wait(_PATIENCE * seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            process.kill()
    if code == 0:
        return ""
    if code is None or code == -_too_long():
        return f"the HDF5 library finds no end after {seconds:.0f} s"
    return f"the HDF5 library ended with {f'signal {-code}' if code < 0 else f'exit code {code}'}"


def _too_long() -> int:
    import signal

    return int(getattr(signal, "SIGXCPU", 0))


def _unpacked(name: str, answer: Any) -> MapTable:
    try:
        with np.load(answer, allow_pickle=False) as arrays:
            about = json.loads(arrays["about"].tobytes())
            if "refused" in about:
                raise _Refused(about["refused"])
            columns = {}
            for i, key in enumerate(about["columns"]):
                values = arrays[f"values{i}"]
                columns[key] = np.ma.array(values, mask=arrays[f"mask{i}"]) if f"mask{i}" in arrays else values
    except (zipfile.BadZipFile, EOFError, KeyError, ValueError) as error:
        if isinstance(error, _Refused):
            raise ValueError(str(error)) from None
        raise ValueError(f"{name} cannot be read as HDF5 ({error}); is the file damaged?") from error
    return MapTable(about["source"], columns, about["units"], about["header"], tuple(about["remarks"]))


class _Refused(ValueError):
    """What the process says about the file."""


def _limit(seconds: float) -> None:
    """End this process after so much more processor time, where the system can do that."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        most = int(time.process_time() + seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (most, most + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _main(request: str) -> None:
    """The process itself."""
    from nusky.maps.hdf5_table import read_hdf5

    name, group, seconds = json.loads(request)
    arrays: dict[str, Any] = {}
    try:
        import h5py  # noqa: F401 — not part of the time for the file

        _limit(seconds)
        table = read_hdf5(name, sys.stdin.buffer, group)
    except ValueError as error:
        about: dict[str, Any] = {"refused": str(error)}
    else:
        about = {"source": table.source, "columns": list(table.columns), "units": dict(table.units)}
        about |= {"header": dict(table.header), "remarks": table.remarks}
        for i, values in enumerate(table.columns.values()):
            plain = np.asarray(values)
            arrays[f"values{i}"] = plain.astype(str) if plain.dtype.hasobject else plain
            if isinstance(values, np.ma.MaskedArray):
                arrays[f"mask{i}"] = np.ma.getmaskarray(values)
    text = json.dumps(about, default=_plain)
    np.savez(sys.stdout.buffer, about=np.frombuffer(text.encode("utf-8", "replace"), np.uint8), **arrays)


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) and value.dtype.kind in "iufbU" else str(value)


if __name__ == "__main__":
    _main(sys.argv[1])
