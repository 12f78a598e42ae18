"""The track releases IceTracks-DR1 and -DR2 on disk: which one it is, its seasons and their files."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from nusky.releases.text import find_table, read_columns, read_header

__all__ = [
    "AREA_COLUMNS",
    "EVENT_COLUMNS",
    "SeasonFiles",
    "TrackRelease",
    "is_track_release",
    "season_key",
    "season_stems",
]

_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI")
#: csky's key of each season, by the stem of its files.
_KEYS = {stem: stem for stem in ("IC40", "IC59", "IC79")} | {
    f"IC86_{roman}": f"IC86_{2011 + k}" for k, roman in enumerate(_ROMAN)
}
_STEMS = {key: stem for stem, key in _KEYS.items()}
_N_SEASONS = {1: 10, 2: 14}

EVENT_COLUMNS: dict[str, tuple[str, ...]] = {
    "mjd": ("MJD[days]", "MJD"),
    "log10energy": ("log10(E/GeV)",),
    "sigma": ("AngErr[deg]",),
    "ra": ("RA[deg]",),
    "dec": ("Dec[deg]",),
    "azimuth": ("Azimuth[deg]",),
    "zenith": ("Zenith[deg]",),
    "run": ("run", "RunID", "run_id"),
    "event": ("event", "EventID", "event_id"),
    "subevent": ("subevent", "SubEventID", "sub_event", "subevent_id"),
}
AREA_COLUMNS: dict[str, tuple[str, ...]] = {
    "energy_min": ("log10(E_nu/GeV)_min", "logEmin_nu", "logEmin"),
    "energy_max": ("log10(E_nu/GeV)_max", "logEmax_nu", "logEmax"),
    "dec_min": ("Dec_nu_min[deg]", "decmin"),
    "dec_max": ("Dec_nu_max[deg]", "decmax"),
    "area": ("A_Eff[cm^2]", "Aeff"),
}


@dataclass(frozen=True)
class SeasonFiles:
    """The files of one season or of several joined; `smearing` is None where that file is not at hand."""

    events: tuple[pathlib.Path, ...]
    uptime: tuple[pathlib.Path, ...]
    area: pathlib.Path
    smearing: pathlib.Path | None

    @property
    def missing(self) -> list[pathlib.Path]:
        """The needed files that are not there."""
        return [path for path in (*self.events, *self.uptime, self.area) if not path.is_file()]

    @property
    def all(self) -> list[pathlib.Path]:
        """All files that are read."""
        return [*self.events, *self.uptime, self.area, *([self.smearing] if self.smearing else [])]


@dataclass(frozen=True)
class TrackRelease:
    """A folder with one of the track releases, or part of one.

    Parameters
    ----------
    folder : Path
    number : int
        1 or 2: IceTracks-DR1 (2008-2018) or -DR2 (2008-2022).
    revision : str
        Of DR2: "1.0" or "2.0", or "" where the response of IC86, which tells them apart, is not there.
    """

    folder: pathlib.Path
    number: int
    revision: str = ""

    @classmethod
    def of(cls, folder: pathlib.Path) -> TrackRelease:
        """What a folder holds, from the files themselves.

        DR2 has run numbers in its tables of events and one response for all seasons of IC86, whose energies end at
        8.8 in version 1.0 and at 8.7 in version 2.0.

        Raises
        ------
        ValueError
            No table of either release, or tables of both.
        """
        signs: dict[int, list[pathlib.Path]] = {1: [], 2: []}
        for number, stem in enumerate(_KEYS):
            path = find_table(folder / "events", f"{stem}_exp")
            if path.is_file():
                runs = any(name.lower() in EVENT_COLUMNS["run"] for name in read_header(path).names)
                signs[2 if runs or number >= _N_SEASONS[1] else 1].append(path)
        for stem, number in (("IC86", 2), ("IC86_I", 1), ("IC86_II", 1)):
            for what in ("effectiveArea", "smearing"):
                path = find_table(folder / "irfs", f"{stem}_{what}")
                if path.is_file():
                    signs[number].append(path)
        if signs[1] and signs[2]:
            raise ValueError(
                f"{folder} holds files of two releases, which must not be combined: {signs[1][0].relative_to(folder)} "
                f"is of IceTracks-DR1, {signs[2][0].relative_to(folder)} of DR2; keep each release in its own folder"
            )
        if not signs[1] and not signs[2]:
            raise ValueError(
                f"{folder}: the folders events and irfs hold no table of a track release (such as "
                "events/IC86_I_exp.csv); is the download whole?"
            )
        area = find_table(folder / "irfs", "IC86_effectiveArea")
        if signs[1] or not area.is_file():
            return cls(folder, 1 if signs[1] else 2)
        last = read_columns(area, {"energy_max": AREA_COLUMNS["energy_max"]}, lambda _: None)["energy_max"].max()
        return cls(folder, 2, "1.0" if last > 8.75 else "2.0")

    @property
    def version(self) -> str:
        """Name of the release and version."""
        return f"icetracks-dr{self.number}" + (f"-v{self.revision}" if self.revision else "")

    @property
    def stems(self) -> tuple[str, ...]:
        """Stems of all seasons that the whole release has."""
        return tuple(_KEYS)[: _N_SEASONS[self.number]]

    @property
    def present(self) -> tuple[str, ...]:
        """Stems of the seasons whose events are here."""
        return tuple(stem for stem in self.stems if find_table(self.folder / "events", f"{stem}_exp").is_file())

    def response(self, stem: str) -> str:
        """Stem of the response files of a season."""
        if not stem.startswith("IC86"):
            return stem
        if self.number == 2:
            return "IC86"
        return "IC86_I" if stem == "IC86_I" else "IC86_II"  # the selection did not change after 2012

    def files(self, key: str) -> SeasonFiles:
        """Files of a season or of joined seasons, whether they exist or not.

        Raises
        ------
        KeyError
            No such season in this release, or seasons of different responses joined.
        """
        stems = season_stems(key)
        unknown = not stems or any(stem not in self.stems for stem in stems)
        responses = {self.response(stem) for stem in stems}
        if unknown or len(responses) != 1:
            why = "is not in" if unknown else "joins seasons of different responses of"
            known = ", ".join(_KEYS[stem] for stem in self.stems)
            raise KeyError(f"season {key!r} {why} {self.version}; it has {known}, and ranges such as IC86_2012_2017")
        response = responses.pop()
        smearing = find_table(self.folder / "irfs", f"{response}_smearing")
        return SeasonFiles(
            tuple(find_table(self.folder / "events", f"{stem}_exp") for stem in stems),
            tuple(find_table(self.folder / "uptime", f"{stem}_exp") for stem in stems),
            find_table(self.folder / "irfs", f"{response}_effectiveArea"),
            smearing if smearing.is_file() else None,
        )

    def complete(self, key: str) -> SeasonFiles:
        """Files of a season.

        Raises
        ------
        KeyError, FileNotFoundError
            The latter for half a release: it names every file that is missing.
        """
        files = self.files(key)
        if files.missing:
            missing = ", ".join(str(path.relative_to(self.folder)) for path in files.missing)
            raise FileNotFoundError(
                f"{self.folder}: season {key} lacks {missing}; download the file(s), or read other seasons "
                f"(events of {', '.join(_KEYS[stem] for stem in self.present) or 'none'} are here)"
            )
        return files

    def keys(self, joined: bool) -> tuple[str, ...]:
        """Keys of the seasons whose events are here; with `joined`, neighbours of one response are one."""
        groups: list[list[str]] = []
        for stem in self.present:
            last = groups[-1][-1] if groups else None
            neighbours = last is not None and self.stems.index(stem) == self.stems.index(last) + 1
            if joined and last is not None and neighbours and self.response(last) == self.response(stem):
                groups[-1].append(stem)
            else:
                groups.append([stem])
        return tuple(_joined_key(group) for group in groups)


def _joined_key(stems: Sequence[str]) -> str:
    first, last = _KEYS[stems[0]], _KEYS[stems[-1]]
    return first if len(stems) == 1 else f"{first}_{last.removeprefix('IC86_')}"


def season_stems(key: str) -> tuple[str, ...]:
    """Stems of the files behind a key: a season (``IC86_2012`` or ``IC86_II``) or a range (``IC86_2012_2017``).

    Examples
    --------
    >>> from nusky.releases.layout import season_stems
    >>> season_stems("IC86_2012_2014"), season_stems("IC22")
    (('IC86_II', 'IC86_III', 'IC86_IV'), ())
    """
    if key in _KEYS:
        return (key,)
    if key in _STEMS:
        return (_STEMS[key],)
    years = re.fullmatch(r"IC86_(\d{4})_(\d{4})", key)
    if years is None:
        return ()
    first, last = (int(year) for year in years.groups())
    keys = [f"IC86_{year}" for year in range(first, last + 1)] if 2011 <= first < last <= 2021 else []
    return tuple(_STEMS[name] for name in keys)


def season_key(key: str) -> str:
    """csky's key of a season that may be named by its files: ``IC86_II`` is ``IC86_2012``."""
    return _KEYS.get(key, key)


def is_track_release(path: pathlib.Path) -> bool:
    """Whether a folder has the layout of the track releases."""
    return (path / "events").is_dir() and (path / "irfs").is_dir()
