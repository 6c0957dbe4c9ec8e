// What stands before every kernel. Header-free: compilers at run time have none.
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

#define DEVICE __device__ __forceinline__
#define KERNEL extern "C" __global__
#define INFINITE __int_as_float(0x7f800000)

struct bf16 { u16 bits; };
struct f16 { u16 bits; };

// So many elements at once: one load or store of up to 16 bytes.
template <typename T, int N> struct alignas(sizeof(T) * N) Pack { T at[N]; };

DEVICE float to_float(float x) { return x; }
DEVICE float to_float(bf16 x) { return __int_as_float((int)((u32)x.bits << 16)); }

template <typename T> DEVICE T from_float(float x);
template <> DEVICE float from_float<float>(float x) { return x; }

#if defined(TINTYPE_CUDA)
DEVICE float to_float(f16 x) { float y; asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits)); return y; }
template <> DEVICE bf16 from_float<bf16>(float x) { bf16 y; asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x)); return y; }
template <> DEVICE f16 from_float<f16>(float x) { f16 y; asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x)); return y; }
DEVICE float lane_from(float x, int lane) { return __shfl_sync(0xffffffffu, x, lane); }
DEVICE float lane_across(float x, int mask) { return __shfl_xor_sync(0xffffffffu, x, mask); }
#else
DEVICE float to_float(f16 x) { _Float16 y; __builtin_memcpy(&y, &x.bits, 2); return (float)y; }
template <> DEVICE bf16 from_float<bf16>(float x) {
    u32 bits = (u32)__float_as_int(x);
    bf16 y;
    y.bits = (x != x) ? (u16)((bits >> 16) | 0x40) : (u16)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    return y;
}
template <> DEVICE f16 from_float<f16>(float x) { _Float16 h = (_Float16)x; f16 y; __builtin_memcpy(&y.bits, &h, 2); return y; }
DEVICE float lane_from(float x, int lane) { return __shfl(x, lane); }
DEVICE float lane_across(float x, int mask) { return __shfl_xor(x, mask); }
#endif

// To the nearest number of a narrower type and back.
template <typename T> DEVICE float rounded(float x) { return to_float(from_float<T>(x)); }

// A whole number towards zero, its last bit set if something was cut off: rounding that once more rounds once.
DEVICE float narrow(int x) {
    float y = __int2float_rz(x);
    return (double)y == (double)x ? y : __int_as_float(__float_as_int(y) | 1);
}

// Truncated and saturated; NaN is 0.
DEVICE int to_int(float x) {
    return x != x ? 0 : x >= 2147483648.0f ? 2147483647 : x <= -2147483648.0f ? (-2147483647 - 1) : (int)x;
}
DEVICE int to_byte(float x) { return x != x ? 0 : x >= 255.0f ? 255 : x <= 0.0f ? 0 : (int)x; }
DEVICE int byte_of(int x) { return x < 0 ? 0 : x > 255 ? 255 : x; }

DEVICE int int_add(int a, int b) { return (int)((u32)a + (u32)b); }
DEVICE int int_sub(int a, int b) { return (int)((u32)a - (u32)b); }
DEVICE int int_mul(int a, int b) { return (int)((u32)a * (u32)b); }
DEVICE int int_div(int a, int b) { return b == 0 ? 0 : b == -1 ? (int)(0u - (u32)a) : a / b; }
DEVICE int int_max(int a, int b) { return a > b ? a : b; }
DEVICE int int_min(int a, int b) { return a < b ? a : b; }

// NaN if either is.
DEVICE float largest(float a, float b) { return (a != a || a > b) ? a : b; }
DEVICE float least(float a, float b) { return (a != a || a < b) ? a : b; }

DEVICE float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }
DEVICE float gelu_erf(float x) { return 0.5f * x * (1.0f + erff(x * 0.707106781186547524f)); }
// (1 + tanh u) / 2 is sigmoid(2 u), which loses nothing where the hyperbolic tangent is near -1.
DEVICE float gelu_tanh(float x) { return x * sigmoid(1.5957691216057308f * (x + 0.044715f * x * x * x)); }
DEVICE float gelu_quick(float x) { return x * sigmoid(1.702f * x); }

DEVICE float warp_sum(float x) {
#pragma unroll
    for (int mask = WARP / 2; mask > 0; mask /= 2) x += lane_across(x, mask);
    return x;
}
DEVICE float warp_max(float x) {
#pragma unroll
    for (int mask = WARP / 2; mask > 0; mask /= 2) x = largest(x, lane_across(x, mask));
    return x;
}

// Over a block of THREADS threads; every thread has the result.
template <int THREADS> DEVICE float block_sum(float x) {
    x = warp_sum(x);
    if (THREADS <= WARP) return x;
    __shared__ float parts[(THREADS + WARP - 1) / WARP];
    __syncthreads();
    if (threadIdx.x % WARP == 0) parts[threadIdx.x / WARP] = x;
    __syncthreads();
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < (THREADS + WARP - 1) / WARP; i++) sum += parts[i];
    return sum;
}
// Over TEAM neighbouring threads of a warp, a power of two; every one of them has the result.
template <int TEAM> DEVICE float team_sum(float x) {
#pragma unroll
    for (int mask = TEAM / 2; mask > 0; mask /= 2) x += lane_across(x, mask);
    return x;
}
template <int TEAM> DEVICE float team_max(float x) {
#pragma unroll
    for (int mask = TEAM / 2; mask > 0; mask /= 2) x = largest(x, lane_across(x, mask));
    return x;
}
template <int THREADS> DEVICE float block_max(float x) {
    x = warp_max(x);
    if (THREADS <= WARP) return x;
    __shared__ float parts[(THREADS + WARP - 1) / WARP];
    __syncthreads();
    if (threadIdx.x % WARP == 0) parts[threadIdx.x / WARP] = x;
    __syncthreads();
    float most = parts[0];
#pragma unroll
    for (int i = 1; i < (THREADS + WARP - 1) / WARP; i++) most = largest(most, parts[i]);
    return most;
}
