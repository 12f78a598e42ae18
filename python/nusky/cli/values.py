"""What the options of the command line take, and the one line that goes back."""

from __future__ import annotations

import argparse
import math
import re
import sys

from nusky.progress import tell

__all__ = ["degrees", "in_options", "n_events", "one_line", "real_number", "say", "trial_range", "whole_number"]

# Keywords whose option has another name, by the destination that argparse gives it; the first that a command has counts
_RENAMED = {
    "mp_cpus": ("threads",),
    "n_trials": ("trials", "n_trials"),
    "n_sig": ("n_sig", "inject"),
    "nest": ("ordering",),
    "TRUTH": ("truth",),
    "use_grl": ("no_grl",),
    "version": ("data_version",),
    "specs": ("season",),
}
# Keywords of which an option says more than its name
_WORDS = {"nest": {"True": "nested", "False": "ring"}}
_QUOTED = r"'[^']*'(?:(?: \([^()]*\))?(?:,| or|, or) '[^']*')*"
_VALUE = rf"{_QUOTED}|\{{[^}}]*\}}|\([^()]*\)|[-+]?[\w.]+(?:[-+]\d+)?"


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


def in_options(message: str, args: argparse.Namespace) -> str:
    """A message with the options of a command in place of keywords: ``frame='galactic'`` is ``--frame galactic``.

    Keywords that are no option of the command, and those inside a call, stay as they are.

    Parameters
    ----------
    message : str
    args : Namespace
        Of the command; its names are the options there are.

    Examples
    --------
    >>> args = argparse.Namespace(frame=None, livetime=False, no_grl=False, calibration=None)
    >>> in_options("give frame='equatorial' or 'galactic', or livetime=True", args)
    'give --frame equatorial or galactic, or --livetime'
    """
    has = vars(args)
    keywords = {name: name for name in has if name.isidentifier()}
    for name, choices in _RENAMED.items():
        if there := [choice for choice in choices if choice in has]:
            keywords[name] = there[0]
    pattern = rf"(?<![\w.])(?<!\w\()({'|'.join(sorted(keywords, key=len, reverse=True))})=(?!=)({_VALUE})?"

    def option(found: re.Match[str]) -> str:
        keyword, value = found[1], found[2]
        name = "--" + keywords[keyword].replace("_", "-")
        if value is None:
            return name
        if value in _WORDS.get(keyword, {}):
            return f"{name} {_WORDS[keyword][value]}"
        if value in ("True", "False"):
            return name  # a flag: what is said is its name
        return f"{name} {_plain(value)}"

    return re.sub(pattern, option, message)


def _plain(value: str) -> str:
    """A value as it is typed: no quotes, ``{0.5: 22.2}`` as 0.5:22.2, a pair as two words."""
    if value.startswith("{"):
        return value[1:-1].replace(": ", ":").replace(", ", ",")
    if value.startswith("("):
        return value[1:-1].replace(",", "")
    return "(not given)" if value == "None" else value.replace("'", "")


def one_line(error: BaseException) -> str:
    """The text of an error, in one line.

    Examples
    --------
    >>> one_line(KeyError("there is no season 'IC99'"))
    "there is no season 'IC99'"
    """
    text = str(error)
    if isinstance(error, KeyError) and error.args:
        text = str(error.args[0])  # str() of a KeyError is the repr of its text
    elif isinstance(error, OSError) and error.strerror:
        file = str(error.filename or "")
        text = error.strerror if file in error.strerror else f"{file}: {error.strerror}"
    return " ".join(text.split())
