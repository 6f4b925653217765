// Radial functions of a squared distance by their kind, the formulas of `kernels.forms`. The kinds are numbered where
// the sources are joined, in the order of `gpu.forms`.

struct Form {
  int kind;
  double a, b, c;  // numbers of the form, in the order of its fields
};
template <typename T>
struct Radial {
  T value, slope;
};

// Those that are called: inlined into every loop, they would be most of what there is to compile, and the compiler is
// what a new machine waits for.
template <typename T>
__device__ __noinline__ Radial<T> called(const Form& form, T s) {
  const T one = 1, a = (T)form.a;
  switch (form.kind) {
    case StudentT: {
      T base = one + s * (one / a), w = pow(base, -a);
      return {w, -w / base};
    }
    case StudentTTail: {
      T base = one + s * (one / a), w = pow(base, -a), rest = (base - one) / base, lift = log(base) - rest;
      return {w * lift, w / base * (rest * (one / a) - lift)};
    }
    case Gaussian: {
      T w = exp(-s);
      return {w, -w};
    }
    case LogInverse: {
      T u = one + s;
      return {log1p(one / (a * u)), -one / (u * (one + a * u))};
    }
    case LogStudentTTail: {
      T ratio = s / a, rest = ratio / (one + ratio);
      return {log1p(ratio) - rest, rest / (a + s)};
    }
    case Square:
      return {s, one};
    case LogOnePlus: {
      T u = one + s;
      return {log1p(a * u), a / (one + a * u)};
    }
    case LogOnePlusPower: {  // one power serves both
      T b = (T)form.b, t = s + (T)form.c, apart = a * pow(t, b);
      return {log1p(apart), b * apart / (t * (one + apart))};
    }
    case SoftenedLog: {
      T root = sqrt(s + a);
      return {-log(-expm1(-root)), (T)-0.5 / (root * expm1(root))};
    }
  }
  return {0, 0};
}

// Those of t-SNE are part of the loop.
template <typename T>
__device__ inline Radial<T> value_and_slope(const Form& form, T s) {
  const T one = 1, a = (T)form.a;
  if (form.kind == Cauchy) {
    T w = one / (one + s);
    return {w, -w * w};
  }
  if (form.kind == LogStudentT) return {a * log1p(s / a), one / (one + s * (one / a))};
  return called(form, s);
}
