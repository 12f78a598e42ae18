"""Where notices come from: a folder, or a Kafka stream."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from nusky.followup import Target, read_notice, read_target, retracted_event

__all__ = ["FolderOfNotices", "KafkaNotices", "Message", "Notices"]


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
