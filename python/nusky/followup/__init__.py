"""From a notice to an answer: one search, and the files that say what it found."""

from __future__ import annotations

from nusky.followup.follow_up import follow_up, search_times
from nusky.followup.inputs import Target, read_target
from nusky.followup.limits import Limits
from nusky.followup.output import write_follow_up
from nusky.followup.result import FollowUp
from nusky.followup.search import Search
from nusky.followup.watch import FolderOfNotices, KafkaNotices, watch

__all__ = [
    "FolderOfNotices",
    "FollowUp",
    "KafkaNotices",
    "Limits",
    "Search",
    "Target",
    "follow_up",
    "read_target",
    "search_times",
    "watch",
    "write_follow_up",
]
