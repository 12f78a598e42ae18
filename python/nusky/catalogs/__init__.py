"""Lists of sources, each tested by itself on one scramble: local p, the best one, the binomial test, a table."""

from __future__ import annotations

from nusky.catalogs.binomial import BinomialTest, binomial_test
from nusky.catalogs.local_p import LocalP
from nusky.catalogs.multi import MultiTrialRunner
from nusky.catalogs.result import SourceListResult
from nusky.catalogs.source_list import ListFits, SourceListTrialRunner

__all__ = [
    "BinomialTest",
    "ListFits",
    "LocalP",
    "MultiTrialRunner",
    "SourceListResult",
    "SourceListTrialRunner",
    "binomial_test",
]
