// Runs kernels on a host, one block at a time, one fiber for each thread of the block.
//
// A test compiles: this file, the prelude in its HIP dialect, which has no text of an assembler, the kernel's text, and
// `TINTYPE_ENTRY(name)`. That gives `tintype_run`, which a test loads and calls. Shared memory is static, because there is
// only one block at a time. Barriers count the threads that have not returned, so that a barrier that some threads skip shows
// as a deadlock only where it is one on a GPU without independent threads.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <ucontext.h>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __shared__ static
#define __launch_bounds__(...)
#define __align__(n) alignas(n)

namespace host {
struct Index { unsigned x, y, z; };
struct Barrier { unsigned arrived, alive, generation; };
struct Fiber { ucontext_t context; Index thread; unsigned rank; bool done; };

constexpr size_t STACK = 128 << 10;
static Index block_index, block_size, grid_size;
static ucontext_t scheduler;
static std::vector<Fiber> fibers;
static std::vector<char> stacks;
static std::vector<Barrier> warps;
static Barrier whole;
static Fiber* current;
static uint64_t lanes[1024];
alignas(128) static unsigned char dynamic_shared[256 << 10];
static std::function<void()> kernel;

inline void pause() { swapcontext(&current->context, &scheduler); }

inline void release(Barrier& b) {
    if (b.arrived && b.arrived == b.alive) { b.arrived = 0; ++b.generation; }
}
inline void wait(Barrier& b) {
    unsigned generation = b.generation;
    ++b.arrived;
    release(b);
    while (b.generation == generation) pause();
}
inline void leave(Barrier& b) { --b.alive; release(b); }

inline void body() {
    kernel();
    current->done = true;
    leave(whole);
    leave(warps[current->rank / WARP]);
    swapcontext(&current->context, &scheduler);
}

inline void run_block() {
    unsigned count = block_size.x * block_size.y * block_size.z;
    fibers.resize(count);
    stacks.resize(count * STACK);
    warps.assign((count + WARP - 1) / WARP, Barrier{0, 0, 0});
    whole = Barrier{0, count, 0};
    for (unsigned rank = 0; rank < count; ++rank) {
        Fiber& f = fibers[rank];
        f.thread = {rank % block_size.x, rank / block_size.x % block_size.y, rank / block_size.x / block_size.y};
        f.rank = rank;
        f.done = false;
        ++warps[rank / WARP].alive;
        getcontext(&f.context);
        f.context.uc_stack.ss_sp = &stacks[rank * STACK];
        f.context.uc_stack.ss_size = STACK;
        f.context.uc_link = &scheduler;
        makecontext(&f.context, body, 0);
    }
    for (unsigned left = count; left;) {
        left = 0;
        for (Fiber& f : fibers) {
            if (f.done) continue;
            current = &f;
            swapcontext(&scheduler, &f.context);
            left += !f.done;
        }
    }
}

template <class... P, size_t... I> std::function<void()> with_arguments(void (*f)(P...), void** args, std::index_sequence<I...>) {
    return [=] { f(*(P*)args[I]...); };
}

// 0; 1 where the arguments are not as many as the parameters or not of their sizes.
template <class... P>
int run(void (*f)(P...), void** args, const size_t* sizes, size_t count, const unsigned* grid, const unsigned* block,
        unsigned shared) {
    const size_t expected[] = {sizeof(P)...};
    if (count != sizeof...(P) || memcmp(expected, sizes, sizeof expected) || shared > sizeof dynamic_shared) return 1;
    kernel = with_arguments(f, args, std::index_sequence_for<P...>());
    grid_size = {grid[0], grid[1], grid[2]};
    block_size = {block[0], block[1], block[2]};
    for (unsigned z = 0; z < grid[2]; ++z)
        for (unsigned y = 0; y < grid[1]; ++y)
            for (unsigned x = 0; x < grid[0]; ++x) {
                block_index = {x, y, z};
                run_block();
            }
    return 0;
}
}  // namespace host

#define threadIdx (host::current->thread)
#define blockIdx (host::block_index)
#define blockDim (host::block_size)
#define gridDim (host::grid_size)
#define TINTYPE_ENTRY(name)                                                                                       \
    extern "C" int tintype_run(void** args, const size_t* sizes, size_t count, const unsigned* grid,               \
                               const unsigned* block, unsigned shared) {                                           \
        return host::run(name, args, sizes, count, grid, block, shared);                                           \
    }

inline void __syncthreads() { host::wait(host::whole); }

// A value passed between the lanes of a warp: put down, waited for, taken, waited for.
template <typename T> T __shfl(T x, int lane) {
    unsigned rank = host::current->rank, base = rank / WARP * WARP;
    memcpy(&host::lanes[rank], &x, sizeof x);
    host::wait(host::warps[rank / WARP]);
    memcpy(&x, &host::lanes[base + lane % WARP], sizeof x);
    host::wait(host::warps[rank / WARP]);
    return x;
}
template <typename T> T __shfl_xor(T x, int mask) { return __shfl(x, (int)(host::current->rank % WARP) ^ mask); }

inline float __int_as_float(int x) { float y; memcpy(&y, &x, sizeof y); return y; }
inline int __float_as_int(float x) { int y; memcpy(&y, &x, sizeof y); return y; }
inline float __int2float_rz(int x) {
    float y = (float)x;
    return fabs((double)y) > fabs((double)x) ? nextafterf(y, 0.0f) : y;
}

// A product of 16 x 16 by the lanes of a warp, each of which brings its fragments of a and b and takes its sums: where which element
// lies is as AMD's guides to its instructions have it (CDNA: V_MFMA_F32_16X16X16; RDNA 3 and 4: V_WMMA_F32_16X16X16).
#define MATRIX_STAND_IN 1
namespace host {
static unsigned short fragments[2][1024][16];
}
template <typename T, typename F, int N> void matrix_stand_in(const F& a, const F& b, float (&sum)[N]) {
    constexpr int held = sizeof(F) / 2;
    const unsigned rank = host::current->rank, base = rank / WARP * WARP, lane = rank % WARP;
    memcpy(host::fragments[0][rank], &a, sizeof(F));
    memcpy(host::fragments[1][rank], &b, sizeof(F));
    host::wait(host::warps[rank / WARP]);
    for (int s = 0; s < N; s++) {
        // Four groups of 16 lanes with 4 sums each; two groups, each with every other row, or with 8 rows.
        const int group = lane / 16, row = WARP == 64 ? 4 * group + s : held == 16 ? 2 * s + group : 8 * group + s;
        for (int k = 0; k < 16; k++) {
            const unsigned from = held == 16 ? 0 : k / held * 16;
            const unsigned short x = host::fragments[0][base + from + row][k % held];
            const unsigned short y = host::fragments[1][base + from + lane % 16][k % held];
            T left, right;
            left.bits = x, right.bits = y;
            sum[s] += to_float(left) * to_float(right);
        }
    }
    host::wait(host::warps[rank / WARP]);
}
