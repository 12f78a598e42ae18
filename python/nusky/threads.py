"""How many threads a call may use."""

from __future__ import annotations

import logging
import math
import os
import sys
from functools import cache
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["allowed_threads", "resolve_threads"]

_log = logging.getLogger("nusky")


def _affinity() -> int:
    """Processors this process may be scheduled on."""
    if hasattr(os, "process_cpu_count"):  # Python 3.13
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cgroup_quota(proc: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Processors' worth of time a Linux control group (a container, a batch slot) grants, rounded up; None: no limit.

    A container limited to two processors on a 64-processor host sees all 64 in its affinity; starting 64 threads there
    makes every one of them wait for the quota.
    """
    try:
        own = next(line[3:] for line in proc.read_text().splitlines() if line.startswith("0::"))
    except (OSError, StopIteration):
        return None
    for folder in (root / own.lstrip("/"), root):
        try:
            quota, period = (folder / "cpu.max").read_text().split()
            return None if quota == "max" else max(1, math.ceil(int(quota) / int(period)))
        except (OSError, ValueError):
            continue
    return None


def _openmp_limit() -> int | None:
    """First number of ``OMP_NUM_THREADS``, set by users and batch systems; None when absent or not a number."""
    now = os.environ.get("OMP_NUM_THREADS", "")
    if now and "distributed.nanny" in sys.modules and _set_by_dask(now):
        before = _started_with().get("OMP_NUM_THREADS", "")
        _say_dask(now)
        now = before
    first = now.split(",")[0].strip()
    return int(first) if first.isdigit() and int(first) > 0 else None


def _set_by_dask(value: str) -> bool:
    """Whether dask has put this value of ``OMP_NUM_THREADS`` into the environment of this process.

    Starting workers from here, as its LocalCluster does, leaves their variables in this process, and its fits on one
    thread. MALLOC_TRIM_THRESHOLD_, which comes with it, shows whose doing it was.
    """
    started = _started_with()
    if not started or "MALLOC_TRIM_THRESHOLD_" in started or "MALLOC_TRIM_THRESHOLD_" not in os.environ:
        return False
    given: Any = sys.modules["dask"].config.get("distributed.nanny.pre-spawn-environ", {})
    return value == str(given.get("OMP_NUM_THREADS", "")) and value != started.get("OMP_NUM_THREADS")


@cache
def _started_with(proc: Path = Path("/proc/self/environ")) -> dict[str, str]:
    """Environment that this process was started with; empty where the system does not show it."""
    try:
        lines = proc.read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return {}
    return {name: value for name, equals, value in (line.partition("=") for line in lines) if equals}


@cache  # said once
def _say_dask(value: str) -> None:
    _log.info("dask has set OMP_NUM_THREADS=%s here for the workers it started; it does not limit this process", value)


def _batch_limit() -> int | None:
    """Processors that SLURM has given to this task; None outside of one.

    Without control groups SLURM binds nothing, and a job would take every processor of its machine.
    """
    given = os.environ.get("SLURM_CPUS_PER_TASK", "").strip()
    return int(given) if given.isdigit() and int(given) > 0 else None


def allowed_threads() -> int:
    """Count the threads this process may use.

    The smallest of the scheduler's affinity mask, the control group's quota, ``OMP_NUM_THREADS`` and
    ``SLURM_CPUS_PER_TASK``.

    Returns
    -------
    int
        At least 1.

    Examples
    --------
    >>> allowed_threads() >= 1
    True
    """
    limits = [_affinity(), _cgroup_quota(), _openmp_limit(), _batch_limit()]
    return max(1, min(limit for limit in limits if limit is not None))


@cache  # said once for each pair, not once for each of ten thousand calls
def _say_capped(name: str, requested: int, allowed: int) -> None:
    _log.warning("%s=%d: using %d, all that this process may use.", name, requested, allowed)


def resolve_threads(mp_cpus: int | None = None, name: str = "mp_cpus") -> int:
    """Turn the wish ``mp_cpus`` into the number of threads really used.

    Parameters
    ----------
    mp_cpus : int or None
        None or 0 means all allowed threads. A number above the allowed one is capped, and that is logged once.
    name : str
        What the caller's argument is called, for messages.

    Returns
    -------
    int
        Between 1 and `allowed_threads`.

    Raises
    ------
    ValueError
        For a negative number.
    TypeError
        For anything that is not an integer.

    Examples
    --------
    >>> resolve_threads(1)
    1
    """
    if mp_cpus is None:
        return allowed_threads()
    if isinstance(mp_cpus, (bool, np.bool_)) or not isinstance(mp_cpus, Integral):
        raise TypeError(f"{name} must be an integer (0 or None: all allowed threads), got {mp_cpus!r}")
    if mp_cpus < 0:
        raise ValueError(f"{name} must not be negative (0 or None: all allowed threads), got {mp_cpus}")
    allowed = allowed_threads()
    if mp_cpus == 0:
        return allowed
    if mp_cpus > allowed:
        _say_capped(name, int(mp_cpus), allowed)
        return allowed
    return int(mp_cpus)
