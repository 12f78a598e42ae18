"""Progress lines in csky's words."""

from __future__ import annotations

import io

import pytest

from nusky.progress import Progress, scan_progress, trial_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_quick_scan_prints_the_two_lines_of_the_tutorial(capsys: pytest.CaptureFixture[str]) -> None:
    with scan_progress(48984, 2, logging=True) as progress:
        progress.update(48984, 48984)
    assert capsys.readouterr().out == "Scanning 48984 locations using 2 cores:\n48984/48984 coordinates complete.\n"


def test_trials_say_background_or_the_signal_and_core_or_cores(capsys: pytest.CaptureFixture[str]) -> None:
    with trial_progress(10000, 0, 1, logging=True):
        pass
    with trial_progress(10, 5, 2, logging=True):
        pass
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Performing 10000 background trials using 1 core:"
    assert lines[1] == "10000/10000 trials complete."
    assert lines[2] == "Performing 10 trials with n_sig = 5.000 using 2 cores:"


def test_without_logging_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with scan_progress(10, 1, logging=False) as progress:
        progress.update(5)
    assert capsys.readouterr().out == ""


def test_a_longer_task_shows_rate_and_time_left_in_place() -> None:
    stream, clock = Terminal(), Clock()
    with Progress("Go:", 1000, "trials", stream=stream, clock=clock) as progress:
        clock.now = 1.0
        progress.update(100)
        clock.now = 1.05
        progress.update(110)  # too soon after the last one to be drawn
        clock.now = 4.0
        progress.update(400)
        clock.now = 10.0
    lines = stream.getvalue().split("\n")
    assert lines[0] == "Go:"
    shown = lines[1].split("\r")
    assert shown[0] == "100/1000 trials complete."
    assert shown[1] == "400/1000 trials complete. 100/s, 6 s left"
    assert shown[2].rstrip() == "1000/1000 trials complete. 100/s, 10 s"
    assert len(shown[2]) >= len(shown[1]), "the longer line before is wiped"


def test_a_log_file_gets_few_lines() -> None:
    stream, clock = io.StringIO(), Clock()
    with Progress("Go:", 100, "trials", stream=stream, clock=clock) as progress:
        for i in range(100):
            clock.now = 0.25 * i
            progress.update(i)
    assert stream.getvalue().count("complete") <= 4


@pytest.mark.parametrize(
    ("elapsed", "text"), [(30.0, "30 s left"), (90.0, "1 min 30 s left"), (7200.0, "2 h 00 min left")]
)
def test_durations_are_readable(elapsed: float, text: str) -> None:
    stream, clock = Terminal(), Clock()
    progress = Progress("Go:", 2, "trials", stream=stream, clock=clock)
    with progress:
        clock.now = elapsed
        progress.update(1)
    assert text in stream.getvalue()


def test_an_interruption_keeps_the_true_count_and_ends_the_line() -> None:
    stream = Terminal()
    progress = Progress("Go:", 10, "trials", stream=stream)

    def interrupted() -> None:
        with progress:
            progress.update(3)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert stream.getvalue().endswith("3/10 trials complete.\n")


def test_what_was_there_before_says_nothing_of_the_rate_and_waiting_is_said() -> None:
    out, clock = Terminal(), Clock()
    with Progress("", 1000, "trials", stream=out, clock=clock) as progress:
        progress.resume(900)
        clock.now = 5.0
        progress.update(900, note="waiting for workers")
        assert out.getvalue().split("\r")[-1].strip() == "900/1000 trials complete. waiting for workers"
        clock.now = 10.0
        progress.update(950)
        assert out.getvalue().split("\r")[-1].strip() == "950/1000 trials complete. 5/s, 10 s left"
        clock.now = 20.0
        progress.update(950)  # nothing new: the time left is told anew all the same
        assert out.getvalue().split("\r")[-1].strip() == "950/1000 trials complete. 2.5/s, 20 s left"
