// Activations, numbered as `Activation` is.

#define CDF(x) (T(0.5) * erfc(-(x) * T(0.70710678118654752440)))
#define DENSITY(x) (T(0.39894228040143267794) * exp(T(-0.5) * (x) * (x)))

KERNEL(activation)(i64 n, int activation, const T *x, T *y) {
  EACH(i, n) {
    T value = x[i];
    switch (activation) {
      // A NaN stays one.
      case 0: y[i] = value < T(0) ? T(0) : value; break;
      case 1: y[i] = tanh(value); break;
      default: y[i] = value * CDF(value);
    }
  }
}

KERNEL(activation_gradient)(i64 n, int activation, const T *x, const T *g, T *target) {
  EACH(i, n) {
    T value = x[i];
    switch (activation) {
      case 0: target[i] = value > T(0) ? g[i] : T(0); break;
      case 1: target[i] = g[i] * (T(1) - tanh(value) * tanh(value)); break;
      default: target[i] = g[i] * (CDF(value) + value * DENSITY(value));
    }
  }
}

KERNEL(activation_second_derivative)(i64 n, int activation, const T *x, const T *factor, T *target) {
  EACH(i, n) {
    T value = x[i];
    switch (activation) {
      case 0: target[i] = 0; break;
      case 1: target[i] = factor[i] * T(-2) * tanh(value) * (T(1) - tanh(value) * tanh(value)); break;
      default: target[i] = factor[i] * DENSITY(value) * (T(2) - value * value);
    }
  }
}

#undef CDF
#undef DENSITY
