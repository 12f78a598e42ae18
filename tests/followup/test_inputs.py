"""What can be followed up, and what cannot."""

from __future__ import annotations

import base64
import datetime
import json
import pathlib
from typing import Any

import numpy as np
import pytest

from gw_map import TRIGGER, gw_map, gw_notice, write_gw_map
from nusky.followup import read_target, search_times
from nusky.followup.inputs import Target


@pytest.mark.parametrize(
    ("notice", "message"),
    [
        ({"superevent_id": "S1", "alert_type": "RETRACTION", "event": None}, "retracted"),
        ({"superevent_id": "S1", "alert_type": "INITIAL", "event": {"time": "2012-01-01T00:00:00Z"}}, "no sky map"),
        ({"event": {"skymap": base64.b64encode(b"no map").decode()}}, "cannot be read"),
        ({"id": "X", "trigger_time": "now", "ra": 4, "dec": 2, "ra_dec_error": 6}, "its time 'now' is no date such as"),
    ],
)
def test_notices_that_cannot_be_followed_up(notice: dict[str, Any], message: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "notice.json"
    path.write_text(json.dumps(notice))
    with pytest.raises(ValueError, match=message):
        read_target(path)


def test_a_notice_with_position_and_error_holds_its_probability(tmp_path: pathlib.Path) -> None:
    import healpy

    path = tmp_path / "notice.json"
    notice = {"id": ["X1"], "trigger_time": "2012-01-01T00:00:00Z", "ra": 40.0, "dec": -20.0, "ra_dec_error": 6.0}
    path.write_text(json.dumps(notice))
    target = read_target(path)
    centre = healpy.ang2vec(40.0, -20.0, lonlat=True)
    inside = healpy.query_disc(target.sky.nside, centre, np.radians(6.0))
    assert target.sky.probability[inside].sum() == pytest.approx(0.9, abs=0.02)
    assert target.name == "X1"
    assert target.mjd == pytest.approx(55927.0)


def test_a_gravitational_wave_alert_is_its_map(tmp_path: pathlib.Path) -> None:
    path = write_gw_map(tmp_path / "gw.fits", gw_map(64, coarse=16))
    alert = tmp_path / "alert.json"
    alert.write_text(gw_notice(path.read_bytes()))
    by_notice, by_map = read_target(alert), read_target(path)
    assert by_notice.name == "S110914a"
    assert by_notice.mjd == pytest.approx(by_map.mjd, abs=1e-9)
    np.testing.assert_array_equal(by_notice.sky.probability, by_map.sky.probability)
    unified = tmp_path / "unified.json"
    body = {"event_name": ["S110914a"], "trigger_time": TRIGGER}
    unified.write_text(json.dumps({**body, "healpix_file": base64.b64encode(path.read_bytes()).decode()}))
    np.testing.assert_array_equal(read_target(unified).sky.probability, by_map.sky.probability)


@pytest.mark.parametrize("alert", [gw_notice(None), gw_notice(None, kind="RETRACTION")])
def test_an_alert_without_a_map_says_so(alert: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "alert.json"
    path.write_text(alert)
    with pytest.raises(ValueError, match=r"no sky map|retracted"):
        read_target(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [("180,100,5", "Dec"), ("180,10,0", "radius"), ("180,10,x", "three numbers"), ("nan,10,5", "RA nan")],
)
def test_positions_out_of_range_are_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_target(text)


def test_a_map_that_is_none(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "map.fits"
    path.write_bytes(b"SIMPLE  =                    T")
    with pytest.raises((ValueError, OSError), match=r"map\.fits"):
        read_target(path)


def test_the_time_of_a_map_is_an_mjd_or_refused(tmp_path: pathlib.Path) -> None:
    from astropy.io import fits

    path = write_gw_map(tmp_path / "gw.fits", gw_map(64, coarse=16))
    for text in ("unknown", "2023-09-14", 2460000.5, 1.3e9, -1.0):
        fits.setval(path, "MJD-OBS", value=text, ext=1)
        with pytest.raises(ValueError, match=rf"INPUT gw\.fits: MJD-OBS={text} in the header is no MJD"):
            read_target(path)
    fits.setval(path, "MJD-OBS", value="", ext=1)
    fits.setval(path, "EVENTMJD", value=60000.5, ext=1)
    assert read_target(path).mjd == 60000.5


@pytest.mark.parametrize(
    "time",
    ["2023-09-14T11:14:01Z", "2023-09-14T11:14:01+00:00", "2023-09-14T13:14:01.0+02:00", "2023-09-14 11:14:01"],
)
def test_times_of_notices_may_have_a_zone(time: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "n.json").write_text(json.dumps({"trigger_time": time, "ra": 4, "dec": 2, "ra_dec_error": 6}))
    assert read_target(tmp_path / "n.json").mjd == pytest.approx(60201.46806713, abs=1e-7)


def test_names_of_files_are_read_as_elsewhere(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = write_gw_map(tmp_path / "gw.fits", gw_map(64, coarse=16))
    for name in ("~/gw.fits", path.as_uri()):
        assert read_target(name).name == "gw.fits"
    with pytest.raises(ValueError, match=r"INPUT .*is an address, not a file; download it first"):
        read_target("https://a.org/b.fits")


def test_windows_and_moments_that_know_their_unit() -> None:
    units = pytest.importorskip("astropy.units")
    from astropy.time import Time

    target = Target("map", None, 56000.0, "map")
    for window in ((-3600, 3600), (-1, 1) * units.hour, (-60 * units.min, datetime.timedelta(hours=1))):
        times = search_times(target, window, None, None, False)
        assert times == pytest.approx((56000 - 1 / 24, 56000 + 1 / 24))
    moments = Time([56000.0, 56001.0], format="mjd", scale="utc").tai
    assert search_times(target, None, *moments, False) == pytest.approx((56000.0, 56001.0))
    for window in (1000, 1000 * units.s, (1, 2, 3), (-1, 1) * units.TeV, "ab"):
        with pytest.raises(ValueError, match="give two numbers, s after the trigger"):
            search_times(target, window, None, None, False)
    with pytest.raises(ValueError, match=r"start=2456000\.5, .*MJD \(60 000 is today\)"):
        search_times(target, None, 2456000.5, 2456001.5, False)
