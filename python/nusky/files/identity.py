"""`Identity`: what a file of results was made with, and how two of them differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# What an entry `random` on one side only means
_OTHER_NUMBERS = (
    " (the other was made before random numbers came by counter: the same seed meant other trials there; make them "
    "again, or read them with the version that made them)"
)

__all__ = ["Identity", "config_hash", "differences"]


def config_hash(config: Mapping[str, Any]) -> str:
    """Hash of a JSON-able configuration, independent of the order of its keys.

    Examples
    --------
    >>> config_hash({"a": 1, "b": 2.0}) == config_hash({"b": 2.0, "a": 1})
    True
    """
    import hashlib

    return hashlib.sha256(json.dumps(config, sort_keys=True, allow_nan=True).encode()).hexdigest()[:32]


def differences(stored: Any, given: Any, key: str = "") -> list[str]:
    """Lines naming every key in which two JSON values differ.

    Examples
    --------
    >>> differences({"prior": {"weight": 2.0}, "nside": 64}, {"prior": {"weight": 1.0}, "nside": 64})
    ['prior.weight: stored 2.0, given 1.0']
    """
    if isinstance(stored, Mapping) and isinstance(given, Mapping):
        lines = []
        for name in sorted({*stored, *given}):
            path = f"{key}.{name}" if key else str(name)
            if name not in stored or name not in given:
                side = stored if name in stored else given
                why = _OTHER_NUMBERS if path.rpartition(".")[2] == "random" else ""
                lines.append(f"{path}: only {'stored' if name in stored else 'given'}, {_short(side[name])}{why}")
            else:
                lines += differences(stored[name], given[name], path)
        return lines
    if isinstance(stored, list) and isinstance(given, list) and len(stored) == len(given):
        return [
            line
            for i, (a, b) in enumerate(zip(stored, given, strict=True))
            for line in differences(a, b, f"{key}[{i}]")
        ]
    both_nan = stored != stored and given != given
    return [] if stored == given or both_nan else [f"{key}: stored {_short(stored)}, given {_short(given)}"]


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


@dataclass(frozen=True)
class Identity:
    """What every shard of one directory has in common.

    Attributes
    ----------
    format : str
        Kind of directory and version of its layout.
    version : str
        Version of the code that made it.
    config : mapping
        The whole configuration: data hash, models, prior policy, pixels.
    """

    format: str
    version: str
    config: Mapping[str, Any]

    @property
    def hash(self) -> str:
        """Hash of `config`."""
        return config_hash(self.config)

    def as_dict(self) -> dict[str, Any]:
        """As it is written."""
        return {"format": self.format, "version": self.version, "config_hash": self.hash, "config": dict(self.config)}

    def require_same(self, given: Identity, where: str, *, mix_versions: bool = False) -> None:
        """Raise ValueError naming each key in which `given` differs."""
        a = {"config": self.config, "format": self.format, **({} if mix_versions else {"version": self.version})}
        b = {"config": given.config, "format": given.format, **({} if mix_versions else {"version": given.version})}
        lines = differences(json.loads(json.dumps(a)), json.loads(json.dumps(b)))
        if lines:
            raise ValueError(
                f"{where} was made with another configuration and is not mixed with this one; "
                + "; ".join(lines)
                + ". Use another directory, or make the settings equal."
            )
