"""From a notice to an answer: one search, and the files that say what it found."""

from __future__ import annotations

from nusky.followup.energies import central_energy_range
from nusky.followup.inputs import Target, read_target
from nusky.followup.output import write_follow_up
from nusky.followup.result import FollowUp, follow_up

__all__ = ["FollowUp", "Target", "central_energy_range", "follow_up", "read_target", "write_follow_up"]
