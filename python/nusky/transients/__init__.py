"""What a time window means for the seasons: uptime, expected background, acceptance."""

from __future__ import annotations

from nusky.transients.on_time import OnTime, TransientOptions

__all__ = ["OnTime", "TransientOptions"]
