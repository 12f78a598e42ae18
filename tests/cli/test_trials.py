from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nusky import conf
from nusky.cli.command import main
from nusky.executors.spec import write_spec
from nusky.source.positions import sources
from nusky.store.trials import TrialStore
from small_analysis import small_analysis


@pytest.fixture(scope="module")
def runner() -> Any:
    return conf.get_trial_runner(src=sources(1.0, 0.3), ana=small_analysis("one"))


@pytest.fixture(scope="module")
def spec(runner: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_spec(runner, tmp_path_factory.mktemp("spool"))[0]


def test_jobs_of_an_array_and_a_merge_give_the_trials_of_one_run(
    runner: Any, spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for job in range(3):
        trials = f"{20 * job}:{20 * job + 20}"
        assert (
            main(["trials", "--seed", "1", "--trials", trials, "--out", str(tmp_path / f"{job}"), "--runner", spec])
            == 0
        )
    signal = ["--n-sig", "4.5", "--poisson", "--out", str(tmp_path / "0"), "--runner", spec]
    assert main(["trials", "--seed", "1", "--trials", "60:70", *signal]) == 0
    said = capsys.readouterr().out
    assert "Performing 20 background trials" in said
    assert "TrialRunner(one" in said
    stores = [str(tmp_path / f"{job}") for job in (2, 0, 1)]
    assert main(["merge", *stores, "--out", str(tmp_path / "all"), "--export", str(tmp_path / "all.npz")]) == 0
    assert "60 trials with n_sig = 0\n" in capsys.readouterr().out
    merged = TrialStore(tmp_path / "all")
    expected = runner.get_many_fits(60, seed=1)
    np.testing.assert_array_equal(merged.read(n_sig=0)["ts"], expected.ts)
    np.testing.assert_array_equal(
        merged.read(n_sig=4.5)["ts"], runner.fit_trials(range(60, 70), 4.5, poisson=True, seed=1)["ts"]
    )
    with np.load(tmp_path / "all.npz") as z:
        assert len(z["ts"]) == 70


def test_jobs_may_share_one_store_and_a_repeated_job_makes_nothing(
    spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["trials", "--seed", "1", "--out", str(tmp_path / "s"), "--runner", spec, "--threads", "1", "--trials"]
    assert main([*command, "0:10"]) == 0
    assert main([*command, "10:20"]) == 0
    before = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "s" / "shards").iterdir()}
    capsys.readouterr()
    assert main([*command, "0:20"]) == 0
    assert "20 of them are in" in capsys.readouterr().out
    assert {p.name: p.stat().st_mtime_ns for p in (tmp_path / "s" / "shards").iterdir()} == before


def test_damaged_shards_are_named_and_the_exit_code_says_so(
    spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        "trials",
        "--seed",
        "1",
        "--out",
        str(tmp_path / "s"),
        "--runner",
        spec,
        "--chunk",
        "10",
        "--trials",
        "0:20",
    ]
    assert main(command) == 0
    victim = max((tmp_path / "s" / "shards").iterdir())
    content = bytearray(victim.read_bytes())
    content[content.index(TrialStore(tmp_path / "s").read()["ns"][10:].tobytes())] ^= 0xFF
    victim.write_bytes(content)
    capsys.readouterr()
    assert main(["merge", str(tmp_path / "s"), "--out", str(tmp_path / "m")]) == 1
    assert f"left out: {victim}" in capsys.readouterr().out
    assert len(TrialStore(tmp_path / "m")) == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trials", "--seed", "1", "--trials", "5:5", "--out", "x"], "'5:5' is no range"),
        (["trials", "--seed", "1", "--trials", "5", "--out", "x"], "'5' is no range"),
        (["trials", "--seed", "-1", "--trials", "0:5", "--out", "x"], "-1 is negative"),
        (["trials", "--seed", "1", "--trials", "0:5", "--out", "x", "--n-sig", "nan"], "'nan' is no number of events"),
        (["trials", "--trials", "0:5", "--out", "x"], "--seed"),
    ],
)
def test_bad_options_are_told_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_what_is_not_there_is_told_in_one_line(spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["merge", str(tmp_path / "none"), "--out", str(tmp_path / "m")]) == 2
    assert "there is no store there" in capsys.readouterr().err
    missing = ["--runner", str(tmp_path / "no.npz")]
    assert main(["trials", "--seed", "1", "--trials", "0:5", "--out", str(tmp_path / "s"), *missing]) == 2
    assert "is not there on" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_a_store_of_another_search_is_refused(
    spec: str, runner: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other, _ = write_spec(conf.get_trial_runner(src=sources(1.0, 0.4), ana=runner.analysis), tmp_path)
    command = ["trials", "--seed", "1", "--trials", "0:5", "--out", str(tmp_path / "s"), "--runner"]
    assert main([*command, spec]) == 0
    assert main([*command, other]) == 2
    assert "config.dec: stored 0.3, given 0.4" in capsys.readouterr().err


@pytest.mark.slow
def test_without_a_runner_the_tutorials_search_is_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trials", "--seed", "1", "--trials", "0:2", "--out", str(tmp_path / "s")]) == 0
    assert "the tutorial's search" in capsys.readouterr().out
    store = TrialStore(tmp_path / "s")
    assert store.config["nside"] == 64
    assert store.config["n_pixels"] == 48984
    assert len(store) == 2


@pytest.mark.parametrize("what", ["stack", "subtracted", "list", "template"])
def test_a_runner_of_any_hypothesis_is_one_file(what: str, tmp_path: Path) -> None:
    src, ana = sources([1.0, 2.0], [0.3, -0.2]), small_analysis("one")
    if what == "list":
        runner: Any = conf.get_source_list_trial_runner(src=src, ana=ana)
    elif what == "template":
        runner = conf.get_trial_runner(template=np.arange(48.0), ana=ana, energy=False)
    else:
        runner = conf.get_trial_runner(src=src, ana=ana, sigsub=what == "subtracted", update_bg=True)
    spec, _ = write_spec(runner, tmp_path / "spool")
    out = ["--out", str(tmp_path / "s"), "--runner", spec, "--threads", "1"]
    assert main(["trials", "--seed", "1", "--trials", "0:3", "--n-sig", "6", *out]) == 0
    trials = TrialStore(tmp_path / "s").read(n_sig=6)
    for name in runner.dtype.names:
        np.testing.assert_array_equal(trials[name], runner.get_many_fits(3, 6, seed=1)[name])
