from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from nusky.events import EditableEvents, Events


@pytest.fixture
def events() -> Events:
    return Events({"ra": [1.0, 2.0, 3.0], "dec": np.array([0.1, 0.2, 0.3], dtype=">f4"), "run": [7, 8, 9]})


def test_repr_counts_items_and_sorts_columns(events: Events) -> None:
    assert repr(events) == "Events(3 items | columns: dec, ra, run)"
    assert events.columns == ("dec", "ra", "run")
    assert len(events) == 3


def test_columns_become_native_contiguous_float64_and_integers_stay_integer(events: Events) -> None:
    assert events.dec.dtype == np.dtype(np.float64)
    assert events.dec.dtype.isnative
    assert events.dec.flags.c_contiguous
    assert events.run.dtype == np.dtype(np.int64)
    np.testing.assert_array_equal(events["run"], [7, 8, 9])


def test_columns_do_not_follow_the_callers_array() -> None:
    mine = np.array([1.0, 2.0])
    events = Events({"ra": mine})
    mine[0] = 99.0
    assert events.ra[0] == 1.0


def test_columns_cannot_be_written(events: Events) -> None:
    with pytest.raises(ValueError, match="read-only"):
        events.ra[0] = 5.0
    with pytest.raises(AttributeError, match=r"with_columns\(ra="):
        events.ra = np.zeros(3)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (slice(0, 2), [1.0, 2.0]),
        (np.array([True, False, True]), [1.0, 3.0]),
        (np.array([2, 0, 0]), [3.0, 1.0, 1.0]),
        ([], []),
    ],
)
def test_masks_slices_and_indices_give_events(events: Events, key: object, expected: list[float]) -> None:
    part = events[key]
    assert isinstance(part, Events)
    assert part.columns == events.columns
    np.testing.assert_array_equal(part.ra, expected)
    assert not part.ra.flags.writeable


def test_single_rows_and_wrong_masks_are_refused(events: Events) -> None:
    with pytest.raises(TypeError, match="single row"):
        events[0]
    with pytest.raises(IndexError, match="2 entries for 3 events"):
        events[np.array([True, False])]
    with pytest.raises(TypeError, match="cannot index"):
        events[np.array([0.5])]


def test_unknown_columns_name_the_known_ones(events: Events) -> None:
    with pytest.raises(AttributeError, match="no column 'sigma'; columns: dec, ra, run"):
        _ = events.sigma
    with pytest.raises(KeyError, match="sigma"):
        events["sigma"]
    assert "ra" in events
    assert "sigma" not in events


def test_with_columns_replaces_one_and_shares_the_others(events: Events) -> None:
    moved = events.with_columns(ra=[0.0, 0.0, 0.0], sigma=[1.0, 1.0, 1.0])
    assert moved.dec is events.dec
    np.testing.assert_array_equal(moved.ra, 0.0)
    np.testing.assert_array_equal(events.ra, [1.0, 2.0, 3.0])
    assert "sigma" in moved


def test_concatenate_joins_in_order_and_needs_equal_columns(events: Events) -> None:
    both = Events.concatenate([events[1:], events[:1]])
    np.testing.assert_array_equal(both.run, [8, 9, 7])
    assert both.run.dtype == np.dtype(np.int64)
    with pytest.raises(ValueError, match=r"part 1 .*missing: \['run'\]"):
        Events.concatenate([events, events.select("ra", "dec")])
    with pytest.raises(ValueError, match="empty"):
        Events.concatenate([])


def test_bad_columns_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="dec: 1, ra: 2"):
        Events({"ra": [1.0, 2.0], "dec": [0.0]})
    with pytest.raises(ValueError, match=r"'ra' has shape \(1, 2\)"):
        Events({"ra": [[1.0, 2.0]]})
    with pytest.raises(TypeError, match="'name' has dtype"):
        Events({"name": ["a", "b"]})
    for name in ("columns", "select", "_columns", "not a name"):
        with pytest.raises(ValueError, match="is not allowed"):
            Events({name: [1.0]})


def test_empty_events_have_length_zero() -> None:
    assert len(Events({})) == 0
    assert len(Events({"ra": []})) == 0


def test_structured_array_and_dataframe_hold_the_same_values(events: Events) -> None:
    array = events.as_array
    assert array.dtype.names == ("dec", "ra", "run")
    np.testing.assert_array_equal(array["ra"], events.ra)
    frame = events.as_dataframe
    assert list(frame.columns) == ["dec", "ra", "run"]
    frame.loc[0, "ra"] = 42.0
    assert events.ra[0] == 1.0


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda ev: pickle.loads(pickle.dumps(ev))])
def test_copies_and_pickles_stay_equal_and_read_only(events: Events, duplicate: object) -> None:
    twin = duplicate(events)  # type: ignore[operator]
    assert twin.columns == events.columns
    np.testing.assert_array_equal(twin.dec, events.dec)
    assert not twin.dec.flags.writeable


def test_what_follows_from_columns_is_read_without_being_stored() -> None:
    sim = Events(
        {"ra": [1.0], "dec": [0.2], "true_ra": [1.0], "true_dec": [0.25], "sigma": [0.01], "log10energy": [3.0]}
    )
    assert sim.sigma_deg == np.degrees(0.01)
    assert sim["true_dec_deg"] == np.degrees(0.25)
    assert sim.energy == pytest.approx(1e3)
    assert sim.dpsi == pytest.approx(0.05)
    assert sim["dpsi_deg"] == pytest.approx(np.degrees(0.05))
    assert sim.columns == ("dec", "log10energy", "ra", "sigma", "true_dec", "true_ra")
    assert "energy" not in sim
    for name in ("run_deg", "log10energy_deg", "_deg", "azimuth_deg"):
        with pytest.raises(KeyError, match="no column"):
            sim[name]
    trial = EditableEvents(sim)
    trial["sigma_deg"] = 2.0
    assert trial.sigma == pytest.approx(np.radians(2.0))
    assert "sigma_deg" not in trial
