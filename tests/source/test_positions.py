"""Sources: positions, their fields, and what is refused."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.source.positions import Sources, sources
from nusky.source.window import TimeWindow


def test_the_name_at_the_top_stays_a_function_after_the_module_is_imported() -> None:
    assert callable(cy.sources)
    assert cy.sources is sources


def test_radians_are_the_default_and_degrees_are_converted() -> None:
    src = sources(np.pi, 0.0)
    assert src.ra.tolist() == [np.pi]
    assert len(src) == 1
    degrees = sources([180.0, 90.0], [0.0, -45.0], deg=True)
    np.testing.assert_allclose(degrees.ra, [np.pi, np.pi / 2])
    np.testing.assert_allclose(degrees.dec_deg, [0.0, -45.0])
    np.testing.assert_allclose(degrees["ra_deg"], [180.0, 90.0])


def test_one_value_is_shared_by_all_sources() -> None:
    src = sources([1.0, 2.0, 3.0], 0.5, weight=2.0, extension=0.01, mjd=57000.0, t_100=[1.0, 2.0, 3.0])
    assert src.dec.tolist() == [0.5] * 3
    assert src.weight.tolist() == [2.0] * 3
    assert src["mjd"].tolist() == [57000.0] * 3
    assert src.sigma_t is not None
    assert src.sigma_t.tolist() == [0.0] * 3
    assert src.is_transient
    assert not sources(1.0, 0.0).is_transient


def test_indexing_gives_sources_with_all_fields() -> None:
    src = sources([1.0, 2.0, 3.0], [0.1, 0.2, 0.3], name=["a", "b", "c"])
    assert isinstance(src[1], Sources)
    assert src[1].name == ("b",)
    assert [s.ra[0] for s in src] == [1.0, 2.0, 3.0]
    assert src[1:].dec.tolist() == [0.2, 0.3]
    assert src[np.array([True, False, True])].name == ("a", "c")


def test_sources_are_read_only() -> None:
    src = sources(1.0, 0.0)
    with pytest.raises(ValueError, match="read-only"):
        src.ra[0] = 2.0
    with pytest.raises(AttributeError):
        src.ra = np.zeros(1)  # type: ignore[misc]


def test_two_pi_is_the_same_place_as_zero() -> None:
    assert sources(2 * np.pi, 0.0).ra[0] == 0.0
    assert sources(360.0, 0.0, deg=True).ra[0] == 0.0


def test_quantities_and_times_bring_their_own_units() -> None:
    units = pytest.importorskip("astropy.units")
    time = pytest.importorskip("astropy.time")
    src = sources(
        10.0 * units.deg,
        600.0 * units.arcmin,
        extension=0.5 * units.deg,
        mjd=time.Time("2017-09-22T20:54:30", scale="utc"),
        t_100=1000 * units.s,
        sigma_t=time.TimeDelta(864, format="sec"),
    )
    np.testing.assert_allclose(src.ra, np.radians(10.0))
    np.testing.assert_allclose(src.dec, np.radians(10.0))
    np.testing.assert_allclose(src.extension, np.radians(0.5))
    assert src.mjd is not None
    assert src.t_100 is not None
    assert src.sigma_t is not None
    np.testing.assert_allclose(src.mjd, 58018.87118, atol=1e-5)
    np.testing.assert_allclose(src.t_100, 1000 / 86400)
    np.testing.assert_allclose(src.sigma_t, 0.01)


def test_a_time_in_another_scale_is_brought_to_utc() -> None:
    time = pytest.importorskip("astropy.time")
    moment = time.Time(57000.0, format="mjd", scale="utc")
    src = sources(1.0, 0.0, mjd=moment.tai, t_100=1.0)
    assert src.mjd is not None
    np.testing.assert_allclose(src.mjd, 57000.0, atol=1e-9)


def test_python_s_and_numpy_s_time_spans_are_days_and_their_moments_are_refused() -> None:
    """NumPy's would otherwise be plain numbers in whatever unit they have, counted from 1970."""
    for span in (datetime.timedelta(seconds=1000), np.timedelta64(1000, "s"), np.timedelta64(1_000_000_000, "us")):
        t_100 = sources(1.0, 0.0, mjd=57000.0, t_100=span).t_100
        assert t_100 is not None
        np.testing.assert_allclose(t_100, 1000 / 86400)
    several = sources([1.0, 2.0], 0.0, mjd=57000.0, t_100=np.array([6, 12], dtype="timedelta64[h]")).t_100
    assert several is not None
    assert several.tolist() == [0.25, 0.5]
    for moment in (datetime.datetime(2011, 10, 15), np.datetime64("2011-10-15"), np.timedelta64(5, "D")):
        with pytest.raises(TypeError, match=r"mjd=.*astropy\.time\.Time"):
            sources(1.0, 0.0, mjd=moment, t_100=1.0)  # type: ignore[arg-type]


def test_units_of_something_else_are_refused_by_name() -> None:
    units = pytest.importorskip("astropy.units")
    time = pytest.importorskip("astropy.time")
    now, span = time.Time(57000.0, format="mjd"), time.TimeDelta(1.0, format="jd")
    for kw, said in (
        ({"mjd": 57000.0, "t_100": 3 * units.m}, r"t_100=.*m.* cannot be turned into day; give day"),
        ({"mjd": 57000.0, "t_100": 1.0, "sigma_t": 3 * units.deg}, "sigma_t=.* cannot be turned into day"),
        ({"mjd": 57000.0 * units.m, "t_100": 1.0}, "mjd=.* cannot be turned into day"),
        ({"mjd": now, "t_100": now}, "t_100 is a length of time, got the moment"),
        ({"mjd": span, "t_100": span}, "mjd is a moment, got the length of time"),
        ({"extension": 1 * units.s}, "extension=.* cannot be turned into rad; give rad"),
    ):
        with pytest.raises(TypeError, match=said):
            sources(1.0, 0.0, **kw)


def test_priors_are_told_apart_from_lists_of_priors() -> None:
    single = np.ones(12)
    assert len(sources(1.0, 0.0, prior=single).prior or ()) == 1
    assert len(sources([1.0, 2.0], 0.0, prior=[single, single]).prior or ()) == 2


BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"ra": 83.6, "dec": 0.0}, ValueError, r"ra\[0\] = 83.6.*deg=True"),
    ({"ra": -0.1, "dec": 0.0}, ValueError, r"ra\[0\] = -0.1"),
    ({"ra": [1.0, np.nan], "dec": 0.0}, ValueError, r"ra\[1\] = nan"),
    ({"ra": 1.0, "dec": 2.0}, ValueError, r"dec\[0\] = 2.0"),
    ({"ra": [1.0, 2.0], "dec": [0.0, 0.1, 0.2]}, ValueError, "2 values for 3 sources"),
    ({"ra": [], "dec": []}, ValueError, "at least one source"),
    ({"ra": [[1.0]], "dec": 0.0}, ValueError, "1-D"),
    ({"ra": "here", "dec": 0.0}, TypeError, "ra must be numbers"),
    ({"ra": 1.0, "dec": 0.0, "weight": 0.0}, ValueError, "ratios of fluxes above 0: leave out sources"),
    ({"ra": 1.0, "dec": 0.0, "extension": 1.0}, ValueError, "extension is rad"),
    ({"ra": 1.0, "dec": 0.0, "t_100": 1.0}, ValueError, "need mjd"),
    ({"ra": 1.0, "dec": 0.0, "mjd": 57000.0}, ValueError, "needs t_100"),
    ({"ra": 1.0, "dec": 0.0, "mjd": 57000.0, "t_100": 0.0}, ValueError, r"t_100\[0\] = 0.0"),
    ({"ra": 1.0, "dec": 0.0, "mjd": 57000.0, "t_100": 1.0, "sigma_t": -1.0}, ValueError, r"sigma_t\[0\] = -1.0"),
    ({"ra": 1.0, "dec": 0.0, "name": ["a", "b"]}, ValueError, "2 entries for 1 sources"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), BAD)
def test_bad_input_is_refused_with_place_and_mend(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        sources(**arguments)


def test_an_unknown_field_names_those_there_are() -> None:
    with pytest.raises(KeyError, match="no field 'mjd'; they have ra, dec"):
        sources(1.0, 0.0)["mjd"]


def test_a_window_in_days_that_looks_like_seconds_is_asked_about() -> None:
    with pytest.warns(UserWarning, match=r"a window of 1000 days\. If seconds are meant: t_100=1000 / 86400"):
        sources(1.0, 0.0, mjd=57000.0, t_100=1000)
    with pytest.warns(UserWarning, match="a window of 500 days"):
        sources([1.0, 2.0], 0.0, mjd=57000.0, t_100=[3.0, 500.0])
    # none of these does: the tests' warnings are errors
    assert sources(1.0, 0.0, mjd=57000.0, t_100=1000 / 86400).t_100 is not None
    assert sources(1.0, 0.0, mjd=57000.0, t_100=datetime.timedelta(days=900)).t_100 is not None
    units = pytest.importorskip("astropy.units")
    src = sources(1.0, 0.0, mjd=57000.0, t_100=3 * units.yr)
    assert TimeWindow.of(src) is not None


def test_a_window_of_a_tables_column_is_asked_about_too() -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.warns(UserWarning, match="a window of 1000 days"):
        sources(1.0, 0.0, mjd=57000.0, t_100=pandas.Series([1000]))
    with pytest.warns(UserWarning, match="tails of 1000 days"):
        sources(1.0, 0.0, mjd=57000.0, t_100=1.0, sigma_t=pandas.Series([1000.0]))
    assert sources(1.0, 0.0, mjd=57000.0, t_100=np.timedelta64(900, "D")).t_100 is not None


def test_many_positions_that_could_be_radians_are_asked_about() -> None:
    ra, dec = np.linspace(0, 6.2, 10), np.linspace(-1.5, 1.5, 10)
    with pytest.warns(UserWarning, match=r"deg=True: all 10 sources have ra ≤ 6\.2 .*are they in radians"):
        sources(ra, dec, deg=True)
    # none of these asks: few sources, and others all over the sky or in one small field
    for place in ((ra[:9], dec[:9]), (50 * ra, dec), (ra, 50 * dec), (0.1 * ra, dec)):
        assert len(sources(*place, deg=True)) == len(place[0])


@pytest.mark.parametrize("value", ["05:34:31.9", ["83.6", "x"]])
def test_text_that_is_no_number_says_what_to_give(value: Any) -> None:
    with pytest.raises(TypeError, match=r"ra must be numbers.*SkyCoord"):
        sources(value, 22.0, deg=True)


def test_a_value_out_of_range_is_shown_in_the_unit_it_came_in() -> None:
    units = pytest.importorskip("astropy.units")
    cases: list[tuple[dict[str, Any], str]] = [
        ({"ra": 400.0, "dec": 0.0, "deg": True}, r"ra\[0\] = 400 deg is outside 0 … 360; take ra % 360"),
        (
            {"ra": 4.0, "dec": [0.0, -95.0], "deg": True},
            r"dec\[1\] = -95 deg is outside -90 … 90; that is no declination",
        ),
        ({"ra": -10 * units.deg, "dec": 0.0}, r"ra\[0\] = -10 deg is outside 0 … 360"),
        ({"ra": 4.0, "dec": 95.0}, r"dec\[0\] = 95\.0 is outside -1\.5708 … 1\.5708; .*pass deg=True"),
    ]
    for arguments, message in cases:
        with pytest.raises(ValueError, match=message):
            sources(**arguments)


def test_places_and_times_that_astropy_cannot_turn_say_so() -> None:
    coordinates = pytest.importorskip("astropy.coordinates")
    from astropy.time import Time

    with pytest.raises(ValueError, match=r"cannot be turned into ICRS.*needs obstime and location"):
        sources(coordinates.SkyCoord(1, 2, unit="deg", frame="altaz"))
    with pytest.raises(TypeError, match="cannot be turned into UTC"):
        sources(1.0, 0.0, mjd=Time("2020-01-01T12:00", scale="local"), t_100=1.0)
