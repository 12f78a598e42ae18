"""csky's `describe`: an object in words."""

from __future__ import annotations

from typing import Any

__all__ = ["describe"]


def describe(obj: Any) -> str:
    """What an object says of itself: its `description` where it has one (distributions), else its repr.

    Examples
    --------
    >>> describe([1, 2])
    '[1, 2]'
    """
    found = getattr(obj, "description", None)
    return found if isinstance(found, str) else repr(obj)
