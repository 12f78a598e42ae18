"""Notices as they come: from a folder or a stream, each followed up once."""

from __future__ import annotations

from nusky.notices.record import Watched
from nusky.notices.sources import FolderOfNotices, KafkaNotices, Message, Notices
from nusky.notices.watching import watch

__all__ = ["FolderOfNotices", "KafkaNotices", "Message", "Notices", "Watched", "watch"]
