"""What `nusky watch` needs of a Kafka stream, served over the loopback: messages with offsets, commits, and absence."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from dataclasses import dataclass
from typing import Any


class Stream:
    """A topic on the loopback.

    Parameters
    ----------
    messages : list of bytes
    away : int
        So many connections are closed without an answer.
    """

    def __init__(self, messages: list[bytes], away: int = 0) -> None:
        self.messages, self.away, self.committed = messages, away, -1
        stream = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                if stream.away > 0:
                    stream.away -= 1
                    return
                asked = json.loads(self.rfile.readline())
                if "commit" in asked:
                    stream.committed = asked["commit"]
                    self.wfile.write(b"{}\n")
                    return
                first = asked.get("after", stream.committed) + 1
                found = [[i, text.decode()] for i, text in enumerate(stream.messages)][first : first + asked["n"]]
                self.wfile.write(json.dumps(found).encode() + b"\n")

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.address: tuple[str, int] = self._server.server_address  # type: ignore[assignment]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Stream:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@dataclass
class _Raw:
    at: int
    text: str

    def value(self) -> bytes:
        return self.text.encode()

    def error(self) -> None:
        return None

    def topic(self) -> str:
        return "test"

    def offset(self) -> int:
        return self.at


class _Lost:
    def error(self) -> str:
        return "broker transport failure"


class Consumer:
    """As `confluent_kafka.Consumer`, as far as it is used: goes on after what it has read or was committed."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._after: int | None = None

    def _ask(self, **what: Any) -> Any:
        with socket.create_connection(self._address, timeout=2) as connection, connection.makefile("rw") as file:
            file.write(json.dumps(what) + "\n")
            file.flush()
            line = file.readline()
        return json.loads(line) if line else None

    def consume(self, n: int, timeout: float) -> list[Any]:
        found = self._ask(n=n, **({} if self._after is None else {"after": self._after}))
        if found is None:
            return [_Lost()]  # as librdkafka does: a message that is an error
        if found:
            self._after = found[-1][0]
        return [_Raw(at, text) for at, text in found]

    def commit(self, message: _Raw) -> None:
        self._ask(commit=message.at)
