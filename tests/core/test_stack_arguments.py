"""Arguments of the core's stacks: what does not fit together is refused by name before anything is computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nusky import _core

NODES = np.array([2.0, 3.0])
COLUMNS = _core.EventColumns(
    np.array([0.1, 0.2]), np.full(2, 0.02), np.full(2, 0.1), np.zeros((2, 2), np.float32), NODES
)
LIKELIHOOD = _core.Likelihood(NODES, np.zeros(1), np.zeros((1, 1, 2)))


def stack(**changed: Any) -> _core.Stack:
    given = {
        "ra": np.array([1.0, 2.0]),
        "dec": np.array([0.1, 0.3]),
        "extension": np.zeros(2),
        "log_weight": np.zeros((1, 2, 2)),
        **changed,
    }
    return _core.Stack([COLUMNS], *given.values())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ra": np.array([1.0, 7.0])}, r"ra: source 1 must be within 0 and 2 pi"),
        ({"dec": np.array([0.1, np.nan])}, r"dec: source 1"),
        ({"extension": np.array([-1.0, 0.0])}, r"extension: source 0"),
        ({"extension": np.zeros(3)}, r"extension: expected length 2"),
        ({"log_weight": np.zeros((1, 2, 3))}, r"log_weight: expected shape \(1, 2, 2\)"),
        ({"log_weight": np.full((1, 2, 2), -np.inf)}, r"log_weight: entry 0 is not finite"),
    ],
)
def test_a_stack_that_makes_no_sense_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        stack(**changed)


def test_trials_that_do_not_fit_are_refused() -> None:
    rows, numbers = np.zeros((2, 3)), np.arange(2)
    assert _core.fit_hypothesis_trials(LIKELIHOOD, stack(), None, key=1, numbers=numbers, rows=rows) == (2, False)
    for changed, message in (
        ({"rows": np.zeros((3, 3))}, "rows: expected shape"),
        ({"numbers": np.array([0, -1])}, "numbers: entry 1 is negative"),
        ({"injected": []}, "injected: one entry for each season"),
        ({"injected": [(COLUMNS, np.zeros(2), np.array([0, 1]))]}, "injected first: expected length 3"),
        ({"injected": [(COLUMNS, np.zeros(2), np.array([0, 2, 1]))]}, "injected first: entry 2 does not ascend"),
        ({"injected": [(COLUMNS, np.array([0.0, 9.0]), np.array([0, 1, 2]))]}, "injected ra: row 1"),
    ):
        given: dict[str, Any] = {"injected": None, "numbers": numbers, "rows": rows, **changed}
        with pytest.raises(ValueError, match=message):
            _core.fit_hypothesis_trials(LIKELIHOOD, stack(), given.pop("injected"), key=1, **given)
