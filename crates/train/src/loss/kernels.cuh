// The gradient of the loss of each sample with respect to its outputs, and behind it the loss: [N, K + 1]. Losses are
// numbered as `Loss` is.
KERNEL(loss_rows)(i64 n, i64 n_classes, int loss, const T *outputs, const unsigned *labels, double *rows) {
  EACH(i, n) {
    const T *y = outputs + i * n_classes;
    double *gradient = rows + i * (n_classes + 1);
    i64 label = labels[i];
    if (loss == 0) {
      double largest = -1. / 0., sum = 0;
      for (i64 k = 0; k < n_classes; k++) largest = fmax(largest, (double)y[k]);
      for (i64 k = 0; k < n_classes; k++) sum += gradient[k] = exp((double)y[k] - largest);
      for (i64 k = 0; k < n_classes; k++) gradient[k] /= sum;
      gradient[label] -= 1;
      gradient[n_classes] = largest - (double)y[label] + log(sum);
    } else {
      double value = 0;
      for (i64 k = 0; k < n_classes; k++) {
        double difference = (double)y[k] - (k == label ? 1. : loss == 2 ? -1. : 0.);
        value += difference * difference / n_classes;
        gradient[k] = 2 * difference / n_classes;
      }
      gradient[n_classes] = value;
    }
  }
}
