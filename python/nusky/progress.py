"""Progress on standard output, in csky's words."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from types import TracebackType
from typing import Any, TextIO

__all__ = ["Progress", "scan_progress", "tell", "trial_progress"]

_QUICK = 2.0  # seconds; below that a rate says nothing
_TERMINAL_INTERVAL = 0.2  # seconds between redraws somebody looks at
_FILE_INTERVAL = 10.0  # and in a log file, which would otherwise grow by megabytes


def _duration(seconds: float) -> str:
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"


def _in_notebook(stream: TextIO) -> bool:
    return type(stream).__module__.startswith("ipykernel")


def _is_watched(stream: TextIO) -> bool:
    """Whether a person sees the line being redrawn: a terminal or a notebook cell."""
    return stream.isatty() or _in_notebook(stream)


_PLAIN = {
    "°": " deg", "−": "-", "…": "...", "×": "x", "±": "+-", "≥": ">=", "≤": "<=", "→": "->", "√": "sqrt", "∞": "inf",
    "σ": "sigma", "γ": "gamma", "δ": "delta", "α": "alpha", "χ": "chi", "Δ": "Delta", "π": "pi", "²": "2", "³": "3",
    "⁻": "-", "¹": "1", "₁": "1", "₂": "2", "η": "eta", "λ": "lambda", "μ": "mu", "Σ": "Sum", "·": "*",
    "–": "-", "“": '"', "”": '"',
}  # fmt: skip
"""What stands for a character on a terminal that has only ASCII."""


def tell(text: str, stream: TextIO | None = None) -> None:
    """Write to a stream (default: the output), in ASCII where it can do no more; a job does not die of a degree sign.

    Examples
    --------
    >>> import io
    >>> out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    >>> tell("35° ± 1", out)
    >>> out.flush(), out.buffer.getvalue()
    (None, b'35 deg +- 1')
    """
    out = sys.stdout if stream is None else stream
    try:
        out.write(text)
    except UnicodeEncodeError:
        encoding = getattr(out, "encoding", None) or "ascii"
        plain = "".join(_PLAIN.get(character, character) for character in text)
        out.write(plain.encode(encoding, "replace").decode(encoding))


@dataclass
class Progress:
    """One line that counts up, with the rate and the time left once it takes more than two seconds.

    Parameters
    ----------
    header : str
        Line printed first; none if empty.
    total : int
        Number of things to do.
    noun : str
        What they are: "coordinates", "trials".
    logging : bool
        False prints nothing at all.
    stream : file, optional
        Where to; standard output as it is at that moment by default.
    transient : bool
        Leave nothing behind: what comes next takes the place of the line.
    clock : callable
        Seconds, monotonic.

    Examples
    --------
    >>> with Progress("Scanning 2 locations using 1 cores:", 2, "coordinates") as progress:
    ...     progress.update(2, 2)
    Scanning 2 locations using 1 cores:
    2/2 coordinates complete.
    """

    header: str
    total: int
    noun: str
    logging: bool = True
    stream: TextIO | None = None
    transient: bool = False
    clock: Callable[[], float] = monotonic
    _start: float = field(default=0.0, init=False)
    _last: float = field(default=-1.0, init=False)
    _done: int = field(default=0, init=False)
    _before: int = field(default=0, init=False)
    _note: str = field(default="", init=False)
    _width: int = field(default=0, init=False)
    _shown: Any = field(default=None, init=False)  # the output of a notebook that is renewed

    def __enter__(self) -> Progress:
        self._start = self.clock()
        self._last = self._start
        if self.logging and self.header and not _in_notebook(self._out):
            self._tell(self.header + "\n")
            self._out.flush()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self.logging:
            return
        if self.transient:
            if self._shown is not None:
                self._draw("")
            elif self._width:
                self._draw("")
                self._tell("\r")
                self._out.flush()
            return
        if kind is None:
            self._done = self.total
        self._draw(self._text(finished=kind is None))
        if self._shown is None:
            self._tell("\n")
            self._out.flush()

    def _tell(self, text: str) -> None:
        tell(text, self._out)

    @property
    def _out(self) -> TextIO:
        return sys.stdout if self.stream is None else self.stream

    def resume(self, done: int) -> None:
        """So many were there before: they say nothing of the rate."""
        self._done = self._before = done

    def update(self, done: int, total: int | None = None, note: str = "") -> None:
        """Say how many are done; redraws a few times a second at most.

        Parameters
        ----------
        done : int
            Number done so far.
        total : int, optional
            Ignored: the signature is that of the core's progress callback.
        note : str
            What is to be said of this moment: "waiting for workers".
        """
        if not self.logging:
            return
        self._done, self._note = done, note
        now = self.clock()
        if now - self._last >= (_TERMINAL_INTERVAL if _is_watched(self._out) else _FILE_INTERVAL):
            self._last = now
            self._draw(self._text(finished=False))

    def _text(self, finished: bool) -> str:
        text = f"{self._done}/{self.total} {self.noun} complete."
        elapsed = self.clock() - self._start
        new = self._done - self._before
        if elapsed > _QUICK and new > 0:
            rate = new / elapsed
            text += f" {rate:.0f}/s" if rate >= 100 else f" {rate:.3g}/s"
            text += f", {_duration(elapsed)}" if finished else f", {_duration((self.total - self._done) / rate)} left"
        return text if finished or not self._note else f"{text} {self._note}"

    def _draw(self, text: str) -> None:
        if _in_notebook(self._out):
            # Notebooks keep every piece of a stream, carriage returns and all: an output that is renewed is one line,
            # on the screen and in the file
            self._out.flush()
            data = {"text/plain": f"{self.header}\n{text}" if self.header and text else text}
            if self._shown is None:
                from IPython import display

                show: Any = display.display
                self._shown = show(data, raw=True, display_id=True)
            else:
                self._shown.update(data, raw=True)
            return
        # Blanks wipe what a longer line left behind. The first drawing needs no carriage return.
        start = "\r" if self._width else ""
        self._tell(start + text.ljust(self._width))
        self._width = len(text)
        self._out.flush()


def scan_progress(n_directions: int, n_threads: int, logging: bool) -> Progress:
    """Progress of one scan: "Scanning 48984 locations using 2 cores:" (csky says "cores" for one, too)."""
    return Progress(f"Scanning {n_directions} locations using {n_threads} cores:", n_directions, "coordinates", logging)


def trial_progress(n_trials: int, n_sig: float, n_threads: int, logging: bool) -> Progress:
    """Progress of a batch: "Performing 10000 background trials using 1 core:"."""
    kind = f"trials with n_sig = {n_sig:.3f}" if n_sig else "background trials"
    cores = "core" if n_threads == 1 else "cores"
    return Progress(f"Performing {n_trials} {kind} using {n_threads} {cores}:", n_trials, "trials", logging)
