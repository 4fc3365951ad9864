// The gradient of the loss of each sample with respect to its outputs, the loss, and 1 where it is classified rightly and 0
// where not: [N, K + 2]. Losses are numbered as `Loss` is.
KERNEL(loss_rows)(i64 n, i64 n_classes, int loss, const T *outputs, const unsigned *labels, double *rows) {
  double other_target = loss == 2 ? -1. : 0.;
  EACH(i, n) {
    const T *y = outputs + i * n_classes;
    double *gradient = rows + i * (n_classes + 2);
    i64 label = labels[i];
    double value = 0;
    if (loss == 0) {
      double largest = -1. / 0., sum = 0;
      for (i64 k = 0; k < n_classes; k++) largest = fmax(largest, (double)y[k]);
      for (i64 k = 0; k < n_classes; k++) sum += gradient[k] = exp((double)y[k] - largest);
      for (i64 k = 0; k < n_classes; k++) gradient[k] /= sum;
      gradient[label] -= 1;
      value = largest - (double)y[label] + log(sum);
    } else {
      for (i64 k = 0; k < n_classes; k++) {
        double difference = (double)y[k] - (k == label ? 1. : other_target);
        value += difference * difference / n_classes;
        gradient[k] = 2 * difference / n_classes;
      }
    }
    bool right = true;
    // A single output stands for class 0 against all others.
    if (n_classes == 1) right = ((double)y[0] > 0.5 * (1 + other_target)) == (label == 0);
    else for (i64 k = 0; k < n_classes; k++) right = right && (k == label || y[k] < y[label]);
    gradient[n_classes] = value;
    gradient[n_classes + 1] = right;
  }
}

// The product of the second derivative with respect to the outputs of each sample with its tangent, [N, K].
KERNEL(loss_tangent)(i64 n, i64 n_classes, int loss, const T *outputs, const T *tangents, double *rows) {
  EACH(i, n) {
    const T *y = outputs + i * n_classes, *along = tangents + i * n_classes;
    double *row = rows + i * n_classes;
    if (loss != 0) {
      for (i64 k = 0; k < n_classes; k++) row[k] = (double)along[k] * 2 / n_classes;
    } else {
      i64 likeliest = 0;
      for (i64 k = 1; k < n_classes; k++) likeliest = y[k] > y[likeliest] ? k : likeliest;
      double sum = 0, mean = 0;
      for (i64 k = 0; k < n_classes; k++) sum += row[k] = exp((double)y[k] - (double)y[likeliest]);
      // Relative to the likeliest class: where p is nearly 1, the difference cancels otherwise.
      double from = along[likeliest];
      for (i64 k = 0; k < n_classes; k++) mean += row[k] / sum * ((double)along[k] - from);
      for (i64 k = 0; k < n_classes; k++) row[k] = row[k] / sum * ((double)along[k] - from - mean);
    }
  }
}
