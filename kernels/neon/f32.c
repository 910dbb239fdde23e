/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/registry.h"

#include <arm_neon.h>
#include <string.h>

#include <svf/cpu.h>

#include "kernels/neon/vec.h"

#define FMA_BF16 0
#include "kernels/fma_tile.h"

SVF_FMA_TILES

const svf_kernel svf_kernel_f32_neon = {
    .name = "svf_f32_5x16_neon",
    .isa = SVF_ISA_NEON,
    .format = SVF_FORMAT_F32,
    .needs = SVF_FMA_NEEDS,
    .rows = 5,
    SVF_FMA_ROW,
    .pack_rows = fma_pack_rows,
    .tile = {SVF_FMA_ROWS},
};
