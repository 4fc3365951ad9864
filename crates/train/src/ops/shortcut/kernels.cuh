KERNEL(accumulate)(i64 n, const T *addend, T *target) {
  EACH(i, n) target[i] += addend[i];
}

// Every stride-th pixel, between channels of zeros.
KERNEL(channel_padding)(
    i64 n, i64 height, i64 width, i64 channels, i64 out_height, i64 out_width, i64 stride, i64 padding, const T *x, T *y) {
  i64 deep = channels + 2 * padding;
  EACH(i, n) {
    i64 channel = i % deep - padding, pixel = i / deep;
    i64 column = pixel % out_width * stride, row = pixel / out_width % out_height * stride;
    i64 sample = pixel / out_width / out_height;
    bool inside = 0 <= channel && channel < channels;
    y[i] = inside ? x[((sample * height + row) * width + column) * channels + channel] : T(0);
  }
}

// The transposed of it, added to the target.
KERNEL(channel_padding_gradient)(
    i64 n, i64 height, i64 width, i64 channels, i64 out_height, i64 out_width, i64 stride, i64 padding, const T *g,
    T *target) {
  i64 deep = channels + 2 * padding;
  EACH(i, n) {
    i64 channel = i % channels, pixel = i / channels;
    i64 column = pixel % width, row = pixel / width % height, sample = pixel / width / height;
    if (row % stride != 0 || column % stride != 0) continue;
    i64 out_pixel = (sample * out_height + row / stride) * out_width + column / stride;
    target[i] += g[out_pixel * deep + padding + channel];
  }
}
