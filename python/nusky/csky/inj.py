"""csky's `inj`: how background is randomised."""

from nusky.conf import DecRandomizer, RARandomizer

__all__ = ["DecRandomizer", "RARandomizer"]
