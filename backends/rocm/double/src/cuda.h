// What hiprtc knows before a kernel's first line and NVRTC does not.
#define TINTYPE_ON_CUDA 1
#define __builtin_memcpy memcpy
template <typename T> __device__ __forceinline__ T __shfl(T x, int lane) { return __shfl_sync(0xffffffffu, x, lane); }
template <typename T> __device__ __forceinline__ T __shfl_xor(T x, int mask) { return __shfl_xor_sync(0xffffffffu, x, mask); }
struct _Float16 {
    unsigned short bits;
    __device__ __forceinline__ _Float16() {}
    __device__ __forceinline__ explicit _Float16(float x) { asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x)); }
    __device__ __forceinline__ explicit operator float() const { float y; asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(bits)); return y; }
};
