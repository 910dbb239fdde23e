/* SPDX-License-Identifier: Apache-2.0 */
#define SVF_UNIT bf16
#define SVF_UNIT_ISA avx2
#define SVF_UNIT_VECTORS avx2
#include "kernels/avx2/vec.h"

SVF_TARGET_AVX2

#define FMA_BF16 1
#include "kernels/fma_tile.h"

FMA_UNIT(SVF_ISA_AVX2, AVX2)

SVF_TARGET_END
#include "kernels/unit_end.h"
