"""Has the core become slower? Counted in instructions for a (pixel, event) pair, which no other work disturbs.

    python bench/core/check_ratios.py build/cpp/bench/nusky_bench            # compare with bench/core/ratios.json
    python bench/core/check_ratios.py build/cpp/bench/nusky_bench --update   # after a change that is meant

Runs a small fixed scan, a fixed index and a few searches for the hottest pixel under `valgrind --tool=callgrind`, once
for each instruction set that valgrind knows (it has no AVX-512). Counts belong to a compiler: with another one than the
baseline's the tolerance is wider. Instructions are not time (a cache miss counts as nothing), so this finds code that
does more work, not code that waits more.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

BASELINE = Path(__file__).with_name("ratios.json")
LEVELS = ("sse2", "avx2")
OPTIONS = ["--events", "12000", "--nside", "16", "--threads", "1", "--repeat", "1", "--checks", "0", "--trials", "4"]
# What is counted, with everything it calls
FUNCTIONS = {
    "scan": "nusky::scan(",
    "index": "nusky::EventIndex::EventIndex(",
    "hottest": "nusky::find_hottest(",
}
TOLERANCE, TOLERANCE_OF_ANOTHER_COMPILER = 0.10, 0.40


def inclusive(profile: str) -> dict[str, float]:
    """Instructions of one call of each function, callees included, from a callgrind file without compression.

    Every call is two lines: ``calls=COUNT POSITION`` and ``POSITION COST``, after the ``cfn=`` that names the callee.
    """
    calls: dict[str, int] = defaultdict(int)
    cost: dict[str, int] = defaultdict(int)
    callee, pending = "", 0
    for line in profile.splitlines():
        if line.startswith("cfn="):
            callee = line[4:]
        elif line.startswith("calls="):
            pending = int(line[6:].split()[0])
        elif pending:
            for name, beginning in FUNCTIONS.items():
                if callee.startswith(beginning) and "{lambda" not in callee:
                    calls[name] += pending
                    cost[name] += int(line.split()[1])
            pending = 0
    missing = [name for name in FUNCTIONS if calls[name] == 0]
    if missing:
        raise SystemExit(
            f"callgrind saw no call of {', '.join(missing)}: renamed, or inlined? See FUNCTIONS in {__file__}"
        )
    return {name: cost[name] / calls[name] for name in FUNCTIONS}


def number(text: str, pattern: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit(f"nusky_bench printed no {pattern!r}:\n{text}")
    return float(found.group(1))


def count(bench: Path, level: str) -> tuple[str, dict[str, float]]:
    """Compiler, and instructions for a pair or an event at one instruction set."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind.out"
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--compress-strings=no"]
        command += ["--compress-pos=no", str(bench), *OPTIONS, "--level", level]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"}
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
        per_call = inclusive(out.read_text(errors="replace"))
    text = done.stdout
    pairs, events = number(text, r"pairs\s+(\d+)"), number(text, r"events\s+(\d+)")
    compiler = re.search(r"compiler (\S+)", text)
    return compiler.group(1) if compiler else "unknown", {
        "scan, for a pair": per_call["scan"] / pairs,
        "search for the hottest pixel, for a pair": per_call["hottest"] / pairs,
        "index, for an event": per_call["index"] / events,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=Path, help="the nusky_bench of a plain Release build")
    parser.add_argument("--update", action="store_true", help="write the baseline instead of comparing with it")
    args = parser.parse_args()
    if shutil.which("valgrind") is None:
        raise SystemExit("valgrind is not installed (Debian: apt-get install valgrind)")
    if not args.bench.is_file():
        raise SystemExit(f"{args.bench} does not exist; build it with cmake -S . -B build/cpp -DNUSKY_BUILD_BENCH=ON")
    found = {level: count(args.bench, level) for level in LEVELS}
    compiler = found[LEVELS[0]][0]
    counts = {level: {name: round(value, 2) for name, value in per.items()} for level, (_, per) in found.items()}
    if args.update:
        BASELINE.write_text(
            json.dumps({"compiler": compiler, "options": " ".join(OPTIONS), "instructions": counts}, indent=2) + "\n"
        )
        print(f"wrote {BASELINE}")
        return 0
    baseline = json.loads(BASELINE.read_text())
    if baseline["options"] != " ".join(OPTIONS):
        raise SystemExit(f"{BASELINE} is of other options ({baseline['options']}); run with --update")
    same = baseline["compiler"] == compiler
    tolerance = TOLERANCE if same else TOLERANCE_OF_ANOTHER_COMPILER
    print(f"compiler {compiler}, baseline {baseline['compiler']}: tolerance {tolerance:.0%}")
    slower = 0
    for level, per in counts.items():
        for name, value in per.items():
            before = baseline["instructions"][level][name]
            ratio = value / before
            verdict = "SLOWER" if ratio > 1 + tolerance else "faster: --update?" if ratio < 1 - tolerance else ""
            slower += verdict == "SLOWER"
            print(f"{level:6} {name:42} {value:9.2f} instructions, was {before:9.2f}, ratio {ratio:5.3f} {verdict}")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
