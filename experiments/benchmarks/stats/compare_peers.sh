#!/usr/bin/env bash
# Times the fit of the symmetric stable law beside its peers on the same samples.
#
#   experiments/benchmarks/stats/compare_peers.sh [--n-series N] [--n-peer-fits N]
#       [--scipy-limit SECONDS]
#
# Needs cargo and Python 3.10 or newer; the peers go into a virtual environment
# beside the build, nothing else is installed.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
build=${CARGO_TARGET_DIR:-$root/target}
venv=$build/peers-venv

cargo build --quiet --release --manifest-path "$root/Cargo.toml" \
    --package noisescope-stats --example fit_series
# An environment that was left half made is made again.
if ! "$venv/bin/python" -c 'import levy, scipy' 2>/dev/null; then
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet numpy scipy levy-stable
    # Without these the comparison is shorter.
    "$venv/bin/pip" install --quiet levy-stable-jax jaxopt || true
fi

# One thread for everybody.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
export XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
"$venv/bin/python" "$here/peers.py" "$build/release/examples/fit_series" "$@"
