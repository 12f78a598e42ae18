"""`import nusky` defines names and does nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

import nusky

HEAVY = ("numpy", "scipy", "healpy", "matplotlib", "astropy", "pandas", "h5py")


def python(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, timeout=120)


def test_import_raises_no_warning_prints_nothing_and_loads_nothing_heavy() -> None:
    code = f"import sys, nusky; print([m for m in {HEAVY!r} if m in sys.modules], 'nusky._core' in sys.modules)"
    done = python(code, "-W", "error")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[] False\n"
    assert done.stderr == ""


def test_the_names_of_the_tutorial_are_there() -> None:
    for name in (
        "CONF",
        "Status",
        "dists",
        "get_sky_scan_trial_runner",
        "get_spatial_prior_trial_runner",
        "get_trial_runner",
        "hyp",
        "plotting",
        "scan_events",
        "show_config",
        "sources",
    ):
        assert getattr(nusky, name) is not None
        assert name in dir(nusky)


def test_every_name_in_all_can_be_had() -> None:
    missing = []
    for name in nusky.__all__:
        try:
            getattr(nusky, name)
        except (AttributeError, ImportError) as error:
            missing.append(f"{name}: {error}")
    assert missing == []


def test_star_import_works_without_warnings() -> None:
    done = python("from nusky import *; print(callable(sources), CONF)", "-W", "error")
    assert done.stdout == "True {}\n", done.stderr


def test_sources_stays_a_function_whatever_is_imported_first() -> None:
    done = python("import nusky.source.positions, nusky.runners.point_source, nusky as cy; print(callable(cy.sources))")
    assert done.stdout == "True\n", done.stderr


def test_conf_is_one_dictionary_that_can_be_set() -> None:
    from nusky.conf.factories import CONF

    assert nusky.CONF is CONF
    assert (
        python(
            "import nusky as cy; cy.CONF['ana'] = 1; import nusky.conf.factories; print(nusky.conf.factories.CONF)"
        ).stdout
        == "{'ana': 1}\n"
    )


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'get_trial_runer'"):
        _ = nusky.get_trial_runer  # type: ignore[attr-defined]


def test_the_version_is_text() -> None:
    assert isinstance(nusky.__version__, str)


def test_show_config_says_what_a_bug_report_needs(capsys: pytest.CaptureFixture[str]) -> None:
    nusky.show_config()
    out = capsys.readouterr().out
    for part in ("nusky", "commit", "python", "threads", "numpy", "healpy", "instructions", "core"):
        assert part in out
