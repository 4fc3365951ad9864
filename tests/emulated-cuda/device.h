// CUDA's words on a processor: a kernel becomes a function, called for one thread after the other.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

struct Index3 {
  unsigned x, y, z;
};
extern Index3 emulated_thread, emulated_block, emulated_block_size, emulated_grid_size;
#define threadIdx emulated_thread
#define blockIdx emulated_block
#define blockDim emulated_block_size
#define gridDim emulated_grid_size

// Blocks run one after the other, so that one copy is enough.
#undef __shared__
#undef __global__
#undef __device__
#undef __forceinline__
#define __shared__ static
#define __global__
#define __device__
#define __forceinline__ inline
void emulated_barrier();
#define __syncthreads emulated_barrier

using std::max;
using std::min;
