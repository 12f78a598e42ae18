"""What can be followed up, and what cannot."""

from __future__ import annotations

import base64
import json
import pathlib
from typing import Any

import numpy as np
import pytest

from gw_map import TRIGGER, gw_map, gw_notice, write_gw_map
from nusky.followup import read_target


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
