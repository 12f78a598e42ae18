"""`Shard`: one file of a journal, and what can be wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Problem", "Replaced", "Shard"]


class Replaced(Exception):
    """A shard was joined with others by another process; `Journal.shards` shows where its content is now."""


@dataclass(frozen=True)
class Shard:
    """One file of a journal and what it says about itself."""

    name: str
    n_bytes: int
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """A shard that cannot be used, and why."""

    shard: str
    reason: str

    def __str__(self) -> str:
        return f"{self.shard}: {self.reason}"
