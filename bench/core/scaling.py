"""All figures of the core in one go: tables and plots of how a scan scales, for docs/performance.md.

    python bench/core/scaling.py build/plain/bench/nusky_bench --release ../shared/data/icecube_ic86_2011

Runs ``nusky_bench --sweep`` (some minutes on a quiet machine), draws ``docs/_static/scaling.png`` and ``roofline.png``
and puts the tables between the two ``scaling`` comments of ``docs/performance.md``. Given the JSON file of an earlier
run instead of the program, it draws that. Without ``--release`` or ``--dump`` the events are synthetic.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- scaling: begin, written by bench/core/scaling.py -->", "<!-- scaling: end -->"
Row = dict[str, Any]

HEAD = """\
{processor}, {cores} cores, {l1_kib} KiB L1 and {l2_kib} KiB L2 each, {l3_mib} MiB L3, {gib:.0f} GiB;
{compiler}, `{clean_flags}`, Eigen {eigen}, {level} (of {levels}). Events: {data}.
Load of the machine when the run began: {load:.1f}{busy}. The run took {seconds:.0f} s.
One thread: processor time, more: wall time; the best of up to {repeat} scans.

![Time of a scan over threads, nside, events and seasons](_static/scaling.png)

**What the machine can do**, per core, measured by the same program with plain loops (a multiply-add is two operations;
caches: read, from a working set of half their size; memory: four times the last cache, at most 256 MiB a thread):

{rates}
**What a scan asks for at least.** *Pairs* are those within the cut. Counted from the formulas, not from the code
(`demand_of`, `bench/core/measure.hpp`): for a pair whose event is near the direction's tile
({evaluated:.2f} for each pair at nside {nside}) S/B once,
{flops_of_pair:g} operations, an exponential and {bytes_of_pair:g} bytes; for a pair of a
direction not proven to have TS = 0 ({fitted:.0%} of the pairs) its term in one sum at 16 γ, {flops_of_fitted:g}
operations and {bytes_of_fitted:g} bytes more. *Arithmetic* is the time these operations take at the measured rates,
*bytes* that of the bytes from L2, both in ns per pair and core; the roofline is the larger one. Finding the events,
proofs, profiles in γ, Newton's steps and all that is once for a direction count as nothing: 100 % is out of reach.

![Operations and bytes of scans under the measured roofline](_static/roofline.png)
"""


def run(bench: Path, given: argparse.Namespace) -> Row:
    """Measure, or read what was measured."""
    if bench.suffix == ".json":
        found: Row = json.loads(bench.read_text())
        return found
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "sweep.json"
        command = [str(bench), "--sweep", str(out), "--nside", str(given.nside), "--repeat", str(given.repeat)]
        dump = given.dump
        if given.release is not None:
            from write_dump import write_dump

            import nusky as cy

            ana = cy.get_analysis(cy.selections.PublicRelease(given.release), logging=False)
            dump = write_dump(ana, Path(folder) / "season.dump")
        if dump is not None:
            command += ["--dump", str(dump)]
        command += ["--threads", str(given.threads)]
        command += [] if given.ten_seasons else ["--ten-seasons", "0"]
        subprocess.run(command, check=True)
        found = json.loads(out.read_text())
    if given.release is not None:
        found["machine"]["data"] = f"{', '.join(ana.keys)} of {given.release.name}"
    return found


def ceilings(row: Row, rates: Sequence[Row]) -> tuple[float, float]:
    """Seconds that the arithmetic and the bytes of a scan take at the machine's own rates, on as many cores."""
    rate = next(
        r for r in rates if r["level"] == row["level"] and r["threads"] in (row["threads"], nearest(row, rates))
    )
    arithmetic = row["flops"] / rate["float_flops"] + row["exps"] / rate["float_exp"]
    return arithmetic / row["threads"], row["bytes"] / rate["l2"] / row["threads"]


def nearest(row: Row, rates: Sequence[Row]) -> int:
    """Number of threads, among those whose rates were measured, next to that of the scan."""
    return int(min((r["threads"] for r in rates), key=lambda t: abs(t - row["threads"])))


def per_pair(row: Row, seconds: float) -> float:
    """ns for a pair and core."""
    return float(1e9 * seconds * row["threads"] / row["pairs"])


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def seconds(value: float) -> str:
    """With a unit, three digits."""
    return f"{1e3 * value:.3g} ms" if value < 1 else f"{value:.3g} s"


def scan_table(rows: Sequence[Row], rates: Sequence[Row], name: str, show: Callable[[Row], str]) -> str:
    """One row for a size, columns for the numbers of threads."""
    threads = sorted({row["threads"] for row in rows})
    keys = list(dict.fromkeys(show(row) for row in rows))
    header = [name, "pairs", *(f"{t} thread{'s' * (t > 1)}" for t in threads)]
    header += [
        f"ns per pair and core, {threads[-1]} thr.",
        "arithmetic",
        "bytes",
        "fraction of the roofline",
    ]
    lines = []
    for key in keys:
        mine = {row["threads"]: row for row in rows if show(row) == key}
        last = mine[max(mine)]
        arithmetic, memory = ceilings(last, rates)
        lines.append(
            [key, f"{last['pairs'] / 1e6:.3g} M"]
            + [seconds(mine[t]["scan_s"]) if t in mine else "" for t in threads]
            + [f"{per_pair(last, last['scan_s']):.2f}", f"{per_pair(last, arithmetic):.2f}"]
            + [f"{per_pair(last, memory):.2f}", f"{max(arithmetic, memory) / last['scan_s']:.0%}"]
        )
    return table(header, lines)


def thread_table(rows: Sequence[Row], searches: Sequence[Row]) -> str:
    """Scan, index and search by threads."""
    one = rows[0]["scan_s"]
    lines = []
    for row in rows:
        line = [str(row["threads"]), seconds(row["index_s"]), seconds(row["scan_s"]), f"{one / row['scan_s']:.2f}"]
        line.append(f"{per_pair(row, row['scan_s']):.2f}")
        search = next((s for s in searches if s["threads"] == row["threads"]), None)
        line += (
            ["", ""]
            if search is None
            else [seconds(search["search_s"]), f"{1 / (search['index_s'] + search['search_s']):.1f}"]
        )
        lines.append(line)
    header = ["threads", "index", "scan", "gain", "ns per pair and core", "search for the hottest pixel", "trials/s"]
    return table(header, lines)


def rate_table(rates: Sequence[Row]) -> str:
    """Rates of one core."""
    header = ["instructions", "cores at work", "float ×+ (Gflop/s)", "double ×+", "float exp (G/s)", "double exp"]
    header += ["L1 (GB/s)", "L2", "L3", "memory", "memory, read and write"]
    names = ("float_flops", "double_flops", "float_exp", "double_exp", "l1", "l2", "l3", "memory", "triad")
    return table(header, [[r["level"], str(r["threads"]), *(f"{r[n] / 1e9:.3g}" for n in names)] for r in rates])


def text(found: Row) -> str:
    """Everything between the comments."""
    m, rates, searches = found["machine"], found["rates"], found["searches"]
    of = {name: [row for row in found["scans"] if row["sweep"] == name] for name in ("threads", "nside", "events")}
    of |= {name: [row for row in found["scans"] if row["sweep"] == name] for name in ("seasons", "level", "ten")}
    base = of["threads"][0]
    busy = max(m["load"], found["run"]["load_after"] - m["cores"])
    shown = HEAD.format(
        **m,
        l1_kib=m["l1"] >> 10,
        l2_kib=m["l2"] >> 10,
        l3_mib=m["l3"] >> 20,
        gib=m["memory"] / 2**30,
        clean_flags=" ".join(m["flags"].split()),
        busy=" (**busy: wall times are far too long, processor times by some ten percent**)" if busy > 0.5 else "",
        **{name: found["run"][name] for name in ("seconds", "repeat")},
        rates=rate_table(rates),
        evaluated=base["evaluated"] / base["pairs"],
        fitted=base["fitted"] / base["pairs"],
        **{
            name: base[name]
            for name in ("nside", "flops_of_pair", "bytes_of_pair", "flops_of_fitted", "bytes_of_fitted")
        },
    )
    parts = [
        shown,
        f"**Threads** (nside {base['nside']}; search: prior of FWHM {searches[0]['prior_fwhm']:g}°, background):\n",
        thread_table(of["threads"], searches),
        f"**nside** ({base['events']} events):\n",
        scan_table(of["nside"], rates, "nside", lambda row: str(row["nside"])),
        f"**Events** (nside {base['nside']}; more than there are: again at other right ascensions):\n",
        scan_table(of["events"], rates, "events", lambda row: str(row["events"])),
        f"**Seasons** (nside {base['nside']}; the same events, dealt out to so many seasons):\n",
        scan_table(of["seasons"], rates, "seasons", lambda row: str(row["seasons"])),
        f"**Instruction sets** (nside {base['nside']}):\n",
        scan_table(of["level"], rates, "level", lambda row: str(row["level"])),
    ]
    if of["ten"]:
        row = of["ten"][0]
        parts.append(f"**Ten years' worth** ({row['events']} synthetic events, {row['seasons']} seasons):\n")
        parts.append(scan_table(of["ten"], rates, "nside", lambda row: str(row["nside"])))
    return "\n".join(parts)


def draw_scaling(found: Row, path: Path) -> None:
    """Four panels: threads, nside, events, seasons."""
    from matplotlib.figure import Figure

    rates = found["rates"]
    figure = Figure(figsize=(9.6, 7.0), layout="constrained")
    axes = figure.subplots(2, 2)
    panels = (
        ("threads", "threads", "threads"),
        ("nside", "directions", "nside of the map"),
        ("events", "events", "events"),
        ("seasons", "seasons", "seasons, of as many events in all"),
    )
    for ax, (sweep, key, label) in zip(axes.flat, panels, strict=True):
        rows = [row for row in found["scans"] if row["sweep"] == sweep]
        if sweep == "threads":
            x = [row[key] for row in rows]
            ax.plot(x, [row["scan_s"] for row in rows], "o-", color="C0", label="scan")
            ax.plot(x, [rows[0]["scan_s"] / t for t in x], "k:", label="one thread's time / threads")
            ax.plot(x, [max(ceilings(row, rates)) for row in rows], "--", color="C3", label="roofline")
            ax.set_xticks(x, [str(t) for t in x])
        else:
            for i, t in enumerate(sorted({row["threads"] for row in rows})):
                mine = [row for row in rows if row["threads"] == t]
                x = [row[key] for row in mine]
                name = f"{t} thread{'s' * (t > 1)}"
                ax.plot(x, [row["scan_s"] for row in mine], "o-", color=f"C{i}", label=name)
                roof = [max(ceilings(row, rates)) for row in mine]
                ax.plot(x, roof, "--", color=f"C{i}", alpha=0.7, label=f"roofline, {name}")
            ax.set_xscale("log")
            names = [f"{row[sweep] / 1e3:.0f}k" if sweep == "events" else str(row[sweep]) for row in mine]
            ax.set_xticks(x, names)
            ax.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter("")
        ax.set_xlabel(label)
        ax.set_ylabel("time of a scan (s)")
        ax.grid(True, which="both", alpha=0.25)
        ax.legend(fontsize=8)
    figure.savefig(path, dpi=110)


def draw_roofline(found: Row, path: Path) -> None:
    """Operations a second over operations a byte, one core, best instruction set."""
    import numpy as np
    from matplotlib.figure import Figure

    level = found["machine"]["level"]
    rate = next(r for r in found["rates"] if r["level"] == level and r["threads"] == 1)
    # An exponential counts as many operations as the machine could do meanwhile
    worth = rate["float_flops"] / rate["float_exp"]
    figure = Figure(figsize=(7.2, 5.0), layout="constrained")
    ax = figure.subplots()
    x = np.geomspace(0.1, 100, 400)
    for i, (name, label) in enumerate((("l1", "L1"), ("l2", "L2"), ("memory", "memory"))):
        roof = np.minimum(x * rate[name], rate["float_flops"]) / 1e9
        ax.plot(x, roof, color="0.3", ls=("-", "--", ":")[i], label=f"{label}: {rate[name] / 1e9:.0f} GB/s")
    ax.axhline(rate["float_flops"] / 1e9, color="0.7", lw=0.8)
    marks = (("nside", "o", "directions"), ("events", "s", "events"), ("seasons", "^", "seasons"))
    for i, (sweep, mark, label) in enumerate(marks):
        rows = [
            row for row in found["scans"] if row["sweep"] == sweep and row["threads"] == 1 and row["level"] == level
        ]
        work = np.array([row["flops"] + row["exps"] * worth for row in rows])
        got = work / np.array([row["scan_s"] for row in rows]) / 1e9
        ax.plot(work / np.array([row["bytes"] for row in rows]), got, mark, color=f"C{i}", label=f"scans, by {label}")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_ylim(1, 2 * rate["float_flops"] / 1e9)
    ax.set_xlabel(f"operations of the formulas a byte (an exponential counts as {worth:.0f})")
    ax.set_ylabel("10⁹ operations/s, one core")
    ax.set_title(
        f"{level}, float: {rate['float_flops'] / 1e9:.0f} Gflop/s, {rate['float_exp'] / 1e9:.1f} G exp/s", fontsize=10
    )
    ax.grid(True, which="both", alpha=0.25)
    ax.legend(fontsize=8, loc="lower right")
    figure.savefig(path, dpi=110)


def put(page: Path, tables: str) -> None:
    """Replace what stands between the comments."""
    old = page.read_text(encoding="utf-8")
    if old.count(BEGIN) != 1 or old.count(END) != 1:
        raise SystemExit(f"{page} must hold the two lines\n{BEGIN}\n{END}\nonce each, where the tables belong")
    before, _, rest = old.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{tables}\n{END}{after}", encoding="utf-8")


def main() -> int:
    """Measure, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=Path, help="nusky_bench of a plain Release build, or the JSON file of a run")
    parser.add_argument("--release", type=Path, help="folder of the public first-year IC86 release")
    parser.add_argument("--dump", type=Path, help="file made by bench/core/write_dump.py")
    parser.add_argument("--nside", type=int, default=64)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--threads", type=int, default=0, help="most threads; 1 on a busy machine (0: all)")
    parser.add_argument("--ten-seasons", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--json", type=Path, help="keep the measured figures here")
    parser.add_argument("--page", type=Path, default=PAGE, help="page that the tables go into")
    given = parser.parse_args()
    if not given.bench.is_file():
        raise SystemExit(
            f"{given.bench} does not exist; build it with cmake -S . -B build/plain && cmake --build build/plain"
        )
    put(given.page, "")  # a page without the comments is said before minutes of work
    found = run(given.bench, given)
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    pictures = given.page.parent / "_static"
    pictures.mkdir(exist_ok=True)
    draw_scaling(found, pictures / "scaling.png")
    draw_roofline(found, pictures / "roofline.png")
    put(given.page, text(found))
    print(text(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
