"""Every kind of release as `PublicRelease` reads it, and the damage that downloads and editors do."""

from __future__ import annotations

import gzip
import pathlib
import shutil
from collections.abc import Callable

import numpy as np
import pytest

from nusky.data.dataset import Dataset
from nusky.selections import PublicRelease
from release_writer import KINDS, TINY, write_first_year, write_release


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("releases")
    for kind in KINDS:
        write_release(folder / kind, kind, **TINY)
    write_first_year(folder / "first", size=0.01)
    return folder


@pytest.fixture
def copy(written: pathlib.Path, tmp_path: pathlib.Path) -> Callable[[str], pathlib.Path]:
    def make(kind: str) -> pathlib.Path:
        return pathlib.Path(shutil.copytree(written / kind, tmp_path / kind))

    return make


def read(folder: pathlib.Path, key: str) -> Dataset:
    release = PublicRelease(folder)
    return release.read(release.versions[0], key)


def test_releases_are_told_apart_by_their_content(written: pathlib.Path) -> None:
    for kind, version, shown in (
        ("first", "ic86-first-year", "ic86-first-year"),
        ("dr1", "icetracks-dr1", "icetracks-dr1 | 4 of 10 seasons"),
        ("dr2-1.0", "icetracks-dr2-v1.0", "icetracks-dr2-v1.0 | 4 of 14 seasons"),
        ("dr2-2.0", "icetracks-dr2-v2.0", "icetracks-dr2-v2.0 | 4 of 14 seasons"),
    ):
        release = PublicRelease(written / kind)
        assert release.versions == (version,)
        assert repr(release) == f"PublicRelease({written / kind} | {shown})"


def test_seasons_of_one_response_are_joined_unless_asked_for(written: pathlib.Path) -> None:
    for kind, joined in (
        ("dr1", ["IC40", "IC86_2011", "IC86_2012_2013"]),
        ("dr2-2.0", ["IC40", "IC86_2011_2013"]),
    ):
        release = PublicRelease(written / kind)
        assert [spec.key for spec in release.specs(release.versions[0])] == joined
        single = PublicRelease(written / kind, joined=False)
        keys = [spec.key for spec in single.specs(single.versions[0])]
        assert keys == ["IC40", "IC86_2011", "IC86_2012", "IC86_2013"]
    one, all_ = read(written / "dr2-2.0", "IC86_III"), read(written / "dr2-2.0", "IC86_2011_2013")
    assert one.key == "IC86_2013"
    assert set(one.data.mjd) < set(all_.data.mjd)
    assert all_.livetime == pytest.approx(335 + 350 + 350, abs=1e-4)


def test_seasons_that_are_not_neighbours_are_not_joined(copy: Callable[[str], pathlib.Path]) -> None:
    folder = copy("dr2-2.0")
    (folder / "events" / "IC86_II_exp.csv").unlink()
    release = PublicRelease(folder)
    assert [spec.key for spec in release.specs(release.versions[0])] == ["IC40", "IC86_2011", "IC86_2013"]


def test_run_event_and_subevent_reach_the_events(written: pathlib.Path) -> None:
    data = read(written / "dr2-2.0", "IC86_2011_2013").data
    rows = np.concatenate(
        [np.loadtxt(written / "dr2-2.0" / "events" / f"IC86_{n}_exp.csv") for n in ("I", "II", "III")]
    )
    for column, name in enumerate(("run", "event", "subevent")):
        assert data[name].dtype == np.int64
        np.testing.assert_array_equal(data[name], rows[:, column])
    np.testing.assert_allclose(data.log10energy, rows[:, 4])
    assert "run" not in read(written / "dr1", "IC40").data


def test_notes_say_the_release_and_its_flaws(written: pathlib.Path) -> None:
    notes = read(written / "dr1", "IC40").notes
    assert "IceTracks-DR1: cite doi:10.7910/DVN/VKL316" in notes[0]
    assert "part of the release: events of 4 of its 10 seasons are here" in notes
    first = read(written / "dr2-1.0", "IC40").notes
    assert "IceTracks-DR2 1.0: cite doi:10.7910/DVN/MMIIZA" in first[0]
    assert "known flaws of version 1.0" in first[1]
    second = read(written / "dr2-2.0", "IC40").notes
    assert not any("flaws" in note for note in second)


def test_version_is_left_open_where_only_other_configurations_are_there(copy: Callable[[str], pathlib.Path]) -> None:
    folder = copy("dr2-2.0")
    for path in (*folder.glob("irfs/IC86*"), *folder.glob("events/IC86*")):
        path.unlink()
    release = PublicRelease(folder)
    assert release.versions == ("icetracks-dr2",)
    assert "cannot be told apart" in read(folder, "IC40").notes[1]


@pytest.mark.parametrize("form", ["tab", "gz", "extra"])
def test_other_forms_of_the_same_files_give_the_same_season(
    form: str, copy: Callable[[str], pathlib.Path], written: pathlib.Path
) -> None:
    folder = copy("dr2-2.0")
    for path in list(folder.rglob("*.csv")):
        lines = path.read_text().removeprefix("#").splitlines()
        cells = [line.split() for line in lines]
        if form == "tab":
            text = "\t".join(f'"{name}"' for name in cells[0]) + "\n"
            text += "".join("\t".join(row) + "\n" for row in cells[1:])
            path.with_suffix(".tab").write_text(text)
            path.unlink()
        elif form == "gz":
            path.with_suffix(".csv.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
        else:
            path.write_text(
                "".join(",".join(["more" if k == 0 else "7", *row[::-1]]) + "\n" for k, row in enumerate(cells))
            )
    same, other = read(written / "dr2-2.0", "IC86_2011_2013"), read(folder, "IC86_2011_2013")
    for part in ("data", "sim"):
        for name in getattr(same, part).columns:
            np.testing.assert_array_equal(getattr(same, part)[name], getattr(other, part)[name])


def read_all(folder: pathlib.Path, key: str | None) -> None:
    release = PublicRelease(folder)
    for spec in release.specs(release.versions[0]) if key is None else [key]:
        release.read(release.versions[0], spec)


def refused(folder: pathlib.Path, *message: str, key: str | None = None) -> None:
    with pytest.raises((ValueError, OSError)) as caught:
        read_all(folder, key)
    for part in message:
        assert part in str(caught.value)


def test_half_a_release_and_a_season_without_uptime(copy: Callable[[str], pathlib.Path]) -> None:
    folder = copy("dr2-2.0")
    (folder / "uptime" / "IC86_II_exp.csv").unlink()
    refused(folder, "IC86_2011_2013 lacks uptime/IC86_II_exp.csv", "download the file(s)")
    (folder / "irfs" / "IC40_effectiveArea.csv").unlink()
    refused(folder, "season IC40 lacks irfs/IC40_effectiveArea.csv")
    shutil.rmtree(folder / "events")
    (folder / "events").mkdir()
    refused(folder, "the folder events holds no season; is the download whole?")


def test_events_outside_the_uptime(copy: Callable[[str], pathlib.Path]) -> None:
    folder = copy("dr2-2.0")
    path = folder / "events" / "IC86_I_exp.csv"
    rows = path.read_text().splitlines()
    path.write_text("\n".join([*rows, rows[1].replace("   55", "   57", 1)]) + "\n")
    season = read(folder, "IC86_2011")
    assert "1 events outside the good-run list, kept" in season.notes[1]
    shutil.copy(folder / "events" / "IC40_exp.csv", path)
    refused(folder, "IC86_I_exp.csv", "111 of 111 events", "are outside the uptime", "another season", key="IC86_2011")


@pytest.mark.parametrize("n_missing", [1, 30])
def test_fractions_that_do_not_sum_to_one(n_missing: int, copy: Callable[[str], pathlib.Path]) -> None:
    folder = copy("dr2-2.0")
    path = folder / "irfs" / "IC86_smearing.csv"
    rows = path.read_text().splitlines()
    del rows[65 : 65 + n_missing]  # in the first cell of the second declination
    path.write_text("\n".join(rows) + "\n")
    table = np.loadtxt(path)
    total = table[(table[:, 0] == 2.0) & (table[:, 2] == -10), 10].sum()
    where = "the cell log10 E_nu 2 … 4.33, Dec_nu -10 … 10 deg"
    amount = f"sum to {total:.4f}, {total - 1:+.4f} off 1"
    if n_missing == 30:
        assert total < 0.98
        refused(folder, "IC86_smearing.csv: the fractions of", where, amount, "1 such", "download the file again")
    else:
        assert 0.98 < total < 0.999
        (note,) = (note for note in read(folder, "IC86_2011").notes if "response from" in note)
        assert f"fractions of 1 cell(s) do not sum to 1: those of {where} {amount}; scaled to 1" in note


def test_a_file_of_another_release(copy: Callable[[str], pathlib.Path], written: pathlib.Path) -> None:
    folder = copy("dr2-2.0")
    shutil.copy(written / "dr1" / "events" / "IC86_II_exp.csv", folder / "events" / "IC86_II_exp.csv")
    refused(folder, "files of two releases", "events/IC86_II_exp.csv is of IceTracks-DR1", "of DR2")
    folder = copy("dr1")
    shutil.copy(written / "dr2-2.0" / "irfs" / "IC86_smearing.csv", folder / "irfs" / "IC86_smearing.csv")
    refused(folder, "files of two releases", "irfs/IC86_smearing.csv of DR2")
    write_first_year(folder, size=0.01)
    refused(folder, "files of two releases")


def test_radians_where_degrees_are_expected(copy: Callable[[str], pathlib.Path]) -> None:
    folder = copy("dr1")
    path = folder / "events" / "IC40_exp.csv"
    rows = np.loadtxt(path)
    rows[:, 2:] = np.radians(rows[:, 2:])
    np.savetxt(path, rows, header=path.read_text().splitlines()[0].removeprefix("#"), comments="")
    refused(folder, "IC40_exp.csv", "radians? The release has degrees", key="IC40")


def test_web_page_and_other_texts_in_place_of_a_table(copy: Callable[[str], pathlib.Path]) -> None:
    folder = copy("dr2-2.0")
    path = folder / "uptime" / "IC40_exp.csv"
    good = path.read_text()
    path.write_text("<html><head><title>502 Bad Gateway</title></head></html>")
    refused(folder, "uptime/IC40_exp.csv: a web page (HTML) in place of the table", "502 Bad Gateway", "download")
    path.write_text(good.replace("\n", "\r\n"))
    assert read(folder, "IC40").livetime == pytest.approx(376.4, abs=1e-4)
    path.write_text(good + "54999.0 54998.0\n")
    refused(folder, "uptime/IC40_exp.csv: row 4 (counted from 0) stops at 54998.0 before it starts")
    (folder / "events" / "IC86_I_exp.csv").write_text("<html></html>")
    refused(folder, "events/IC86_I_exp.csv: a web page")


def test_a_folder_above_the_release_is_pointed_out(written: pathlib.Path) -> None:
    with pytest.raises(ValueError, match="is 'dr1' inside it what you want"):
        PublicRelease(written)


def test_joined_seasons_of_different_responses_are_refused(written: pathlib.Path) -> None:
    with pytest.raises(KeyError, match=r"'IC86_2011_2013' joins seasons of different responses of icetracks-dr1"):
        read(written / "dr1", "IC86_2011_2013")
    with pytest.raises(KeyError, match=r"'IC86_2021' is not in icetracks-dr1; it has IC40, .*IC86_2017"):
        read(written / "dr1", "IC86_2021")
