"""Trials and scans kept on disk: stores, libraries, merging, export."""

from __future__ import annotations

from nusky.store.block import Block, BlockSets
from nusky.store.export import export_trials
from nusky.store.library_merging import merge_libraries
from nusky.store.merging import merge
from nusky.store.scans import ScanLibrary
from nusky.store.trials import TrialStore

__all__ = ["Block", "BlockSets", "ScanLibrary", "TrialStore", "export_trials", "merge", "merge_libraries"]
