from __future__ import annotations

from pathlib import Path

from nusky.csky import utils


def test_a_folder_is_made_once_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    utils.ensure_dir(str(folder))
    (folder / "kept").write_text("x")
    utils.ensure_dir(str(folder))
    assert (folder / "kept").read_text() == "x"
