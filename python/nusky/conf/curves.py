"""`sensitivity_curve` with csky's settings: one call from an analysis to a curve over declination."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.conf.factories import get_trial_runner
from nusky.sensitivity import SensitivityCurve
from nusky.sensitivity import sensitivity_curve as curve_of
from nusky.source import sources

__all__ = ["sensitivity_curve"]

_SEARCH = ("beta", "tol", "batch_size", "first_batch_size", "max_batch_size", "n_batches", "n_sig_step", "E0", "unit")


def sensitivity_curve(
    conf: Mapping[str, Any] | None = None,
    *,
    dec: ArrayLike | None = None,
    src_kw: Mapping[str, Any] | None = None,
    n_sigma: float | None = None,
    n_bg_trials: int = 1000,
    seed: int = 1,
    logging: bool = False,
    **kw: Any,
) -> SensitivityCurve:
    """Sensitivity, and discovery potential if asked for, against declination.

    Parameters
    ----------
    conf : dict, optional
        Settings, as for `get_trial_runner`.
    dec : (D,) rad, ascending, optional
        Default: nine values between −80° and 80°, evenly spaced in sin δ.
    src_kw : dict, optional
        What every source is to have: ``extension``, or a time window (``mjd``, ``t_100``).
    n_sigma : float, optional
        Discovery potential at so many σ as well, such as 5.
    n_bg_trials : int
        Background trials at each declination.
    seed : int
    logging : bool
        Show progress.
    **kw
        Settings of `get_trial_runner` (``ana``, ``gamma``, ``mp_cpus`` …) and of `nusky.sensitivity.sensitivity`
        (``tol``, ``beta``, ``E0``, ``unit`` …).

    Returns
    -------
    SensitivityCurve

    Examples
    --------
    >>> curve = cy.sensitivity_curve(ana=ana, n_sigma=5)                             # doctest: +SKIP
    >>> curve.plot(plt.gca())                                                        # doctest: +SKIP
    """
    nodes = np.arcsin(np.linspace(-1, 1, 9) * np.sin(np.radians(80))) if dec is None else dec
    search = {name: kw.pop(name) for name in _SEARCH if name in kw}

    def runner_at(one: float) -> Any:
        return get_trial_runner(conf, src=sources(0.0, one, **(src_kw or {})), **kw)

    return curve_of(runner_at, nodes, n_sigma=n_sigma, n_bg_trials=n_bg_trials, seed=seed, logging=logging, **search)
