// Gaussian rows: the precision that gives a wanted perplexity, and the probabilities that follow, see
// `kernels.perplexity`, whose algorithm and units these are. A thread takes a row, of `width` distances that begin
// `stride` after those of the row before.
#define LARGEST 1e300  // the precision of a row that has at least as many ties at its smallest distance as neighbours

// exp(-x) for x >= 0, never zero: x beyond 700 counts as 700. A polynomial, so that hosts and cards agree.
__device__ inline double exp_minus(double x) {
  x = fmin(x, 700.);
  int k = (int)(x * 1.4426950408889634 + 0.5);
  double r = k * 0.6931471805599453 - x, p = r * (1. / 39916800) + 1. / 3628800;
  p = p * r + 1. / 362880;
  p = p * r + 1. / 40320;
  p = p * r + 1. / 5040;
  p = p * r + 1. / 720;
  p = p * r + 1. / 120;
  p = p * r + 1. / 24;
  p = p * r + 1. / 6;
  p = p * r + 0.5;
  p = p * r + 1;
  p = p * r + 1;
  return p * __longlong_as_double((1023ll - k) << 52);
}

// The distances of a row as shifted, scaled squares (d^2 - min d^2) / max d^2, exactly zero for ties.
struct Gaps {
  const float* single;
  const double* wide;
  i64 first;
  int m;
  double nearest, inverse;

  __device__ Gaps(const float* single, const double* wide, i64 first, int m)
      : single(single), wide(wide), first(first), m(m), nearest(at(0)), inverse(0) {
    double farthest = nearest;
    for (int j = 0; j < m; j++) {
      nearest = fmin(nearest, at(j));
      farthest = fmax(farthest, at(j));
    }
    if (farthest > 1e-300) inverse = 1 / farthest;
  }
  __device__ double at(int j) const { return take(single, wide, first + j); }
  __device__ double operator[](int j) const {
    double d = at(j);
    return __dmul_rn((d - nearest) * inverse, __dadd_rn(__dmul_rn(d, inverse), __dmul_rn(nearest, inverse)));
  }
  __device__ double least() const { return (nearest * inverse) * (nearest * inverse); }
};

__device__ double precision_of(const Gaps& gaps, double wanted, double odds) {
  int m = gaps.m, ties = 0;
  double gap = 2, widest = 0, mean = 0, square = 0;
  for (int j = 0; j < m; j++) {
    double x = gaps[j];
    if (x > 0) gap = fmin(gap, x);
    else ties++;
    widest = fmax(widest, x);
    mean += x;
    square += x * x;
  }
  double surplus = log((double)m) - wanted;
  if (log((double)ties) >= wanted) return LARGEST;
  if (surplus <= 1e-12) return 0;
  double low = fmax(m * surplus / ((m - 1) * widest), sqrt(surplus / (widest * (widest + 2 * gaps.least()))));
  double span = ties == 1 && odds > 0 ? log(odds * (m - 1)) : log((double)m) + 40;
  double high = span / fmax(gap, 1e-290);
  double variance = square / m - (mean / m) * (mean / m);
  double b = variance > 0 ? sqrt(2 * surplus / variance) : high;
  b = fmin(fmax(b, low), high);
  for (int iteration = 0; iteration < 200 && low != high; iteration++) {
    double s0 = 0, s1 = 0, s2 = 0;
    for (int j = 0; j < m; j++) {
      double x = b * gaps[j], e = exp_minus(x);
      s0 += e;
      s1 += e * x;
      s2 += e * x * x;
    }
    double centre = s1 / s0, excess = log(s0) + centre - wanted;
    (excess > 0 ? low : high) = b;
    double step = excess / fmax(s2 / s0 - centre * centre, 1e-300);
    double newton = b * exp(fmin(fmax(step, -3.), 3.));
    if (fabs(step) < 1e-6) return newton;
    if (high - low <= 4e-16 * high) return b;
    b = low < newton && newton < high && iteration < 40 ? newton : sqrt(low) * sqrt(high);
  }
  return b;
}

KERNEL search(int n, int width, int stride, const float* single, const double* wide, int scales,
              const double* log_perplexities, const double* odds, double* precisions) {
  i64 row = my_index();
  if (row >= n) return;
  Gaps gaps(single, wide, row * stride, width);
  for (int h = 0; h < scales; h++) precisions[row * scales + h] = precision_of(gaps, log_perplexities[h], odds[h]);
}

__device__ inline double log_density(double b, double nearest) { return b > 0 ? 0.5 * log(b) - b * nearest : -LARGEST; }

// Conditional probabilities (n, width), none below `least`. Shares (n, scales) are what the Gaussian of each scale is
// multiplied by.
KERNEL evaluate(int n, int width, int stride, const float* single, const double* wide, int scales,
                const double* precisions, int average, double least, double* shares, float* single_out,
                double* wide_out) {
  i64 row = my_index();
  if (row >= n) return;
  Gaps gaps(single, wide, row * stride, width);
  const double* b = precisions + row * scales;
  double *share = shares + row * scales, peak = -LARGEST, total = 0;
  for (int h = 0; h < scales; h++) peak = fmax(peak, log_density(b[h], gaps.least()));
  for (int h = 0; h < scales; h++) {
    double mass = 0;
    for (int j = 0; j < width; j++) mass += exp_minus(b[h] * gaps[j]);
    share[h] = scales > 1 && !average ? exp(log_density(b[h], gaps.least()) - peak) : 1 / mass;
    total += share[h] * mass;
  }
  for (int j = 0; j < width; j++) {
    double weight = 0;
    for (int h = 0; h < scales; h++) weight += share[h] * exp_minus(b[h] * gaps[j]);
    put(single_out, wide_out, row * width + j, fmax(weight / total, least));
  }
}
