// Windows are rows [K_h, K_w, C]: the channels of a pixel stay next to each other.

// The windows of all output pixels, zero outside of the map: one row each.
KERNEL(conv2d_windows)(
    i64 n, int height, int width, int channels, int out_height, int out_width, int kernel_height, int kernel_width,
    int stride, int padding, const T *x, T *windows) {
  EACH(i, n) {
    // So many numbers are never asked for at once that they would not fit; 32 bits divide faster.
    unsigned rest = (unsigned)i;
    unsigned channel = rest % channels;
    rest /= channels;
    int column = rest % kernel_width;
    rest /= kernel_width;
    int row = rest % kernel_height;
    rest /= kernel_height;
    column += (int)(rest % out_width) * stride - padding;
    rest /= out_width;
    row += (int)(rest % out_height) * stride - padding;
    rest /= out_height;
    bool inside = 0 <= row && row < height && 0 <= column && column < width;
    windows[i] = inside ? x[(((i64)rest * height + row) * width + column) * channels + channel] : T(0);
  }
}

// For every number of the map the sum over the windows that it lies in: the transposed of `conv2d_windows`.
KERNEL(conv2d_overlap)(
    i64 n, int height, int width, int channels, int out_height, int out_width, int kernel_height, int kernel_width,
    int stride, int padding, const T *windows, T *x) {
  i64 window_len = (i64)kernel_height * kernel_width * channels;
  EACH(i, n) {
    unsigned rest = (unsigned)i;
    unsigned channel = rest % channels;
    rest /= channels;
    int column = (int)(rest % width) + padding;
    rest /= width;
    int row = (int)(rest % height) + padding;
    i64 sample = rest / height;
    T sum = 0;
    for (int k = 0; k < kernel_height; k++) {
      int out_row = row - k;
      if (out_row < 0 || out_row % stride != 0 || out_row / stride >= out_height) continue;
      for (int l = 0; l < kernel_width; l++) {
        int out_column = column - l;
        if (out_column < 0 || out_column % stride != 0 || out_column / stride >= out_width) continue;
        i64 pixel = (sample * out_height + out_row / stride) * out_width + out_column / stride;
        sum += windows[pixel * window_len + (k * kernel_width + l) * channels + channel];
      }
    }
    x[i] = sum;
  }
}

// Weights [O, C, taps] as PyTorch's to [O, taps, C].
KERNEL(conv2d_pack)(i64 n, int channels, int taps, const T *weights, T *packed) {
  EACH(i, n) {
    i64 channel = i % channels, tap = i / channels % taps, out = i / channels / taps;
    packed[i] = weights[(out * channels + channel) * taps + tap];
  }
}

// And back.
KERNEL(conv2d_unpack)(i64 n, int channels, int taps, const T *packed, T *weights) {
  EACH(i, n) {
    i64 tap = i % taps, channel = i / taps % channels, out = i / taps / channels;
    weights[i] = packed[(out * taps + tap) * channels + channel];
  }
}

// Columns of rows [O, taps, C], at positions in [O, C, taps].
KERNEL(conv2d_pick)(
    i64 n, i64 n_positions, i64 n_weights, int channels, int taps, const unsigned *positions, const T *packed, T *target) {
  EACH(i, n) {
    i64 sample = i / n_positions, position = positions[i % n_positions];
    i64 tap = position % taps, channel = position / taps % channels, out = position / taps / channels;
    target[i] = packed[sample * n_weights + (out * taps + tap) * channels + channel];
  }
}

// The sum over the pixels of one sample for one weight, a block each.
KERNEL(conv2d_sample_weights)(
    i64 n_positions, int height, int width, int channels, int out_height, int out_width, int c_out, int kernel_height,
    int kernel_width, int stride, int padding, const unsigned *positions, const T *x, const T *g, T *target) {
  __shared__ double sums[BLOCK];
  i64 sample = blockIdx.x / n_positions;
  int position = positions[blockIdx.x % n_positions];
  int l = position % kernel_width, k = position / kernel_width % kernel_height;
  int channel = position / kernel_width / kernel_height % channels;
  int out = position / kernel_width / kernel_height / channels;
  double sum = 0;
  for (int pixel = threadIdx.x; pixel < out_height * out_width; pixel += BLOCK) {
    int row = pixel / out_width * stride + k - padding, column = pixel % out_width * stride + l - padding;
    if (row < 0 || row >= height || column < 0 || column >= width) continue;
    sum += (double)x[((sample * height + row) * width + column) * channels + channel] *
           (double)g[(sample * out_height * out_width + pixel) * c_out + out];
  }
  sums[threadIdx.x] = sum;
  for (int half = BLOCK / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
  }
  if (threadIdx.x == 0) target[blockIdx.x] = (T)sums[0];
}

// The sums over the pixels of single samples at some channels.
KERNEL(conv2d_sample_biases)(
    i64 n, i64 n_positions, i64 n_pixels, i64 c_out, const unsigned *positions, const T *g, T *target) {
  EACH(i, n) {
    const T *map = g + i / n_positions * n_pixels * c_out + positions[i % n_positions];
    double sum = 0;
    for (i64 pixel = 0; pixel < n_pixels; pixel++) sum += (double)map[pixel * c_out];
    target[i] = (T)sum;
  }
}
