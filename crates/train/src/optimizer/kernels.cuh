// One step of SGD; `velocity` is null without momentum.
KERNEL(sgd)(
    i64 n, double weight_decay, double momentum, int nesterov, double rate, const T *gradient, T *velocity, T *weights) {
  EACH(i, n) {
    T w = weights[i], direction = gradient[i] + (T)weight_decay * w;
    if (velocity) {
      T v = (T)momentum * velocity[i] + direction;
      velocity[i] = v;
      direction = nesterov ? direction + (T)momentum * v : v;
    }
    weights[i] = w - (T)rate * direction;
  }
}

// One step of AdamW, see `Rule::AdamW`.
KERNEL(adamw)(
    i64 n, double beta1, double beta2, double eps, double shrink, double rate, double root_scale, const T *gradient,
    T *first, T *second, T *weights) {
  EACH(i, n) {
    T g = gradient[i];
    T m = (T)beta1 * first[i] + (T)(1 - beta1) * g, v = (T)beta2 * second[i] + (T)(1 - beta2) * g * g;
    first[i] = m;
    second[i] = v;
    weights[i] = (T)shrink * weights[i] - (T)rate * (m / (sqrt(v) * (T)root_scale + (T)eps));
  }
}
