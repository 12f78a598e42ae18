from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nusky.data.cleaning import MIN_SIGMA, RawTable, clean, count_duplicates, in_time_order, summary_lines
from nusky.events import Events


def raw(kind: str = "data", n: int = 4, **changes: Any) -> RawTable:
    columns: dict[str, Any] = {
        "ra": np.linspace(0.1, 6.0, n),
        "dec": np.linspace(-1.0, 1.0, n),
        "sigma": np.full(n, 0.01),
        "log10energy": np.full(n, 3.0),
    }
    if kind == "data":
        columns |= {"mjd": np.arange(55000.0, 55000.0 + n)}
    else:
        columns |= {
            "true_ra": np.ones(n),
            "true_dec": np.zeros(n),
            "true_energy": np.full(n, 1e3),
            "oneweight": np.ones(n),
        }
    columns |= changes
    columns = {name: np.asarray(values, dtype=float) for name, values in columns.items() if values is not None}
    return RawTable("season.npy", columns, {"sigma": "angErr", "oneweight": "ow"})


def test_clean_rows_pass_unchanged_and_sindec_is_computed() -> None:
    table = raw()
    events, counts = clean(table, "data")
    assert not counts
    np.testing.assert_array_equal(events.ra, table.columns["ra"])
    np.testing.assert_array_equal(events.sindec, np.sin(table.columns["dec"]))


@pytest.mark.parametrize(
    ("kind", "column", "value", "reason"),
    [
        ("data", "ra", np.nan, "not finite"),
        ("data", "mjd", np.inf, "not finite"),
        ("data", "mjd", -55000.0, "no MJD"),
        ("data", "log10energy", np.nan, "not finite"),
        ("data", "dec", 1.6, "declination beyond 90 deg"),
        ("data", "dec", -1.6, "declination beyond 90 deg"),
        ("data", "sigma", 3.2, "above 180 deg"),
        ("data", "sigma", -0.01, "below 0"),
        ("data", "zenith", 3.2, "zenith angle outside"),
        ("sim", "oneweight", -1.0, "negative weight"),
        ("sim", "true_energy", 0.0, "not positive"),
        ("sim", "true_dec", 2.0, "declination beyond 90 deg"),
        ("sim", "true_ra", np.nan, "not finite"),
    ],
)
def test_impossible_values_raise_with_file_column_row_and_value_or_are_dropped(
    kind: Any, column: str, value: float, reason: str
) -> None:
    values = np.array(raw(kind).columns.get(column, np.ones(4)))
    values[2] = value
    table = raw(kind, **{column: values})
    spelled = table.spelled.get(column, column)
    with pytest.raises(ValueError, match=rf"season\.npy: column '{spelled}', row 2 \(counted from 0\): .*{reason}"):
        clean(table, kind)
    events, counts = clean(table, kind, on_bad="drop")
    assert len(events) == 3
    assert sum(counts.values()) == 1
    np.testing.assert_array_equal(events.ra, np.delete(table.columns["ra"], 2)[: len(events)])


def test_a_row_with_several_defects_is_dropped_and_counted_once() -> None:
    events, counts = clean(raw(ra=[np.nan, 1, 2, 3], dec=[9, 0, 0, 0]), "data", on_bad="drop")
    assert len(events) == 3
    assert sum(counts.values()) == 1


def test_known_defects_are_dropped_while_others_still_raise() -> None:
    events, counts = clean(raw(sigma=[9.0, 0.1, 0.1, 0.1]), "data", known_defects=("sigma",))
    assert len(events) == 3
    assert counts["dropped: an angular error below 0 or above 180 deg (sigma)"] == 1
    with pytest.raises(ValueError, match="'ra', row 1"):
        clean(raw(sigma=[9.0, 0.1, 0.1, 0.1], ra=[1, np.nan, 1, 1]), "data", known_defects=("sigma",))


def test_the_value_is_shown_in_the_units_of_the_file() -> None:
    degree = np.pi / 180
    table = RawTable("r.txt", {**raw().columns, "sigma": np.full(4, 495.8) * degree}, {}, {"sigma": degree})
    with pytest.raises(ValueError, match=r"row 0 \(counted from 0\): 495\.8 is an angular error"):
        clean(table, "data")


def test_degrees_in_a_file_of_radians_are_suspected() -> None:
    with pytest.raises(ValueError, match="are the angles in degrees"):
        clean(raw(dec=[-45.0, 10, 20, 80]), "data")


@pytest.mark.parametrize(("highest", "unit"), [(6.283, "radians"), (23.99, "hours")])
def test_radians_and_hours_in_a_file_of_degrees_are_suspected(highest: float, unit: str) -> None:
    degree = np.pi / 180

    def table(top: float, n: int = 200) -> RawTable:
        columns = {name: np.resize(values, n) for name, values in raw().columns.items()}
        return RawTable("r.txt", {**columns, "ra": np.linspace(0, top, n) * degree}, {"ra": "RA"}, {"ra": degree})

    with pytest.raises(ValueError, match=rf"r\.txt: column 'RA': all 200 values are within 0 .* are they in {unit}\?"):
        clean(table(highest), "data")
    # neither a sky nor a few events are
    clean(table(359.0), "data")
    clean(table(highest, 50), "data")


def test_missing_columns_are_named() -> None:
    with pytest.raises(ValueError, match=r"season\.npy: missing column\(s\) sigma; the file has ra, dec"):
        clean(raw(sigma=None), "data")
    with pytest.raises(ValueError, match=r"missing column\(s\) oneweight"):
        clean(raw("sim", oneweight=None), "sim")


def test_odd_rows_are_repaired_and_counted() -> None:
    table = raw(ra=[-0.1, 2 * np.pi, 7.0, 1.0], sigma=[0.0, 0.001, 0.1, 0.2])
    events, counts = clean(table, "data")
    np.testing.assert_allclose(events.ra, [2 * np.pi - 0.1, 0.0, 7.0 - 2 * np.pi, 1.0], atol=1e-15)
    np.testing.assert_array_equal(events.sigma, [MIN_SIGMA, MIN_SIGMA, 0.1, 0.2])
    assert counts["RA outside [0, 2π) wrapped"] == 3
    assert counts["sigma below 0.2 deg raised to it"] == 2
    assert counts["sigma that was exactly 0 (among those raised)"] == 1


@pytest.mark.parametrize("name", ["ra", "azimuth"])
def test_an_angle_many_turns_away_is_a_mark_and_no_angle(name: str) -> None:
    given = {"azimuth": np.ones(4), name: np.array([1.0, -999.0, 4 * np.pi, 2.0])}
    with pytest.raises(ValueError, match=rf"'{name}', row 1 .*-999 is more than 2 turns from 0 deg"):
        clean(raw(**given), "data")
    events, counts = clean(raw(**given), "data", on_bad="drop")
    assert len(events) == 3
    assert counts[f"dropped: more than 2 turns from 0 deg ({name})"] == 1


def test_angular_errors_most_of_which_are_below_the_floor_are_asked_about() -> None:
    many = {name: np.resize(values, 20) for name, values in raw().columns.items()}
    sigma = np.full(20, np.radians(0.6)) ** 2
    with pytest.warns(UserWarning, match=r"r\.npy: 20 of 20 sigma are below .* median is 0\.00628 deg: .*squared"):
        clean(RawTable("r.npy", {**many, "sigma": sigma}), "data")
    # none of these asks: a lower floor, and fewer than half
    clean(RawTable("r.npy", {**many, "sigma": sigma}), "data", min_sigma=1e-5)
    clean(RawTable("r.npy", {**many, "sigma": np.where(np.arange(20) < 10, sigma, 0.01)}), "data")


def test_float32_poles_are_declinations_not_errors() -> None:
    pole = float(np.float32(np.pi / 2))
    assert pole > np.pi / 2
    events, _ = clean(raw(dec=[pole, -pole, 0, 0]), "data")
    assert np.abs(events.dec).max() <= np.pi / 2


def test_the_callers_arrays_are_not_repaired_in_place() -> None:
    table = raw(ra=[-1.0, 1, 1, 1], sigma=np.zeros(4))
    clean(table, "data")
    assert table.columns["ra"][0] == -1.0
    assert table.columns["sigma"][0] == 0.0


@given(st.lists(st.floats(-4 * np.pi, 4 * np.pi), min_size=1, max_size=20))
def test_every_finite_right_ascension_ends_in_range_at_the_same_angle(ra: list[float]) -> None:
    n = len(ra)
    assume(n < 10)  # ten and more between a turn and 360: degrees
    events, _ = clean(raw(n=n, ra=ra), "data")
    assert np.all((events.ra >= 0) & (events.ra < 2 * np.pi))
    np.testing.assert_allclose(np.cos(events.ra), np.cos(ra), atol=1e-9)
    np.testing.assert_allclose(np.sin(events.ra), np.sin(ra), atol=1e-9)


@pytest.mark.parametrize("min_sigma", [-1e-9, -1.0, np.nan, 2.0])
def test_a_senseless_floor_is_refused(min_sigma: float) -> None:
    with pytest.raises(ValueError, match="min_sigma"):
        clean(raw(), "data", min_sigma=min_sigma)


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="on_bad='ignore'"):
        clean(raw(), "data", on_bad="ignore")  # type: ignore[arg-type]


def test_unsorted_rows_are_counted_and_sorted_stably() -> None:
    events = Events({"mjd": [3.0, 1.0, 2.0, 2.0], "run": [0, 1, 2, 3]})
    ordered, late = in_time_order(events)
    assert late == 1
    np.testing.assert_array_equal(ordered.run, [1, 2, 3, 0])
    assert in_time_order(ordered)[1] == 0


def test_duplicates_are_rows_equal_in_every_column() -> None:
    rng = np.random.default_rng(1)
    rows = {name: rng.integers(0, 3, 500).astype(float) for name in ("mjd", "ra", "dec", "sigma")}
    expected = 500 - len(np.unique(np.column_stack(list(rows.values())), axis=0))
    assert expected > 300
    assert count_duplicates(Events(rows)) == expected
    assert count_duplicates(Events({name: values[:1] for name, values in rows.items()})) == 0


def test_summary_is_one_line_or_none() -> None:
    assert summary_lines("data", {}) == ()
    assert summary_lines("data", {"a": 2, "b": 0, "c": 1}) == ("data: 2 a; 1 c",)
