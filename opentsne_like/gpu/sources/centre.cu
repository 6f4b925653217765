// Rows of data around a point: as vectors of single precision, whose products tell which rows are close, or in double
// precision, for covariances. Where two arrays are given of which one is none, numbers are those of the other.

__device__ inline double take(const float* single, const double* wide, i64 place) {
  return single ? (double)single[place] : wide[place];
}
__device__ inline void put(float* single, double* wide, i64 place, double value) {
  if (single) single[place] = (float)value;
  else wide[place] = value;
}

// (value / norm - middle) * scale; norms of rows where they count.
template <typename T>
__device__ void centre(int d, i64 rows, const T* values, const double* norms, const double* middle, double scale,
                       float* single, double* wide) {
  for (i64 e = my_index(); e < rows * d; e += all_threads()) {
    double value = values[e];
    if (norms) value /= norms[e / d];
    put(single, wide, e, __dmul_rn(value - middle[e % d], scale));
  }
}
KERNEL centre_single(int d, i64 rows, const float* values, const double* norms, const double* middle, double scale,
                     float* single, double* wide) {
  centre(d, rows, values, norms, middle, scale, single, wide);
}
KERNEL centre_double(int d, i64 rows, const double* values, const double* norms, const double* middle, double scale,
                     float* single, double* wide) {
  centre(d, rows, values, norms, middle, scale, single, wide);
}

// Squared norms of vectors and norms, summed in float64; a warp takes a row.
KERNEL row_sizes(int d, i64 rows, const float* vectors, float* squares, double* sizes) {
  i64 row = my_index() / 32;
  double sum = 0;
  for (int k = threadIdx.x % 32; row < rows && k < d; k += 32) {
    double x = vectors[row * d + k];
    sum += x * x;
  }
  for (int o = 16; o; o >>= 1) sum += __shfl_xor_sync(ALL_LANES, sum, o);
  if (row >= rows || threadIdx.x % 32) return;
  squares[row] = (float)sum;
  sizes[row] = sqrt(sum);
}
