// What hiprtc knows before a kernel's first line and NVRTC does not.
#define __builtin_memcpy memcpy
template <typename T> __device__ __forceinline__ T __shfl(T x, int lane) { return __shfl_sync(0xffffffffu, x, lane); }
template <typename T> __device__ __forceinline__ T __shfl_xor(T x, int mask) { return __shfl_xor_sync(0xffffffffu, x, mask); }
struct _Float16 {
    unsigned short bits;
    __device__ __forceinline__ _Float16() {}
    __device__ __forceinline__ explicit _Float16(float x) { asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x)); }
    __device__ __forceinline__ explicit operator float() const { float y; asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(bits)); return y; }
};

// Matrix instructions, of which there are none here: RDNA 3's lane by lane, from registers of the lanes that have the rows. Of others
// no device here has the waves; their text is compiled and not run.
#define MATRIX_STAND_IN 1
template <typename T, typename F, int N> __device__ __forceinline__ void matrix_stand_in(const F& a, const F& b, float (&sum)[N]) {
    if (sizeof(F) != 32) {
        asm("trap;");
        return;
    }
    const int half = threadIdx.x % 32 / 16;
#pragma unroll
    for (int s = 0; s < N; s++)
#pragma unroll
        for (int k = 0; k < (int)sizeof(F) / 2; k++) {
            T left, right;
            left.bits = (unsigned short)__shfl_sync(0xffffffffu, (int)a.at[k], 2 * s + half);
            right.bits = b.at[k];
            sum[s] += to_float(left) * to_float(right);
        }
}
