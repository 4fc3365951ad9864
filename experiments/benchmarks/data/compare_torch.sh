#!/usr/bin/env bash
# Loading CIFAR-100 and assembling its minibatches, ours and PyTorch's DataLoader, on the same files.
#
#   PYTHON=/path/to/python experiments/benchmarks/data/compare_torch.sh DIRECTORY
#
# PYTHON is a python with torch, torchvision, pyarrow and pillow; DIRECTORY has the two Parquet files.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
python=${PYTHON:-python3}
cargo build --quiet --release --manifest-path "$root/Cargo.toml" --package noisescope-train --example loader
ours=${CARGO_TARGET_DIR:-$root/target}/release/examples/loader
export XDG_CACHE_HOME=$(mktemp -d)
trap 'rm -rf "$XDG_CACHE_HOME"' EXIT
for round in 1 2 3; do
    rm -rf "$XDG_CACHE_HOME"/*
    echo "first time: $("$ours" "$1")"
    echo "from the cache: $("$ours" "$1")"
    for way in "lazy 0" "lazy 2" "decoded 0" "decoded 2"; do
        # shellcheck disable=SC2086
        "$python" "$here/torch_loader.py" "$1" $way
    done
done
