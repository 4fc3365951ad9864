// What candle's kernels find in CUDA's headers and in its own `compatibility.cuh`.
#pragma once
#include <algorithm>
#include <cmath>
#include <cassert>
#include <cuda_fp8.h>
#include <vector_types.h>

using std::isnan;
using std::signbit;
inline double normcdf(double x) { return 0.5 * erfc(-x * M_SQRT1_2); }
inline float normcdff(float x) { return 0.5f * erfcf(-x * (float)M_SQRT1_2); }
