"""What was done with every notice, in a file that survives restarts."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from nusky.files import atomic_write
from nusky.notices.sources import Message

__all__ = ["Watched"]

_RECORD, _KEPT = "watched.json", "failed"
_FORMAT = "nusky watch 1"


class Watched:
    """What was done with every notice, in a file that survives restarts.

    Parameters
    ----------
    out : Path
        Folder of the answers; the file is ``watched.json`` there. Notices of a stream that failed are kept beside it,
        in ``failed``, since the stream does not give them twice.

    Raises
    ------
    ValueError
        If the file is damaged or something else.
    """

    def __init__(self, out: Path) -> None:
        self.path = out / _RECORD
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
        self._keep(message, state == "failed")
        self.notices[message.key] = {"notice": message.name, "state": state, "time": now, **about}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(self.path) as file:
            file.write(json.dumps({"format": _FORMAT, "notices": self.notices}, indent=2).encode())

    def _keep(self, message: Message, needed: bool) -> None:
        """Keep the content of a notice that has no file of its own, as long as it is needed."""
        path = self._kept(message.key)
        if not needed:
            path.unlink(missing_ok=True)
        elif message.path is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(path) as file:
                file.write(message.content)

    def _kept(self, key: str) -> Path:
        return self.path.parent / _KEPT / f"{key[:16]}.json"

    def failed(self) -> list[Message]:
        """Notices that failed before and have no file of their own: to be tried again."""
        failed = [(key, one) for key, one in self.notices.items() if one["state"] == "failed"]
        paths = [(self._kept(key), str(one["notice"])) for key, one in failed]
        return [Message(name, path.read_bytes()) for path, name in paths if path.is_file()]

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
