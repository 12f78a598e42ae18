"""csky's `llh`: the likelihood of a trial; runners make it, ``tr.get_one_llh(…)``."""

from __future__ import annotations

from nusky.likelihood import LikelihoodModel as LLHModel
from nusky.likelihood import LikelihoodReading as LLHEvaluator

__all__ = ["LLHEvaluator", "LLHModel"]
