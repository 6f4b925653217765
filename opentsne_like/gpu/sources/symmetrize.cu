// A symmetric sparse matrix from the weights of a neighbour graph of n rows of `width` neighbours, see
// `kernels.symmetrize`. Each edge stands in the row of either end as a key, the other end above the number of the edge;
// sorted keys are the rows of the result, in which an edge that both ends know stands twice.
#define ROOM_OF_ROW 2048  // keys of a row that shared memory holds while they are sorted
#define MAXIMUM 1         // how the weights of an edge are joined, see `kernels.symmetrize`; SUM is 0
#define UNION 2

__device__ inline u64 edge_key(int column, i64 edge) { return (u64)column << 32 | (u32)edge; }

// How many keys each row will have.
KERNEL count_keys(int n, int width, int stride, const int* indices, i64* counts) {
  for (i64 e = my_index(); e < (i64)n * width; e += all_threads()) {
    i64 row = e / width, c = e % width;
    atomicAdd((u64*)(counts + indices[row * stride + c]), 1ull);
    if (c == 0) atomicAdd((u64*)(counts + row), (u64)width);
  }
}

// Write the keys to their rows, which begin at starts (n + 1); filled (n) counts those that came from others.
KERNEL scatter_keys(int n, int width, int stride, const int* indices, const i64* starts, int* filled, u64* keys) {
  for (i64 e = my_index(); e < (i64)n * width; e += all_threads()) {
    i64 row = e / width, c = e % width;
    int other = indices[row * stride + c];
    keys[starts[row] + c] = edge_key(other, e);
    keys[starts[other] + width + atomicAdd(filled + other, 1)] = edge_key((int)row, e);
  }
}

// Sort the keys of each row, a block for each, and say how many columns it has.
KERNEL sort_rows(int n, const i64* starts, u64* keys, i64* sizes) {
  __shared__ u64 room[ROOM_OF_ROW];
  __shared__ int size;
  for (i64 row = blockIdx.x; row < n; row += gridDim.x) {
    u64* mine = keys + starts[row];
    int length = (int)(starts[row + 1] - starts[row]);
    u64* sorted = length <= ROOM_OF_ROW ? room : mine;
    __syncthreads();
    for (int c = threadIdx.x; c < length && sorted == room; c += blockDim.x) room[c] = mine[c];
    if (threadIdx.x == 0) size = 0;
    __syncthreads();
    sort_keys(sorted, length);
    int columns = 0;
    for (int c = threadIdx.x; c < length; c += blockDim.x) {
      columns += c == 0 || sorted[c - 1] >> 32 != sorted[c] >> 32;
      if (sorted == room) mine[c] = room[c];
    }
    if (columns) atomicAdd(&size, columns);
    __syncthreads();
    if (threadIdx.x == 0) sizes[row] = size;
  }
}

// Write the rows of the result, which begin at row_ends (n + 1); a thread takes a row.
template <typename T>
__device__ void merge(int n, int mode, const i64* starts, const u64* keys, const T* weights, const i64* row_ends,
                      int* columns, T* values) {
  i64 row = my_index();
  if (row >= n) return;
  i64 out = row_ends[row];
  for (i64 e = starts[row], end = starts[row + 1]; e < end; e++, out++) {
    u64 key = keys[e];
    double a = weights[(u32)key], b = 0;
    if (e + 1 < end && keys[e + 1] >> 32 == key >> 32) b = weights[(u32)keys[++e]];
    double larger = fmax(a, b), smaller = fmin(a, b);  // ordered, so that both directions of an edge round alike
    double value = mode == MAXIMUM ? larger : mode == UNION ? larger + smaller * (1 - larger) : larger + smaller;
    columns[out] = (int)(key >> 32);
    values[out] = (T)value;
  }
}
KERNEL merge_single(int n, int mode, const i64* starts, const u64* keys, const float* weights, const i64* row_ends,
                    int* columns, float* values) {
  merge(n, mode, starts, keys, weights, row_ends, columns, values);
}
KERNEL merge_double(int n, int mode, const i64* starts, const u64* keys, const double* weights, const i64* row_ends,
                    int* columns, double* values) {
  merge(n, mode, starts, keys, weights, row_ends, columns, values);
}

template <typename T>
__device__ void multiply(i64 count, T factor, T* values) {
  for (i64 e = my_index(); e < count; e += all_threads()) values[e] *= factor;
}
KERNEL multiply_single(i64 count, float factor, float* values) { multiply(count, factor, values); }
KERNEL multiply_double(i64 count, double factor, double* values) { multiply(count, factor, values); }

// p log p of each weight; a weight of zero counts as nothing.
template <typename T>
__device__ void entropies(i64 count, const T* weights, double* out) {
  for (i64 e = my_index(); e < count; e += all_threads()) {
    double p = weights[e];
    out[e] = p > 0 ? p * log(p) : 0;
  }
}
KERNEL entropies_single(i64 count, const float* weights, double* out) { entropies(count, weights, out); }
KERNEL entropies_double(i64 count, const double* weights, double* out) { entropies(count, weights, out); }
