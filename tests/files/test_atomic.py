from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from nusky.files.atomic import TEMPORARY_SUFFIX, atomic_write, sync_files


def test_a_finished_block_leaves_exactly_the_file(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "x.npz") as f:
        f.write(b"abc")
        assert not (tmp_path / "x.npz").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["x.npz"]
    assert (tmp_path / "x.npz").read_bytes() == b"abc"


def test_an_exception_keeps_the_old_file_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"old")

    def write_half() -> None:
        with atomic_write(tmp_path / "x") as f:
            f.write(b"half")
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        write_half()
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_bytes() == b"old"


def test_a_full_disk_names_the_file_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with (
        pytest.raises(OSError, match="x was not written and nothing is left behind") as e,
        atomic_write(tmp_path / "x"),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert e.value.errno == errno.ENOSPC
    assert not list(tmp_path.iterdir())


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="cannot be written"), atomic_write(tmp_path / "no" / "x"):
        pass


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        with atomic_write(tmp_path / "x"):
            pass
    finally:
        os.umask(old)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o640
    assert TEMPORARY_SUFFIX == ".part"


def test_files_are_synced_together_and_those_that_are_gone_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    real = os.fsync
    monkeypatch.setattr("os.fsync", lambda fd: (synced.append(os.fstat(fd).st_ino), real(fd)))
    for i in range(5):
        with atomic_write(tmp_path / f"{i}", durable=False) as f:
            f.write(b"x")
    assert synced == []
    sync_files(tmp_path, ["0", "1", "2", "3", "4", "gone"])
    assert sorted(synced) == sorted(p.stat().st_ino for p in (*tmp_path.iterdir(), tmp_path))
