#!/usr/bin/env bash
# Builds the emulator into DIR for the programs given, which were built with `--features cuda`:
#
#   tests/emulated-cuda/build.sh DIR PROGRAM...    then:  LD_LIBRARY_PATH=DIR PROGRAM
#
# Needs g++, the headers of a CUDA toolkit in $CUDA_HOME, and candle-kernels' sources where cargo keeps them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mkdir -p "${1:?usage: build.sh DIR PROGRAM...}" && cd "$1" && pwd)
shift
version=$(grep -A1 'name = "candle-kernels"' "$here/../../Cargo.lock" | sed -n 's/version = "\(.*\)"/\1/p')
candle=$(ls -d "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"candle-kernels-$version"/src)
mkdir -p "$dir/candle"
cp "$candle"/*.cu "$candle"/*.cuh "$dir/candle"
echo '#include "candle.h"' >"$dir/candle/compatibility.cuh"
compile() { g++ -std=c++17 -O3 -w -fPIC -ffp-contract=off -I"$here" -I"$dir" -I"$CUDA_HOME/include" "$@"; }

# Each file of kernels twice: once to see what it defines, and once with those made known.
objects=()
kernels() {
  local name=$1 source=$2 unit=$dir/$1.cpp
  printf '#include "candle.h"\n#include "device.h"\n#include "register.h"\n#include "%s"\n' "$source" >"$unit"
  compile -c "$unit" -o "$dir/$name.o"
  nm --defined-only "$dir/$name.o" | awk '$2 == "T" && $3 !~ /^_Z/ { print "REGISTER(" $3 ")" }' >>"$unit"
  compile -c "$unit" -o "$dir/$name.o"
  objects+=("$dir/$name.o")
}
kernels noisescope "$here/../../crates/train/src/ops/kernels.cu"
for name in affine binary cast fill indexing ternary unary; do kernels "candle-$name" "candle/$name.cu"; done
compile -c "$here/emulator.cpp" -o "$dir/emulator.o"
objects+=("$dir/emulator.o")

# Everything else that the programs ask NVIDIA's libraries for answers with an error.
nm --defined-only "${objects[@]}" | awk '$2 == "T" { print $3 }' | sort -u >"$dir/known"
nm --dynamic --undefined-only "$@" | grep -oE '\b(cu[A-Z]|cublas|curand|cuda|nvrtc)\w+' | sort -u |
  comm -23 - "$dir/known" | sed 's/.*/int &(void) { return 999; }/' >"$dir/rest.c"
gcc -w -fPIC -c "$dir/rest.c" -o "$dir/rest.o"
# candle repeats its helpers in every file.
g++ -shared -Wl,--allow-multiple-definition -o "$dir/libcuda.so.1" "${objects[@]}" "$dir/rest.o"
for library in $(readelf -d "$@" | grep -oE 'lib(cublas|cublasLt|curand|cudart|nvrtc)\.so\.[0-9]+' | sort -u); do
  ln -sf libcuda.so.1 "$dir/$library"
done
