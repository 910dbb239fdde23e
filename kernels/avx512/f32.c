/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/registry.h"
#include "kernels/target.h"

#include <immintrin.h>
#include <string.h>

#include <svf/cpu.h>

SVF_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")

#include "kernels/avx512/vec.h"

#define FMA_BF16 0
#include "kernels/fma_tile.h"

SVF_FMA_TILES

const svf_kernel svf_kernel_f32_avx512 = {
    .name = "svf_f32_8x48_avx512",
    .isa = SVF_ISA_AVX512,
    .format = SVF_FORMAT_F32,
    .needs = SVF_FMA_NEEDS,
    .rows = 8,
    SVF_FMA_ROW,
    .pack_rows = fma_pack_rows,
    .tile = {SVF_FMA_ROWS},
};

SVF_TARGET_END
