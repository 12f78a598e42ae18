"""What a file of a stranger can do: nothing but give numbers or an error. The page on trust says what is left."""

from __future__ import annotations

import gzip
import io
import json
import os
import pathlib
import subprocess
import sys
import zipfile
from typing import Any

import numpy as np
import pytest

from made_trials import CONFIG, trials
from nusky.dists import read_tsd
from nusky.executors import read_spec
from nusky.executors.spec import FORMAT
from nusky.files import DamagedFile, read_npz, write_npz
from nusky.files.manifest import line_of
from nusky.followup import read_target
from nusky.releases.text import read_columns
from nusky.store import TrialStore
from nusky.trial import SkyScan
from nusky.version import code_version


def spec(path: pathlib.Path, **changes: Any) -> pathlib.Path:
    content = {"format": FORMAT, "version": code_version(), "runner": "TrialRunner", "fields": {}}
    write_npz(path, {}, {**content, "analysis": {"paths": [], "fingerprint": ""}, **changes})
    return path


@pytest.mark.parametrize("name", ["os.system", "antigravity", "subprocess.Popen", "__import__", "../evil", ""])
def test_a_spec_names_no_module_and_no_function(tmp_path: pathlib.Path, name: str) -> None:
    """Neither the runner nor anything in its fields."""
    before = set(sys.modules)
    for changes in ({"runner": name}, {"fields": {"a": {"class": name, "fields": {"args": "touch evil"}}}}):
        with pytest.raises(ValueError, match=r"spec\.npz does not describe a runner .*not a class that travels"):
            read_spec(spec(tmp_path / "spec.npz", **changes))
    assert not {"antigravity"} & (set(sys.modules) - before)


@pytest.mark.parametrize(
    "changes", [{"fields": []}, {"fields": {"a": {"array": "none"}}}, {"analysis": 3}, {"runner": ["TrialRunner"]}]
)
def test_a_spec_of_nonsense_is_refused_by_name(tmp_path: pathlib.Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"spec\.npz does not describe a runner"):
        read_spec(spec(tmp_path / "spec.npz", **changes))


class Evil:
    """Unpickled, it makes a folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        return os.mkdir, (self.folder,)


@pytest.mark.parametrize("read", [read_npz, read_tsd, SkyScan.read])
def test_nothing_is_unpickled(tmp_path: pathlib.Path, read: Any) -> None:
    objects = np.array([Evil(str(tmp_path / "made"))], dtype=object)
    np.savez(tmp_path / "evil.npz", meta=objects, header=objects, values=objects, status=objects)
    with pytest.raises(ValueError, match=r"evil\.npz"):
        read(tmp_path / "evil.npz")
    assert not (tmp_path / "made").exists()


def test_members_are_written_nowhere(tmp_path: pathlib.Path) -> None:
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "a.npz"
    image = io.BytesIO()
    np.save(image, np.arange(3))
    meta = io.BytesIO()
    np.save(meta, np.frombuffer(b'{"format": "x"}', np.uint8))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("meta.npy", meta.getvalue())
        for name in ("../evil.npy", "/evil.npy", "../../evil.npy"):
            archive.writestr(name, image.getvalue())
    assert len(read_npz(path)[1]) == 3
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["a.npz"]


def test_a_packed_file_of_arrays_is_not_unpacked(tmp_path: pathlib.Path) -> None:
    np.savez_compressed(tmp_path / "bomb.npz", meta=np.zeros(10, np.uint8), values=np.zeros(1_000_000))
    with pytest.raises(DamagedFile, match=r"bomb\.npz .*compressed"):
        read_npz(tmp_path / "bomb.npz")


def test_a_text_that_a_few_bytes_repeat_is_not_unpacked(tmp_path: pathlib.Path) -> None:
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"a b\n" + b"1.0 2.0\n" * 2_000_000))
    with pytest.raises(ValueError, match=r"bomb\.csv\.gz: unpacks to more than 100 times"):
        read_columns(tmp_path / "bomb.csv.gz", {"a": ("a",)}, lambda _: None)


def test_a_line_without_end_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "long.csv").write_bytes(b"a b\n1.0 2.0\n" + b"1 " * 8_000_000)
    with pytest.raises(ValueError, match=r"long\.csv: line .* is longer"):
        read_columns(tmp_path / "long.csv", {"a": ("a",)}, lambda _: None)


@pytest.mark.parametrize("name", ["../../mine.npz", "/{folder}/mine.npz", "..\\..\\mine.npz"])
def test_a_store_removes_and_moves_no_file_outside(tmp_path: pathlib.Path, name: str) -> None:
    """Joined shards name those they replace, which are removed; damaged ones are moved."""
    name = name.format(folder=str(tmp_path)[1:])
    mine = tmp_path / "mine.npz"
    mine.write_bytes(b"precious")
    store = TrialStore(tmp_path / "store", CONFIG)
    store.append(trials(0, 10), seed=1, start=0)
    shard = store.blocks[0].file_name
    size = (tmp_path / "store" / "shards" / shard).stat().st_size
    meta = json.loads((tmp_path / "store" / "manifest.jsonl").read_text().splitlines()[-1])["meta"]
    with open(tmp_path / "store" / "manifest.jsonl", "ab") as manifest:
        manifest.write(b"\n" + line_of({"name": shard, "n_bytes": size, "meta": {**meta, "replaces": [name, 3]}}))
        manifest.write(b"\n" + line_of({"name": name, "n_bytes": 8, "meta": {**meta, "start": 10, "stop": 20}}))
    again = TrialStore(tmp_path / "store", CONFIG)
    again.append(trials(10, 20), seed=1, start=10)
    assert len(again.read(n_sig=0)) == 20
    assert mine.read_bytes() == b"precious"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine.npz", "store"]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"event": {"skymap": "file:///etc/passwd"}}',
        '{"healpix_file": "https://example.org/map.fits"}',
        '{"ra": 1e999, "dec": 0, "ra_dec_error": 1}',
        '{"ra": "__import__(\'os\')", "dec": 0, "ra_dec_error": 1}',
        '{"ra": 10, "dec": 95, "ra_dec_error": 1}',
        '{"ra": 10, "dec": 5, "ra_dec_error": -1}',
        '{"ra": 10, "dec": 5, "ra_dec_error": [[]]}',
        '{"ra": 10, "dec": 5, "ra_dec_error": 1, "trigger_time": "yesterday"}',
        '{"ra": 10, "dec": 5, "ra_dec_error": 1, "containment_probability": "most"}',
    ],
)
def test_a_notice_of_nonsense_is_refused_by_name(tmp_path: pathlib.Path, text: str) -> None:
    (tmp_path / "notice.json").write_text(text)
    with pytest.raises(ValueError, match=r"notice\.json"):
        read_target(tmp_path / "notice.json")


def test_a_header_of_an_array_that_asks_for_all_memory_is_an_error(tmp_path: pathlib.Path) -> None:
    """In a process with 2 GiB, so that a mistake costs this test only."""
    image = io.BytesIO()
    np.save(image, np.zeros(3))
    data = image.getvalue().replace(b"(3,), ", b"(999999999999,), ", 1)
    data = data[:8] + (len(data) - 24 - 10).to_bytes(2, "little") + data[10:]
    (tmp_path / "huge.npy").write_bytes(data)
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31))\n"
        "from nusky.maps import read_sky_map\n"
        "try: read_sky_map(sys.argv[1])\n"
        "except ValueError as e: print(e)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "huge.npy")], capture_output=True, text=True, check=False
    )
    assert "huge.npy cannot be read" in done.stdout, done.stderr
