/* SPDX-License-Identifier: Apache-2.0
 *
 * fp32 for AVX-512 (F, BW, DQ, VL). 8 rows x 3 panels: 24 sums, 3 weight vectors and a broadcast of
 * 32 registers; 11 loads feed 24 FMAs. 9 x 3 has fewer loads per FMA and is no faster, 14 x 2 is
 * slower by 5 %. Few rows take more panels abreast, so that the chains of FMAs still cover their
 * latency. */

#include <immintrin.h>
#include <string.h>

#include <svf/cpu.h>

#include "kernels/registry.h"
#include "kernels/target.h"

SVF_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")

typedef __m512 vec;
enum { LANES = 16 };

#define INLINE static inline __attribute__((always_inline))

INLINE vec v_zero(void) { return _mm512_setzero_ps(); }
INLINE vec v_load(const float *p) { return _mm512_loadu_ps(p); }
INLINE void v_store(float *p, vec v) { _mm512_storeu_ps(p, v); }
INLINE vec v_add(vec x, vec y) { return _mm512_add_ps(x, y); }
INLINE vec v_mul(vec x, vec y) { return _mm512_mul_ps(x, y); }
INLINE void v_prefetch(const float *p) { _mm_prefetch((const char *)p, _MM_HINT_T1); }

INLINE vec v_widen(const uint16_t *p)
{
  const __m512i x = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(x, 16));
}

/* Rounded as integers: MXCSR does not matter and denormals are kept. */
INLINE void v_round(uint16_t *p, vec v)
{
  const __m512i x = _mm512_castps_si512(v);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(x, 16), _mm512_set1_epi32(1));
  const __m512i up = _mm512_add_epi32(x, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __m512i quiet = _mm512_or_si512(x, _mm512_set1_epi32(0x400000));
  const __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
  const __m512i y = _mm512_srli_epi32(_mm512_mask_mov_epi32(up, nan, quiet), 16);
  _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16(y));
}

/* A is broadcast from memory. */
typedef const float *a_row;

INLINE a_row a_load(const float *a, int count)
{
  (void)count;
  return a;
}

typedef vec a_value;
INLINE a_value a_at(a_row x, int s) { return _mm512_set1_ps(x[s]); }

/* In assembly, so that a sum stays in its register: compilers rotate them, and spill at the seams.
 */
INLINE vec a_fma(a_value y, vec b, vec sum)
{
  __asm__("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(y), "v"(b));
  return sum;
}

#include "kernels/f32_tile.h"

SVF_F32_TILE(1, 4, avx512)
SVF_F32_TILE(1, 1, avx512)
SVF_F32_TILE(2, 8, avx512)
SVF_F32_TILE(2, 4, avx512)
SVF_F32_TILE(2, 1, avx512)
SVF_F32_TILE(3, 6, avx512)
SVF_F32_TILE(3, 2, avx512)
SVF_F32_TILE(3, 1, avx512)
SVF_F32_TILE(4, 4, avx512)
SVF_F32_TILE(4, 2, avx512)
SVF_F32_TILE(4, 1, avx512)
SVF_F32_TILE(5, 4, avx512)
SVF_F32_TILE(5, 2, avx512)
SVF_F32_TILE(5, 1, avx512)
SVF_F32_TILE(6, 4, avx512)
SVF_F32_TILE(6, 2, avx512)
SVF_F32_TILE(6, 1, avx512)
SVF_F32_TILE(7, 3, avx512)
SVF_F32_TILE(7, 2, avx512)
SVF_F32_TILE(7, 1, avx512)
SVF_F32_TILE(8, 3, avx512)
SVF_F32_TILE(8, 2, avx512)
SVF_F32_TILE(8, 1, avx512)

const svf_kernel svf_kernel_f32_avx512 = {
    .name = "svf_f32_8x48_avx512",
    .isa = SVF_ISA_AVX512,
    .format = SVF_FORMAT_F32,
    .needs = SVF_CPU_AVX512F | SVF_CPU_AVX512BW | SVF_CPU_AVX512DQ | SVF_CPU_AVX512VL |
             SVF_CPU_AVX2 | SVF_CPU_FMA,
    .rows = 8,
    .pack_rows = f32_pack_rows,
    .tile =
        {
            [1] = {4, {[1] = tile_1x1_avx512, [4] = tile_1x4_avx512}},
            [2] = {8, {[1] = tile_2x1_avx512, [4] = tile_2x4_avx512, [8] = tile_2x8_avx512}},
            [3] = {6, {[1] = tile_3x1_avx512, [2] = tile_3x2_avx512, [6] = tile_3x6_avx512}},
            [4] = {4, {[1] = tile_4x1_avx512, [2] = tile_4x2_avx512, [4] = tile_4x4_avx512}},
            [5] = {4, {[1] = tile_5x1_avx512, [2] = tile_5x2_avx512, [4] = tile_5x4_avx512}},
            [6] = {4, {[1] = tile_6x1_avx512, [2] = tile_6x2_avx512, [4] = tile_6x4_avx512}},
            [7] = {3, {[1] = tile_7x1_avx512, [2] = tile_7x2_avx512, [3] = tile_7x3_avx512}},
            [8] = {3, {[1] = tile_8x1_avx512, [2] = tile_8x2_avx512, [3] = tile_8x3_avx512}},
        },
};

SVF_TARGET_END
