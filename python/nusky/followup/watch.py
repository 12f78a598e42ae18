"""Notices as they come: each is followed up once, across restarts; retractions are noted."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

from nusky.files import atomic_write
from nusky.followup.inputs import Retracted, Target, read_notice, read_target, retracted_event

__all__ = ["FolderOfNotices", "KafkaNotices", "Message", "Notices", "Watched", "watch"]

RECORD = "watched.json"
_FORMAT = "nusky watch 1"
# Seconds between tries when the network is away; the last one is repeated
_RETRY = (1.0, 2.0, 5.0, 15.0, 60.0)


@dataclass(frozen=True)
class Message:
    """One notice.

    Attributes
    ----------
    name : str
        Where it came from: a file's name, or topic and offset.
    content : bytes
    path : Path or None
        Of a file.
    map_options : mapping
        What the file of a map does not say, see `nusky.followup.read_target`.
    """

    name: str
    content: bytes
    path: Path | None = None
    map_options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Hash of the content: the same notice is the same, wherever and whenever it comes again."""
        return hashlib.sha256(self.content).hexdigest()

    def target(self) -> Target:
        """What it is about.

        Raises
        ------
        Retracted
            It takes back what was announced.
        ValueError
            It cannot be followed up.
        """
        if self.path is not None and self.path.suffix.lower() != ".json":
            return read_target(self.path, **self.map_options)
        return read_notice(self.content, self.name)

    @property
    def retracts(self) -> str | None:
        """Name of the event that is retracted; None: this is something else."""
        if self.path is not None and self.path.suffix.lower() != ".json":
            return None
        return retracted_event(self.content, self.name)


class Notices(Protocol):
    """Where notices come from."""

    def new(self) -> Iterator[Message]:
        """Notices that have come; ends when there are none now. Raises OSError while the network is away."""

    def done(self, message: Message) -> None:
        """A notice has been dealt with."""


@dataclass
class FolderOfNotices:
    """Notices that are put into a folder: JSON files and sky maps. A file counts once it has stopped growing.

    Parameters
    ----------
    path : Path
    map_options : mapping
        What the files of maps do not say, see `nusky.followup.read_target`.
    """

    path: Path
    map_options: Mapping[str, Any] = field(default_factory=dict)
    _seen: dict[Path, tuple[int, float]] = field(default_factory=dict)
    _dealt: dict[Path, tuple[int, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.path.is_dir():
            raise FileNotFoundError(f"{self.path}: no such folder; make it, or name the one that notices come into")

    def new(self) -> Iterator[Message]:
        """Files that were there, as they are, at the last look too."""
        for path in sorted(self.path.iterdir()):
            if not path.name.endswith((".json", ".fits", ".fits.gz")):
                continue
            try:
                stat = path.stat()
                state = (stat.st_size, stat.st_mtime)
                if not path.is_file() or self._dealt.get(path) == state:
                    continue
                content = path.read_bytes() if self._seen.get(path) == state else None
            except FileNotFoundError:  # taken away in the meantime
                continue
            self._seen[path] = state
            if content is not None:
                self._dealt[path] = state
                yield Message(path.name, content, path, self.map_options)

    def done(self, message: Message) -> None:
        """Nothing to do: the record says it."""


@dataclass
class KafkaNotices:
    """Notices of a Kafka stream, such as GCN's.

    Parameters
    ----------
    consumer : object
        As `confluent_kafka.Consumer`, subscribed: ``consume(n, timeout)`` gives messages with ``value()``, ``error()``,
        ``topic()`` and ``offset()``; ``commit(message=…)``.
    timeout : float, s
        How long to wait for messages.

    Examples
    --------
    >>> KafkaNotices.of_gcn("id", "secret", ["igwn.gwalert"])                        # doctest: +SKIP
    """

    consumer: Any
    timeout: float = 1.0
    _raw: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of_gcn(
        cls, client_id: str, client_secret: str, topics: list[str], domain: str = "gcn.nasa.gov"
    ) -> KafkaNotices:
        """Subscribe to topics of GCN.

        Raises
        ------
        ImportError
            Without the package ``gcn-kafka``.
        """
        try:
            from gcn_kafka import Consumer  # type: ignore[import-not-found]
        except ImportError:
            raise ImportError("GCN's stream needs the package gcn-kafka: pip install gcn-kafka") from None
        config = {
            "group.id": f"nusky-{client_id}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "max.poll.interval.ms": 3_600_000,  # a follow-up may take longer than the five minutes of the default
        }
        consumer = Consumer(config, client_id=client_id, client_secret=client_secret, domain=domain)
        consumer.subscribe(topics)
        return cls(consumer)

    def new(self) -> Iterator[Message]:
        """Messages that have come.

        Raises
        ------
        OSError
            The stream says that something is wrong.
        """
        wrong = []
        for raw in self._asked(self.consumer.consume, 10, timeout=self.timeout):
            if raw.error():
                wrong.append(str(raw.error()))
                continue
            message = Message(f"{raw.topic()} {raw.offset()}", bytes(raw.value() or b""))
            self._raw[message.name] = raw
            yield message
        if wrong:  # after the notices that came with it: the stream does not give them twice
            raise OSError(f"the stream says: {wrong[0]}")

    def done(self, message: Message) -> None:
        """Tell the stream, so that it goes on after this one."""
        raw = self._raw.pop(message.name, None)
        if raw is not None:
            self._asked(self.consumer.commit, message=raw)

    @staticmethod
    def _asked(call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """What the client gives. Its own errors are no OSError, and of a package that need not be there."""
        try:
            return call(*args, **options)
        except OSError:
            raise
        except Exception as error:
            raise OSError(f"the stream says: {error}") from error


class Watched:
    """What was done with every notice, in a file that survives restarts.

    Parameters
    ----------
    out : Path
        Folder of the answers; the file is ``watched.json`` there.

    Raises
    ------
    ValueError
        If the file is damaged or something else.
    """

    def __init__(self, out: Path) -> None:
        self.path = out / RECORD
        self.notices: dict[str, dict[str, Any]] = {}
        if self.path.is_file():
            try:
                stored = json.loads(self.path.read_text(encoding="utf-8"))
            except ValueError as error:
                what = f"{self.path} is damaged ({error}); move it away, and notices are followed again"
                raise ValueError(what) from None
            if not isinstance(stored, dict) or stored.get("format") != _FORMAT:
                raise ValueError(f"{self.path} is no record of notices; name another folder")
            self.notices = stored["notices"]

    def add(self, message: Message, state: str, **about: Any) -> None:
        """Write down what was done with a notice."""
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self.notices[message.key] = {"notice": message.name, "state": state, "time": now, **about}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(self.path) as file:
            file.write(json.dumps({"format": _FORMAT, "notices": self.notices}, indent=2).encode())

    def settled(self, message: Message) -> bool:
        """Whether a notice needs nothing more. One that failed for a reason that may have gone is tried again."""
        one = self.notices.get(message.key)
        return one is not None and one["state"] != "failed"

    def retracted(self, name: str) -> bool:
        """Whether an event was retracted."""
        return any(one["state"] == "retraction" and one.get("target") == name for one in self.notices.values())

    def folders(self, name: str) -> list[str]:
        """Folders of the answers for an event."""
        return [one["folder"] for one in self.notices.values() if one.get("target") == name and "folder" in one]


def watch(
    source: Notices,
    out: Path,
    follow: Callable[[Target, Path], str],
    *,
    say: Callable[[str], None],
    once: bool = False,
    pause: float = 2.0,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Follow up notices as they come.

    A notice is dealt with once, by its content: followed up, refused (the reason is kept), or, if it is a retraction,
    noted in the folders of the event's answers. Retractions come first: an event that was retracted is not followed up.
    What was begun when the program ended is done again; what failed, when it comes again (a file does at the next
    start). While an answer cannot be written (a full disk), it is tried again; with `once` the error is raised.

    Parameters
    ----------
    source : FolderOfNotices or KafkaNotices
    out : Path
        Folder of the answers, one folder each, and of the record.
    follow : callable
        ``follow(target, folder)`` makes the answer there and gives it as a sentence.
    say : callable
        Takes lines of text.
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
    while True:
        messages: list[Message] = []
        away: OSError | None = None
        try:
            messages.extend(source.new())
        except OSError as error:
            away = error
        open_ones = [message for message in messages if not watched.settled(message)]
        for message in sorted(open_ones, key=lambda message: message.retracts is None):  # retractions first
            if not watched.settled(message):
                _written(message, watched, out, follow, say, once, sleep)
                dealt += 1
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
    once: bool,
    sleep: Callable[[float], None],
) -> None:
    """Deal with a notice, and again until the answer and the record could be written."""
    tries = 0
    while True:
        try:
            return _deal(message, watched, out, follow, say)
        except OSError as error:
            if once:
                raise
            delay = _RETRY[min(tries, len(_RETRY) - 1)]
            tries += 1
            say(f"{message.name}: the answer cannot be written ({error}); next try in {delay:g} s")
            sleep(delay)


def _deal(
    message: Message, watched: Watched, out: Path, follow: Callable[[Target, Path], str], say: Callable[[str], None]
) -> None:
    try:
        target = message.target()
    except Retracted as retraction:
        folders = watched.folders(retraction.name)
        for folder in folders:
            with atomic_write(out / folder / "RETRACTED.txt") as file:
                file.write(f"{retraction.name} was retracted ({message.name}).\n".encode())
        watched.add(message, "retraction", target=retraction.name)
        say(f"{message.name}: {retraction.name} was retracted; noted in {len(folders)} answers")
        return
    except ValueError as error:
        watched.add(message, "refused", why=str(error))
        say(f"{message.name}: not followed up: {error}")
        return
    except OSError as error:
        watched.add(message, "failed", why=str(error))
        say(f"{message.name}: cannot be read: {error}")
        return
    except Exception as error:  # a notice that nothing here expected is no end of watching
        watched.add(message, "failed", why=f"{type(error).__name__}: {error}")
        say(f"{message.name}: not followed up: {type(error).__name__}: {error}")
        return
    if watched.retracted(target.name):
        watched.add(message, "refused", target=target.name, why=f"{target.name} was retracted")
        say(f"{message.name}: not followed up: {target.name} was retracted")
        return
    folder = f"{re.sub(r'[^A-Za-z0-9.+-]+', '_', target.name).strip('_')}-{message.key[:8]}"
    say(f"{message.name}: {target.name}, in {folder}")
    try:
        answer = follow(target, out / folder)
    except ValueError as error:
        watched.add(message, "refused", target=target.name, why=str(error))
        say(f"{message.name}: not followed up: {error}")
        return
    except OSError:
        raise
    except Exception as error:
        watched.add(message, "failed", target=target.name, why=f"{type(error).__name__}: {error}")
        say(f"{message.name}: not followed up: {type(error).__name__}: {error}")
        return
    watched.add(message, "followed", target=target.name, folder=folder, answer=answer)
    say(answer)
