// The maximum of every window. A NaN wins and stays.
KERNEL(max_pool)(
    i64 n, int height, int width, int channels, int out_height, int out_width, int kernel, int stride, int padding,
    const T *x, T *y) {
  EACH(i, n) {
    i64 channel = i % channels, pixel = i / channels;
    int j = pixel % out_width, k = pixel / out_width % out_height;
    const T *map = x + pixel / out_width / out_height * height * width * channels + channel;
    int top = k * stride - padding, left = j * stride - padding;
    T best = -1. / 0.;
    for (int row = max(top, 0); row < min(top + kernel, height); row++) {
      for (int column = max(left, 0); column < min(left + kernel, width); column++) {
        T value = map[((i64)row * width + column) * channels];
        best = value > best || value != value ? value : best;
      }
    }
    y[i] = best;
  }
}

// For every number of the map the gradients of the windows whose first maximum it is.
KERNEL(max_pool_gradient)(
    i64 n, int height, int width, int channels, int out_height, int out_width, int kernel, int stride, int padding,
    const T *x, const T *g, T *target) {
  EACH(i, n) {
    i64 channel = i % channels, pixel = i / channels;
    int column = pixel % width, row = pixel / width % height;
    i64 sample = pixel / width / height;
    const T *map = x + sample * height * width * channels + channel;
    const T *gradient = g + sample * out_height * out_width * channels + channel;
    // Windows that begin at or before the number and reach it.
    int first_k = max(row + padding - kernel + stride, 0) / stride, first_j = max(column + padding - kernel + stride, 0) / stride;
    T sum = 0;
    for (int k = first_k; k < out_height && k * stride - padding <= row; k++) {
      for (int j = first_j; j < out_width && j * stride - padding <= column; j++) {
        int top = k * stride - padding, left = j * stride - padding, best_at = -1;
        T best = 0;
        for (int r = max(top, 0); r < min(top + kernel, height); r++) {
          for (int c = max(left, 0); c < min(left + kernel, width); c++) {
            T value = map[((i64)r * width + c) * channels];
            if (best_at < 0 || value > best || value != value) {
              best = value;
              best_at = r * width + c;
            }
          }
        }
        if (best_at == row * width + column) sum += gradient[((i64)k * out_width + j) * channels];
      }
    }
    target[i] = sum;
  }
}

// The tangent at the first maximum of every window.
KERNEL(max_pool_tangent)(
    i64 n, int height, int width, int channels, int out_height, int out_width, int kernel, int stride, int padding,
    const T *x, const T *tangent, T *target) {
  EACH(i, n) {
    i64 channel = i % channels, pixel = i / channels;
    int j = pixel % out_width, k = pixel / out_width % out_height;
    i64 map = pixel / out_width / out_height * height * width * channels + channel, best_at = -1;
    int top = k * stride - padding, left = j * stride - padding;
    T best = 0;
    for (int row = max(top, 0); row < min(top + kernel, height); row++) {
      for (int column = max(left, 0); column < min(left + kernel, width); column++) {
        i64 at = map + ((i64)row * width + column) * channels;
        if (best_at < 0 || x[at] > best || x[at] != x[at]) {
          best = x[at];
          best_at = at;
        }
      }
    }
    target[i] = tangent[best_at];
  }
}

// The mean of each channel over the map.
KERNEL(global_mean_pool)(i64 n, i64 n_pixels, i64 channels, const T *x, T *y) {
  EACH(i, n) {
    const T *map = x + i / channels * n_pixels * channels + i % channels;
    T sum = 0;
    for (i64 pixel = 0; pixel < n_pixels; pixel++) sum += map[pixel * channels];
    y[i] = sum / T(n_pixels);
  }
}

KERNEL(global_mean_pool_gradient)(i64 n, i64 n_pixels, i64 channels, const T *g, T *target) {
  EACH(i, n) target[i] = g[i / (n_pixels * channels) * channels + i % channels] / T(n_pixels);
}
