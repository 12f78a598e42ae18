"""From a notice to an answer: one search, and the files that say what it found."""

from __future__ import annotations

from nusky.followup.follow_up import follow_up, search_times
from nusky.followup.inputs import Retracted, Target, read_notice, read_target, retracted_event
from nusky.followup.limits import Limits
from nusky.followup.output import write_follow_up
from nusky.followup.result import FollowUp
from nusky.followup.search import Search

__all__ = [
    "FollowUp",
    "Limits",
    "Retracted",
    "Search",
    "Target",
    "follow_up",
    "read_notice",
    "read_target",
    "retracted_event",
    "search_times",
    "write_follow_up",
]
