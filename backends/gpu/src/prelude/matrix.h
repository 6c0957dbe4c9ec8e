// Products of 16 x 16 by a wave, with the instructions of AMD's matrix units. Which element lies in which lane is as AMD's
// instruction set architectures have it. `a` is read by rows and `b` by columns: a lane holds FRAGMENT neighbours along k.
#if defined(MATRIX_MFMA)
constexpr int FRAGMENT = 4, SUMS = 4;
// The first k of a lane, and the row of a lane's sum.
DEVICE int matrix_k(int lane) { return lane / 16 * 4; }
DEVICE int matrix_row(int lane, int sum) { return lane / 16 * 4 + sum; }
#elif MATRIX_WMMA == 11
// Both halves of a wave hold the same.
constexpr int FRAGMENT = 16, SUMS = 8;
DEVICE int matrix_k(int lane) { return 0; }
DEVICE int matrix_row(int lane, int sum) { return 2 * sum + lane / 16; }
#else
constexpr int FRAGMENT = 8, SUMS = 8;
DEVICE int matrix_k(int lane) { return lane / 16 * 8; }
DEVICE int matrix_row(int lane, int sum) { return lane / 16 * 8 + sum; }
#endif

struct alignas(FRAGMENT < 8 ? 8 : 16) Fragment { u16 at[FRAGMENT]; };

#if defined(MATRIX_STAND_IN)
// Whoever stands for the compiler does it without the instructions.
template <typename T> DEVICE void matrix_multiply(const Fragment& a, const Fragment& b, float (&sum)[SUMS]) {
    matrix_stand_in<T>(a, b, sum);
}
#else
typedef short Shorts __attribute__((ext_vector_type(FRAGMENT)));
typedef _Float16 Halves __attribute__((ext_vector_type(FRAGMENT)));
typedef float Sums __attribute__((ext_vector_type(SUMS)));

#if defined(MATRIX_MFMA)
DEVICE Sums matrix_sum(Shorts a, Shorts b, Sums c) { return __builtin_amdgcn_mfma_f32_16x16x16bf16_1k(a, b, c, 0, 0, 0); }
DEVICE Sums matrix_sum(Halves a, Halves b, Sums c) { return __builtin_amdgcn_mfma_f32_16x16x16f16(a, b, c, 0, 0, 0); }
#elif MATRIX_WMMA == 11
DEVICE Sums matrix_sum(Shorts a, Shorts b, Sums c) { return __builtin_amdgcn_wmma_f32_16x16x16_bf16_w32(a, b, c); }
DEVICE Sums matrix_sum(Halves a, Halves b, Sums c) { return __builtin_amdgcn_wmma_f32_16x16x16_f16_w32(a, b, c); }
#else
DEVICE Sums matrix_sum(Shorts a, Shorts b, Sums c) { return __builtin_amdgcn_wmma_f32_16x16x16_bf16_w32_gfx12(a, b, c); }
DEVICE Sums matrix_sum(Halves a, Halves b, Sums c) { return __builtin_amdgcn_wmma_f32_16x16x16_f16_w32_gfx12(a, b, c); }
#endif

template <typename T> struct Vector { typedef Shorts type; };
template <> struct Vector<f16> { typedef Halves type; };

template <typename T> DEVICE void matrix_multiply(const Fragment& a, const Fragment& b, float (&sum)[SUMS]) {
    typedef typename Vector<T>::type V;
    Sums all;
#pragma unroll
    for (int i = 0; i < SUMS; i++) all[i] = sum[i];
    all = matrix_sum(__builtin_bit_cast(V, a), __builtin_bit_cast(V, b), all);
#pragma unroll
    for (int i = 0; i < SUMS; i++) sum[i] = all[i];
}
#endif
