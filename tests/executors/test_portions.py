from __future__ import annotations

import pytest

from nusky.executors.portions import Portions


def sizes(work: Portions, n_workers: int, seconds_each: float) -> list[int]:
    """Items of all tasks, each finished before the next one is taken."""
    found = []
    while (task := work.take(n_workers)) is not None:
        found.append(task[1] - task[0])
        work.note(found[-1], found[-1] * seconds_each)
    return found


@pytest.mark.parametrize(("seconds_each", "n"), [(1e-4, 10_000_000), (0.02, 100_000), (4.0, 1000)])
def test_tasks_take_some_ten_seconds_whatever_a_trial_takes(seconds_each: float, n: int) -> None:
    found = sizes(Portions([(0, n)]), 4, seconds_each)
    assert sum(found) == n
    middle = found[len(found) // 3]
    assert 5 <= middle * seconds_each <= 12
    assert max(found) * seconds_each <= 12
    assert found[0] == 1


def test_towards_the_end_every_worker_has_some() -> None:
    found = sizes(Portions([(0, 2000)]), 10, 0.1)
    assert max(found[-10:]) * 0.1 <= 2
    # but no dust: what takes half a second is not cut
    assert min(found[5:-1]) * 0.1 >= 0.4


def test_a_size_that_was_given_is_kept_and_stretches_are_not_joined() -> None:
    work = Portions([(0, 5), (7, 7), (10, 14)], 3)
    assert work.left == 9
    assert [work.take(1) for _ in range(5)] == [(0, 3), (3, 5), (10, 13), (13, 14), None]
    assert work.left == 0


def test_a_change_of_speed_is_noticed() -> None:
    work = Portions([(0, 10**9)], largest=10**6)
    for _ in range(20):
        task = work.take(1)
        assert task is not None
        work.note(task[1] - task[0], (task[1] - task[0]) * 1e-3)
    for _ in range(10):
        task = work.take(1)
        assert task is not None
        work.note(task[1] - task[0], (task[1] - task[0]) * 1e-1)
    a, z = work.take(1) or (0, 0)
    assert 90 <= z - a <= 130
