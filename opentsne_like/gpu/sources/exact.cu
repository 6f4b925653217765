// Exact sums over all pairs. Sources are cut into slices, which blocks sum side by side and a second kernel adds up in
// their order; a tile of a slice is summed in the precision of the points, tiles in float64.
#define TILE_POINTS 256

template <typename T, int D>
__device__ void exact_slice(int m, const T* targets, int n, const T* sources, bool same, const Form& form, int q,
                            const T* charges, int slice, double* parts) {
  __shared__ Row<T, D> tile[TILE_POINTS];
  __shared__ T charge[TILE_POINTS];
  i64 i = my_index();
  int column = blockIdx.z, low = blockIdx.y * slice, high = min(low + slice, n);
  Row<T, D> here = rows_of<T, D>(targets)[i < m ? i : m - 1];
  double total = 0, pull[D] = {};
  for (int first = low; first < high; first += TILE_POINTS) {
    int count = min(TILE_POINTS, high - first);
    __syncthreads();
    for (int j = threadIdx.x; j < count; j += blockDim.x) {
      tile[j] = rows_of<T, D>(sources)[first + j];
      charge[j] = charges ? charges[(i64)(first + j) * q + column] : (T)1;
    }
    __syncthreads();
    T value = 0, slope[D] = {};
    for (int j = 0; j < count; j++) {
      T apart[D], square = 0;
      for (int k = 0; k < D; k++) {
        apart[k] = here.at[k] - tile[j].at[k];
        square += apart[k] * apart[k];
      }
      Radial<T> radial = value_and_slope(form, square);
      T mine = same && first + j == i ? (T)0 : charge[j];
      value += mine == 0 ? (T)0 : mine * radial.value;
      for (int k = 0; k < D; k++) slope[k] += mine == 0 ? (T)0 : 2 * mine * radial.slope * apart[k];
    }
    total += value;
    for (int k = 0; k < D; k++) pull[k] += slope[k];
  }
  if (i >= m) return;
  double* out = parts + (((i64)blockIdx.y * m + i) * q + column) * (D + 1);
  out[0] = total;
  for (int k = 0; k < D; k++) out[1 + k] = pull[k];
}

#define EXACT(NAME, T)                                                                                         \
  KERNEL NAME(int d, int m, const T* targets, int n, const T* sources, int same, int kind, double a, double b, \
              double c, int q, const T* charges, int slice, double* parts) {                                   \
    Form form = {kind, a, b, c};                                                                               \
    if (d == 1) exact_slice<T, 1>(m, targets, n, sources, same, form, q, charges, slice, parts);               \
    if (d == 2) exact_slice<T, 2>(m, targets, n, sources, same, form, q, charges, slice, parts);               \
    if (d == 3) exact_slice<T, 3>(m, targets, n, sources, same, form, q, charges, slice, parts);               \
  }
EXACT(exact_single, float)
EXACT(exact_double, double)

// parts (slices, rows, d + 1) to values (rows) and gradients (rows, d)
template <typename T>
__device__ void add_slices(int d, i64 rows, int slices, const double* parts, T* values, T* gradient) {
  for (i64 e = my_index(); e < rows * (d + 1); e += all_threads()) {
    double sum = 0;
    for (int s = 0; s < slices; s++) sum += parts[s * rows * (d + 1) + e];
    i64 row = e / (d + 1), k = e % (d + 1);
    if (k == 0) values[row] = (T)sum;
    else gradient[row * d + k - 1] = (T)sum;
  }
}
KERNEL add_slices_single(int d, i64 rows, int slices, const double* parts, float* values, float* gradient) {
  add_slices(d, rows, slices, parts, values, gradient);
}
KERNEL add_slices_double(int d, i64 rows, int slices, const double* parts, double* values, double* gradient) {
  add_slices(d, rows, slices, parts, values, gradient);
}
