"""Folders of public releases behind the protocol of all repositories."""

from __future__ import annotations

import pathlib

import pytest

from npy_layout import custom
from nusky.selections import DataRepository, PSDataSpecs, PublicRelease, resolve


def test_public_folders_are_recognised_and_others_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such folder"):
        PublicRelease(tmp_path / "nowhere")
    (tmp_path / "release.zip").write_bytes(b"PK")
    with pytest.raises(NotADirectoryError, match=r"release\.zip is a file; unpack it"):
        PublicRelease(tmp_path / "release.zip")
    with pytest.raises(ValueError, match=r"no public release known here; expected upgoing_events\.txt.*VKL316"):
        PublicRelease(tmp_path)
    (tmp_path / "events").mkdir()
    (tmp_path / "irfs").mkdir()
    with pytest.raises(ValueError, match=r"hold no table of a track release .*is the download whole\?"):
        PublicRelease(tmp_path)


def test_the_real_releases_resolve_by_themselves(shared_data: pathlib.Path) -> None:
    first = PublicRelease(shared_data / "icecube_ic86_2011")
    assert isinstance(first, DataRepository)
    version, specs = resolve(first)
    assert (version, specs) == ("ic86-first-year", PSDataSpecs.ps_2011)
    assert first.fingerprint(version, specs[0]) == first.read(version, specs[0]).fingerprint
    with pytest.raises(KeyError, match="holds only the season IC86_2011"):
        first.read(version, "IC40")
    with pytest.raises(ValueError, match="has version 'ic86-first-year', not 'icetracks-dr1'"):
        first.read("icetracks-dr1", "IC40")
    with pytest.raises(TypeError, match="holds its own seasons"):
        first.read(version, custom())
    ten = PublicRelease(shared_data / "icecube_ps10_subset")
    version, specs = resolve(ten)
    assert (version, [spec.key for spec in specs]) == ("icetracks-dr1", ["IC40"])
    assert ten.fingerprint("icetracks-dr1", "IC40") == ten.read("icetracks-dr1", PSDataSpecs.IC40).fingerprint
    with pytest.raises(FileNotFoundError, match=r"IC86_I_exp\.csv"):
        ten.read("icetracks-dr1", "IC86_I")
