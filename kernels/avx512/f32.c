/* SPDX-License-Identifier: Apache-2.0 */
#define SVF_UNIT f32
#define SVF_UNIT_ISA avx512
#define SVF_UNIT_VECTORS avx512
#include "kernels/avx512/vec.h"

SVF_TARGET_AVX512

#define FMA_BF16 0
#include "kernels/fma_tile.h"

FMA_UNIT(SVF_ISA_AVX512, AVX512)

SVF_TARGET_END
#include "kernels/unit_end.h"
