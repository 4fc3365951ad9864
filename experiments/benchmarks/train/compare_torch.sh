#!/usr/bin/env bash
# Times training steps of ours and of PyTorch, alternately, and prints a table.
#
#   PYTHON=/path/to/python experiments/benchmarks/train/compare_torch.sh [CASE ...]
#
# PYTHON is a python with torch and numpy; THREADS (2) and ROUNDS (3) may be set too, and OURS to
# a program that takes the place of our example. PyTorch's best counts, of both memory formats, and
# of THREADS threads and one. Wants a quiet machine: torch's threads wait for each other actively,
# and where one other process uses a core, a step of 1 ms can take 100.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
python=${PYTHON:-python3}
threads=${THREADS:-2}
rounds=${ROUNDS:-3}

cases=("$@")
if [ ${#cases[@]} = 0 ]; then
    cases=(mlp784_b8 mlp784_b128 mlp784_b1024 mlp21_b8 mlp21_b128 resnet20_b128 resnet18_b32)
fi
if [ -z "${OURS:-}" ]; then
    cargo build --quiet --release --manifest-path "$root/Cargo.toml" \
        --package noisescope-train --example steps
    OURS=${CARGO_TARGET_DIR:-$root/target}/release/examples/steps
fi

lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
torch_steps() {
    "$python" -B "$here/torch_steps.py" --json "$@" >>"$lines"
}

load=$(cut -d ' ' -f 1 /proc/loadavg)
for round in $(seq "$rounds"); do
    for case in "${cases[@]}"; do
        echo "round $round of $rounds, $case, load $(cut -d ' ' -f 1 /proc/loadavg)" >&2
        "$OURS" --case "$case" --threads "$threads" >>"$lines"
        for n in $(printf '%s\n' 1 "$threads" | sort -un); do
            torch_steps --case "$case" --threads "$n"
            case $case in
                resnet*) torch_steps --case "$case" --threads "$n" --channels-last ;;
            esac
        done
    done
done

"$python" - "$lines" "$threads" "$load" <<'PYTHON'
import json
import statistics
import sys

rows = {}
for line in open(sys.argv[1]):
    row = json.loads(line)
    tool = row["tool"].split()[0]
    kind = (tool, row["threads"], row.get("memory_format"))
    rows.setdefault(row["case"], {}).setdefault(kind, []).append(row)


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def spread(runs):
    times = [run["ms_per_step"] for run in runs]
    return f"{statistics.median(times):.3f} ({min(times):.3f} to {max(times):.3f})"


print(f"Milliseconds per training step: median of the rounds (least to most). Ours with {sys.argv[2]}"
      f" threads; load average of the machine at the start: {sys.argv[3]}.\n")
print("| case | ours, ms | PyTorch, ms | ours / PyTorch | ours, peak MiB | PyTorch, peak MiB |")
print("|---|---|---|---|---|---|")
for case, tools in rows.items():
    ours = next(runs for (tool, *_), runs in tools.items() if tool == "noisescope")
    theirs = min(
        (runs for (tool, *_), runs in tools.items() if tool == "pytorch"),
        key=lambda runs: median(runs, "ms_per_step"),
    )
    best = f"{theirs[0]['threads']} thread" + "s" * (theirs[0]["threads"] > 1)
    if theirs[0]["memory_format"] == "channels_last":
        best += ", channels last"
    ratio = median(ours, "ms_per_step") / median(theirs, "ms_per_step")
    print(
        f"| {case} | {spread(ours)} | {spread(theirs)} {best} | {ratio:.2f} |"
        f" {median(ours, 'peak_mib'):.0f} | {median(theirs, 'peak_mib'):.0f} |"
    )
base = [run["base_mib"] for tools in rows.values() for runs in tools.values() for run in runs
        if "base_mib" in run]
print(f"\nOf PyTorch's memory {statistics.median(base):.0f} MiB are its libraries after import.")
PYTHON
