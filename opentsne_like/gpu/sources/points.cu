// Points around an offset: all of them, or row by row of an order, where one is given.
template <typename T>
__device__ void around(int d, i64 rows, const int* order, const double* points, double offset0, double offset1,
                       double offset2, T* out) {
  double offset[3] = {offset0, offset1, offset2};
  for (i64 e = my_index(); e < rows * d; e += all_threads()) {
    i64 row = e / d, k = e % d;
    out[e] = (T)(points[(order ? (i64)order[row] : row) * d + k] - offset[k]);
  }
}
KERNEL around_single(int d, i64 rows, const int* order, const double* points, double offset0, double offset1,
                     double offset2, float* out) {
  around(d, rows, order, points, offset0, offset1, offset2, out);
}
KERNEL around_double(int d, i64 rows, const int* order, const double* points, double offset0, double offset1,
                     double offset2, double* out) {
  around(d, rows, order, points, offset0, offset1, offset2, out);
}
