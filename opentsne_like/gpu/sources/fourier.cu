// Convolution of a grid of m0 rows and m1 columns, padded with zeros to twice its lengths, without touching the
// padding: of 2m frequencies, the even ones are the transform of x[n], the odd ones that of x[n] exp(-2 pi i n / 2m).
// Three kernels: rows, two of which share a complex transform; columns, times the influence function, and back; rows
// back. Transforms are Stockham's, for any factors; the inverse is the same with the parts of the numbers exchanged.

// A place in a buffer with a gap after 16 numbers, so that strides of powers of two meet in no bank of memory.
#define AT(i) ((i) + ((i) >> 4))
#define COLUMNS 2  // that are transformed together

__device__ inline float2 operator+(float2 a, float2 b) { return make_float2(a.x + b.x, a.y + b.y); }
__device__ inline float2 operator-(float2 a, float2 b) { return make_float2(a.x - b.x, a.y - b.y); }
__device__ inline float2 operator*(float s, float2 a) { return make_float2(s * a.x, s * a.y); }
__device__ inline float2 times(float2 a, float2 b) { return make_float2(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x); }
__device__ inline float2 times_conjugate(float2 a, float2 b) {
  return make_float2(a.x * b.x + a.y * b.y, a.y * b.x - a.x * b.y);
}
__device__ inline float2 turned(float2 a) { return make_float2(a.y, -a.x); }  // times -i
__device__ inline float2 exchanged(float2 a) { return make_float2(a.y, a.x); }

template <int R>
struct Small;  // transforms of R numbers in registers
template <>
struct Small<2> {
  static __device__ inline void run(float2* v) {
    float2 a = v[0];
    v[0] = a + v[1];
    v[1] = a - v[1];
  }
};
template <>
struct Small<3> {
  static __device__ inline void run(float2* v) {
    float2 sum = v[1] + v[2], turn = 0.86602540378f * turned(v[1] - v[2]), rest = v[0] - 0.5f * sum;
    v[0] = v[0] + sum;
    v[1] = rest + turn;
    v[2] = rest - turn;
  }
};
template <>
struct Small<4> {
  static __device__ inline void run(float2* v) {
    float2 a = v[0] + v[2], b = v[0] - v[2], c = v[1] + v[3], d = turned(v[1] - v[3]);
    v[0] = a + c;
    v[1] = b + d;
    v[2] = a - c;
    v[3] = b - d;
  }
};
template <>
struct Small<5> {
  static __device__ inline void run(float2* v) {
    const float cos1 = 0.30901699437f, cos2 = -0.80901699437f, sin1 = 0.95105651630f, sin2 = 0.58778525229f;
    float2 a = v[1] + v[4], b = v[2] + v[3], c = v[1] - v[4], d = v[2] - v[3];
    float2 near = v[0] + cos1 * a + cos2 * b, far = v[0] + cos2 * a + cos1 * b;
    float2 turn = turned(sin1 * c + sin2 * d), other = turned(sin2 * c - sin1 * d);
    v[0] = v[0] + a + b;
    v[1] = near + turn;
    v[4] = near - turn;
    v[2] = far + other;
    v[3] = far - other;
  }
};
template <>
struct Small<8> {
  static __device__ inline void run(float2* v) {
    const float half = 0.70710678119f;
    float2 even[4] = {v[0], v[2], v[4], v[6]}, odd[4] = {v[1], v[3], v[5], v[7]};
    Small<4>::run(even);
    Small<4>::run(odd);
    odd[1] = half * (odd[1] + turned(odd[1]));
    odd[2] = turned(odd[2]);
    odd[3] = half * (turned(odd[3]) - odd[3]);
#pragma unroll
    for (int k = 0; k < 4; k++) {
      v[k] = even[k] + odd[k];
      v[k + 4] = even[k] - odd[k];
    }
  }
};

// Quotient by a product where it is exact, which is several times faster.
__device__ inline int quotient(int a, int b, float inverse) {
  return a < 1 << 21 ? (int)((a + 0.5f) * inverse) : a / b;
}

struct Lengths {
  int m;     // of a transform
  int room;  // that it takes in a buffer, gaps included
  int many;  // transforms that lie behind each other
};

// A pass over all transforms: `done` is the product of the factors before this one.
template <int R>
__device__ inline void pass(const float2* in, float2* out, Lengths all, int done, const float2* roots) {
  int part = all.m / R, step = 2 * all.m / (done * R);
  float inverse_part = 1.f / part, inverse_done = 1.f / done;
  for (int b = threadIdx.x; b < all.many * part; b += blockDim.x) {
    int which = quotient(b, part, inverse_part), j = b - which * part, q = quotient(j, done, inverse_done);
    int k = j - q * done, to = q * done * R + k;
    const float2* x = in + (i64)which * all.room;
    float2* y = out + (i64)which * all.room;
    float2 v[R];
#pragma unroll
    for (int r = 0; r < R; r++) v[r] = x[AT(j + r * part)];
    if (done > 1) {
#pragma unroll
      for (int r = 1; r < R; r++) v[r] = times(v[r], roots[k * r * step]);
    }
    Small<R>::run(v);
#pragma unroll
    for (int r = 0; r < R; r++) y[AT(to + r * done)] = v[r];
  }
}

// The same for any factor, number by number.
__device__ inline void any_pass(const float2* in, float2* out, Lengths all, int done, int factor, const float2* roots) {
  int part = all.m / factor, period = 2 * all.m, step = period / (done * factor);
  for (int b = threadIdx.x; b < all.many * all.m; b += blockDim.x) {
    int which = b / all.m, to = b - which * all.m, k = to % (done * factor), j = to / (done * factor) * done + k % done;
    const float2* x = in + (i64)which * all.room;
    float2 sum = make_float2(0.f, 0.f);
    for (int r = 0; r < factor; r++) sum = sum + times(x[AT(j + r * part)], roots[(i64)k * r * step % period]);
    out[(i64)which * all.room + AT(to)] = sum;
  }
}

// Transform what `in` holds; the result is there or in `out`, and is returned. A call: inlined into three kernels, four
// times, it would be a fifth of all that the compiler has to do.
__device__ __noinline__ float2* transform(float2* in, float2* out, Lengths all, const float2* roots, const int* factors,
                                          int passes) {
  for (int p = 0, done = 1; p < passes; p++) {
    int factor = factors[p];
    if (factor == 8) pass<8>(in, out, all, done, roots);
    else if (factor == 5) pass<5>(in, out, all, done, roots);
    else if (factor == 4) pass<4>(in, out, all, done, roots);
    else if (factor == 3) pass<3>(in, out, all, done, roots);
    else if (factor == 2) pass<2>(in, out, all, done, roots);
    else any_pass(in, out, all, done, factor, roots);
    done *= factor;
    __syncthreads();
    float2* turn = in;
    in = out;
    out = turn;
  }
  return in;
}

// A block's buffers: in shared memory, or where that is too small in memory of all, if that is given.
__device__ inline float2* buffer(float2* shared, float2* memory, Lengths all) {
  return memory ? memory + (i64)blockIdx.x * 2 * all.many * all.room : shared;
}

// roots[k] = exp(-2 pi i k / 2m) for k < 2m, here and below, of the length m that is transformed
KERNEL transform_rows(const float* charges, int rows, int m, float2* spectrum, const float2* roots, const int* factors,
                      int passes, float2* memory) {
  ROOM(float2, row_room);
  Lengths all = {m, AT(m - 1) + 1, 2};
  float2 *in = buffer(row_room, memory, all), *out = in + all.many * all.room;
  for (int pair = blockIdx.x; 2 * pair < rows; pair += gridDim.x) {
    bool two = 2 * pair + 1 < rows;
    const float *first = charges + (i64)2 * pair * m, *second = first + m;
    for (int n = threadIdx.x; n < m; n += blockDim.x) {
      float2 z = make_float2(first[n], two ? second[n] : 0.f);
      in[AT(n)] = z;
      in[all.room + AT(n)] = times(z, roots[n]);
    }
    __syncthreads();
    const float2* z = transform(in, out, all, roots, factors, passes);
    float2* to = spectrum + (i64)2 * pair * (m + 1);
    for (int k = threadIdx.x; k <= m; k += blockDim.x) {
      int odd = k & 1, j = k >> 1, back = odd ? m - 1 - j : j ? m - j : 0;
      float2 u = z[odd * all.room + AT(j)], v = z[odd * all.room + AT(back)];
      to[k] = make_float2(0.5f * (u.x + v.x), 0.5f * (u.y - v.y));
      if (two) to[m + 1 + k] = make_float2(0.5f * (u.y + v.y), 0.5f * (v.x - u.x));
    }
    __syncthreads();
  }
}

// influence: (columns, parity of the frequency, m), scaled
KERNEL convolve_columns(float2* spectrum, int m, int columns, const float* influence, const float2* roots,
                        const int* factors, int passes, float2* memory) {
  ROOM(float2, column_room);
  Lengths all = {m, AT(m - 1) + 1, 2 * COLUMNS};
  float2 *in = buffer(column_room, memory, all), *out = in + all.many * all.room;
  float inverse = 1.f / m;
  for (int first = blockIdx.x * COLUMNS; first < columns; first += gridDim.x * COLUMNS) {
    for (int e = threadIdx.x; e < m * COLUMNS; e += blockDim.x) {
      int c = e % COLUMNS, n = e / COLUMNS;
      float2 z = first + c < columns ? spectrum[(i64)n * columns + first + c] : make_float2(0.f, 0.f);
      in[2 * c * all.room + AT(n)] = z;
      in[(2 * c + 1) * all.room + AT(n)] = times(z, roots[n]);
    }
    __syncthreads();
    float2* z = transform(in, out, all, roots, factors, passes);
    for (int e = threadIdx.x; e < all.many * m; e += blockDim.x) {
      int which = quotient(e, m, inverse), j = e - which * m;
      float weight = first + which / 2 < columns ? influence[((i64)first * 2 + which) * m + j] : 0.f;
      float2* v = z + which * all.room + AT(j);
      *v = weight * exchanged(*v);
    }
    __syncthreads();
    z = transform(z, z == in ? out : in, all, roots, factors, passes);
    for (int e = threadIdx.x; e < m * COLUMNS; e += blockDim.x) {
      int c = e % COLUMNS, n = e / COLUMNS;
      float2 even = exchanged(z[2 * c * all.room + AT(n)]), odd = exchanged(z[(2 * c + 1) * all.room + AT(n)]);
      if (first + c < columns) spectrum[(i64)n * columns + first + c] = even + times_conjugate(odd, roots[n]);
    }
    __syncthreads();
  }
}

KERNEL transform_back(const float2* spectrum, int rows, int m, float* potential, const float2* roots,
                      const int* factors, int passes, float2* memory) {
  ROOM(float2, back_room);
  Lengths all = {m, AT(m - 1) + 1, 2};
  float2 *in = buffer(back_room, memory, all), *out = in + all.many * all.room;
  for (int pair = blockIdx.x; 2 * pair < rows; pair += gridDim.x) {
    bool two = 2 * pair + 1 < rows;
    const float2 *first = spectrum + (i64)2 * pair * (m + 1), *second = first + (two ? m + 1 : 0);
    for (int k = threadIdx.x; k < 2 * m; k += blockDim.x) {
      int from = k <= m ? k : 2 * m - k;
      float2 a = first[from], b = two ? second[from] : make_float2(0.f, 0.f);
      if (k > m) a.y = -a.y, b.y = -b.y;
      in[(k & 1) * all.room + AT(k >> 1)] = make_float2(a.y + b.x, a.x - b.y);
    }
    __syncthreads();
    const float2* z = transform(in, out, all, roots, factors, passes);
    float* to = potential + (i64)2 * pair * m;
    for (int n = threadIdx.x; n < m; n += blockDim.x) {
      float2 y = exchanged(z[AT(n)]) + times_conjugate(exchanged(z[all.room + AT(n)]), roots[n]);
      to[n] = y.x;
      if (two) to[m + n] = y.y;
    }
    __syncthreads();
  }
}
