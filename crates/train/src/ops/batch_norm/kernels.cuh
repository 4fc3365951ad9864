// Maps are [G, rows, C]: all pixels of the samples of a group, one after the other. Values per channel are [G, k, C].
//
// A sum over the rows of a group is cut into slices by the shape alone, one block for 32 channels of a slice; partial sums
// are added in order, so that every run gives the same bits.

#define LANES 32
#define STRIPES (BLOCK / LANES)

// Sums of `a` and `b` over the stripes of a block, for the first of them.
#define ADD_STRIPES(a, b)                                             \
  __shared__ double stripes_a[BLOCK], stripes_b[BLOCK];               \
  stripes_a[threadIdx.x] = a;                                         \
  stripes_b[threadIdx.x] = b;                                         \
  __syncthreads();                                                    \
  if (stripe == 0) {                                                  \
    for (int other = 1; other < STRIPES; other++) {                   \
      a += stripes_a[other * LANES + lane];                           \
      b += stripes_b[other * LANES + lane];                           \
    }                                                                 \
  }

// Σ (x − x₀) and Σ (x − x₀)² of every slice, x₀ being the first number of the group's channel: [G, slices, 2, C].
KERNEL(batch_norm_slices)(i64 n_rows, i64 channels, i64 slice_len, const T *x, double *partial) {
  int lane = threadIdx.x % LANES, stripe = threadIdx.x / LANES;
  i64 channel = blockIdx.x * (i64)LANES + lane, slice = blockIdx.y, group = blockIdx.z;
  const T *map = x + group * n_rows * channels + channel;
  double sum = 0, squares = 0;
  if (channel < channels) {
    double origin = map[0];
    i64 end = min((slice + 1) * slice_len, n_rows);
    for (i64 row = slice * slice_len + stripe; row < end; row += STRIPES) {
      double difference = (double)map[row * channels] - origin;
      sum += difference;
      squares += difference * difference;
    }
  }
  ADD_STRIPES(sum, squares)
  if (stripe == 0 && channel < channels) {
    double *target = partial + (group * gridDim.y + slice) * 2 * channels + channel;
    target[0] = sum;
    target[channels] = squares;
  }
}

// Mean and biased variance [G, 2, C] from the slices.
KERNEL(batch_norm_moments)(
    i64 n, i64 n_rows, i64 channels, i64 n_slices, const T *x, const double *partial, double *moments) {
  EACH(i, n) {
    i64 channel = i % channels, group = i / channels;
    double sum = 0, squares = 0;
    for (i64 slice = 0; slice < n_slices; slice++) {
      const double *from = partial + (group * n_slices + slice) * 2 * channels + channel;
      sum += from[0];
      squares += from[channels];
    }
    double mean = sum / (double)n_rows, variance = squares / (double)n_rows - mean * mean;
    double *target = moments + group * 2 * channels + channel;
    target[0] = mean + (double)x[group * n_rows * channels + channel];
    target[channels] = variance > 0 ? variance : variance == variance ? 0 : variance;
  }
}

// Running statistics, moved towards the newest ones.
KERNEL(batch_norm_track)(i64 n, double share, double factor, const double *newest, T *running) {
  EACH(i, n) running[i] = (T)((1 - share) * (double)running[i] + share * factor * newest[i]);
}

// Mean, γ/√(σ² + ε) and β of every group, [G, 3, C].
KERNEL(batch_norm_scales)(
    i64 n, i64 channels, double epsilon, const double *moments, const T *gamma, const T *beta, T *scales) {
  EACH(i, n) {
    i64 channel = i % channels, group = i / channels;
    const double *from = moments + group * 2 * channels + channel;
    T *target = scales + group * 3 * channels + channel;
    target[0] = (T)from[0];
    target[channels] = (T)((double)gamma[channel] / sqrt(from[channels] + epsilon));
    target[2 * channels] = beta[channel];
  }
}

// The forward pass, which the backward pass repeats to the bit to know where the ReLU was open.
#define AFFINE(x, scales) fma((scales)[channels], (x) - (scales)[0], (scales)[2 * channels])

// max(0, scale (x − mean) + beta + residual); `residual` may be null.
KERNEL(batch_norm)(
    i64 n, i64 group_len, i64 channels, int relu, const T *x, const T *scales, const T *residual, T *y) {
  EACH(i, n) {
    T value = AFFINE(x[i], scales + i / group_len * 3 * channels + i % channels);
    if (residual) value += residual[i];
    // A NaN stays one.
    y[i] = relu && value < T(0) ? T(0) : value;
  }
}

// Σ g and Σ g (x − mean) of every slice where the ReLU lets g pass: [G, slices, 2, C].
KERNEL(batch_norm_gradient_slices)(
    i64 n_rows, i64 channels, i64 slice_len, int relu, const T *x, const T *g, const T *scales, double *partial) {
  int lane = threadIdx.x % LANES, stripe = threadIdx.x / LANES;
  i64 channel = blockIdx.x * (i64)LANES + lane, slice = blockIdx.y, group = blockIdx.z;
  double sum = 0, product = 0;
  if (channel < channels) {
    const T *of_group = scales + group * 3 * channels + channel;
    i64 end = min((slice + 1) * slice_len, n_rows);
    for (i64 row = slice * slice_len + stripe; row < end; row += STRIPES) {
      i64 at = (group * n_rows + row) * channels + channel;
      T value = x[at];
      if (!relu || AFFINE(value, of_group) > T(0)) {
        sum += (double)g[at];
        product += (double)g[at] * (double)(value - of_group[0]);
      }
    }
  }
  ADD_STRIPES(sum, product)
  if (stripe == 0 && channel < channels) {
    double *target = partial + (group * gridDim.y + slice) * 2 * channels + channel;
    target[0] = sum;
    target[channels] = product;
  }
}

// The slices added up, [G, 2, C].
KERNEL(batch_norm_sums)(i64 n, i64 channels, i64 n_slices, const double *partial, double *sums) {
  EACH(i, n) {
    double sum = 0;
    for (i64 slice = 0; slice < n_slices; slice++) {
      sum += partial[(i / (2 * channels) * n_slices + slice) * 2 * channels + i % (2 * channels)];
    }
    sums[i] = sum;
  }
}

// What g ↦ scale g + a (x − mean) + b adds where the moments are those of the inputs, `count` numbers each: a and b of every
// group, [G, 2, C].
KERNEL(batch_norm_terms)(
    i64 n, i64 channels, double epsilon, double count, const double *moments, const T *gamma, const double *sums, T *terms) {
  EACH(i, n) {
    i64 channel = i % channels, at = i / channels * 2 * channels + channel;
    double inverse_std = 1 / sqrt(moments[at + channels] + epsilon);
    double share = -(double)gamma[channel] * inverse_std / count;
    terms[at] = (T)(share * (sums[at + channels] * inverse_std) * inverse_std);
    terms[at + channels] = (T)(share * sums[at]);
  }
}

// The gradients with respect to γ and β, [n, 2, C]: of every group, or with n = 1 of all of them together. There may be
// moments of one group for all.
KERNEL(batch_norm_parameters)(
    i64 n, i64 channels, i64 n_groups, i64 n_moments, double epsilon, const double *moments, const double *sums, double *target) {
  EACH(i, n * channels) {
    i64 channel = i % channels, first = i / channels;
    double of_gamma = 0, of_beta = 0;
    for (i64 group = first; group < n_groups; group += n) {
      double variance = moments[(group % n_moments * 2 + 1) * channels + channel];
      of_beta += sums[group * 2 * channels + channel];
      of_gamma += sums[(group * 2 + 1) * channels + channel] / sqrt(variance + epsilon);
    }
    target[first * 2 * channels + channel] = of_gamma;
    target[(first * 2 + 1) * channels + channel] = of_beta;
  }
}

// scale g + a (x − mean) + b; rows of `terms` [G, 2, C] are a and b.
KERNEL(batch_norm_input_gradient)(
    i64 n, i64 group_len, i64 channels, int relu, const T *x, const T *g, const T *scales, T *target) {
  EACH(i, n) {
    const T *of_group = scales + i / group_len * 5 * channels + i % channels;
    T value = x[i];
    T open = !relu || AFFINE(value, of_group) > T(0) ? g[i] : T(0);
    T rest = fma(of_group[3 * channels], value - of_group[0], of_group[4 * channels]);
    target[i] = fma(of_group[channels], open, rest);
  }
}

#undef AFFINE
#undef ADD_STRIPES
#undef STRIPES
#undef LANES
