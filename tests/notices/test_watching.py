"""Notices are followed up once, across restarts, and when the network goes away."""

from __future__ import annotations

import base64
import errno
import json
import os
import pathlib
from typing import Any

import pytest

from gw_map import gw_map, gw_notice, write_gw_map
from kafka_stand_in import Consumer, Stream
from nusky.followup import Target
from nusky.notices import FolderOfNotices, KafkaNotices, Watched, watch

POSITION = {"id": ["X1"], "trigger_time": "2012-01-01T00:00:00Z", "ra": 40.0, "dec": -20.0, "ra_dec_error": 6.0}


class Follower:
    def __init__(self) -> None:
        self.done: list[str] = []

    def __call__(self, target: Target, folder: pathlib.Path) -> str:
        folder.mkdir(parents=True)
        (folder / "result.json").write_text("{}")
        self.done.append(target.name)
        return f"{target.name}: p = 0.5"


@pytest.fixture
def place(tmp_path: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    (tmp_path / "in").mkdir()
    return tmp_path / "in", tmp_path / "out"


def look(source: Any, out: pathlib.Path, follow: Any) -> tuple[int, list[str]]:
    said: list[str] = []
    return watch(source, out, follow, say=said.append, once=True, sleep=lambda _: None), said


def test_each_notice_is_followed_once_across_restarts(place: tuple[pathlib.Path, pathlib.Path]) -> None:
    notices, out = place
    follow = Follower()
    (notices / "a.json").write_text(json.dumps(POSITION))
    (notices / "same.json").write_text(json.dumps(POSITION))
    write_gw_map(notices / "b.fits", gw_map(32, coarse=16))
    assert look(FolderOfNotices(notices), out, follow)[0] == 2
    assert look(FolderOfNotices(notices), out, follow)[0] == 0
    (notices / "a.json").write_text(json.dumps({**POSITION, "ra": 41.0}))  # an update
    assert look(FolderOfNotices(notices), out, follow)[0] == 1
    assert follow.done == ["X1", "b.fits", "X1"]
    states = [one["state"] for one in Watched(out).notices.values()]
    assert states == ["followed"] * 3
    folders = {one["folder"] for one in Watched(out).notices.values()}
    assert folders == {path.name for path in out.iterdir() if path.is_dir()}


def test_a_retraction_is_noted_in_the_answers(place: tuple[pathlib.Path, pathlib.Path]) -> None:
    notices, out = place
    path = write_gw_map(notices / "gw.fits", gw_map(32, coarse=16))
    (notices / "1.json").write_text(gw_notice(path.read_bytes()))
    path.unlink()
    look(FolderOfNotices(notices), out, Follower())
    (notices / "2.json").write_text(gw_notice(None, kind="RETRACTION"))
    n, said = look(FolderOfNotices(notices), out, Follower())
    assert n == 1
    assert "S110914a was retracted; noted in 1 answers" in said[0]
    (answer,) = (p for p in out.iterdir() if p.is_dir())
    assert "S110914a was retracted" in (answer / "RETRACTED.txt").read_text()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{", "not a JSON notice"),
        (gw_notice(None).encode(), "no sky map"),
        (json.dumps({"id": "X", "healpix_file": base64.b64encode(b"no map").decode()}).encode(), "cannot be read"),
    ],
)
def test_bad_notices_are_kept_with_the_reason(
    place: tuple[pathlib.Path, pathlib.Path], content: bytes, why: str
) -> None:
    notices, out = place
    (notices / "bad.json").write_bytes(content)
    follow = Follower()
    look(FolderOfNotices(notices), out, follow)
    (one,) = Watched(out).notices.values()
    assert one["state"] == "refused"
    assert why in one["why"]
    assert follow.done == []
    assert [path.name for path in out.iterdir()] == ["watched.json"]


def test_a_search_that_is_refused_is_no_end(place: tuple[pathlib.Path, pathlib.Path]) -> None:
    def outside(target: Target, folder: pathlib.Path) -> str:
        raise ValueError("the window is outside the data")

    notices, out = place
    (notices / "a.json").write_text(json.dumps(POSITION))
    n, said = look(FolderOfNotices(notices), out, outside)
    assert n == 1
    assert "outside the data" in said[-1]


def test_what_was_begun_is_done_again(place: tuple[pathlib.Path, pathlib.Path]) -> None:
    def killed(target: Target, folder: pathlib.Path) -> str:
        raise KeyboardInterrupt

    notices, out = place
    (notices / "a.json").write_text(json.dumps(POSITION))
    with pytest.raises(KeyboardInterrupt):
        look(FolderOfNotices(notices), out, killed)
    assert look(FolderOfNotices(notices), out, Follower())[0] == 1


def test_a_file_that_still_grows_waits(place: tuple[pathlib.Path, pathlib.Path]) -> None:
    notices, _ = place
    source = FolderOfNotices(notices)
    path = notices / "a.json"
    path.write_text("{")
    assert list(source.new()) == []
    path.write_text(json.dumps(POSITION))
    assert list(source.new()) == []
    assert [message.name for message in source.new()] == ["a.json"]


def test_a_stream_is_followed_and_its_place_kept(place: tuple[pathlib.Path, pathlib.Path]) -> None:
    _, out = place
    with Stream([json.dumps(POSITION).encode(), json.dumps({**POSITION, "id": "X2"}).encode()]) as stream:
        follow = Follower()
        n, _ = look(KafkaNotices(Consumer(stream.address), timeout=0.2), out, follow)
        assert n == 2
        assert follow.done == ["X1", "X2"]
        assert stream.committed == 1
        stream.messages.append(json.dumps({**POSITION, "id": "X3"}).encode())
        look(KafkaNotices(Consumer(stream.address), timeout=0.2), out, follow)
    assert follow.done == ["X1", "X2", "X3"]


def test_a_network_that_goes_away_is_tried_again(place: tuple[pathlib.Path, pathlib.Path]) -> None:
    _, out = place
    with Stream([json.dumps(POSITION).encode()], away=2) as stream:
        follow = Follower()
        n, said = look(KafkaNotices(Consumer(stream.address), timeout=0.2), out, follow)
    assert n == 1
    assert follow.done == ["X1"]
    assert sum("no notices now" in line for line in said) == 2
    assert "next try in 2 s" in said[1]


def test_a_retraction_that_comes_with_or_before_its_notice_stops_the_search(
    place: tuple[pathlib.Path, pathlib.Path],
) -> None:
    notices, out = place
    map_file = write_gw_map(notices / "gw.fits", gw_map(32, coarse=16))
    initial, update = gw_notice(map_file.read_bytes()), gw_notice(map_file.read_bytes(), kind="UPDATE")
    map_file.unlink()
    (notices / "1.json").write_text(initial)
    (notices / "2.json").write_text(gw_notice(None, kind="RETRACTION"))
    follow = Follower()
    assert look(FolderOfNotices(notices), out, follow)[0] == 2
    (notices / "3.json").write_text(update)  # late
    n, said = look(FolderOfNotices(notices), out, follow)
    assert n == 1
    assert "S110914a was retracted" in said[0]
    assert follow.done == []


def test_a_full_disk_is_waited_for(place: tuple[pathlib.Path, pathlib.Path]) -> None:
    notices, out = place
    for name in ("X1", "X2"):
        (notices / f"{name}.json").write_text(json.dumps({**POSITION, "id": name}))
    follow, said, slept = Follower(), [], []

    def full(target: Target, folder: pathlib.Path) -> str:
        if len(slept) < 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return follow(target, folder)

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(follow.done) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watch(FolderOfNotices(notices), out, full, say=said.append, sleep=sleep)
    assert follow.done == ["X1", "X2"]
    assert slept[1:4] == [1.0, 2.0, 5.0]
    assert any("No space left on device); next try in 5 s" in line for line in said)
    assert [one["state"] for one in Watched(out).notices.values()] == ["followed"] * 2


def test_what_nobody_expected_is_no_end_and_is_tried_again_at_the_next_start(
    place: tuple[pathlib.Path, pathlib.Path],
) -> None:
    def broken(target: Target, folder: pathlib.Path) -> str:
        raise RuntimeError("odd")

    notices, out = place
    (notices / "a.json").write_text(json.dumps(POSITION))
    n, said = look(FolderOfNotices(notices), out, broken)
    assert n == 1
    assert "RuntimeError: odd" in said[-1]
    follow = Follower()
    assert look(FolderOfNotices(notices), out, follow)[0] == 1
    assert follow.done == ["X1"]


def test_a_failed_notice_of_a_stream_is_tried_again_once_at_each_start(
    place: tuple[pathlib.Path, pathlib.Path],
) -> None:
    calls = []

    def broken(target: Target, folder: pathlib.Path) -> str:
        calls.append(target.name)
        raise MemoryError("no room")

    _, out = place
    text = json.dumps(POSITION).encode()
    with Stream([text, text]) as stream:
        n, said = look(KafkaNotices(Consumer(stream.address), timeout=0.2), out, broken)
        assert (n, calls) == (1, ["X1"])
        assert sum("MemoryError: no room" in line for line in said) == 1
        assert stream.committed == 1
        look(KafkaNotices(Consumer(stream.address), timeout=0.2), out, broken)
        assert calls == ["X1", "X1"]
        follow = Follower()
        assert look(KafkaNotices(Consumer(stream.address), timeout=0.2), out, follow)[0] == 1
        assert look(KafkaNotices(Consumer(stream.address), timeout=0.2), out, follow)[0] == 0
    assert follow.done == ["X1"]
    assert list((out / "failed").iterdir()) == []
    assert [one["state"] for one in Watched(out).notices.values()] == ["followed"]


def test_reasons_are_written_down_in_the_words_they_are_told_in(place: tuple[pathlib.Path, pathlib.Path]) -> None:
    def refused(target: Target, folder: pathlib.Path) -> str:
        raise ValueError("give start= with stop=")

    notices, out = place
    (notices / "a.json").write_text(json.dumps(POSITION))
    said: list[str] = []
    source, words = FolderOfNotices(notices), {"give start= with stop=": "give --start with --stop"}
    watch(source, out, refused, say=said.append, words=words.__getitem__, once=True, sleep=lambda _: None)
    (one,) = Watched(out).notices.values()
    assert one["why"] == "give --start with --stop"
    assert said[-1] == "a.json: not followed up: give --start with --stop"


class Unsteady:
    """A client whose errors are its own, as confluent_kafka's are."""

    def __init__(self, consumer: Any) -> None:
        self.consumer, self.calls = consumer, 0

    def consume(self, n: int, timeout: float) -> Any:
        self.calls += 1
        if self.calls == 1:
            raise RuntimeError("_ALL_BROKERS_DOWN")
        return self.consumer.consume(n, timeout=timeout)

    def commit(self, message: Any) -> None:
        raise RuntimeError("_TRANSPORT")


def test_errors_of_the_client_are_no_end(place: tuple[pathlib.Path, pathlib.Path]) -> None:
    _, out = place
    with Stream([json.dumps({**POSITION, "id": name}).encode() for name in ("X1", "X2")]) as stream:
        follow = Follower()
        n, said = look(KafkaNotices(Unsteady(Consumer(stream.address)), timeout=0.2), out, follow)
        assert n == 2
        assert follow.done == ["X1", "X2"]
        assert "_ALL_BROKERS_DOWN" in said[0]
        assert sum("was not told" in line for line in said) == 2
        # the stream gives them again, and they are known
        assert look(KafkaNotices(Consumer(stream.address), timeout=0.2), out, follow)[0] == 0


def test_a_damaged_record_is_named(place: tuple[pathlib.Path, pathlib.Path]) -> None:
    _, out = place
    out.mkdir()
    (out / "watched.json").write_text("{")
    with pytest.raises(ValueError, match=r"watched\.json is damaged"):
        Watched(out)
    (out / "watched.json").write_text("{}")
    with pytest.raises(ValueError, match="no record of notices"):
        Watched(out)
