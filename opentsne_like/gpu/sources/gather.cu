// Values and gradients at points of what a grid holds, less what a point feels of its own charge: a function of its
// place in the cell, of which `own` (3, 3, 3) holds the first harmonics. A line's are the last axis, a plane's the last
// two.
#define HARMONICS 3

template <int D>
struct Found {
  double value, slope[D];  // slopes per cell
};

template <int D>
__device__ inline Found<D> interpolate(const Spot<D>& spot, const float* potential, int run) {
  const int rows = Touched<D>::rows;
  const float* first = potential + (i64)spot.row * run + spot.column;
  float p[rows][TAPS];
#pragma unroll
  for (int k = 0; k < rows; k++)
#pragma unroll
    for (int l = 0; l < TAPS; l++) p[k][l] = first[k * run + l];  // all of them are under way before one is used
  float a[TAPS], da[TAPS], b[TAPS], db[TAPS];
  row_weights<D>(spot, a);
  if (D == 2) slopes(spot.t[0], da);
  weights(spot.t[1], b);
  slopes(spot.t[1], db);
  float value = 0.f, across = 0.f, along = 0.f;
#pragma unroll
  for (int k = 0; k < rows; k++) {
    float x = 0.f, dx = 0.f;
#pragma unroll
    for (int l = 0; l < TAPS; l++) {
      x += b[l] * p[k][l];
      dx += db[l] * p[k][l];
    }
    value += a[k] * x;
    if (D == 2) across += da[k] * x;
    along += a[k] * dx;
  }
  Found<D> found;
  found.value = value;
  if (D == 2) found.slope[0] = across;
  found.slope[D - 1] = along;
  return found;
}

__device__ inline void waves(float t, double* cosines, double* sines) {  // sines times the number of the harmonic
  float s, c;
  sincospif(2.f * t, &s, &c);
  cosines[0] = 1., cosines[1] = c, cosines[2] = 2. * c * c - 1.;
  sines[0] = 0., sines[1] = s, sines[2] = 4. * s * c;
}

template <int D>
__device__ inline Found<D> self_interaction(const Spot<D>& spot, const double* own) {
  const int rows = D == 2 ? HARMONICS : 1;
  double cos0[HARMONICS] = {1.}, sin0[HARMONICS] = {0.}, cos1[HARMONICS], sin1[HARMONICS];
  if (D == 2) waves(spot.t[0], cos0, sin0);
  waves(spot.t[1], cos1, sin1);
  Found<D> found = {};
#pragma unroll
  for (int k = 0; k < rows; k++)
#pragma unroll
    for (int l = 0; l < HARMONICS; l++) {
      double o = own[k * HARMONICS + l];
      found.value += o * cos0[k] * cos1[l];
      if (D == 2) found.slope[0] -= 3.14159265358979 * o * sin0[k] * cos1[l];
      found.slope[D - 1] -= 3.14159265358979 * o * cos0[k] * sin1[l];
    }
  return found;
}

template <int D>
__device__ void gather_units(int n, const double* points, const Frame& frame, const float* potential, const double* own,
                             double shift, double faintest, float* values, float* gradient, u64* board, u64* missing) {
  i64 i = my_index();
  double value = 0;
  bool good = false;
  if (i < n) {
    Spot<D> spot = find<D>(points, i, frame);
    Found<D> found = interpolate<D>(spot, potential, frame.shape[1]);
    if (own[0] != 0.) {
      Found<D> mine = self_interaction<D>(spot, own);
      found.value -= mine.value;
      for (int k = 0; k < D; k++) found.slope[k] -= mine.slope[k];
    }
    good = spot.inside && found.value + shift > faintest;
    value = good ? (double)(float)(found.value + shift) : 0.;
    values[i] = (float)value;
    Row<float, D> row;
    for (int k = 0; k < D; k++) row.at[k] = spot.inside ? (float)(found.slope[k] * frame.cells) : 0.f;
    reinterpret_cast<Row<float, D>*>(gradient)[i] = row;
  }
  raise(board + MAGNITUDE, magnitude(value));
  i64 lost = warp_sum(i < n && !good);
  if ((threadIdx.x & 31) == 0 && lost) atomicAdd(missing, (u64)lost);
}

KERNEL gather(int d, int n, const double* points, double corner0, double corner1, double offset0, double offset1,
              double cells, int rows, int columns, const float* potential, const double* own, double shift,
              double faintest, float* values, float* gradient, u64* board, u64* missing) {
  Frame frame = {{corner0, corner1}, {offset0, offset1}, cells, {rows, columns}};
  if (d == 2) gather_units<2>(n, points, frame, potential, own, shift, faintest, values, gradient, board, missing);
  else gather_units<1>(n, points, frame, potential, own, shift, faintest, values, gradient, board, missing);
}

// Several potentials (q, rows, columns) at the points whose charges (n, q) made them: values (n, q), gradient (n, q,
// d).
template <int D>
__device__ void gather_columns(int n, const double* points, const Frame& frame, int q, const float* potentials,
                               const double* own, const double* shift, const float* charges, float* values,
                               float* gradient) {
  i64 i = my_index();
  if (i >= n) return;
  Spot<D> spot = find<D>(points, i, frame);
  Found<D> mine = self_interaction<D>(spot, own);
  for (int c = 0; c < q; c++) {
    i64 at = i * q + c;
    double charge = charges[at];
    Found<D> found = interpolate<D>(spot, potentials + (i64)c * frame.shape[0] * frame.shape[1], frame.shape[1]);
    values[at] = spot.inside ? (float)(found.value - charge * mine.value + shift[c]) : 0.f;
    for (int k = 0; k < D; k++)
      gradient[at * D + k] = spot.inside ? (float)((found.slope[k] - charge * mine.slope[k]) * frame.cells) : 0.f;
  }
}

KERNEL gather_charges(int d, int n, const double* points, double corner0, double corner1, double offset0,
                      double offset1, double cells, int rows, int columns, int q, const float* potentials,
                      const double* own, const double* shift, const float* charges, float* values, float* gradient) {
  Frame frame = {{corner0, corner1}, {offset0, offset1}, cells, {rows, columns}};
  if (d == 2) gather_columns<2>(n, points, frame, q, potentials, own, shift, charges, values, gradient);
  else gather_columns<1>(n, points, frame, q, potentials, own, shift, charges, values, gradient);
}
