"""What the options of the command line take, and the one line that goes back."""

from __future__ import annotations

import argparse
import math
import sys

from nusky.progress import tell

__all__ = ["degrees", "n_events", "real_number", "say", "trial_range", "whole_number"]


def say(text: str) -> None:
    """Print a line at once, so that a log file shows how far a job is."""
    tell(text + "\n")
    sys.stdout.flush()


def whole_number(text: str) -> int:
    """Whole number, not negative.

    Examples
    --------
    >>> from nusky.cli.values import whole_number
    >>> whole_number("20")
    20
    """
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is negative")
    return number


def degrees(text: str) -> float:
    """Declination in degrees, −90 … 90.

    Examples
    --------
    >>> from nusky.cli.values import degrees
    >>> degrees("-85")
    -85.0
    """
    try:
        angle = float(text)
    except ValueError:
        angle = math.nan
    if not -90 <= angle <= 90:
        raise argparse.ArgumentTypeError(f"{text!r} is no declination in degrees, -90 … 90")
    return angle


def n_events(text: str) -> float:
    """Number of events, finite and not negative, not always whole: the mean of a Poisson distribution.

    Examples
    --------
    >>> from nusky.cli.values import n_events
    >>> n_events("2.5")
    2.5
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of events, finite and not negative")
    return number


def real_number(text: str) -> float:
    """Number, finite.

    Examples
    --------
    >>> from nusky.cli.values import real_number
    >>> real_number("12.5")
    12.5
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text!r} is no finite number")
    return number


def trial_range(text: str) -> tuple[int, int]:
    """``A:B``, the trials A … B − 1.

    Examples
    --------
    >>> from nusky.cli.values import trial_range
    >>> trial_range("0:1000")
    (0, 1000)
    """
    first, colon, end = text.partition(":")
    if not (colon and first.isdigit() and end.isdigit() and int(first) < int(end)):
        raise argparse.ArgumentTypeError(f"{text!r} is no range; give A:B with A < B, the trials A … B-1")
    return int(first), int(end)
