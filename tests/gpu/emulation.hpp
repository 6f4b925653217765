// CUDA's kernels on the host. A thread of a block is a fiber, which runs until it waits for others: at a barrier, or in
// an exchange with its warp. Blocks follow each other; they and their threads come in order or the other way round, so
// that a result that depends on who is first differs between the two. Threads that wait for others that do not come are
// an error, and so is a write beyond the shared memory that was asked for.
#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#define __device__
#define __global__
#define __noinline__
#define __shared__ static
#define ROOM(type, name) type* name = reinterpret_cast<type*>(emulation::room)
#define KERNEL [[maybe_unused]] static void

using std::exp;
using std::expm1;
using std::log;
using std::log1p;
using std::max;
using std::min;
using std::pow;
using std::sqrt;

struct float2 {
  float x, y;
};
struct int2 {
  int x, y;
};
struct int4 {
  int x, y, z, w;
};
struct dim3 {
  int x, y, z;
};
static dim3 blockIdx, threadIdx, blockDim, gridDim;

namespace emulation {

constexpr int STACK = 1 << 16, MOST = 1024;
constexpr unsigned char GARBAGE = 0xA5;

struct Barrier {
  int size, arrived, turn;
};

struct Fiber {
  ucontext_t context;
  jmp_buf here;
  bool begun;
};

static Fiber fibers[MOST];
static std::vector<char> stacks, shared;
static char* room;
static size_t room_bytes;
static Barrier block, ends, warps[MOST / 32];
static uint64_t slots[MOST];
static int current, count, stride, blocks_done, blocks, idle;
static bool backward;
static std::function<void()> body;
static jmp_buf host;
static std::string trouble;

[[noreturn]] static void stop(const char* why) {
  trouble = why;
  _longjmp(host, 1);
}

[[noreturn]] static void resume(int next) {
  current = threadIdx.x = next;
  if (fibers[next].begun) _longjmp(fibers[next].here, 1);
  fibers[next].begun = true;
  setcontext(&fibers[next].context);
  abort();
}

static void pass_on() {
  if (_setjmp(fibers[current].here) == 0) resume((current + stride) % count);
}

// Wait until all have arrived; the last one does `then` before anybody goes on.
template <class Then>
static void wait(Barrier& barrier, Then then) {
  int turn = barrier.turn;
  idle = 0;
  if (++barrier.arrived == barrier.size) {
    barrier.arrived = 0;
    barrier.turn++;
    then();
    return;
  }
  while (barrier.turn == turn) {
    if (++idle > 2 * count) stop("threads wait for others that do not come");
    pass_on();
  }
}

static void begin_block() {
  int k = backward ? blocks - 1 - blocks_done : blocks_done;
  blockIdx = {k % gridDim.x, k / gridDim.x % gridDim.y, k / gridDim.x / gridDim.y};
  memset(shared.data(), GARBAGE, shared.size());
}

static void end_block() {
  for (size_t k = room_bytes; k < shared.size(); k++)
    if ((unsigned char)shared[k] != GARBAGE) stop("a write beyond the shared memory of the launch");
  if (++blocks_done == blocks) _longjmp(host, 1);
  begin_block();
}

static void live() {
  for (;;) {
    body();
    wait(ends, end_block);
  }
}

struct Launch {
  int grid[3], threads, shared, backward;
};

static const char* run(const Launch* launch, std::function<void()> kernel) {
  gridDim = {launch->grid[0], launch->grid[1], launch->grid[2]};
  count = launch->threads;
  blockDim = {count, 1, 1};
  blocks = gridDim.x * gridDim.y * gridDim.z;
  if (count % 32 || count > MOST || count < 32) return "a block must have whole warps and at most 1024 threads";
  if (blocks < 1) return "a grid must have a block";
  backward = launch->backward;
  stride = backward ? count - 1 : 1;
  room_bytes = launch->shared;
  shared.assign(room_bytes + 64, 0);
  room = shared.data();
  stacks.resize((size_t)STACK * count);
  block = {count, 0, 0};
  ends = {count, 0, 0};
  for (int w = 0; w < count / 32; w++) warps[w] = {32, 0, 0};
  for (int k = 0; k < count; k++) {
    Fiber& fiber = fibers[k];
    fiber.begun = false;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = stacks.data() + (size_t)STACK * k;
    fiber.context.uc_stack.ss_size = STACK;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, live, 0);
  }
  body = std::move(kernel);
  trouble.clear();
  blocks_done = 0;
  begin_block();
  if (_setjmp(host) == 0) resume(backward ? count - 1 : 0);
  return trouble.empty() ? nullptr : trouble.c_str();
}

// Call a kernel with pointers to its arguments, as the driver does.
template <class... A, size_t... I>
static const char* call(const Launch* launch, void (*kernel)(A...), void** args, std::index_sequence<I...>) {
  return run(launch, [=] { kernel(*static_cast<std::remove_reference_t<A>*>(args[I])...); });
}
template <class... A>
static const char* call(const Launch* launch, void (*kernel)(A...), void** args) {
  return call(launch, kernel, args, std::index_sequence_for<A...>{});
}

template <class T>
static T exchange(T mine, int lane) {
  Barrier& warp = warps[threadIdx.x / 32];
  memcpy(slots + threadIdx.x, &mine, sizeof(T));
  wait(warp, [] {});
  T theirs;
  memcpy(&theirs, slots + (threadIdx.x & ~31) + lane, sizeof(T));
  wait(warp, [] {});
  return theirs;
}

}  // namespace emulation

#define ENTRY(name)                                                                 \
  extern "C" const char* run_##name(const emulation::Launch* launch, void** args) { \
    return emulation::call(launch, name, args);                                     \
  }

static inline void __syncthreads() {
  emulation::wait(emulation::block, [] {});
}
template <class T>
static T __shfl_xor_sync(unsigned, T mine, int mask) {
  return emulation::exchange(mine, (threadIdx.x & 31) ^ mask);
}
template <class T, class U>
static T atomicAdd(T* place, U more) {
  T before = *place;
  *place += (T)more;
  return before;
}
template <class T>
static T atomicMin(T* place, T other) {
  T before = *place;
  *place = min(before, other);
  return before;
}
template <class T>
static T atomicMax(T* place, T other) {
  T before = *place;
  *place = max(before, other);
  return before;
}
static inline float2 make_float2(float x, float y) { return {x, y}; }
template <class T>
static T __ldcs(const T* place) {
  return *place;
}
static inline int __float2int_rn(float x) { return (int)lrintf(x); }
static inline long long __double2ll_rn(double x) { return llrint(x); }
template <class To, class From>
static To bits(From from) {
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}
static inline long long __double_as_longlong(double x) { return bits<long long>(x); }
static inline double __longlong_as_double(long long x) { return bits<double>(x); }
static inline float __int_as_float(int x) { return bits<float>(x); }
static inline int __float_as_int(float x) { return bits<int>(x); }
static inline double __dadd_rn(double x, double y) { return x + y; }
static inline double __dmul_rn(double x, double y) { return x * y; }
static inline double __hiloint2double(int high, int low) {
  return bits<double>((uint64_t)(uint32_t)high << 32 | (uint32_t)low);
}
static inline void sincospif(float x, float* s, float* c) {
  *s = (float)sin(3.14159265358979323846 * x);
  *c = (float)cos(3.14159265358979323846 * x);
}
