// All kernels in one module, once for each type of numbers: files below are written in terms of `T` and `KERNEL`.

typedef long long i64;

// Every index below n, each seen by one thread of the grid.
#define EACH(i, n) \
  for (i64 i = blockIdx.x * (i64)blockDim.x + threadIdx.x; i < (n); i += gridDim.x * (i64)blockDim.x)

// Threads of a block in kernels whose threads work together.
#define BLOCK 256

#define T float
#define KERNEL(name) extern "C" __global__ void name##_f32
#include "kernels.cuh"
#undef T
#undef KERNEL

#define T double
#define KERNEL(name) extern "C" __global__ void name##_f64
#include "kernels.cuh"
