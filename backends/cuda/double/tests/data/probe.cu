// The source of probe.sm_90a.cubin: `nvrtc --gpu-architecture=sm_90a` of 13.0.
struct Pair { float* p; int n; };
__device__ float table[16];

extern "C" __global__ void add(const float* a, float* b, int n, float s, Pair t) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) b[i] = a[i] + s + t.p[0] + table[i & 15];
}

extern "C" __global__ void __launch_bounds__(256) tile(float* a) {
    __shared__ float x[1024];
    extern __shared__ float y[];
    x[threadIdx.x] = a[threadIdx.x];
    y[threadIdx.x] = 1;
    __syncthreads();
    a[threadIdx.x] = x[threadIdx.x ^ 1] + y[threadIdx.x ^ 2];
}
