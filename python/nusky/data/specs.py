"""Which files make up a season: csky-style data specifications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from nusky.data.dataset import LOG10ENERGY_BINS, SINDEC_BINS
from nusky.sphere import days
from nusky.units import in_unit

__all__ = ["GROUPS", "CustomDataSpec", "CustomDataSpecs", "DataSpec", "PSDataSpecs", "SpecGroup"]


@dataclass(frozen=True)
class DataSpec:
    """One season of a repository in the npy layout.

    Parameters
    ----------
    key : str
        Name of the season.
    exp, grl : tuple of str
        File names of data and good-run lists (the latter in ``GRL/``), joined in this order.
    mc : str
        File name of the simulation.
    sample : str
        Folder of the sample under the repository's root.
    sindec_bins, log10energy_bins : tuple of float
        Histogram edges.
    keep : tuple of str
        Further columns of the simulation that are kept, such as the weights of a simulated background.

    Examples
    --------
    >>> from nusky.data.specs import DataSpec
    >>> DataSpec("IC79", ("IC79_exp.npy",), "IC79_MC.npy", ("IC79_exp.npy",))
    DataSpec('IC79')
    """

    key: str
    exp: tuple[str, ...]
    mc: str
    grl: tuple[str, ...]
    sample: str = "ps_tracks"
    sindec_bins: tuple[float, ...] = tuple(SINDEC_BINS.tolist())
    log10energy_bins: tuple[float, ...] = tuple(LOG10ENERGY_BINS.tolist())
    keep: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"DataSpec({self.key!r})"

    @property
    def _keep(self) -> NoReturn:
        """csky's list of further columns, which scripts add to."""
        raise AttributeError(
            f"{self!r} does not change: dataclasses.replace(spec, keep=('conv',)) keeps further columns"
        )


def _season(key: str, mc: str | None = None) -> tuple[DataSpec, ...]:
    return (DataSpec(key, (f"{key}_exp.npy",), f"{mc or key}_MC.npy", (f"{key}_exp.npy",)),)


def _joined(key: str, first: int, last: int) -> tuple[DataSpec, ...]:
    files = tuple(f"IC86_{year}_exp.npy" for year in range(first, last + 1))
    return (DataSpec(key, files, f"IC86_{first}_MC.npy", files),)


class SpecGroup(type):
    """A group of csky's specifications whose files are named after the season.

    ``GFUDataSpecs.gfu_IC86_2018`` is the season ``gfu_IC86_2018`` of the folder ``gfu``: its files are
    ``gfu/VERSION/gfu_IC86_2018_exp.npy``, ``…_MC.npy`` and ``GRL/gfu_IC86_2018_exp.npy``. Files of other names are said
    with `DataSpec`, or given as they are with `CustomDataSpec`.

    Examples
    --------
    >>> GROUPS["GFUDataSpecs"].gfu_IC86_2018
    (DataSpec('gfu_IC86_2018'),)
    """

    sample: str

    def __getattr__(cls, name: str) -> tuple[DataSpec, ...]:
        if name.startswith("_") or name == "sample":
            raise AttributeError(name)
        return (DataSpec(name, (f"{name}_exp.npy",), f"{name}_MC.npy", (f"{name}_exp.npy",), sample=cls.sample),)


#: csky's groups beside the point-source tracks, and the folders of their samples.
GROUPS: dict[str, Any] = {
    name: SpecGroup(name, (), {"sample": sample, "__doc__": f"Seasons of the folder ``{sample}``, see `SpecGroup`."})
    for name, sample in {
        "DNNCascadeDataSpecs": "dnn_cascades",
        "ESTESDataSpecs": "estes",
        "GCDataSpecs": "gc",
        "GFUDataSpecs": "gfu",
        "GRECOOnlineDataSpecs": "greco_online",
        "MESEDataSpecs": "mese",
        "NTDataSpecs": "northern_tracks",
        "QUESODataSpecs": "queso",
    }.items()
}


class _LaterTracks(SpecGroup):
    """Names of later versions of the sample, ``ps_v4`` or ``IC86v4_2015``; any other name is a mistake."""

    def __getattr__(cls, name: str) -> tuple[DataSpec, ...]:
        if name.startswith(("ps_v", "IC86v")):
            return super().__getattr__(name)
        raise AttributeError(f"PSDataSpecs has no seasons {name!r}; for files of your own there is CustomDataSpec")


class PSDataSpecs(metaclass=_LaterTracks):
    """IceCube's point-source track seasons, under csky's names; each is a tuple of `DataSpec`, so that they add up.

    Seasons after 2012 share the simulation of 2012 (the selection did not change); `ps_7yr` and `ps_10yr` join them
    into one season, as csky does.

    Examples
    --------
    >>> from nusky.data.specs import PSDataSpecs
    >>> [spec.key for spec in PSDataSpecs.ps_79 + PSDataSpecs.ps_2011]
    ['IC79', 'IC86_2011']
    """

    sample = "ps_tracks"
    ps_40 = _season("IC40")
    ps_59 = _season("IC59")
    ps_79 = _season("IC79")
    ps_2011 = _season("IC86_2011")
    ps_2012 = _season("IC86_2012")
    ps_2013 = _season("IC86_2013", "IC86_2012")
    ps_2014 = _season("IC86_2014", "IC86_2012")
    ps_2015 = _season("IC86_2015", "IC86_2012")
    ps_2016 = _season("IC86_2016", "IC86_2012")
    ps_2017 = _season("IC86_2017", "IC86_2012")
    ps_2012_2014 = _joined("IC86_2012_2014", 2012, 2014)
    ps_2012_2017 = _joined("IC86_2012_2017", 2012, 2017)
    ps_7yr = ps_40 + ps_59 + ps_79 + ps_2011 + ps_2012_2014
    ps_10yr = ps_40 + ps_59 + ps_79 + ps_2011 + ps_2012_2017

    # csky's names of single seasons.
    IC40, IC59, IC79, IC86_2011 = ps_40[0], ps_59[0], ps_79[0], ps_2011[0]
    IC86_2012_2014, IC86_2012_2017 = ps_2012_2014[0], ps_2012_2017[0]
    IC86v3_2012_2017 = IC86_2012_2017

    #: Every single season, and the joined ones.
    seasons = ps_40 + ps_59 + ps_79 + ps_2011 + ps_2012 + ps_2013 + ps_2014 + ps_2015 + ps_2016 + ps_2017
    joined = ps_2012_2014 + ps_2012_2017


# A century in days: more is seconds
_LONGEST = 36_525.0
# of a name: files are called after it
_LONGEST_KEY = 100


@dataclass(frozen=True, eq=False)
class CustomDataSpec:
    """A season of the user's own, given as arrays, `Events`, mappings of columns or paths of npy files.

    Parameters
    ----------
    exp : (N,) structured array, Events, mapping or path, or a sequence of paths
        Data; both spellings of the columns are read (docs/howto/data.md). Angles in rad, times in MJD.
    mc : as `exp`
        Simulation, with true energy (GeV), true direction and `ow` (GeV cm² sr).
    livetime : float, Quantity or TimeDelta, optional
        Days; by default what the good-run list says.
    sindec_bins, logenergy_bins : (M,) array, optional
        Histogram edges.
    grl : as `exp`, optional
        Good-run list with start and stop (MJD) and, where known, livetime (days).
    key : str
        Name of the season.
    cascades : bool
        Accepted as csky has it; it only changed csky's binning defaults.
    keep : tuple of str
        Further columns of `mc` that are kept, such as the weights of a simulated background.

    Raises
    ------
    ValueError
        Neither livetime nor good-run list, or an empty key.

    Examples
    --------
    >>> from nusky.data.specs import CustomDataSpecs
    >>> spec = CustomDataSpecs.CustomDataSpec("exp.npy", "mc.npy", 300.0, key="MINE")
    >>> spec
    CustomDataSpec('MINE')
    """

    exp: Any
    mc: Any
    livetime: float | None = None
    sindec_bins: Sequence[float] | None = None
    logenergy_bins: Sequence[float] | None = None
    grl: Any = None
    key: str = "custom"
    cascades: bool = False
    keep: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.key, str) or not self.key.isprintable() or len(self.key) > _LONGEST_KEY:
            raise ValueError(f"CustomDataSpec: key={self.key!r}; give the season's name, a text such as 'MY_2020'")
        if not self.key:
            raise ValueError("CustomDataSpec needs a key, the season's name, such as key='MY_2020'")
        if isinstance(self.keep, str) or not all(isinstance(name, str) for name in self.keep):
            raise TypeError(f"CustomDataSpec {self.key!r}: keep={self.keep!r}; give names, such as keep=('conv',)")
        object.__setattr__(self, "keep", tuple(self.keep))
        if self.livetime is None and self.grl is None:
            raise ValueError(f"CustomDataSpec {self.key!r} needs livetime= (days) or grl= (good-run list)")
        for name in ("sindec_bins", "logenergy_bins"):
            object.__setattr__(self, name, in_unit(name, getattr(self, name), ""))
        if self.livetime is None:
            return
        plain = self.livetime if isinstance(self.livetime, str) else days("livetime", self.livetime)
        if isinstance(plain, (bool, str)) or np.ndim(plain):
            raise TypeError(f"CustomDataSpec {self.key!r}: livetime={self.livetime!r}; give one number, days")
        livetime = float(plain)
        object.__setattr__(self, "livetime", livetime)
        if not (np.isfinite(livetime) and livetime > 0):
            raise ValueError(f"CustomDataSpec {self.key!r}: livetime={livetime!r} days must be finite and positive")
        if livetime > _LONGEST:
            raise ValueError(
                f"CustomDataSpec {self.key!r}: livetime={livetime:g} days is {livetime / 365.25:.3g} years; it is in "
                "days (divide seconds by 86 400, or give a Quantity)"
            )

    def __repr__(self) -> str:
        return f"CustomDataSpec({self.key!r})"


class CustomDataSpecs:
    """csky's home of `CustomDataSpec`.

    Examples
    --------
    >>> from nusky import selections
    >>> selections.CustomDataSpecs.CustomDataSpec("exp.npy", "mc.npy", 300.0, key="MINE")
    CustomDataSpec('MINE')
    """

    CustomDataSpec = CustomDataSpec
