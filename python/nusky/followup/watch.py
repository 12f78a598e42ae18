"""Notices as they come: each is followed up once, across restarts; retractions are noted."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

from nusky.files import atomic_write
from nusky.followup.inputs import Retracted, Target, read_notice, read_target

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
    """

    name: str
    content: bytes
    path: Path | None = None

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
            return read_target(self.path)
        return read_notice(self.content, self.name)


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
    """

    path: Path
    _seen: dict[Path, tuple[int, float]] = field(default_factory=dict)
    _dealt: dict[Path, tuple[int, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.path.is_dir():
            raise FileNotFoundError(f"{self.path}: no such folder; make it, or name the one that notices come into")

    def new(self) -> Iterator[Message]:
        """Files that were there, as they are, at the last look too."""
        for path in sorted(self.path.iterdir()):
            if not path.is_file() or not path.name.endswith((".json", ".fits", ".fits.gz")):
                continue
            stat = path.stat()
            state = (stat.st_size, stat.st_mtime)
            if self._dealt.get(path) != state and self._seen.get(path) == state:
                self._dealt[path] = state
                yield Message(path.name, path.read_bytes(), path)
            self._seen[path] = state

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
        config = {"group.id": f"nusky-{client_id}", "auto.offset.reset": "earliest", "enable.auto.commit": False}
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
        for raw in self.consumer.consume(10, timeout=self.timeout):
            if raw.error():
                raise OSError(f"the stream says: {raw.error()}")
            message = Message(f"{raw.topic()} {raw.offset()}", bytes(raw.value()))
            self._raw[message.name] = raw
            yield message

    def done(self, message: Message) -> None:
        """Tell the stream, so that it goes on after this one."""
        raw = self._raw.pop(message.name, None)
        if raw is not None:
            self.consumer.commit(message=raw)


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
    noted in the folders of the event's answers. What was begun when the program ended is done again.

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
        n = 0
        try:
            for message in source.new():
                if message.key not in watched.notices:
                    _deal(message, watched, out, follow, say)
                    n += 1
                source.done(message)
            failures = 0
        except OSError as error:
            delay = _RETRY[min(failures, len(_RETRY) - 1)]
            failures += 1
            say(f"no notices now ({error}); next try in {delay:g} s")
            sleep(delay)
            continue
        dealt += n
        idle = 0 if n else idle + 1
        # the first look at a folder only sees how large its files are
        if once and idle >= 2:
            return dealt
        sleep(pause)


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
    folder = f"{re.sub(r'[^A-Za-z0-9.+-]+', '_', target.name).strip('_')}-{message.key[:8]}"
    say(f"{message.name}: {target.name}, in {folder}")
    try:
        answer = follow(target, out / folder)
    except ValueError as error:
        watched.add(message, "refused", target=target.name, why=str(error))
        say(f"{message.name}: not followed up: {error}")
        return
    watched.add(message, "followed", target=target.name, folder=folder, answer=answer)
    say(answer)
