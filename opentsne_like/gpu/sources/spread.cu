// Charges onto a grid, in fixed point: sums of integers, which have the same bits for any order of points and blocks.
#define UNIT_BITS 22    // of a charge of 1 in the window of a block, where 256 of them fit into 32 bits
#define CHARGE_BITS 30  // of the largest charge of a column

// The smallest rectangle of nodes that the points of a block touch.
struct Window {
  int row, column, height, width;
};

template <int D>
__device__ Window window_of(const Spot<D>& spot, bool mine) {
  __shared__ int low[2], high[2];
  if (threadIdx.x < 2) {
    low[threadIdx.x] = 1 << 30;
    high[threadIdx.x] = -1;
  }
  __syncthreads();
  int least[2] = {mine ? spot.row : 1 << 30, mine ? spot.column : 1 << 30};
  int most[2] = {mine ? spot.row : -1, mine ? spot.column : -1};
  for (int k = 0; k < 2; k++) {
    for (int o = 16; o; o >>= 1) {
      least[k] = min(least[k], __shfl_xor_sync(ALL_LANES, least[k], o));
      most[k] = max(most[k], __shfl_xor_sync(ALL_LANES, most[k], o));
    }
    if ((threadIdx.x & 31) == 0) {
      atomicMin(low + k, least[k]);
      atomicMax(high + k, most[k]);
    }
  }
  __syncthreads();
  return {low[0], low[1], high[0] - low[0] + Touched<D>::rows, high[1] - low[1] + TAPS};
}

// Add a charge of 1 to numbers of 32 or 64 bits, `run` apart from row to row.
template <int D, typename Number>
__device__ inline void add_unit(const Spot<D>& spot, Number* first, i64 run) {
  float a[TAPS], b[TAPS];
  row_weights<D>(spot, a);
  weights(spot.t[1], b);
#pragma unroll
  for (int k = 0; k < Touched<D>::rows; k++)
#pragma unroll
    for (int l = 0; l < TAPS; l++)
      atomicAdd(first + k * run + l, (Number)__float2int_rn(a[k] * b[l] * (1 << UNIT_BITS)));
}

// Points of a block that lie close together add up in `room` numbers of shared memory first.
template <int D>
__device__ void spread_units(int n, const double* points, const Frame& frame, u64* sums, int room, int* window) {
  i64 i = my_index();
  bool mine = i < n;
  Spot<D> spot = find<D>(points, mine ? i : 0, frame);
  mine = mine && spot.inside;
  Window box = window_of<D>(spot, mine);
  int columns = frame.shape[1];
  if ((i64)box.height * box.width > room || box.height <= 0) {
    if (mine) add_unit<D>(spot, sums + (i64)spot.row * columns + spot.column, columns);
    return;
  }
  for (int e = threadIdx.x; e < box.height * box.width; e += blockDim.x) window[e] = 0;
  __syncthreads();
  if (mine) add_unit<D>(spot, window + (spot.row - box.row) * box.width + spot.column - box.column, box.width);
  __syncthreads();
  for (int r = threadIdx.x / 32; r < box.height; r += blockDim.x / 32)
    for (int c = threadIdx.x & 31; c < box.width; c += 32)
      if (int sum = window[r * box.width + c])
        atomicAdd(sums + (i64)(box.row + r) * columns + box.column + c, (u64)(i64)sum);
}

KERNEL spread(int d, int n, const double* points, double corner0, double corner1, double offset0, double offset1,
              double cells, int rows, int columns, u64* sums, int room) {
  ROOM(int, window);
  Frame frame = {{corner0, corner1}, {offset0, offset1}, cells, {rows, columns}};
  if (d == 2) spread_units<2>(n, points, frame, sums, room, window);
  else spread_units<1>(n, points, frame, sums, room, window);
}

// Charges of several columns (n, q), each onto a grid of its own; the board is that of the columns.
template <int D>
__device__ void spread_columns(int n, const double* points, const Frame& frame, int q, const float* charges,
                               const u64* board, u64* sums) {
  i64 i = my_index();
  if (i >= n) return;
  Spot<D> spot = find<D>(points, i, frame);
  if (!spot.inside) return;
  int column = blockIdx.y, run = frame.shape[1];
  int exponent = (int)(board[WORDS * column + MAGNITUDE] >> 52) - 1022;
  float charge = ldexpf(charges[i * q + column], -exponent);
  u64* first = sums + ((i64)column * frame.shape[0] + spot.row) * run + spot.column;
  float a[TAPS], b[TAPS];
  row_weights<D>(spot, a);
  weights(spot.t[1], b);
  for (int k = 0; k < Touched<D>::rows; k++)
    for (int l = 0; l < TAPS; l++)
      atomicAdd(first + k * run + l, (u64)(i64)__float2int_rn(charge * a[k] * b[l] * (1 << CHARGE_BITS)));
}

KERNEL spread_charges(int d, int n, const double* points, double corner0, double corner1, double offset0,
                      double offset1, double cells, int rows, int columns, int q, const float* charges,
                      const u64* board, u64* sums) {
  Frame frame = {{corner0, corner1}, {offset0, offset1}, cells, {rows, columns}};
  if (d == 2) spread_columns<2>(n, points, frame, q, charges, board, sums);
  else spread_columns<1>(n, points, frame, q, charges, board, sums);
}

// Sums in fixed point as float32; without a board, of charges of 1.
KERNEL settle(i64 nodes, const u64* sums, const u64* board, float* charges) {
  int column = blockIdx.y;
  int exponent = board ? (int)(board[WORDS * column + MAGNITUDE] >> 52) - 1022 - CHARGE_BITS : -UNIT_BITS;
  for (i64 e = my_index(); e < nodes; e += all_threads()) {
    i64 at = column * nodes + e;
    charges[at] = (float)ldexp((double)(i64)sums[at], exponent);
  }
}
