"""Remembered checksums are those of the content."""

from __future__ import annotations

import hashlib
import os
import pathlib

import pytest

from nusky.files import digests
from nusky.files.digests import file_digest, user_cache_dir


@pytest.fixture
def large(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A file that counts as large and has not changed for a while."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(digests, "_LARGE", 10)
    path = tmp_path / "large"
    path.write_bytes(b"x" * 100)
    os.utime(path, (1e9, 1e9))
    return path


def sha256(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_that_did_not_change_is_not_read_again(large: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = file_digest(large)
    assert first == sha256(large)
    monkeypatch.setattr(digests, "sha256_of", lambda path: pytest.fail("read again"))
    assert file_digest(large) == first


def test_any_change_is_seen(large: pathlib.Path) -> None:
    file_digest(large)
    large.write_bytes(b"y" * 100)
    assert file_digest(large) == sha256(large)  # another time of change
    os.utime(large, (2e9 - 1e9, 1e9 + 1))
    file_digest(large)
    large.write_bytes(b"z" * 101)
    os.utime(large, (1e9, 1e9 + 1))
    assert file_digest(large) == sha256(large)  # another size


def test_a_file_just_written_is_not_remembered(large: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.utime(large)
    file_digest(large)
    assert not (user_cache_dir() / "file-digests.json").exists()


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"a": 3}', b"\xff"])
def test_a_damaged_memory_is_no_memory(large: pathlib.Path, content: bytes) -> None:
    user_cache_dir().mkdir(parents=True)
    (user_cache_dir() / "file-digests.json").write_bytes(content)
    assert file_digest(large) == sha256(large)
    assert file_digest(large) == sha256(large)


def test_without_a_place_for_it_nothing_is_remembered(large: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(large))  # a file
    assert file_digest(large) == sha256(large)


def test_the_users_cache_folder_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_cache_dir() == tmp_path / "nusky"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert user_cache_dir().name == "nusky"
