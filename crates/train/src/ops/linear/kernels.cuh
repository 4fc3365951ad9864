// Rows of biases, to which a product is added.
KERNEL(rows)(i64 n, i64 n_columns, const T *bias, T *y) {
  EACH(i, n) y[i] = bias[i % n_columns];
}

// g_no x_ni at positions (o, i) of the weights.
KERNEL(linear_sample_weights)(
    i64 n, i64 n_positions, i64 n_in, i64 n_out, const unsigned *positions, const T *g, const T *x, T *target) {
  EACH(i, n) {
    i64 sample = i / n_positions, position = positions[i % n_positions];
    target[i] = g[sample * n_out + position / n_in] * x[sample * n_in + position % n_in];
  }
}
