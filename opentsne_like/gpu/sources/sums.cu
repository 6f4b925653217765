// Extremes and sums without an order: the same bits whichever thread comes first, however many there are.
//
// Each column of a matrix has a line of a board, five words that begin as 0 and only grow:
//   0, 1  the highest number, and the complement of the lowest, as integers in the same order;
//   2     the bits of the largest magnitude, which those of infinity and NaN exceed;
//   3, 4  a sum in fixed point, upper and lower half.
// The unit of the sum is 2^-62 of the power of two above the largest magnitude, so a number loses nothing that float64
// would keep, and sums of integers have no order. The host puts the halves together.
#define WORDS 5
#define MAGNITUDE 2
#define SUM 3
#define SUM_BITS 62

__device__ inline u64 in_order(double x) {
  u64 bits = (u64)__double_as_longlong(x);
  return bits >> 63 ? ~bits : bits | 1ull << 63;
}
__device__ inline u64 magnitude(double x) { return (u64)__double_as_longlong(x) & ~(1ull << 63); }

// Raise a word to the largest number of a warp; all of its lanes take part.
__device__ inline void raise(u64* word, u64 mine) {
  for (int o = 16; o; o >>= 1) mine = max(mine, (u64)__shfl_xor_sync(ALL_LANES, mine, o));
  if ((threadIdx.x & 31) == 0 && mine) atomicMax(word, mine);
}

__device__ inline i64 warp_sum(i64 mine) {
  for (int o = 16; o; o >>= 1) mine += __shfl_xor_sync(ALL_LANES, mine, o);
  return mine;
}

template <typename T>
__device__ void look(i64 n, int q, const T* values, u64* board) {
  int column = blockIdx.y;
  u64 high = 0, low = 0, large = 0;
  for (i64 i = my_index(); i < n; i += all_threads()) {
    double x = values[i * q + column];
    high = max(high, in_order(x));
    low = max(low, ~in_order(x));
    large = max(large, magnitude(x));
  }
  board += WORDS * column;
  raise(board, high);
  raise(board + 1, low);
  raise(board + MAGNITUDE, large);
}

// Add up the numbers of a column, or their squares, in units of the square then.
template <typename T>
__device__ void add_up(i64 n, int q, const T* values, int squared, u64* board) {
  int column = blockIdx.y;
  board += WORDS * column;
  int exponent = (int)(board[MAGNITUDE] >> 52) - 1022;  // of two; no magnitude reaches that power
  i64 high = 0, low = 0;
  for (i64 i = my_index(); i < n; i += all_threads()) {
    double x = ldexp((double)values[i * q + column], -exponent);
    i64 whole = __double2ll_rn(ldexp(squared ? x * x : x, SUM_BITS));
    high += whole >> 32;
    low += whole & 0xffffffffll;
  }
  high = warp_sum(high);
  low = warp_sum(low);
  if ((threadIdx.x & 31) == 0) {
    atomicAdd(board + SUM, (u64)high);
    atomicAdd(board + SUM + 1, (u64)low);
  }
}

KERNEL look_single(i64 n, int q, const float* values, u64* board) { look(n, q, values, board); }
KERNEL look_double(i64 n, int q, const double* values, u64* board) { look(n, q, values, board); }
KERNEL add_up_single(i64 n, int q, const float* values, int squared, u64* board) {
  add_up(n, q, values, squared, board);
}
KERNEL add_up_double(i64 n, int q, const double* values, int squared, u64* board) {
  add_up(n, q, values, squared, board);
}
