// Exact neighbours, see `nearest_neighbors._exact_search`: products in single precision propose, distances in float64
// decide, and a bound on the rounding of the products proves that no neighbour was missed.
#define EUCLIDEAN 0  // kinds of distances, those of `kernels.knn`
#define COSINE 1
#define EACH 4  // scores that a thread looks at before its block waits for all

// Sort any number of keys; all threads of the block take part, and the keys are theirs to read afterwards. Every
// exchange puts the lower key first, so that what would stand beyond the last key need not be there.
template <typename Key>
__device__ void sort_keys(Key* keys, int n) {
  for (int span = 2; span < 2 * n; span *= 2)
    for (int apart = span / 2; apart; apart /= 2) {
      for (int t = threadIdx.x; 2 * t - (t & (apart - 1)) < n; t += blockDim.x) {
        int low = 2 * t - (t & (apart - 1)), high = apart == span / 2 ? low ^ (span - 1) : low + apart;
        if (high < n && keys[high] < keys[low]) {
          Key key = keys[low];
          keys[low] = keys[high];
          keys[high] = key;
        }
      }
      __syncthreads();
    }
}

// The lowest `keep` of all keys that the threads of a block offer, whichever comes first: no two keys are equal.
template <typename Key>
struct Sieve {
  Key* keys;
  int* count;
  int keep, held;
  Key limit;  // offers are below

  __device__ void offer(const Key& key) {
    if (key < limit) keys[atomicAdd(count, 1)] = key;
  }
  __device__ void cut() {
    sort_keys(keys, held);
    held = min(held, keep);
    if (held == keep) limit = keys[keep - 1];
    if (threadIdx.x == 0) *count = held;
    __syncthreads();
  }
  // Wait for all offers, and make room for as many again where there is less. Say whether there were any.
  __device__ bool settle(int more, int capacity) {
    __syncthreads();
    int before = held;
    held = *count;
    __syncthreads();
    bool any = held != before;
    if (held + more > capacity) cut();
    return any;
  }
};

// A score and its column as one number, in the order of scores and, where these are equal, of columns.
__device__ inline u64 score_key(float score, int column) {
  if (!(score < __int_as_float(0x7f800000))) score = __int_as_float(0x7f800000);  // beyond all numbers
  u32 bits = (u32)__float_as_int(score);
  return (u64)(bits >> 31 ? ~bits : bits | 1u << 31) << 32 | (u32)column;
}
__device__ inline float score_of(u64 key) {
  u32 bits = (u32)(key >> 32);
  return __int_as_float((int)(bits >> 31 ? bits ^ 1u << 31 : ~bits));
}

// Merge a tile of products (rows, width) into the lowest `keep` scores |y|^2 - 2 x.y of each row: kept (rows, keep),
// ascending, of which there are counts (rows). The tile begins at row `own` of the data, and at their row `first` as a
// column; no row is its own neighbour.
KERNEL select_lowest(int width, int own, int first, int keep, int capacity, const float* products,
                     const float* squares, u64* kept, int* counts) {
  ROOM(u64, keys);
  __shared__ int count;
  int row = blockIdx.x, before = counts[row];
  u64* mine = kept + (i64)row * keep;
  Sieve<u64> sieve = {keys, &count, keep, before, before < keep ? ~0ull : mine[keep - 1]};
  for (int c = threadIdx.x; c < before; c += blockDim.x) keys[c] = mine[c];
  if (threadIdx.x == 0) count = before;
  __syncthreads();
  bool more = false;
  for (int low = 0; low < width; low += EACH * blockDim.x) {
    for (int j = low + threadIdx.x; j < min(low + EACH * (int)blockDim.x, width); j += blockDim.x) {
      float score = squares[first + j] - 2 * products[(i64)row * width + j];
      if (first + j != own + row) sieve.offer(score_key(score, first + j));
    }
    more |= sieve.settle(EACH * blockDim.x, capacity);
  }
  if (!more) return;
  sieve.cut();
  for (int c = threadIdx.x; c < sieve.held; c += blockDim.x) mine[c] = keys[c];
  if (threadIdx.x == 0) counts[row] = sieve.held;
}

__device__ inline double term(int kind, double a, double b) {
  return kind == COSINE ? __dmul_rn(a, b) : __dmul_rn(a - b, a - b);
}

// The distance of two rows. Products or squares of even and odd coordinates are added apart, each rounded by itself:
// for COSINE the bits of `kernels.knn`.
template <typename T>
__device__ double distance(int kind, int d, const T* x, const T* y, double x_norm, double y_norm) {
  double even = 0, odd = 0;
  for (int t = 0; t + 1 < d; t += 2) {
    even = __dadd_rn(even, term(kind, x[t], y[t]));
    odd = __dadd_rn(odd, term(kind, x[t + 1], y[t + 1]));
  }
  double total = __dadd_rn(even, odd);
  if (d % 2) total = __dadd_rn(total, term(kind, x[d - 1], y[d - 1]));
  if (kind == EUCLIDEAN) return sqrt(total);
  double cosine = total / __dmul_rn(x_norm, y_norm);
  if (cosine < 1 - 1e-6) return 1 - fmax(cosine, -1.);
  total = 0;  // 1 - cos cancels here; it is half the squared distance of the unit vectors
  for (int t = 0; t < d; t++) {
    double step = x[t] / x_norm - y[t] / y_norm;
    total = __dadd_rn(total, __dmul_rn(step, step));
  }
  return 0.5 * total;
}

__device__ inline double norm_of(const double* norms, i64 row) { return norms ? norms[row] : 1; }

// Rank the candidates of the rows from `first` on by (distance, index), and say of each row whether one that was left
// out might come before its last neighbour. `unit` bounds the rounding of a score, see `Prefilter.limits` on the CPU;
// nothing is sure where numbers of single precision may have overflowed.
template <typename T>
__device__ void rank(int kind, int d, int k, int keep, int first, const T* rows, const double* norms,
                     const double* sizes, double scale, double unit, bool left_out, const u64* kept, const int* counts,
                     int* indices, float* single, double* wide, int* doubtful) {
  ROOM(double, ahead);
  int count = counts[blockIdx.x];
  i64 row = first + blockIdx.x;
  const u64* mine = kept + (i64)blockIdx.x * keep;
  for (int c = threadIdx.x; c < count; c += blockDim.x) {
    i64 j = (u32)mine[c];
    ahead[c] = distance(kind, d, rows + row * d, rows + j * d, norm_of(norms, row), norm_of(norms, j));
  }
  __syncthreads();
  for (int c = threadIdx.x; c < count; c += blockDim.x) {
    u32 j = (u32)mine[c];
    int place = 0;
    for (int o = 0; o < count; o++) place += ahead[o] < ahead[c] || (ahead[o] == ahead[c] && (u32)mine[o] < j);
    if (place < k) {
      indices[row * k + place] = (int)j;
      put(single, wide, row * k + place, ahead[c]);
    }
    if (place == k - 1) {
      double reach = scale * (kind == COSINE ? sqrt(2 * ahead[c]) : ahead[c]) * (1 + (d + 8) * 0x1p-52);
      double size = sizes[row], other = size + reach;
      double limit = reach * reach - size * size + unit * (2 * size * other + other * other) + 0x1p-100;
      doubtful[row] = left_out && !(limit < score_of(mine[keep - 1]) && other * other < 1e37);
    }
  }
}
#define RANK(NAME, T)                                                                                              \
  KERNEL NAME(int kind, int d, int k, int keep, int first, const T* rows, const double* norms,                     \
              const double* sizes, double scale, double unit, int left_out, const u64* kept, const int* counts,    \
              int* indices, float* single, double* wide, int* doubtful) {                                          \
    rank(kind, d, k, keep, first, rows, norms, sizes, scale, unit, left_out, kept, counts, indices, single, wide,  \
         doubtful);                                                                                                \
  }
RANK(rank_single, float)
RANK(rank_double, double)

struct Neighbor {
  double distance;
  int index;
  __device__ bool operator<(const Neighbor& other) const {
    return distance < other.distance || (distance == other.distance && index < other.index);
  }
};

// The first k of all rows by (distance, index) for the rows `at`, a block for each.
template <typename T>
__device__ void rank_all(int kind, int d, int n, int k, int capacity, const int* at, const T* rows,
                         const double* norms, int* indices, float* single, double* wide) {
  ROOM(Neighbor, found);
  __shared__ int count;
  i64 row = at[blockIdx.x];
  Sieve<Neighbor> sieve = {found, &count, k, 0, {__longlong_as_double(0x7ff0000000000000ll), 0x7fffffff}};
  if (threadIdx.x == 0) count = 0;
  __syncthreads();
  for (int low = 0; low < n; low += blockDim.x) {
    int j = low + threadIdx.x;
    if (j < n && j != row)
      sieve.offer(
          {distance(kind, d, rows + row * d, rows + (i64)j * d, norm_of(norms, row), norm_of(norms, j)), j});
    sieve.settle(blockDim.x, capacity);
  }
  sieve.cut();
  for (int c = threadIdx.x; c < k; c += blockDim.x) {
    indices[row * k + c] = found[c].index;
    put(single, wide, row * k + c, found[c].distance);
  }
}
#define RANK_ALL(NAME, T)                                                                              \
  KERNEL NAME(int kind, int d, int n, int k, int capacity, const int* at, const T* rows,               \
              const double* norms, int* indices, float* single, double* wide) {                        \
    rank_all(kind, d, n, k, capacity, at, rows, norms, indices, single, wide);                         \
  }
RANK_ALL(rank_all_single, float)
RANK_ALL(rank_all_double, double)
