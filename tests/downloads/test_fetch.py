"""Fetching a release from a Dataverse on the loopback, with all that goes wrong on the way."""

from __future__ import annotations

import errno
import hashlib
import json
import pathlib
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import nusky as cy
from dataverse_server import Dataverse, dataverse
from nusky.cli import main
from nusky.downloads import RELEASES, fetch_release, find_release, is_fetched, verify_release
from nusky.downloads.manifest import MANIFEST
from release_writer import TINY, write_release

pytest.importorskip("pooch")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    options = {**TINY, "seasons": ("IC40", "IC86_I")}
    return write_release(tmp_path_factory.mktemp("source"), "dr2-2.0", **options)


@pytest.fixture
def server(source: pathlib.Path, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Iterator[Dataverse]:
    monkeypatch.setattr("nusky.downloads.transfer._PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with dataverse(source) as served:
        yield served


@pytest.fixture
def fetch(server: Dataverse, tmp_path: pathlib.Path) -> Callable[..., list[str]]:
    def run(**options: Any) -> list[str]:
        lines: list[str] = []
        arguments = {"to": tmp_path / "here", "server": server.url, "log": lines.append, "progress": False}
        fetch_release("icetracks-dr2", **{**arguments, **options})
        return lines

    return run


EVENTS = "events/IC86_I_exp.csv"


def same(source: pathlib.Path, here: pathlib.Path) -> bool:
    names = {p.relative_to(source) for p in source.rglob("*") if p.is_file()}
    kept = {p.relative_to(here) for p in here.rglob("*") if p.is_file()} - {pathlib.Path(MANIFEST)}
    return names == kept and all((source / p).read_bytes() == (here / p).read_bytes() for p in names)


def test_a_release_comes_whole_with_what_to_cite_and_is_kept(
    fetch: Callable[..., list[str]], server: Dataverse, tmp_path: pathlib.Path
) -> None:
    lines = fetch()
    here = tmp_path / "here"
    assert same(server.folder, here)
    assert any("doi:10.7910/DVN/MMIIZA" in line for line in lines)
    assert any("arXiv:2605.19040" in line for line in lines)
    manifest = json.loads((here / MANIFEST).read_text())
    assert (manifest["release"], manifest["version"]) == ("icetracks-dr2", "2.0")
    assert manifest["files"][EVENTS]["sha256"] == hashlib.sha256((here / EVENTS).read_bytes()).hexdigest()
    assert is_fetched(here)
    assert verify_release(here, lambda _: None) == ()
    asked = len(server.requests)
    fetch()
    assert len(server.requests) == asked  # nothing is fetched twice


@pytest.mark.parametrize("ranges", [True, False])
def test_a_cut_connection_is_continued(
    ranges: bool, fetch: Callable[..., list[str]], server: Dataverse, tmp_path: pathlib.Path
) -> None:
    server.ranges = ranges
    server.cut[EVENTS] = [1000, 500]
    fetch()
    assert same(server.folder, tmp_path / "here")
    wanted = [given for path, given in server.requests if path == EVENTS]
    assert wanted == (["", "bytes=1000-", "bytes=1500-"] if ranges else ["", "bytes=1000-", "bytes=500-"])


def test_a_fetch_that_failed_goes_on_where_it_stopped(
    fetch: Callable[..., list[str]], server: Dataverse, tmp_path: pathlib.Path
) -> None:
    server.cut[EVENTS] = [1000, 0, 0, 0]
    with pytest.raises(
        OSError, match=r"the connection failed 4 times .*1000 of \d+ bytes are kept .*repeat the command"
    ):
        fetch()
    assert not is_fetched(tmp_path / "here")
    server.requests.clear()
    fetch()
    assert (EVENTS, "bytes=1000-") in server.requests
    assert ("events/IC40_exp.csv", "") not in server.requests  # it was whole
    assert same(server.folder, tmp_path / "here")


def test_a_wrong_checksum_is_refused_and_not_kept(
    fetch: Callable[..., list[str]], server: Dataverse, tmp_path: pathlib.Path
) -> None:
    server.altered.add(EVENTS)
    with pytest.raises(ValueError, match=r"IC86_I_exp\.csv: what came from .* has not the server's checksum md5:"):
        fetch()
    assert not list((tmp_path / "here" / "events").glob("IC86_I*"))
    server.altered.clear()
    fetch()
    assert same(server.folder, tmp_path / "here")


def test_a_file_changed_here_is_fetched_again(
    fetch: Callable[..., list[str]], server: Dataverse, tmp_path: pathlib.Path
) -> None:
    fetch()
    path = tmp_path / "here" / EVENTS
    path.write_bytes(path.read_bytes()[:-3] + b"9.9")
    (tmp_path / "here" / "uptime" / "IC40_exp.csv").unlink()
    wrong = verify_release(tmp_path / "here", lambda _: None)
    assert [line.split(":")[0] for line in wrong] == [EVENTS, "uptime/IC40_exp.csv"]
    fetch()
    assert same(server.folder, tmp_path / "here")


class FullDisk:
    """A file of which so many bytes can be written."""

    def __init__(self, file: Any, room: int) -> None:
        self._file, self._room = file, room

    def write(self, block: bytes) -> int:
        self._room -= len(block)
        if self._room < 0:
            self._file.write(block[: self._room])
            raise OSError(errno.ENOSPC, "No space left on device")
        return int(self._file.write(block))

    def flush(self) -> None:
        self._file.flush()


def test_a_disk_that_fills_up_keeps_what_came(
    fetch: Callable[..., list[str]], server: Dataverse, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nusky.downloads import transfer

    write = transfer._write
    with monkeypatch.context() as full:
        full.setattr(transfer, "_write", lambda file, *more: write(FullDisk(file, 700), *more))
        with pytest.raises(OSError, match=r"disk is full\) after .* bytes; they are kept: make room") as caught:
            fetch()
    assert caught.value.errno == errno.ENOSPC
    (part,) = (tmp_path / "here").rglob("*.part")
    assert part.stat().st_size == 700
    server.requests.clear()
    fetch()
    assert ("bytes=700-") in [given for _, given in server.requests]
    assert same(server.folder, tmp_path / "here")


def test_a_disk_that_is_too_small_is_seen_before_the_first_byte(
    fetch: Callable[..., list[str]], server: Dataverse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10_000_000}))
    with pytest.raises(OSError, match=r"50 MB are needed and 10 MB are free; make room, or give another folder"):
        fetch()
    assert not server.requests


def test_converted_tables_are_kept_as_tab_and_read_alike(
    fetch: Callable[..., list[str]], server: Dataverse, tmp_path: pathlib.Path
) -> None:
    server.converted.update(path for path in server.paths if path.endswith(".csv"))
    server.cut[EVENTS] = [1000]
    lines = fetch()
    here = tmp_path / "here"
    assert not list(here.rglob("*.csv"))
    assert any("8 table(s) came as the server's own .tab" in line for line in lines)
    assert (here / EVENTS).with_suffix(".tab").read_bytes() == server.table(EVENTS)
    assert verify_release(here, lambda _: None) == ()
    releases = cy.selections.PublicRelease(server.folder), cy.selections.PublicRelease(here)
    first, second = (release.read("icetracks-dr2-v2.0", "IC86_2011") for release in releases)
    for name in first.data.columns:
        np.testing.assert_array_equal(first.data[name], second.data[name])
    asked = len(server.requests)
    fetch()
    assert len(server.requests) == asked


def test_pages_and_refusals_in_place_of_a_file(fetch: Callable[..., list[str]], server: Dataverse) -> None:
    server.page.add(EVENTS)
    with pytest.raises(ValueError, match=r"sends 36 bytes \(text/html\) where its list of files says \d+"):
        fetch()
    server.page.clear()
    server.status[EVENTS] = [403]
    with pytest.raises(ValueError, match=r"the server refuses \(403 Forbidden\)"):
        fetch()
    server.status[EVENTS] = [503, 429]
    fetch()  # busy is not no


@pytest.mark.parametrize(
    ("listing", "message"),
    [
        (b"<html>Dataverse</html>", "no answer as Dataverse gives it: '<html>Dataverse</html>'"),
        ({"status": "ERROR", "message": "out of order"}, "the server says 'out of order'"),
        ({"status": "OK", "data": {}}, "has no list of files"),
        ({"status": "OK", "data": {"files": []}}, "no files in this version"),
        (
            {"status": "OK", "data": {"files": [{"label": "../x", "dataFile": {"id": 1, "filesize": 1, "md5": "0"}}]}},
            "would leave the folder",
        ),
    ],
)
def test_an_answer_that_is_no_list_of_files(
    listing: Any, message: str, fetch: Callable[..., list[str]], server: Dataverse
) -> None:
    server.listing = listing
    with pytest.raises(ValueError, match=message):
        fetch()


def test_unknown_names_versions_and_servers(fetch: Callable[..., list[str]], server: Dataverse) -> None:
    with pytest.raises(KeyError, match=r"no release 'icetracks-dr3'.* icetracks-dr1, icetracks-dr2"):
        find_release("icetracks-dr3")
    with pytest.raises(ValueError, match=r"icetracks-dr2 has no version '3\.0'; it has 1\.0, 2\.0"):
        fetch(version="3.0")
    with pytest.raises(ValueError, match=r"the server has no doi:10\.7910/DVN/MMIIZA version 1\.0 \(404"):
        fetch(version="1.0")
    with pytest.raises(OSError, match="the server cannot be reached"):
        fetch(server="http://127.0.0.1:9")
    assert set(RELEASES) == {"icetracks-dr1", "icetracks-dr2"}


def test_without_pooch_the_way_out_is_named(fetch: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError, match=r"pip install 'nusky\[download\]'"):
        fetch()


def test_the_command_line_lists_fetches_and_verifies(server: Dataverse, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "fetch", "icetracks-dr2", "--version", "2.0", "--server", server.url]) == 0
    shown = capsys.readouterr().out
    assert "Fetching IceCube track release IceTracks-DR2" in shown
    assert "Please cite" in shown
    assert main(["data", "list"]) == 0
    assert "version 2.0 is in " in capsys.readouterr().out
    assert main(["data", "verify", "icetracks-dr2"]) == 0
    assert "All files are as fetched." in capsys.readouterr().out
    release = cy.selections.icetracks_dr2()  # found where it was put, without the server
    assert release.versions == ("icetracks-dr2-v2.0",)
    folder = pathlib.Path(str(release).split("(")[1].split(" |")[0])
    (folder / EVENTS).write_text("x")
    assert main(["data", "verify", str(folder)]) == 1
    assert f"{EVENTS}: changed since it was fetched" in capsys.readouterr().out
    assert main(["data", "verify", "nowhere"]) == 2
    assert "is no folder and no release" in capsys.readouterr().err
    assert main(["data", "verify", str(server.folder)]) == 2
    assert "nothing was fetched to it" in capsys.readouterr().err


def test_a_selection_fetches_what_is_not_here(
    server: Dataverse, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nusky.downloads import registry

    monkeypatch.setitem(
        registry.RELEASES._load(), "icetracks-dr2", registry.RemoteRelease(
            "icetracks-dr2", "DR2", server.url, "10.7910/DVN/MMIIZA", ("2.0",), ("doi",)
        )
    )  # fmt: skip
    release = cy.selections.icetracks_dr2(to=tmp_path / "mine", joined=False)
    assert [spec.key for spec in release.specs(release.versions[0])] == ["IC40", "IC86_2011"]
