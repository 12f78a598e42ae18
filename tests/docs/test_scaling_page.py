"""The tables of docs/performance.md are made of what nusky_bench measured, and of nothing else."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from places import ROOT

SCRIPT = ROOT / "bench" / "core" / "scaling.py"
RATES = ("float_flops", "double_flops", "float_exp", "double_exp", "l1", "l2", "l3", "memory", "triad")


@pytest.fixture(scope="module")
def scaling() -> ModuleType:
    spec = importlib.util.spec_from_file_location("scaling", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measured() -> dict[str, Any]:
    """A machine of 10 Gflop/s, 1 G exp/s and 8 GB/s, and a scan that takes four times as long as its operations."""
    rates = [{"level": "avx9", "threads": t, **dict.fromkeys(RATES, 8e9)} for t in (1, 2)]
    for rate in rates:
        rate |= {"float_flops": 10e9, "float_exp": 1e9}
    scans = []
    for sweep in ("threads", "nside", "events", "seasons", "level"):
        for threads in (1, 2):
            size = {"nside": 16, "events": 5000, "seasons": 1, "directions": 3072, "level": "avx9"}
            demand = {"evaluated": 2_000_000, "pairs": 1_000_000, "fitted": 250_000, "fits": 700}
            demand |= {"flops": 5e7, "exps": 5e6, "bytes": 8e6, "flops_of_pair": 12, "bytes_of_pair": 5.75}
            demand |= {"flops_of_fitted": 32, "bytes_of_fitted": 8}
            times = {"index_s": 1e-3, "scan_s": 0.04 / threads, "worst_dts": 1e-6}
            scans.append({"sweep": sweep, "threads": threads, **size, **demand, **times})
    search = {"threads": 1, "nside": 16, "prior_fwhm": 10.0, "trials": 4, "index_s": 0.01, "search_s": 0.04, "fits": 5}
    machine = {"processor": "Abacus 3", "cores": 2, "load": 0.1, "l1": 32768, "l2": 1 << 20, "l3": 1 << 25}
    machine |= {
        "memory": 1 << 34,
        "compiler": "gcc 12",
        "flags": "Release  -O3",
        "level": "avx9",
        "levels": "sse2 avx9",
    }
    machine |= {"eigen": "3.4.0", "data": "synthetic events"}
    run = {"seconds": 60, "repeat": 3, "load_after": 1.9}
    return {"machine": machine, "run": run, "rates": rates, "scans": scans, "searches": [search]}


def test_time_per_pair_and_fraction_of_the_roofline_are_those_of_the_figures(scaling: ModuleType) -> None:
    found = measured()
    one, two = (row for row in found["scans"] if row["sweep"] == "threads")
    # 5e7 operations at 10 G/s and 5e6 exponentials at 1 G/s are 10 ms, 8 MB at 8 GB/s 1 ms; two cores take half
    assert scaling.ceilings(one, found["rates"]) == pytest.approx((0.010, 0.001))
    assert scaling.ceilings(two, found["rates"]) == pytest.approx((0.005, 0.0005))
    assert scaling.per_pair(one, one["scan_s"]) == pytest.approx(40.0)
    assert scaling.per_pair(two, two["scan_s"]) == pytest.approx(40.0)
    line = "| 16 | 1 M | 40 ms | 20 ms | 40.00 | 10.00 | 1.00 | 25% |"
    assert line in scaling.text(found)


def test_the_page_names_machine_compiler_and_flags_and_says_when_it_was_busy(scaling: ModuleType) -> None:
    found = measured()
    page = scaling.text(found)
    for said in ("Abacus 3", "gcc 12", "`Release -O3`", "Eigen 3.4.0", "avx9", "20.0"):
        assert said in page
    assert "busy" not in page
    found["machine"]["load"] = 3.0
    assert "**busy" in scaling.text(found)


def test_tables_and_pictures_land_in_the_page(
    scaling: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, figures = tmp_path / "page.md", tmp_path / "run.json"
    figures.write_text(json.dumps(measured()))
    monkeypatch.setattr(sys, "argv", ["scaling.py", str(figures), "--page", str(page)])
    page.write_text("# Speed\n")
    with pytest.raises(SystemExit, match="must hold the two lines"):
        scaling.main()
    page.write_text(f"# Speed\n\n{scaling.BEGIN}\nold\n{scaling.END}\n\nThe rest.\n")
    assert scaling.main() == 0
    text = page.read_text()
    assert text.startswith("# Speed\n")
    assert text.endswith("The rest.\n")
    assert "old" not in text
    for name in ("scaling.png", "roofline.png"):
        assert f"_static/{name}" in text
        assert (tmp_path / "_static" / name).read_bytes().startswith(b"\x89PNG")


def test_the_page_of_the_docs_has_the_place_for_the_tables(scaling: ModuleType) -> None:
    text = scaling.PAGE.read_text()
    assert text.count(scaling.BEGIN) == text.count(scaling.END) == 1
