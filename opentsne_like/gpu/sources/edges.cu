// Sums along the edges of a sparse matrix. An edge is read as one number: its column and its weight stand side by side,
// in 8 bytes with weights of single precision, in 16 with those of double. Sixteen lanes share a row.
#define LANES 16

template <typename T>
struct Edge;
template <>
struct alignas(8) Edge<float> {
  int column;
  float weight;
};
template <>
struct alignas(16) Edge<double> {
  int column, gap;
  double weight;
};
__device__ inline Edge<float> streamed(const Edge<float>* edge) {  // past the caches, which coordinates need
  int2 raw = __ldcs(reinterpret_cast<const int2*>(edge));
  return {raw.x, __int_as_float(raw.y)};
}
__device__ inline Edge<double> streamed(const Edge<double>* edge) {
  int4 raw = __ldcs(reinterpret_cast<const int4*>(edge));
  return {raw.x, 0, __hiloint2double(raw.w, raw.z)};
}

template <typename I, typename T>
__device__ void pair_up(i64 count, const I* columns, const T* weights, void* edges) {
  Edge<T>* out = static_cast<Edge<T>*>(edges);
  for (i64 e = my_index(); e < count; e += all_threads()) {
    Edge<T> edge = {};
    edge.column = (int)columns[e];
    edge.weight = weights[e];
    out[e] = edge;
  }
}
KERNEL pair_up_single(i64 count, const int* columns, const float* weights, int* edges) {
  pair_up(count, columns, weights, edges);
}
KERNEL pair_up_double(i64 count, const int* columns, const double* weights, int* edges) {
  pair_up(count, columns, weights, edges);
}

template <typename T>
__device__ inline T lanes_sum(T mine) {
  for (int o = LANES / 2; o; o >>= 1) mine += __shfl_xor_sync(ALL_LANES, mine, o);
  return mine;
}

// Exaggerated attraction plus scaled repulsion, a quarter of the gradient, see `ops.attract`. Losses (m) where asked
// for.
template <typename T, int D, bool with_loss>
__device__ void attract(int m, const int* order, const i64* starts, const int* edges, const T* points, const T* others,
                        const Form& form, T exaggeration, const T* repulsion, T scale, T* gradient, double* losses) {
  i64 row = my_index() / LANES;
  bool mine = row < m;
  int lane = threadIdx.x % LANES;
  row = mine ? row : m - 1;
  const Edge<T>* all = reinterpret_cast<const Edge<T>*>(edges);
  Row<T, D> here = rows_of<T, D>(points)[row], sum = {};
  T loss = 0;
  for (i64 e = starts[row] + lane, end = starts[row + 1]; e < end; e += LANES) {
    Edge<T> edge = streamed(all + e);
    Row<T, D> there = rows_of<T, D>(others)[edge.column];
    T square = 0;
    for (int k = 0; k < D; k++) {
      there.at[k] = here.at[k] - there.at[k];
      square += there.at[k] * there.at[k];
    }
    Radial<T> radial = value_and_slope(form, square);
    if (with_loss) loss += edge.weight * radial.value;
    for (int k = 0; k < D; k++) sum.at[k] += edge.weight * radial.slope * there.at[k];
  }
  for (int k = 0; k < D; k++) sum.at[k] = lanes_sum(sum.at[k]);
  if (with_loss) loss = lanes_sum(loss);
  if (lane || !mine) return;
  i64 place = order[row];
  Row<T, D> out = rows_of<T, D>(repulsion)[place];
  for (int k = 0; k < D; k++) out.at[k] = exaggeration * sum.at[k] + scale * out.at[k];
  reinterpret_cast<Row<T, D>*>(gradient)[place] = out;
  if (with_loss && losses) losses[place] = loss;
}

#define EDGE_ARGUMENTS m, order, starts, edges, points, others, form, exaggeration, repulsion, scale, gradient, losses
template <int D>
__device__ void attract_in(int m, const int* order, const i64* starts, const int* edges, const float* points,
                           const float* others, const Form& form, float exaggeration, const float* repulsion,
                           float scale, float* gradient, double* losses) {
  if (losses) attract<float, D, true>(EDGE_ARGUMENTS);
  else attract<float, D, false>(EDGE_ARGUMENTS);
}

KERNEL attract_single(int d, int m, const int* order, const i64* starts, const int* edges, const float* points,
                      const float* others, int kind, double a, double b, double c, float exaggeration,
                      const float* repulsion, float scale, float* gradient, double* losses) {
  Form form = {kind, a, b, c};
  if (d == 1) attract_in<1>(EDGE_ARGUMENTS);
  if (d == 2) attract_in<2>(EDGE_ARGUMENTS);
  if (d == 3) attract_in<3>(EDGE_ARGUMENTS);
}
KERNEL attract_double(int d, int m, const int* order, const i64* starts, const int* edges, const double* points,
                      const double* others, int kind, double a, double b, double c, double exaggeration,
                      const double* repulsion, double scale, double* gradient, double* losses) {
  Form form = {kind, a, b, c};
  if (d == 1) attract<double, 1, true>(EDGE_ARGUMENTS);
  if (d == 2) attract<double, 2, true>(EDGE_ARGUMENTS);
  if (d == 3) attract<double, 3, true>(EDGE_ARGUMENTS);
}

// What the edges of each row add to the loss (m), in float64.
template <typename T>
__device__ void row_losses(int d, int m, const i64* starts, const int* edges, const double* points,
                           const double* others, const Form& form, double* losses) {
  i64 row = my_index() / LANES;
  bool mine = row < m;
  int lane = threadIdx.x % LANES;
  row = mine ? row : m - 1;
  const Edge<T>* all = reinterpret_cast<const Edge<T>*>(edges);
  double loss = 0;
  for (i64 e = starts[row] + lane, end = starts[row + 1]; e < end; e += LANES) {
    Edge<T> edge = streamed(all + e);
    double square = 0;
    for (int k = 0; k < d; k++) {
      double apart = points[row * d + k] - others[(i64)edge.column * d + k];
      square += apart * apart;
    }
    loss += edge.weight * value_and_slope(form, square).value;
  }
  loss = lanes_sum(loss);
  if (lane == 0 && mine) losses[row] = loss;
}
KERNEL row_losses_single(int d, int m, const i64* starts, const int* edges, const double* points, const double* others,
                         int kind, double a, double b, double c, double* losses) {
  row_losses<float>(d, m, starts, edges, points, others, {kind, a, b, c}, losses);
}
KERNEL row_losses_double(int d, int m, const i64* starts, const int* edges, const double* points, const double* others,
                         int kind, double a, double b, double c, double* losses) {
  row_losses<double>(d, m, starts, edges, points, others, {kind, a, b, c}, losses);
}

// A graph with rows and columns in another order; a warp copies a row. Edges are `words` integers, the first its
// column.
KERNEL reorder(int n, int words, const int* order, const int* rank, const i64* starts, const int* edges,
               const i64* new_starts, int* new_edges) {
  i64 row = my_index() / 32;
  if (row >= n) return;
  const int* from = edges + starts[order[row]] * words;
  int* to = new_edges + new_starts[row] * words;
  for (i64 e = threadIdx.x % 32; e < (new_starts[row + 1] - new_starts[row]) * words; e += 32)
    to[e] = e % words ? from[e] : rank[from[e]];
}

// Where the rows of a reordered graph begin, before they are added up, and the rank of each point in the order.
KERNEL count_rows(int n, const int* order, const i64* starts, i64* counts, int* rank) {
  for (i64 row = my_index(); row < n; row += all_threads()) {
    int point = order[row];
    counts[row] = starts[point + 1] - starts[point];
    rank[point] = (int)row;
  }
}
