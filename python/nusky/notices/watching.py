"""Notices as they come: each is followed up once, across restarts; retractions are noted."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from nusky.files import atomic_write
from nusky.followup import Retracted, Target
from nusky.notices.record import Watched
from nusky.notices.sources import Message, Notices

__all__ = ["watch"]

# Seconds between tries when the network is away; the last one is repeated
_RETRY = (1.0, 2.0, 5.0, 15.0, 60.0)


def watch(
    source: Notices,
    out: Path,
    follow: Callable[[Target, Path], str],
    *,
    say: Callable[[str], None],
    words: Callable[[str], str] = str,
    once: bool = False,
    pause: float = 2.0,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Follow up notices as they come.

    A notice is dealt with once, by its content: followed up, refused (the reason is kept), or, if it is a retraction,
    noted in the folders of the event's answers. Retractions come first: an event that was retracted is not followed up.
    What was begun when the program ended is done again; what failed, once at the next start (a stream does not give it
    twice, so it is kept). While an answer cannot be written (a full disk), it is tried again; with `once` the error is
    raised.

    Parameters
    ----------
    source : FolderOfNotices or KafkaNotices
    out : Path
        Folder of the answers, one folder each, and of the record.
    follow : callable
        ``follow(target, folder)`` makes the answer there and gives it as a sentence.
    say : callable
        Takes lines of text.
    words : callable
        Reasons as they are told and written down, from those of Python: the command line names its options.
    once : bool
        End when nothing new is there.
    pause : float, s
        Between two looks.
    sleep : callable

    Returns
    -------
    int
        How many notices were dealt with.

    Examples
    --------
    >>> watch(FolderOfNotices(Path("in")), Path("out"), follow, say=print, once=True)  # doctest: +SKIP
    1
    """
    watched = Watched(out)
    dealt = failures = idle = 0
    again, failed = watched.failed(), set[str]()
    while True:
        messages, again = again, []
        away: OSError | None = None
        try:
            messages.extend(source.new())
        except OSError as error:
            away = error
        # what failed is told once, even if it comes twice
        open_ones = [message for message in messages if not watched.settled(message) and message.key not in failed]
        for message in sorted(open_ones, key=lambda message: message.retracts is None):  # retractions first
            if not watched.settled(message) and message.key not in failed:
                _written(message, watched, out, follow, say, words, once, sleep)
                dealt += 1
                if not watched.settled(message):
                    failed.add(message.key)
        for message in messages:
            try:
                source.done(message)
            except OSError as error:
                say(f"{message.name}: the stream was not told that it is dealt with ({error}); it is known here")
        if away is not None:
            delay = _RETRY[min(failures, len(_RETRY) - 1)]
            failures += 1
            say(f"no notices now ({away}); next try in {delay:g} s")
            sleep(delay)
            continue
        failures = 0
        idle = 0 if open_ones else idle + 1
        # the first look at a folder only sees how large its files are
        if once and idle >= 2:
            return dealt
        sleep(pause)


def _written(
    message: Message,
    watched: Watched,
    out: Path,
    follow: Callable[[Target, Path], str],
    say: Callable[[str], None],
    words: Callable[[str], str],
    once: bool,
    sleep: Callable[[float], None],
) -> None:
    """Deal with a notice, and again until the answer and the record could be written."""
    tries = 0
    while True:
        try:
            return _deal(message, watched, out, follow, say, words)
        except OSError as error:
            if once:
                raise
            delay = _RETRY[min(tries, len(_RETRY) - 1)]
            tries += 1
            say(f"{message.name}: the answer cannot be written ({error}); next try in {delay:g} s")
            sleep(delay)


def _deal(
    message: Message,
    watched: Watched,
    out: Path,
    follow: Callable[[Target, Path], str],
    say: Callable[[str], None],
    words: Callable[[str], str],
) -> None:
    def without(state: str, error: BaseException | str, **about: str) -> None:
        """Write down and tell why there is no answer."""
        plain = isinstance(error, (str, ValueError, OSError))
        why = words(str(error) if plain else f"{type(error).__name__}: {error}")
        watched.add(message, state, **about, why=why)
        say(f"{message.name}: not followed up: {why}")

    try:
        target = message.target()
    except Retracted as retraction:
        folders = watched.folders(retraction.name)
        for folder in folders:
            with atomic_write(out / folder / "RETRACTED.txt") as file:
                file.write(f"{retraction.name} was retracted ({message.name}).\n".encode())
        watched.add(message, "retraction", target=retraction.name)
        return say(f"{message.name}: {retraction.name} was retracted; noted in {len(folders)} answers")
    except ValueError as error:
        return without("refused", error)
    except Exception as error:  # a notice that nothing here expected is no end of watching
        return without("failed", error)
    if watched.retracted(target.name):
        return without("refused", f"{target.name} was retracted", target=target.name)
    folder = f"{re.sub(r'[^A-Za-z0-9.+-]+', '_', target.name).strip('_')}-{message.key[:8]}"
    say(f"{message.name}: {target.name}, in {folder}")
    try:
        answer = follow(target, out / folder)
    except ValueError as error:
        return without("refused", error, target=target.name)
    except OSError:
        raise
    except Exception as error:
        return without("failed", error, target=target.name)
    watched.add(message, "followed", target=target.name, folder=folder, answer=answer)
    say(answer)
