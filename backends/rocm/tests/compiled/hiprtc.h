// What hiprtc knows before a kernel's first line, as far as kernels use it: for clang without ROCm's headers and libraries.
// Mathematical functions that the instruction set has not are there in the shape of ROCm's, not to their last digit: this
// is compiled, never run.
#define __host__ __attribute__((host))
#define __device__ __attribute__((device))
#define __global__ __attribute__((global))
#define __shared__ __attribute__((shared))
#define __constant__ __attribute__((constant))
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(threads) __attribute__((amdgpu_flat_work_group_size(1, threads)))
#define STAND_IN static __device__ __forceinline__

struct Index3 { unsigned x, y, z; };
#define threadIdx (Index3{__builtin_amdgcn_workitem_id_x(), __builtin_amdgcn_workitem_id_y(), __builtin_amdgcn_workitem_id_z()})
#define blockIdx (Index3{__builtin_amdgcn_workgroup_id_x(), __builtin_amdgcn_workgroup_id_y(), __builtin_amdgcn_workgroup_id_z()})
#define blockDim (Index3{__builtin_amdgcn_workgroup_size_x(), __builtin_amdgcn_workgroup_size_y(), __builtin_amdgcn_workgroup_size_z()})

STAND_IN void __syncthreads() {
    __builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup");
    __builtin_amdgcn_s_barrier();
    __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
}
STAND_IN int __lane_id() { return __builtin_amdgcn_mbcnt_hi(-1, __builtin_amdgcn_mbcnt_lo(-1, 0)); }
STAND_IN int __float_as_int(float x) { return __builtin_bit_cast(int, x); }
STAND_IN float __int_as_float(int x) { return __builtin_bit_cast(float, x); }
STAND_IN int __shfl(int x, int lane) { return __builtin_amdgcn_ds_bpermute(lane << 2, x); }
STAND_IN float __shfl(float x, int lane) { return __int_as_float(__shfl(__float_as_int(x), lane)); }
STAND_IN int __shfl_xor(int x, int mask) { return __shfl(x, __lane_id() ^ mask); }
STAND_IN float __shfl_xor(float x, int mask) { return __int_as_float(__shfl_xor(__float_as_int(x), mask)); }
STAND_IN float __int2float_rz(int x) {
    float y = (float)x;
    return __builtin_fabs((double)y) > __builtin_fabs((double)x) ? __int_as_float(__float_as_int(y) - 1) : y;
}

STAND_IN float fabsf(float x) { return __builtin_fabsf(x); }
STAND_IN float fmaf(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
STAND_IN float sqrtf(float x) { return __builtin_sqrtf(x); }
STAND_IN float rsqrtf(float x) { return __builtin_amdgcn_rsqf(x); }
STAND_IN float expf(float x) { return __builtin_expf(x); }
STAND_IN float exp2f(float x) { return __builtin_exp2f(x); }
STAND_IN float logf(float x) { return __builtin_logf(x); }
STAND_IN float log2f(float x) { return __builtin_log2f(x); }
STAND_IN float sinf(float x) { return __builtin_sinf(x); }
STAND_IN float cosf(float x) { return __builtin_cosf(x); }
STAND_IN float floorf(float x) { return __builtin_floorf(x); }
STAND_IN float ldexpf(float x, int by) { return __builtin_ldexpf(x, by); }
STAND_IN float fmaxf(float a, float b) { return __builtin_fmaxf(a, b); }
STAND_IN float fminf(float a, float b) { return __builtin_fminf(a, b); }
STAND_IN float powf(float x, float y) { return exp2f(y * log2f(x)); }
STAND_IN float tanhf(float x) { return 1.0f - 2.0f / (expf(2.0f * x) + 1.0f); }
STAND_IN float erff(float x) {
    const float t = 1.0f / (1.0f + 0.3275911f * fabsf(x));
    const float sum = t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
    const float y = 1.0f - sum * expf(-x * x);
    return x < 0.0f ? -y : y;
}
