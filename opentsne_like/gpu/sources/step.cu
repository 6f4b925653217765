// A step of gradient descent with momentum and gains, see `ops.step`; state in float64. The board has a line for each
// coordinate and one for the gradient, of which the step raises the magnitudes.

__device__ inline double shrink(double square, double longest, double slack) {
  return square > longest * longest ? longest / (sqrt(square) + slack) : 1.;
}

template <typename T, int D>
__device__ void move(int n, const double* points, const double* update, const double* gains, const T* gradient,
                     const bool* fixed, double rate, double momentum, double max_grad, double max_step, double min_gain,
                     bool adaptive, double* new_points, double* new_update, double* new_gains, u64* board) {
  i64 i = my_index();
  Row<double, D> y = {};
  u64 largest = 0;
  if (i < n) {
    Row<T, D> force = rows_of<T, D>(gradient)[i];
    Row<double, D> v = rows_of<double, D>(update)[i], gain = rows_of<double, D>(gains)[i], old = gain;
    double g[D], square = 0;
    for (int k = 0; k < D; k++) {
      g[k] = force.at[k];
      square += g[k] * g[k];
      largest = max(largest, magnitude(g[k]));
    }
    double factor = shrink(square, max_grad, 1e-6);
    square = 0;
    for (int k = 0; k < D; k++) {
      g[k] *= factor;
      bool same = (v.at[k] > 0) == (g[k] > 0) && (v.at[k] < 0) == (g[k] < 0);
      if (adaptive) gain.at[k] = same ? 0.8 * gain.at[k] + min_gain : gain.at[k] + 0.2;
      v.at[k] = momentum * v.at[k] - (adaptive ? rate * gain.at[k] : rate) * g[k];
      square += v.at[k] * v.at[k];
    }
    factor = shrink(square, max_step, 0.);
    bool stays = fixed && fixed[i];
    y = rows_of<double, D>(points)[i];
    for (int k = 0; k < D; k++) {
      v.at[k] = stays ? 0. : v.at[k] * factor;
      y.at[k] += v.at[k];
    }
    reinterpret_cast<Row<double, D>*>(new_points)[i] = y;
    reinterpret_cast<Row<double, D>*>(new_update)[i] = v;
    reinterpret_cast<Row<double, D>*>(new_gains)[i] = stays ? old : gain;
  }
  for (int k = 0; k < D; k++) raise(board + WORDS * k + MAGNITUDE, magnitude(y.at[k]));
  raise(board + WORDS * D + MAGNITUDE, largest);
}

#define STEP(NAME, T)                                                                                               \
  KERNEL NAME(int d, int n, const double* points, const double* update, const double* gains, const T* gradient,     \
              const bool* fixed, double rate, double momentum, double max_grad, double max_step, double min_gain,   \
              int adaptive, double* new_points, double* new_update, double* new_gains, u64* board) {                \
    if (d == 1)                                                                                                     \
      move<T, 1>(n, points, update, gains, gradient, fixed, rate, momentum, max_grad, max_step, min_gain, adaptive, \
                 new_points, new_update, new_gains, board);                                                         \
    if (d == 2)                                                                                                     \
      move<T, 2>(n, points, update, gains, gradient, fixed, rate, momentum, max_grad, max_step, min_gain, adaptive, \
                 new_points, new_update, new_gains, board);                                                         \
    if (d == 3)                                                                                                     \
      move<T, 3>(n, points, update, gains, gradient, fixed, rate, momentum, max_grad, max_step, min_gain, adaptive, \
                 new_points, new_update, new_gains, board);                                                         \
  }
STEP(step_single, float)
STEP(step_double, double)
