/* SPDX-License-Identifier: Apache-2.0 */
#define SVF_UNIT f32
#define SVF_UNIT_ISA neon
#define SVF_UNIT_VECTORS neon
#include "kernels/neon/vec.h"

#define FMA_BF16 0
#include "kernels/fma_tile.h"

FMA_UNIT(SVF_ISA_NEON, NEON)

#include "kernels/unit_end.h"
