// Influence functions of a plane, in float64: a radial function at the distances of the padded grid, its cosine
// transforms (DCT-I) along both axes as products of matrices, and the self-interaction. Lengths of grids that come and
// go cost no plan and no compiler.
#define TILE 16

// The function less a constant at squared distances x[i] + y[j], (rows, columns).
KERNEL radial_table(int rows, int columns, const double* x, const double* y, int kind, double a, double b, double c,
                    double constant, double* table) {
  Form form = {kind, a, b, c};
  for (i64 e = my_index(); e < (i64)rows * columns; e += all_threads()) {
    int i = (int)(e / columns), j = (int)(e % columns);
    table[e] = value_and_slope(form, x[i] + y[j]).value - constant;
  }
}

// out[k, i] = factor[k] sum_j in[i, j] share(j) cos(pi j k / m), j and k from 0 to m, i < rows; share is 1 for the
// first and the last j, else 2, and cosines[t] = cos(pi t / m) for t < 2m. Rows become columns, so the same again
// transforms the other axis.
KERNEL cosine_products(int rows, int m, const double* in, const double* cosines, const double* factor, double* out) {
  __shared__ double left[TILE][TILE + 1], right[TILE][TILE + 1];
  int x = threadIdx.x % TILE, y = threadIdx.x / TILE;
  int i = blockIdx.x * TILE + y, k = blockIdx.y * TILE + x;
  double sum = 0;
  for (int first = 0; first <= m; first += TILE) {
    int j = first + x, other = first + y;
    left[y][x] = i < rows && j <= m ? in[(i64)i * (m + 1) + j] * (j == 0 || j == m ? 1. : 2.) : 0.;
    right[y][x] = other <= m && k <= m ? cosines[(i64)other * k % (2 * m)] : 0.;
    __syncthreads();
    for (int t = 0; t < TILE; t++) sum += left[y][t] * right[t][x];
    __syncthreads();
  }
  if (i < rows && k <= m) out[(i64)k * rows + i] = factor[k] * sum;
}

// The spectrum (height, m1 + 1) as `convolve_columns` wants it: (m1 + 1, 2, m0), scaled, float32. Its height is m0 + 1,
// or that of a line 1, which counts for even and odd frequencies along the axis that is missing.
KERNEL arrange(int m0, int m1, int height, const double* spectrum, double scale, float* out) {
  for (i64 e = my_index(); e < (i64)2 * (m1 + 1) * m0; e += all_threads()) {
    int column = (int)(e / (2 * m0)), k = (int)(e % (2 * m0)), row = 2 * (k % m0) + k / m0;
    row = min(min(row, 2 * m0 - row), height - 1);
    out[e] = (float)(scale * spectrum[(i64)row * (m1 + 1) + column]);
  }
}

// out[b, a] = sum_i waves[b, i] in[a, i], a block for each: the harmonics of an axis, see `repulsion.fft`.
KERNEL fold_waves(int length, const double* waves, const double* in, double* out) {
  __shared__ double parts[32];
  const double *wave = waves + (i64)blockIdx.y * length, *row = in + (i64)blockIdx.x * length;
  double sum = 0;
  for (int i = threadIdx.x; i < length; i += blockDim.x) sum += wave[i] * row[i];
  for (int o = 16; o; o >>= 1) sum += __shfl_xor_sync(ALL_LANES, sum, o);
  if ((threadIdx.x & 31) == 0) parts[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int k = 1; k < (int)blockDim.x / 32; k++) sum += parts[k];
    out[(i64)blockIdx.y * gridDim.x + blockIdx.x] = sum;
  }
}
