/* SPDX-License-Identifier: Apache-2.0
 *
 * fp32 for AVX2 + FMA. 6 rows x 1 panel: 12 sums, 2 weight vectors and 2 broadcasts fill the 16
 * registers; 8 loads feed 12 FMAs. */
#include <immintrin.h>
#include <string.h>

#include <svf/cpu.h>

#include "kernels/registry.h"
#include "kernels/target.h"

SVF_TARGET_BEGIN("avx2,fma")

typedef __m256 vec;
enum { LANES = 8 };

#define INLINE static inline __attribute__((always_inline))

INLINE vec v_zero(void) { return _mm256_setzero_ps(); }
INLINE vec v_load(const float *p) { return _mm256_loadu_ps(p); }
INLINE void v_store(float *p, vec v) { _mm256_storeu_ps(p, v); }
INLINE vec v_add(vec x, vec y) { return _mm256_add_ps(x, y); }
INLINE vec v_mul(vec x, vec y) { return _mm256_mul_ps(x, y); }
INLINE void v_prefetch(const float *p) { _mm_prefetch((const char *)p, _MM_HINT_T1); }

INLINE vec v_widen(const uint16_t *p)
{
  const __m256i x = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(x, 16));
}

/* Rounded as integers: MXCSR does not matter and denormals are kept. */
INLINE void v_round(uint16_t *p, vec v)
{
  const __m256i x = _mm256_castps_si256(v);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(x, 16), _mm256_set1_epi32(1));
  const __m256i up = _mm256_add_epi32(x, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i quiet = _mm256_or_si256(x, _mm256_set1_epi32(0x400000));
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
  const __m256i y = _mm256_srli_epi32(_mm256_blendv_epi8(up, quiet, nan), 16);
  const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(y, y), 0x08);
  _mm_storeu_si128((__m128i *)(void *)p, _mm256_castsi256_si128(packed));
}

/* A is broadcast from memory. */
typedef const float *a_row;

INLINE a_row a_load(const float *a, int count)
{
  (void)count;
  return a;
}

typedef vec a_value;
INLINE a_value a_at(a_row x, int s) { return _mm256_broadcast_ss(x + s); }

/* In assembly, so that a sum stays in its register: compilers rotate them, and spill at the seams.
 */
INLINE vec a_fma(a_value y, vec b, vec sum)
{
  __asm__("vfmadd231ps %2, %1, %0" : "+x"(sum) : "x"(y), "x"(b));
  return sum;
}

#include "kernels/f32_tile.h"

SVF_F32_TILE(1, 4, avx2)
SVF_F32_TILE(1, 1, avx2)
SVF_F32_TILE(2, 2, avx2)
SVF_F32_TILE(2, 1, avx2)
SVF_F32_TILE(3, 2, avx2)
SVF_F32_TILE(3, 1, avx2)
SVF_F32_TILE(4, 1, avx2)
SVF_F32_TILE(5, 1, avx2)
SVF_F32_TILE(6, 1, avx2)

const svf_kernel svf_kernel_f32_avx2 = {
    .name = "svf_f32_6x16_avx2",
    .isa = SVF_ISA_AVX2,
    .format = SVF_FORMAT_F32,
    .needs = SVF_CPU_AVX2 | SVF_CPU_FMA,
    .rows = 6,
    .pack_rows = f32_pack_rows,
    .tile =
        {
            [1] = {4, {[1] = tile_1x1_avx2, [4] = tile_1x4_avx2}},
            [2] = {2, {[1] = tile_2x1_avx2, [2] = tile_2x2_avx2}},
            [3] = {2, {[1] = tile_3x1_avx2, [2] = tile_3x2_avx2}},
            [4] = {1, {[1] = tile_4x1_avx2}},
            [5] = {1, {[1] = tile_5x1_avx2}},
            [6] = {1, {[1] = tile_6x1_avx2}},
        },
};

SVF_TARGET_END
