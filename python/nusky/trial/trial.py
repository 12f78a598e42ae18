"""One pseudo-experiment: the events of every season, background and injected."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.events import EditableEvents, Events
from nusky.typing import F64, I64

if TYPE_CHECKING:
    from nusky.analysis.season import SubAnalysis
    from nusky.source.window import TimeWindow
    from nusky.source.windows import TimeWindows


__all__ = ["Scramble", "SpatialPriorTrial", "Trial", "as_trial", "likelihood_events"]

_NEEDED = ("ra", "dec", "sigma")


@dataclass(frozen=True, eq=False)
class Scramble:
    """A season's own events at other right ascensions, all of them or (in a time window) some.

    All that is new in a background trial is this column; everything else about the events was worked out when the
    analysis was set up, so the fit can use it as it is.

    Attributes
    ----------
    season : SubAnalysis
        Whose data these are.
    ra : (N,) rad, 0 ≤ ra < 2π
        In the order of ``season.data``, or of `rows`.
    rows : (N,) int64 or None
        Which of the season's events these are; None: all. The same event may come twice.
    mjd : (N,) MJD or None
        Their times in the window, where `rows` are given.
    dec : (N,) rad or None
        Their declinations, where these are new, too.
    """

    season: SubAnalysis
    ra: F64
    rows: I64 | None = None
    mjd: F64 | None = None
    dec: F64 | None = None

    def __len__(self) -> int:
        return len(self.ra)

    def events(self) -> Events:
        """The events, with the columns of injected ones."""
        data = self.season.data
        rows = slice(None) if self.rows is None else self.rows
        columns = {
            "dec": data["dec"][rows],
            "energy": 10.0 ** data["log10energy"][rows],
            "idx": np.arange(len(data)) if self.rows is None else self.rows,
            "inj": np.zeros(len(self), dtype=np.int64),
            "log10energy": data["log10energy"][rows],
            "ra": self.ra,
            "sigma": data["sigma"][rows],
            "sindec": data["sindec"][rows],
        }
        if self.dec is not None:
            columns |= {"dec": self.dec, "sindec": np.sin(self.dec)}
        return Events(columns if self.mjd is None else {**columns, "mjd": self.mjd})


@dataclass(frozen=True, eq=False, repr=False)
class Trial:
    """The events of one pseudo-experiment; unpacks as csky's ``(evss, n_exs)``.

    Runners make them; for events of your own use `Trial.from_events`.

    Attributes
    ----------
    background : tuple of Scramble or Events
        One for each season.
    injected : tuple of Events or None
        One for each season.
    n_exs : tuple of int
        Background events of each season that were left out and still count in N.
    seed, index : int or None
        Seed of the batch and number of the trial in it; None for events made elsewhere.
    TRUTH : bool
        The real, unscrambled events.
    window : TimeWindow or None
        The trial holds the events of this time window only.

    Examples
    --------
    >>> import numpy as np
    >>> ev = Events({"ra": [1.0], "dec": [0.1], "sigma": [0.01], "log10energy": [3.0]})
    >>> evss, n_exs = Trial.from_events([[ev]])
    >>> len(evss[0][0]), n_exs
    (1, (0,))
    """

    background: tuple[Scramble | Events, ...]
    injected: tuple[Events | None, ...]
    n_exs: tuple[int, ...]
    seed: int | None = None
    index: int | None = None
    TRUTH: bool = False
    window: TimeWindow | TimeWindows | None = None

    @classmethod
    def from_events(cls, evss: Sequence[Sequence[Events]], n_exs: Sequence[int] | None = None) -> Trial:
        """Trial of the given events.

        Parameters
        ----------
        evss : sequence of sequences of Events
            For each season ``[background]`` or ``[background, injected]``, with the columns `ra`, `dec`, `sigma` (rad)
            and `log10energy` or `energy` (GeV); for a fit in a time window also `mjd`.
        n_exs : sequence of int, optional
            For each season the number of further events, far from every source, that count in N only; default 0.

        Raises
        ------
        ValueError
            For a missing column, a value out of range (with its row), or lengths that differ.

        Examples
        --------
        >>> ev = Events({"ra": [1.0], "dec": [0.1], "sigma": [0.01], "energy": [1e3]})
        >>> Trial.from_events([[ev]], n_exs=[99]).n_events
        (100,)
        """
        background: list[Events] = []
        injected: list[Events | None] = []
        for k, ensembles in enumerate(evss):
            if isinstance(ensembles, Events) or not 1 <= len(ensembles) <= 2:
                raise ValueError(f"evss[{k}] must be [background] or [background, injected] Events")
            checked = [likelihood_events(events, f"evss[{k}][{i}]") for i, events in enumerate(ensembles)]
            background.append(checked[0])
            injected.append(checked[1] if len(checked) == 2 else None)
        if not background:
            raise ValueError("evss is empty; give one entry for each season of the analysis")
        excluded = tuple(int(n) for n in n_exs) if n_exs is not None else (0,) * len(background)
        if len(excluded) != len(background) or min(excluded) < 0:
            raise ValueError(f"n_exs={n_exs!r} must hold one number ≥ 0 for each of the {len(background)} seasons")
        return cls(tuple(background), tuple(injected), excluded)

    @cached_property
    def evss(self) -> list[list[EditableEvents]]:
        """For each season [background, injected] or [background]: built when first asked for.

        Their columns can be set (``trial.evss[0][1]["energy"] = …``) and the lists changed; fits take what is there.
        """
        seasons = []
        for background, injected in zip(self.background, self.injected, strict=True):
            events = background.events() if isinstance(background, Scramble) else background
            parts = (events,) if injected is None else (events, injected)
            seasons.append([EditableEvents.of(part) for part in parts])
        return seasons

    def as_edited(self) -> Trial:
        """This trial, or one with the events of `evss` where these were changed."""
        if "evss" not in self.__dict__:
            return self
        background, injected = list(self.background), list(self.injected)
        if len(self.evss) != len(background):
            raise ValueError(f"evss has {len(self.evss)} seasons now, the trial was made with {len(background)}")
        for k, parts in enumerate(self.evss):
            if not parts:
                raise ValueError(f"evss[{k}] is empty: the first entry of each season is its background")
            if getattr(parts[0], "edited", True):
                background[k] = likelihood_events(parts[0], f"evss[{k}][0]")
            if len(parts) - 1 != (injected[k] is not None) or any(getattr(p, "edited", True) for p in parts[1:]):
                checked = [likelihood_events(p, f"evss[{k}][{i}]") for i, p in enumerate(parts[1:], 1)]
                common = sorted(set.intersection(*(set(p.columns) for p in checked))) if checked else []
                injected[k] = Events.concatenate([p.select(*common) for p in checked]) if checked else None
        return replace(self, background=tuple(background), injected=tuple(injected))

    def replaced(self) -> Trial:
        """This trial with as many background events fewer as each season has injected ones, drawn by the trial's seed.

        Raises
        ------
        ValueError
            More injected events than background ones.
        """
        rng = np.random.default_rng([self.seed or 0, self.index or 0, len(self.background)])
        background: list[Scramble | Events] = []
        for k, (own, injected) in enumerate(zip(self.background, self.injected, strict=True)):
            n = 0 if injected is None else len(injected)
            if n > len(own):
                raise ValueError(f"season {k} has {len(own)} background events, {n} injected ones cannot replace them")
            if not n:
                background.append(own)
                continue
            events = own.events() if isinstance(own, Scramble) else own
            if isinstance(own, Scramble) and own.rows is None and "mjd" not in events and "mjd" in own.season.data:
                events = events.with_columns(mjd=own.season.data["mjd"])  # fits of flares need them
            background.append(events[np.sort(rng.choice(len(events), len(events) - n, replace=False))])
        return replace(self, background=tuple(background))

    @property
    def n_events(self) -> tuple[int, ...]:
        """N of each season: all events, those left out included."""
        counts = zip(self.background, self.injected, self.n_exs, strict=True)
        return tuple(len(bg) + (0 if inj is None else len(inj)) + n for bg, inj, n in counts)

    @property
    def n_injected(self) -> int:
        """Number of injected events."""
        return sum(len(events) for events in self.injected if events is not None)

    def __iter__(self) -> Iterator[Any]:
        yield self.evss
        yield self.n_exs

    def __getitem__(self, key: int) -> Any:
        return tuple(self)[key]

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _body(self) -> str:
        evss = "[" + ", ".join("[" + ", ".join(map(repr, season)) + "]" for season in self.evss) + "]"
        return f"evss={evss}, n_exs={list(self.n_exs)}"

    def __repr__(self) -> str:
        return f"Trial({self._body()})"


@dataclass(frozen=True, eq=False, repr=False)
class SpatialPriorTrial(Trial):
    """A trial with sources drawn from spatial priors; unpacks as csky's ``(evss, n_exs, ra, dec)``.

    Attributes
    ----------
    ra, dec : (J,) rad
        True position of the source drawn for each prior; empty without injected signal.

    Examples
    --------
    >>> trial = SpatialPriorTrial((), (), (), ra=np.array([2.96978681]), dec=np.array([0.01041686]))
    >>> trial
    SpatialPriorTrial(evss=[], n_exs=[], ra=array([2.96978681]), dec=array([0.01041686]))
    """

    ra: F64 = field(default_factory=lambda: np.empty(0))
    dec: F64 = field(default_factory=lambda: np.empty(0))

    def __iter__(self) -> Iterator[Any]:
        yield from super().__iter__()
        yield self.ra
        yield self.dec

    def __repr__(self) -> str:
        return f"SpatialPriorTrial({self._body()}, ra={self.ra!r}, dec={self.dec!r})"


def as_trial(trial: Any, n_seasons: int) -> Trial:
    """Trial from a `Trial` or csky's tuple ``(evss, n_exs, …)``, checked against the number of seasons.

    Raises
    ------
    TypeError
        For anything else.
    ValueError
        For another number of seasons.

    Examples
    --------
    >>> ev = Events({"ra": [1.0], "dec": [0.1], "sigma": [0.01], "energy": [1e3]})
    >>> as_trial(([[ev]], [0]), 1).n_events
    (1,)
    """
    if not isinstance(trial, Trial):
        pair = isinstance(trial, (tuple, list)) and len(trial) > 1
        if not pair or not isinstance(trial[0], Collection) or not isinstance(trial[1], (Collection, type(None))):
            raise TypeError(f"trial must be a Trial or (evss, n_exs), got {type(trial).__name__}")
        trial = Trial.from_events(*trial[:2])
    made: Trial = trial.as_edited()
    if len(made.background) != n_seasons:
        raise ValueError(
            f"the trial has {len(made.background)} seasons, the analysis {n_seasons}; "
            "fit it with a runner of the analysis it was made from"
        )
    return made


def likelihood_events(events: Events, where: str) -> Events:
    """Events checked, with the columns the likelihood needs: `sindec` and `log10energy` are derived where missing.

    Raises
    ------
    TypeError, ValueError
        With place, column, row and value.

    Examples
    --------
    >>> ev = Events({"ra": [1.0], "dec": [0.1], "sigma": [0.01], "energy": [1e3]})
    >>> likelihood_events(ev, "mine").columns
    ('dec', 'energy', 'log10energy', 'ra', 'sigma', 'sindec')
    """
    if isinstance(events, Mapping):
        events = Events(events)
    if not isinstance(events, Events):
        raise TypeError(f"{where} must be Events, got {type(events).__name__}")
    missing = [name for name in _NEEDED if name not in events]
    if "log10energy" not in events and "energy" not in events:
        missing.append("log10energy")
    if missing:
        raise ValueError(f"{where} has no column {', '.join(missing)}; it has {', '.join(events.columns)}")
    limits = {"ra": (0.0, 2 * np.pi), "dec": (-np.pi / 2, np.pi / 2), "sigma": (np.nextafter(0, 1), np.pi)}
    if "energy" in events:
        limits["energy"] = (np.nextafter(0, 1), np.finfo(float).max)
    for name, (low, high) in limits.items():
        column = events[name]
        bad = np.flatnonzero(~((column >= low) & (column <= high)))
        if bad.size:
            row = int(bad[0])
            raise ValueError(f"{where}: {name}[{row}] = {column[row]} is outside {low:.6g} … {high:.6g}")
    derived: dict[str, F64] = {}
    if "sindec" not in events:
        derived["sindec"] = np.sin(events["dec"])
    if "log10energy" not in events:
        derived["log10energy"] = np.log10(events["energy"])
    elif not np.isfinite(events["log10energy"]).all():
        row = int(np.flatnonzero(~np.isfinite(events["log10energy"]))[0])
        raise ValueError(f"{where}: log10energy[{row}] = {events['log10energy'][row]} is not finite")
    return events.with_columns(**derived) if derived else events
