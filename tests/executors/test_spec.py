from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nusky import conf, hyp
from nusky.analysis.analysis import Analysis
from nusky.executors.spec import read_spec, write_spec
from nusky.source.positions import sources
from small_analysis import small_analysis


@pytest.fixture(scope="module")
def ana(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return small_analysis("one", "two")


def runners(ana: Analysis) -> list[Any]:
    prior = np.exp(-np.linspace(0, 20, 768))
    return [
        conf.get_trial_runner(src=sources(1.0, 0.3, extension=0.01), ana=ana, gamma=2.5),
        conf.get_trial_runner(src=sources(1.0, 0.3), ana=ana, flux=hyp.PowerLawFlux(2.3, energy_cutoff=1e5)),
        conf.get_sky_scan_trial_runner(nside=8, ana=ana, max_dec=1.0, src=sources([1.0, 2.0], [0.3, 0.4])),
        conf.get_spatial_prior_trial_runner(
            llh_priors=[prior, prior[::-1]], ana=ana, prior_weight=1.0, containment=0.9, inj_conf={"by": "flux"}
        ),
    ]


@pytest.mark.parametrize("kind", range(4))
def test_a_rebuilt_runner_has_the_same_configuration_and_the_same_trials_to_the_bit(
    ana: Analysis, tmp_path: Path, kind: int
) -> None:
    runner = runners(ana)[kind]
    path, digest = write_spec(runner, tmp_path)
    again = read_spec(path, digest)
    assert again.config() == runner.config()
    assert again.config_hash == runner.config_hash
    kw = {"n_sig": 3, "seed": 4}
    assert again.fit_trials(range(4), **kw).tobytes() == runner.fit_trials(range(4), **kw).tobytes()


def test_the_same_runner_is_written_once_and_another_one_beside_it(ana: Analysis, tmp_path: Path) -> None:
    first, second, *_ = runners(ana)
    assert write_spec(first, tmp_path) == write_spec(runners(ana)[0], tmp_path)
    assert write_spec(first, tmp_path) != write_spec(second, tmp_path)
    assert len(list(tmp_path.glob("runner-*.npz"))) == 2
    assert len(list(tmp_path.glob("season-*.npz"))) == 2  # the analysis had no cache files: saved once, for both


def test_an_analysis_with_cache_files_travels_by_their_names(tmp_path: Path, capsys: Any) -> None:
    saved = small_analysis("one").save(tmp_path / "ana")
    runner = conf.get_trial_runner(src=sources(1.0, 0.3), ana=saved)
    path, _ = write_spec(runner)
    assert Path(path).parent == (tmp_path / "ana" / "runners").resolve()
    with np.load(path) as z:
        described = json.loads(z["meta"].tobytes())
    assert described["analysis"]["paths"] == [str(Path(str(saved[0].path)).resolve())]
    assert Path(path).stat().st_size < 20_000


def test_neither_threads_nor_p_values_travel(ana: Analysis, tmp_path: Path) -> None:
    plain = conf.get_trial_runner(src=sources(1.0, 0.3), ana=ana)
    dressed = conf.get_trial_runner(src=sources(1.0, 0.3), ana=ana, mp_cpus=1, ts_to_p=lambda dec, ts: 0.1**ts)
    assert write_spec(plain, tmp_path) == write_spec(dressed, tmp_path)


def test_a_spectrum_of_ones_own_is_refused_by_name(ana: Analysis, tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class MyFlux(hyp.Flux):
        def _value(self, energy: Any) -> Any:
            return energy**-2.0

    runner = conf.get_trial_runner(src=sources(1.0, 0.3), ana=ana, flux=MyFlux())
    with pytest.raises(TypeError, match=r"injection\.flux is of the class .*MyFlux.*hyp\.TableFlux"):
        write_spec(runner, tmp_path)


def test_a_damaged_or_foreign_description_is_refused(ana: Analysis, tmp_path: Path, monkeypatch: Any) -> None:
    path, digest = write_spec(runners(ana)[3], tmp_path)
    whole = Path(path).read_bytes()
    Path(path).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"is damaged or something else .*write it again"):
        read_spec(path, digest)
    Path(path).write_bytes(whole)
    with pytest.raises(ValueError, match="does not have the expected content"):
        read_spec(path, "0" * 64)
    monkeypatch.setattr("nusky.executors.spec.code_version", lambda: "99.0")
    with pytest.raises(ValueError, match=r"this is version 99\.0"):
        read_spec(path, digest)


def test_what_is_missing_is_said_with_the_machine_it_is_missing_on(ana: Analysis, tmp_path: Path) -> None:
    import socket

    with pytest.raises(FileNotFoundError, match=f"not there on {socket.gethostname()}: give spool="):
        read_spec(tmp_path / "gone.npz")
    path, digest = write_spec(runners(ana)[0], tmp_path)
    next(tmp_path.glob("season-*.npz")).unlink()
    with pytest.raises(FileNotFoundError):
        read_spec(path, digest)


def test_a_description_can_only_name_classes_of_this_package(tmp_path: Path, ana: Analysis) -> None:
    path, _ = write_spec(runners(ana)[0], tmp_path)
    with np.load(path) as z:
        arrays = dict(z)
    evil = arrays["meta"].tobytes().replace(b'"InjectionOptions"', b'"subprocess:Popen"')
    arrays["meta"] = np.frombuffer(evil, dtype=np.uint8)
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match="'subprocess:Popen' is not a class that travels"):
        read_spec(path)


def test_a_runner_of_ones_own_stays_in_its_process(tmp_path: Path) -> None:
    from toy_runner import ToyRunner

    with pytest.raises(TypeError, match=r"only the runners of nusky can; leave executor out"):
        write_spec(ToyRunner(), tmp_path)


def test_a_spool_that_cannot_be_written_is_named(ana: Analysis, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="cannot hold the description of the runner"):
        write_spec(runners(ana)[0], tmp_path / "file")
