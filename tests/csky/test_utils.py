from __future__ import annotations

from pathlib import Path

from nusky.csky import utils


def test_a_folder_is_made_once_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    utils.ensure_dir(str(folder))
    (folder / "kept").write_text("x")
    utils.ensure_dir(str(folder))
    assert (folder / "kept").read_text() == "x"


def test_containers_as_csky_makes_them() -> None:
    events = utils.Events(ra=[1.0, 2.0], dec=[0.1, 0.2])
    events["dec"] = [0.3, 0.4]
    assert events.columns == ("dec", "ra")
    table = utils.Arrays(init={"ts": [1.0, 2.5]}, convert=True)
    assert table.keys() == ("ts",)
    assert table.as_table.split() == ["ts", "1", "2.5"]
    assert utils.sources is utils.Sources


def test_modules_are_found_under_cskys_names() -> None:
    import importlib

    for name in ("utils", "inj", "pdf", "llh", "inspect", "seeding", "timing", "bk", "coord", "ipyconfig"):
        here, there = (importlib.import_module(f"nusky.{where}{name}") for where in ("", "csky."))
        assert all(getattr(here, one) is getattr(there, one) for one in there.__all__)
