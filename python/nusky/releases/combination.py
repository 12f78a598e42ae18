"""Which seasons of public releases must not be fitted together."""

from __future__ import annotations

from collections.abc import Iterable

from nusky.releases.first_year import FIRST_YEAR_VERSION
from nusky.releases.layout import season_stems

__all__ = ["check_combination"]

_TRACKS = "icetracks-"


def check_combination(seasons: Iterable[tuple[str, str]]) -> None:
    """Refuse events of one public release beside those of another, and a season twice under two keys.

    The releases overlap, but with other selections and reconstructions: most events would count twice, in slightly
    different places. Seasons that are of no public release are not looked at.

    Parameters
    ----------
    seasons : iterable of (key, version)

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_combination([("IC40", "icetracks-dr1"), ("MINE", "v1")])
    >>> check_combination([("IC86_2012", "icetracks-dr1"), ("IC86_2012_2017", "icetracks-dr1")])
    Traceback (most recent call last):
    ValueError: IC86_2012 and IC86_2012_2017 of icetracks-dr1 share events (IC86_II): they would count twice; omit one
    """
    public = [(k, v) for k, v in seasons if v.startswith(_TRACKS) or v == FIRST_YEAR_VERSION]
    seen: dict[str, str] = {}
    for key, version in public:
        other_key, other_version = public[0]
        if version != other_version:
            raise ValueError(
                f"{key} is of {version}, {other_key} of {other_version}: events of one public release must not be "
                "combined with those of another, as most would count twice; take all seasons from one release"
            )
        for stem in season_stems(key):
            if stem in seen:
                raise ValueError(
                    f"{seen[stem]} and {key} of {version} share events ({stem}): they would count twice; omit one"
                )
            seen[stem] = key
