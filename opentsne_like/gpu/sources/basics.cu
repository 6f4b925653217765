// Words of all kernels. Arrays are in C order; a map is n rows of d coordinates. What is counted in points fits into an
// int, what is counted in edges or nodes of a grid into an i64. Threads are laid out along x; a block has whole warps.

typedef long long i64;
typedef unsigned long long u64;
typedef unsigned int u32;

#ifndef KERNEL
#define KERNEL extern "C" __global__ void
#endif
#define ALL_LANES 0xffffffffu
#ifndef ROOM  // shared memory of a size that is known at the launch
#define ROOM(type, name) extern __shared__ type name[]
#endif

__device__ inline i64 my_index() { return (i64)blockIdx.x * blockDim.x + threadIdx.x; }
__device__ inline i64 all_threads() { return (i64)gridDim.x * blockDim.x; }

// A row of D numbers, which is read and written as one where there are two or four.
template <typename T, int D>
struct alignas(D == 2 ? 2 * sizeof(T) : sizeof(T)) Row {
  T at[D];
};
template <typename T, int D>
__device__ inline const Row<T, D>* rows_of(const T* values) {
  return reinterpret_cast<const Row<T, D>*>(values);
}
