// A CUDA driver and a cuBLAS without a GPU, for as much of them as the `cuda` feature uses: see README.md.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <ucontext.h>
#include <vector>

#include "device.h"

typedef void (*Call)(void **);

static std::map<std::string, Call> &kernels() {
  static std::map<std::string, Call> all;
  return all;
}

void emulated_register(const char *name, Call call) { kernels()[name] = call; }

Index3 emulated_thread, emulated_block, emulated_block_size, emulated_grid_size;

// Threads of a block that meet at barriers, each on a stack of its own, in turns.
namespace fibers {
const size_t STACK = 64 << 10;
ucontext_t scheduler;
struct Fiber {
  ucontext_t context;
  std::vector<char> stack;
  Index3 thread;
  bool done;
};
std::vector<Fiber> all;
size_t current;
Call call;
void **arguments;

void run_one() {
  call(arguments);
  all[current].done = true;
  swapcontext(&all[current].context, &scheduler);
}

void run_block(const std::vector<Index3> &threads) {
  if (all.size() != threads.size()) all = std::vector<Fiber>(threads.size());
  for (size_t i = 0; i < threads.size(); i++) {
    Fiber &fiber = all[i];
    fiber.stack.resize(STACK);
    fiber.thread = threads[i];
    fiber.done = false;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.data();
    fiber.context.uc_stack.ss_size = STACK;
    makecontext(&fiber.context, run_one, 0);
  }
  for (size_t n_done = 0; n_done < all.size();) {
    n_done = 0;
    for (current = 0; current < all.size(); current++) {
      if (!all[current].done) {
        emulated_thread = all[current].thread;
        swapcontext(&scheduler, &all[current].context);
      }
      n_done += all[current].done;
    }
    // A real GPU may hang where some threads of a block are at a barrier and others are through.
    if (n_done != 0 && n_done != all.size()) {
      fprintf(stderr, "emulated: %zu of %zu threads missed a barrier\n", n_done, all.size());
      abort();
    }
  }
}
}  // namespace fibers

void emulated_barrier() {
  Index3 thread = emulated_thread;
  swapcontext(&fibers::all[fibers::current].context, &fibers::scheduler);
  emulated_thread = thread;
}

static std::mutex one_at_a_time;
static std::set<std::string> with_barriers;
static size_t allocated;

// Guards on both sides of every allocation, and numbers that are NaN until they are written.
static const size_t GUARD = 256;
static const unsigned char FENCE = 0xa5;

static const char *setting(const char *name) { return getenv(name); }

struct Header {
  size_t len;
};

static int allocate(unsigned long long *at, size_t len) {
  std::lock_guard<std::mutex> lock(one_at_a_time);
  const char *memory = setting("EMULATED_MEMORY");
  if (len == 0) return 1;
  if (memory && allocated + len > strtoull(memory, 0, 10)) return 2;
  unsigned char *block = (unsigned char *)malloc(len + 2 * GUARD);
  memset(block, FENCE, len + 2 * GUARD);
  memset(block + GUARD, 0xff, len);
  ((Header *)block)->len = len;
  allocated += len;
  *at = (unsigned long long)(block + GUARD);
  return 0;
}

static int release(unsigned long long at) {
  std::lock_guard<std::mutex> lock(one_at_a_time);
  if (!at) return 0;
  unsigned char *numbers = (unsigned char *)at, *block = numbers - GUARD;
  size_t len = ((Header *)block)->len;
  for (size_t i = 0; i < GUARD; i++) {
    bool before = i < sizeof(Header) || block[i] == FENCE;
    if (!before || numbers[len + i] != FENCE) {
      fprintf(stderr, "emulated: a kernel wrote beside an allocation of %zu bytes\n", len);
      abort();
    }
  }
  allocated -= len;
  free(block);
  return 0;
}

extern "C" {
typedef unsigned long long Pointer;

int cuInit(unsigned) { return 0; }
int cuDeviceGetCount(int *n) {
  const char *gpus = setting("EMULATED_GPUS");
  return *n = gpus ? atoi(gpus) : 1, *n ? 0 : 100;
}
int cuDeviceGet(int *device, int ordinal) { return *device = ordinal, ordinal == 0 ? 0 : 101; }
int cuDeviceGetAttribute(int *value, int attribute, int) {
  // Compute capability 9.0; memory pools; whatever else is asked for is 1.
  return *value = attribute == 75 ? 9 : attribute == 76 ? 0 : 1, 0;
}
int cuDeviceGetDefaultMemPool(void **pool, int) { return *pool = (void *)1, 0; }
int cuMemPoolSetAttribute(void *, int, void *) { return 0; }
int cuDevicePrimaryCtxRetain(void **context, int) { return *context = (void *)1, 0; }
int cuDevicePrimaryCtxRelease_v2(int) { return 0; }
int cuCtxGetCurrent(void **context) { return *context = (void *)1, 0; }
int cuCtxSetCurrent(void *) { return 0; }
int cuCtxSynchronize() { return 0; }
int cuStreamCreate(void **stream, unsigned) { return *stream = (void *)1, 0; }
int cuStreamDestroy_v2(void *) { return 0; }
int cuStreamSynchronize(void *) { return 0; }
int cuStreamIsCapturing(void *, int *status) { return *status = 0, 0; }
int cuStreamWaitEvent(void *, void *, unsigned) { return 0; }
int cuEventCreate(void **event, unsigned) { return *event = (void *)1, 0; }
int cuEventRecord(void *, void *) { return 0; }
int cuEventDestroy_v2(void *) { return 0; }
int cuEventSynchronize(void *) { return 0; }
int cuMemAlloc_v2(Pointer *at, size_t len) { return allocate(at, len); }
int cuMemAllocAsync(Pointer *at, size_t len, void *) { return allocate(at, len); }
int cuMemFree_v2(Pointer at) { return release(at); }
int cuMemFreeAsync(Pointer at, void *) { return release(at); }
int cuMemGetInfo_v2(size_t *free, size_t *total) {
  const char *memory = setting("EMULATED_MEMORY");
  *total = memory ? strtoull(memory, 0, 10) : (size_t)1 << 34;
  return *free = *total - allocated, 0;
}
int cuMemcpyHtoD_v2(Pointer to, const void *from, size_t n) { return memcpy((void *)to, from, n), 0; }
int cuMemcpyHtoDAsync_v2(Pointer to, const void *from, size_t n, void *) { return memcpy((void *)to, from, n), 0; }
int cuMemcpyDtoH_v2(void *to, Pointer from, size_t n) { return memcpy(to, (void *)from, n), 0; }
int cuMemcpyDtoHAsync_v2(void *to, Pointer from, size_t n, void *) { return memcpy(to, (void *)from, n), 0; }
int cuMemcpyDtoDAsync_v2(Pointer to, Pointer from, size_t n, void *) { return memmove((void *)to, (void *)from, n), 0; }
int cuMemsetD8Async(Pointer to, unsigned char value, size_t n, void *) { return memset((void *)to, value, n), 0; }
int cuGetErrorName(int error, const char **name) {
  *name = error == 2     ? "CUDA_ERROR_OUT_OF_MEMORY"
          : error == 100 ? "CUDA_ERROR_NO_DEVICE"
          : error == 101 ? "CUDA_ERROR_INVALID_DEVICE"
          : error == 222 ? "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"
                         : "CUDA_ERROR_UNKNOWN";
  return 0;
}
int cuGetErrorString(int error, const char **text) {
  *text = error == 2     ? "out of memory"
          : error == 100 ? "no CUDA-capable device is detected"
          : error == 101 ? "invalid device ordinal"
          : error == 222 ? "the provided PTX was compiled with an unsupported toolchain."
                         : "unknown error";
  return 0;
}

// Only the text between entries is of interest: whether a kernel has barriers.
int cuModuleLoadData(void **module, const void *image) {
  std::lock_guard<std::mutex> lock(one_at_a_time);
  if (setting("EMULATED_REFUSES_PTX")) return 222;
  std::string ptx = (const char *)image;
  const std::string entry = ".visible .entry ";
  for (size_t at = ptx.find(entry); at != std::string::npos;) {
    size_t next = ptx.find(entry, at + 1);
    std::string kernel = ptx.substr(at + entry.size(), next == std::string::npos ? next : next - at);
    if (kernel.find("bar.sync") != std::string::npos) with_barriers.insert(kernel.substr(0, kernel.find('(')));
    at = next;
  }
  return *module = (void *)1, 0;
}
int cuModuleUnload(void *) { return 0; }
int cuModuleGetFunction(void **function, void *, const char *name) {
  auto found = kernels().find(name);
  if (found == kernels().end()) {
    fprintf(stderr, "emulated: no kernel %s\n", name);
    return 500;
  }
  return *function = &*found, 0;
}
int cuLaunchKernel(
    void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y, unsigned block_z,
    unsigned, void *, void **arguments, void **) {
  std::lock_guard<std::mutex> lock(one_at_a_time);
  auto &kernel = *(std::pair<const std::string, Call> *)function;
  if (!grid_x || !grid_y || !grid_z || grid_y > 65535 || grid_z > 65535 || block_x * block_y * block_z > 1024) return 1;
  emulated_grid_size = {grid_x, grid_y, grid_z};
  emulated_block_size = {block_x, block_y, block_z};
  std::vector<Index3> threads;
  for (unsigned z = 0; z < block_z; z++)
    for (unsigned y = 0; y < block_y; y++)
      for (unsigned x = 0; x < block_x; x++) threads.push_back({x, y, z});
  bool meet = with_barriers.count(kernel.first);
  fibers::call = kernel.second;
  fibers::arguments = arguments;
  for (unsigned z = 0; z < grid_z; z++)
    for (unsigned y = 0; y < grid_y; y++)
      for (unsigned x = 0; x < grid_x; x++) {
        emulated_block = {x, y, z};
        if (meet) {
          fibers::run_block(threads);
          continue;
        }
        for (const Index3 &thread : threads) {
          emulated_thread = thread;
          kernel.second(arguments);
        }
      }
  return 0;
}

int cublasCreate_v2(void **handle) { return *handle = (void *)1, 0; }
int cublasDestroy_v2(void *) { return 0; }
int cublasSetStream_v2(void *, void *) { return 0; }
int cublasSetMathMode(void *, int) { return 0; }
int curandCreateGenerator(void **generator, int) { return *generator = (void *)1, 0; }
int curandDestroyGenerator(void *) { return 0; }
int curandSetPseudoRandomGeneratorSeed(void *, unsigned long long) { return 0; }
int curandSetStream(void *, void *) { return 0; }
}

// C = α op(A) op(B) + β C, column by column, with sums in double.
template <typename T>
static int products(
    int a_is_transposed, int b_is_transposed, int m, int n, int k, T alpha, const T *a, int lda, long long a_step, const T *b,
    int ldb, long long b_step, T beta, T *c, int ldc, long long c_step, int count) {
  if (lda < (a_is_transposed ? k : m) || ldb < (b_is_transposed ? n : k) || ldc < m) return 7;
  std::vector<double> left((size_t)m * k), sums(m);
  for (int product = 0; product < count; product++, a += a_step, b += b_step, c += c_step) {
    for (int term = 0; term < k; term++)
      for (int row = 0; row < m; row++)
        left[(size_t)term * m + row] = a_is_transposed ? a[row * (long long)lda + term] : a[term * (long long)lda + row];
    for (int column = 0; column < n; column++) {
      std::fill(sums.begin(), sums.end(), 0);
      for (int term = 0; term < k; term++) {
        double right = b_is_transposed ? b[term * (long long)ldb + column] : b[column * (long long)ldb + term];
        for (int row = 0; row < m; row++) sums[row] += left[(size_t)term * m + row] * right;
      }
      for (int row = 0; row < m; row++) {
        T &target = c[column * (long long)ldc + row];
        target = alpha * (T)sums[row] + (beta == 0 ? 0 : beta * target);
      }
    }
  }
  return 0;
}

extern "C" {
int cublasSgemm_v2(
    void *, int ta, int tb, int m, int n, int k, const float *alpha, const float *a, int lda, const float *b, int ldb,
    const float *beta, float *c, int ldc) {
  return products(ta, tb, m, n, k, *alpha, a, lda, 0, b, ldb, 0, *beta, c, ldc, 0, 1);
}
int cublasDgemm_v2(
    void *, int ta, int tb, int m, int n, int k, const double *alpha, const double *a, int lda, const double *b, int ldb,
    const double *beta, double *c, int ldc) {
  return products(ta, tb, m, n, k, *alpha, a, lda, 0, b, ldb, 0, *beta, c, ldc, 0, 1);
}
int cublasSgemmStridedBatched(
    void *, int ta, int tb, int m, int n, int k, const float *alpha, const float *a, int lda, long long sa, const float *b,
    int ldb, long long sb, const float *beta, float *c, int ldc, long long sc, int count) {
  return products(ta, tb, m, n, k, *alpha, a, lda, sa, b, ldb, sb, *beta, c, ldc, sc, count);
}
int cublasDgemmStridedBatched(
    void *, int ta, int tb, int m, int n, int k, const double *alpha, const double *a, int lda, long long sa, const double *b,
    int ldb, long long sb, const double *beta, double *c, int ldc, long long sc, int count) {
  return products(ta, tb, m, n, k, *alpha, a, lda, sa, b, ldb, sb, *beta, c, ldc, sc, count);
}
int cublasGemmStridedBatchedEx(
    void *, int ta, int tb, int m, int n, int k, const void *alpha, const void *a, int type, int lda, long long sa,
    const void *b, int, int ldb, long long sb, const void *beta, void *c, int, int ldc, long long sc, int count, int, int) {
  if (type == 0)
    return products(
        ta, tb, m, n, k, *(float *)alpha, (float *)a, lda, sa, (float *)b, ldb, sb, *(float *)beta, (float *)c, ldc, sc, count);
  if (type == 1)
    return products(
        ta, tb, m, n, k, *(double *)alpha, (double *)a, lda, sa, (double *)b, ldb, sb, *(double *)beta, (double *)c, ldc, sc,
        count);
  return 15;
}
}
