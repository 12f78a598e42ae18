"""Lists of sources, each tested by itself on one scramble: local p, the best one, the binomial test, a table."""

from __future__ import annotations

from nusky.catalogs.binomial import BinomialTest, binomial_test
from nusky.catalogs.flare_list import MultiFlareSourcesRunner
from nusky.catalogs.local_p import LocalP
from nusky.catalogs.multi import MultiTrialRunner
from nusky.catalogs.result import InterruptedListFits, ListFits, SourceListResult
from nusky.catalogs.source_list import SourceListTrialRunner
from nusky.catalogs.timed_list import TimedSourceListTrialRunner

__all__ = [
    "BinomialTest",
    "InterruptedListFits",
    "ListFits",
    "LocalP",
    "MultiFlareSourcesRunner",
    "MultiTrialRunner",
    "SourceListResult",
    "SourceListTrialRunner",
    "TimedSourceListTrialRunner",
    "binomial_test",
]
