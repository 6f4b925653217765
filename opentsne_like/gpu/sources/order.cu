// Points along the Morton curve: bits of their coordinates, interleaved. Sorted keys tell the order, since the number
// of the point stands in their lower half.

__device__ inline u64 spaced(u32 x, int gap) {  // bits, `gap` zeros between them
  u64 out = 0;
  for (int b = 0; b < 32 / (gap + 1); b++) out |= (u64)(x >> b & 1) << b * (gap + 1);
  return out;
}

KERNEL morton_keys(int d, int n, const double* points, double corner0, double corner1, double corner2, double scale,
                   u64* keys) {
  double corner[3] = {corner0, corner1, corner2};
  for (i64 i = my_index(); i < n; i += all_threads()) {
    u64 code = 0;
    for (int k = 0; k < d; k++) {
      double x = fmin(fmax((points[i * d + k] - corner[k]) * scale, 0.), 1.) * ((1ull << 32 / d) - 1);
      code |= spaced((u32)x, d - 1) << (d - 1 - k);
    }
    keys[i] = code << 32 | (u32)i;
  }
}

KERNEL lower_halves(i64 n, const u64* keys, int* out) {
  for (i64 i = my_index(); i < n; i += all_threads()) out[i] = (int)(u32)keys[i];
}
