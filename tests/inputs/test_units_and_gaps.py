"""Event columns with units, masks and gaps; columns in another unit than ours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nusky.data import CustomDataSpec, Dataset
from nusky.selections.npy_files import read_custom

N = 400


def columns(n: int = N) -> tuple[dict[str, Any], dict[str, Any]]:
    rng = np.random.default_rng(1)
    data = {
        "ra": rng.uniform(0, 2 * np.pi, n),
        "dec": np.arcsin(rng.uniform(-1, 1, n)),
        "sigma": np.radians(rng.uniform(0.5, 2.0, n)),
        "log10energy": 2.5 + rng.exponential(0.4, n),
        "mjd": np.sort(rng.uniform(56000, 56100, n)),
        "azimuth": rng.uniform(0, 2 * np.pi, n),
        "zenith": np.arccos(rng.uniform(-1, 1, n)),
    }
    true_ra, true_dec = rng.uniform(0, 2 * np.pi, n), np.arcsin(rng.uniform(-0.99, 0.99, n))
    sigma = np.radians(rng.uniform(0.5, 2.0, n))
    sim = {
        "ra": (true_ra + sigma * rng.standard_normal(n) / np.cos(true_dec)) % (2 * np.pi),
        "dec": np.clip(true_dec + sigma * rng.standard_normal(n), -1.57, 1.57),
        "sigma": sigma,
        "log10energy": rng.uniform(2, 6, n),
        "true_ra": true_ra,
        "true_dec": true_dec,
        "true_energy": 10 ** rng.uniform(2, 7, n),
        "oneweight": np.full(n, 1e10),
    }
    return data, sim


DATA, SIM = columns()


def season(data: Any = DATA, sim: Any = SIM, livetime: Any = 100.0, **options: Any) -> Dataset:
    return read_custom(CustomDataSpec(data, sim, livetime, key="MINE"), **options)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        *((name, "deg") for name in ("ra", "dec", "zenith", "azimuth", "true_ra", "true_dec")),
        *(("ra", "hourangle"), ("sigma", "arcmin"), ("mjd", "s"), ("true_energy", "TeV"), ("oneweight", "GeV m2 sr")),
    ],
)
def test_columns_with_a_unit_are_converted(name: str, unit: str) -> None:
    units = pytest.importorskip("astropy.units")
    from nusky.events import _UNITS

    table = DATA if name in DATA else SIM
    given = {**table, name: units.Quantity(table[name], _UNITS.get(name, "day")).to(unit)}
    got = season(data=given).data if table is DATA else season(sim=given).sim
    np.testing.assert_allclose(got[name], table[name], rtol=1e-10)


def test_tables_and_times_are_columns_too() -> None:
    time = pytest.importorskip("astropy.time")
    table = pytest.importorskip("astropy.table")
    pandas = pytest.importorskip("pandas")
    moments = time.Time(DATA["mjd"], format="mjd", scale="utc")
    for given in (
        table.Table(DATA),
        table.QTable({**DATA, "mjd": moments}),
        pandas.DataFrame(DATA),
        {**DATA, "mjd": moments},
    ):
        np.testing.assert_allclose(season(data=given).data.mjd, DATA["mjd"], rtol=1e-12)


@pytest.mark.parametrize(("name", "unit"), [("ra", "m"), ("mjd", "deg"), ("log10energy", "GeV"), ("true_energy", "s")])
def test_a_unit_of_something_else_is_refused(name: str, unit: str) -> None:
    units = pytest.importorskip("astropy.units")
    table = DATA if name in DATA else SIM
    given = {**table, name: table[name] * units.Unit(unit)}
    with pytest.raises(TypeError, match=f"column '{name}'"):
        season(data=given) if table is DATA else season(sim=given)


@pytest.mark.parametrize("livetime", ["h", "s", "yr"])
def test_the_livetime_may_have_a_unit(livetime: str) -> None:
    units = pytest.importorskip("astropy.units")
    assert season(livetime=(100 * units.day).to(livetime)).livetime == pytest.approx(100)
    with pytest.raises(ValueError, match="it is in days"):
        season(livetime=8.64e6)


GONE = np.arange(N) < 3


@pytest.mark.parametrize("name", ["ra", "dec", "sigma", "mjd", "log10energy"])
@pytest.mark.parametrize("mark", ["mask", "astropy mask", np.nan, np.inf, -1.6375e30])
def test_gaps_in_a_column_are_refused_or_dropped_and_counted(name: str, mark: Any) -> None:
    if mark == "mask":
        column: Any = np.ma.array(DATA[name], mask=GONE)
    elif mark == "astropy mask":
        column = pytest.importorskip("astropy.utils.masked").Masked(DATA[name], mask=GONE)
    else:
        column = np.where(GONE, mark, DATA[name])
    with pytest.raises(ValueError, match=rf"column '{name}', row 0 .*on_bad='drop'"):
        season(data={**DATA, name: column})
    kept = season(data={**DATA, name: column}, on_bad="drop")
    assert len(kept.data) == N - 3
    assert any(f"3 dropped: a value that is not finite ({name})" in note for note in kept.notes)


@pytest.mark.parametrize("on_bad", ["raise", "drop"])
@pytest.mark.parametrize("name", ["ra", "dec", "azimuth", "zenith", "true_ra", "true_dec", "data sigma", "sim sigma"])
def test_degrees_are_noticed_in_every_column(name: str, on_bad: Any) -> None:
    table = SIM if name.startswith(("true", "sim")) else DATA
    name = name.split()[-1]
    given = {**table, name: np.degrees(table[name])}
    with pytest.raises(ValueError, match=f"{name}.*in degrees"):
        season(given, on_bad=on_bad) if table is DATA else season(sim=given, on_bad=on_bad)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("log10energy", lambda v: 10**v, "looks like an energy"),
        ("mjd", lambda v: v + 2_400_000.5, "a JD is 2 400 000.5 more"),
        ("mjd", lambda v: (v - 40587) * 86400, "no MJD"),
        ("true_energy", np.log10, r"log10\(E / GeV\)"),
    ],
)
def test_other_scales_are_noticed(name: str, change: Any, said: str) -> None:
    table = DATA if name in DATA else SIM
    given = {**table, name: change(table[name])}
    with pytest.raises(ValueError, match=said):
        season(given) if table is DATA else season(sim=given)


def test_single_turns_are_wrapped_as_before() -> None:
    ra = DATA["ra"] - np.where(np.arange(N) % 3 == 0, 2 * np.pi, 0)
    np.testing.assert_allclose(season({**DATA, "ra": ra}).data.ra, DATA["ra"], atol=1e-9)
