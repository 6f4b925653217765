// Where a point lies on a grid, and the B-spline of order 6 by which it touches six nodes along an axis: a line of
// nodes (D = 1, a grid of one row) or a plane (D = 2).
#define TAPS 6

struct Frame {  // see `ops.Place`: a point stands (y - corner) * cells + offset cells from node 0
  double corner[2], offset[2], cells;
  int shape[2];
};

template <int D>
struct Spot {
  int row, column;  // first node that is touched
  float t[2];       // fractions of a cell; of a line, the second alone
  bool inside;      // three nodes or more from the border
};

template <int D>
__device__ inline Spot<D> find(const double* points, i64 i, const Frame& frame) {
  Row<double, D> p = rows_of<double, D>(points)[i];
  Spot<D> spot = {0, 0, {0, 0}, true};
  int first[2] = {0, 0};
  for (int k = 0; k < D; k++) {
    int axis = 2 - D + k;
    double u = (p.at[k] - frame.corner[axis]) * frame.cells + frame.offset[axis];
    if (!(TAPS / 2 <= u && u <= frame.shape[axis] - TAPS)) {  // of NaN, too
      spot.inside = false;
      u = TAPS / 2;
    }
    int cell = (int)u;
    first[axis] = cell - (TAPS / 2 - 1);
    spot.t[axis] = (float)(u - cell);
  }
  spot.row = first[0];
  spot.column = first[1];
  return spot;
}

__device__ inline void weights(float t, float* w) {
  const float c[TAPS][6] = {{1, -5, 10, -10, 5, -1},    {26, -50, 20, 20, -20, 5}, {66, 0, -60, 0, 30, -10},
                            {26, 50, 20, -20, -20, 10}, {1, 5, 10, 10, 5, -5},     {0, 0, 0, 0, 0, 1}};
#pragma unroll
  for (int k = 0; k < TAPS; k++) {
    w[k] = c[k][5] / 120.f;
#pragma unroll
    for (int p = 4; p >= 0; p--) w[k] = w[k] * t + c[k][p] / 120.f;
  }
}

__device__ inline void slopes(float t, float* w) {
  const float c[TAPS][5] = {{-5, 20, -30, 20, -5},  {-50, 40, 60, -80, 25}, {0, -120, 0, 120, -50},
                            {50, 40, -60, -80, 50}, {5, 20, 30, 20, -25},   {0, 0, 0, 0, 5}};
#pragma unroll
  for (int k = 0; k < TAPS; k++) {
    w[k] = c[k][4] / 120.f;
#pragma unroll
    for (int p = 3; p >= 0; p--) w[k] = w[k] * t + c[k][p] / 120.f;
  }
}

// The rows that a point touches: all along the plane's first axis, or the only one of a line, with weight 1.
template <int D>
struct Touched {
  static const int rows = D == 2 ? TAPS : 1;
};
template <int D>
__device__ inline void row_weights(const Spot<D>& spot, float* w) {
  if (D == 2) weights(spot.t[0], w);
  else w[0] = 1.f;
}
